"""What a text mentions: whether a question's words occur in it, and how much of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from app.language import same_name, same_word, stems
from app.types import Term
from index import words

REPEATED_SHARE: Final = 0.6
"""A sentence with this share of its stems, and all its numbers, in another repeats it."""

ALIKE_LETTERS_MIN: Final = 4
ALIKE_SHARE: Final = 0.6
"""Of a name's letters, those that a word which speaks of it begins with."""


class Mentions:
    """What a text mentions: the stems of its words, looked up by term."""

    def __init__(self, text: str) -> None:
        self._words = frozenset(word.folded.removesuffix("'s") for word in words(text))
        self._stems = frozenset(one for word in self._words for one in stems(word))

    def joined(self, other: Mentions) -> Mentions:
        """Return what either text mentions."""
        both = Mentions("")
        both._words = self._words | other._words
        both._stems = self._stems | other._stems
        return both

    def shared(self, other: Mentions) -> int:
        """Return how many stems this text shares with another."""
        return len(self._stems & other._stems)

    def likeness(self, other: Mentions) -> float:
        """Return the share of the stems of either text that both have (Jaccard), 0…1."""
        return len(self._stems & other._stems) / max(1, len(self._stems | other._stems))

    def repeats(self, other: Mentions) -> bool:
        """Say whether this text says little beyond the other: most of its stems, and each of its
        numbers, stand there.
        """
        if not self._stems:
            return True
        figures = {word for word in self._words if word[:1].isdigit()}
        shared = len(self._stems & other._stems) / len(self._stems)
        return shared >= REPEATED_SHARE and figures <= other._words

    def has(self, term: Term) -> bool:
        """Say whether a term occurs: its stem, a misspelling of it, or, for a name, one that is
        nearly the same.
        """
        if any(one in self._stems for one in term.stems) or term.folded in self._words:
            return True
        if term.is_number:
            return False
        return any(
            (not term.is_name and same_word(term.folded, word))
            or (term.may_be_name and same_name(term.folded, word))
            for word in self._words
        )

    def speaks_of(self, name: Term) -> bool:
        """Say whether a name occurs, or a word that begins alike: its people, its language, its
        region ("Russian", for Russia; "director", for whoever directs).
        """
        opening = name.folded[: max(ALIKE_LETTERS_MIN, round(ALIKE_SHARE * len(name.folded)))]
        return self.has(name) or any(word.startswith(opening) for word in self._words)

    def worth(self, term: Term) -> float:
        """Return how far the text has a term, 0…1: in part by words that mean about the same."""
        if self.has(term) or not self._words.isdisjoint(term.translations or ()):
            return 1.0
        return max(
            (
                worth
                for word, worth in term.near
                if word in self._words or not self._stems.isdisjoint(stems(word))
            ),
            default=0.0,
        )

    def unsaid(self, terms: Sequence[Term]) -> float:
        """Return the share of the terms that the text has in no way; 0 where there are none."""
        return sum(not self.worth(term) for term in terms) / max(1, len(terms))

    def coverage(self, terms: Sequence[Term], rarity: Callable[[Term], float]) -> float:
        """Return the share of the terms that occur, weighted by rarity; 1 where there are none."""
        weights = [rarity(term) for term in terms]
        total = math.fsum(weights)
        if not total:
            return 1.0
        found = (self.worth(term) * weight for term, weight in zip(terms, weights, strict=True))
        return math.fsum(found) / total
