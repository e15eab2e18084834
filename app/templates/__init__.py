"""Every sentence a reader of the chat sees in a reply, by language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from app.types import Language


@cache
def templates(language: Language) -> Mapping[str, str]:
    """Return the texts of a language, by name."""
    file = Path(__file__).parent / f"{language}.json"
    return MappingProxyType(json.loads(file.read_text(encoding="utf-8")))
