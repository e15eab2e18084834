"""A collection's words as a speller knows them: what a misspelt word of a question means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, Prefix

from app.language import is_cyrillic, stems

LETTERS_MIN: Final = 5
"""Shorter words have too many neighbours at one edit to be corrected."""


class Speller:
    """The words of a collection, looked up by what somebody may have typed for them.

    ``counts`` maps each folded word to the number of passages that have it; ``stemmed`` holds the
    stems of all; ``is_word`` knows words that are right as they are although no document has them;
    ``spelled_out`` returns what initials stand for in the collection, or None.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        stemmed: Collection[str],
        is_word: Callable[[str], bool],
        spelled_out: Callable[[str], str | None],
    ) -> None:
        self.counts = counts
        self.spelled_out = spelled_out
        self._stemmed = stemmed
        self._is_word = is_word
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for word in counts:
            if len(word) >= LETTERS_MIN:
                self._by_length[len(word)].append(word)
        self.meant = lru_cache(maxsize=4_096)(self._meant)

    def knows(self, bare: str) -> bool:
        """Say whether a folded word is right as it is: the collection has it, in any form, or
        ``is_word`` knows it.
        """
        return (
            bare in self.counts
            or any(one in self._stemmed for one in stems(bare))
            or self._is_word(bare)
            or any(self._is_word(base) for base in _bases(bare))
        )

    def _meant(self, bare: str) -> str | None:
        """Return the word of the collection that a folded word is misspelt for, or None.

        A word is misspelt when neither the collection, in any form, nor ``is_word`` has it; it is
        meant for the nearest within one edit, or two in a long word, the most frequent among
        equals. A transposition is one edit.
        """
        if len(bare) < LETTERS_MIN or bare[:1].isdigit() or "'" in bare or self.knows(bare):
            return None
        edits_max = 2 if len(bare) >= _two_edits_from(bare) else 1
        near = (
            (int(edits), -self.counts[known], known)
            for length in range(len(bare) - edits_max, len(bare) + edits_max + 1)
            for known, edits, _ in process.extract(
                bare,
                self._by_length.get(length, ()),
                scorer=DamerauLevenshtein.distance,
                score_cutoff=edits_max,
                limit=None,
            )
        )
        best = min((one for one in near if _may_be(bare, one[2], one[0])), default=None)
        return None if best is None else best[2]


def _may_be(bare: str, known: str, edits: int) -> bool:
    # A letter more or less in front makes another word ("bother" and "other").
    same_front = known[0] == bare[0] or (edits == 1 and len(known) == len(bare))
    # Two in the last letters make another form of it ("economist" and "economic").
    same_end = edits < 2 or Prefix.similarity(bare, known) < min(len(bare), len(known)) - 2
    return same_front and same_end


def _bases(bare: str) -> Iterator[str]:
    """Yield an English word without the ending that makes it a plural or a past."""
    if not is_cyrillic(bare):
        for ending in ("s", "es", "ed"):
            if bare.endswith(ending) and len(bare) - len(ending) >= LETTERS_MIN:
                yield bare.removesuffix(ending)


def _two_edits_from(bare: str) -> int:
    """Return from how many letters on a word may be two edits off. Russian and Kazakh words have
    many endings, so that two edits lead from one right word to another ("басқарады", "басталады").
    """
    return 11 if is_cyrillic(bare) else 8
