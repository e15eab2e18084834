"""Words that mean about the same: the collection's words by the encoder's similarity.

Asked for the motorway, a briefing that says highway answers; asked in Kazakh, one that says road.
The encoder was trained on texts, but a word is a short text: over the words of our own documents
the nearest is a synonym or a translation where it stands out among its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEAR_MAX: Final = 8
NEIGHBOURS: Final = slice(5, 25)
"""The neighbours, by rank, whose mean cosine is what a word has with anything in its field."""
UNRELATED_EXCESS: Final = 0.025
SAME_EXCESS: Final = 0.055
"""How far a cosine must stand out over that mean to count at all, and to count in full.

Cosines themselves can't be compared: within English they run higher than from Russian or Kazakh,
and some words are near to everything (cf. CSLS, Conneau et al. 2018). Seen over the words of the
shipped briefing, excess of the right word: motorway, highway .060; rebuilt, reconstruction .067;
reduced in Kazakh .052; of 39 such pairs in three languages 30 are over .03. Of 25 words that
nothing there means (school, gas, doctor) the nearest is over .03 for 5 (airport, infrastructure
.048).
"""


class Vocabulary:
    """The words of a collection with their vectors, one a row."""

    def __init__(
        self,
        known: Sequence[str],
        vectors: NDArray[np.float32],
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
    ) -> None:
        self._known = known
        self._vectors = vectors
        self._encode = encode
        self.near = lru_cache(maxsize=4_096)(self._near)

    def _near(self, word: str) -> tuple[tuple[str, float], ...]:
        """Return the words that may stand for a word, the nearest first, each with its worth."""
        if not len(self._known):
            return ()
        cosines = self._vectors @ self._encode([word])[0]
        best = np.argsort(-cosines)
        around = best[NEIGHBOURS] if len(best) >= NEIGHBOURS.stop else best[-1:]
        excess = cosines[best[:NEAR_MAX]] - cosines[around].mean()
        worth = np.clip((excess - UNRELATED_EXCESS) / (SAME_EXCESS - UNRELATED_EXCESS), 0.0, 1.0)
        return tuple(
            (self._known[at], float(counts))
            for at, counts in zip(best[:NEAR_MAX], worth, strict=False)
            if counts > 0
        )
