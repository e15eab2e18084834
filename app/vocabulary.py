"""Words that mean about the same: the collection's words by the encoder's similarity.

Asked for the motorway, a briefing that says highway answers; asked in Kazakh, one that says road.
The encoder was trained on texts, but a word is a short text: over the words of our own documents
the nearest is a synonym or a translation where the cosine is over about 0.9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEAR_MAX: Final = 8
UNRELATED_COSINE: Final = 0.87
SAME_COSINE: Final = 0.94
"""A word counts for another in part between these. Seen on two collections: motorway, highway .909;
road in Russian and Kazakh .939, .919; money, financing .92; lorries, road .883; doctors, directors
.905, which is wrong."""


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
        best = np.argsort(-cosines)[:NEAR_MAX]
        found = []
        for at in best:
            worth = (float(cosines[at]) - UNRELATED_COSINE) / (SAME_COSINE - UNRELATED_COSINE)
            if worth > 0:
                found.append((self._known[int(at)], min(1.0, worth)))
        return tuple(found)
