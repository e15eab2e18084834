"""What holds for every test: settings of the person who runs them don't reach the program."""

from __future__ import annotations

import os

from hypothesis import settings

for name in list(os.environ):
    if name.startswith("BRIEFING_DESK_"):
        del os.environ[name]

# Nothing is fetched from a model hub, and a look-up that would try fails at once.
os.environ["HF_HUB_OFFLINE"] = "1"

# How long an example takes is no claim of a test; on a busy machine it would fail one.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
