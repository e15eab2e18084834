"""What a text mentions: whether a question's words occur in it, and how much of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from app.language import is_cyrillic, same_name, same_word, stems
from app.types import Term
from index import words

REPEATED_SHARE: Final = 0.6
"""A sentence with this share of its stems, and all its numbers, in another repeats it."""


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
            same_word(term.folded, word) or (term.may_be_name and same_name(term.folded, word))
            for word in self._words
        )

    def coverage(
        self, terms: Sequence[Term], rarity: Callable[[tuple[str, ...]], float], *, foreign: bool
    ) -> float:
        """Return the share of the terms that occur, weighted by rarity.

        Where the text is in a foreign language, a term that is missing may only be translated:
        those count that occur, and those written in Latin letters or digits. It is 0.5 where no
        term counts, and 1 where there are no terms.
        """
        if not terms:
            return 1.0
        present = [self.has(term) for term in terms]
        weights = [
            rarity(term.stems) if not foreign or found or not is_cyrillic(term.folded) else 0.0
            for term, found in zip(terms, present, strict=True)
        ]
        total = math.fsum(weights)
        if not total:
            return 0.5
        return (
            math.fsum(weight for weight, found in zip(weights, present, strict=True) if found)
            / total
        )
