"""The same words in two places: found whatever their quotes, dashes, blanks and line ends are.

Words decide, in order and all of them: a figure, a name or a "not" that differs makes another
statement, however alike the rest is. A word that a printed line parts ("rail-", "way") is whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from index.types import Passage, RankedPassage
from index.words import words


def without_repeats(ranked: Iterable[RankedPassage], count: int) -> tuple[RankedPassage, ...]:
    """Return the best passages, each of which says something that none before it says whole.

    A passage whose words all stand in a better one is named there in ``repeated_by``.
    """
    kept: list[RankedPassage] = []
    keys: list[str] = []
    for candidate in ranked:
        text = candidate.passage.text
        key = _key(text)
        at = next(
            (
                at
                for at, other in enumerate(keys)
                if key in other and find_same_words(text, kept[at].passage)
            ),
            None,
        )
        if at is not None:
            repeated_by = (*kept[at].repeated_by, candidate.passage)
            kept[at] = kept[at].model_copy(update={"repeated_by": repeated_by})
        elif len(kept) < count:
            kept.append(candidate.model_copy(update={"rank": len(kept) + 1}))
            keys.append(key)
    return tuple(kept)


def find_same_words(quote: str, passage: Passage) -> tuple[int, int] | None:
    """Return where in its document a passage says a quote's words, None where it doesn't."""
    key = _key(quote)
    spans = [(word.folded, word.start, word.end) for word in words(passage.text)]
    ends = list(accumulate(len(folded) for folded, _, _ in spans))
    starts = [0, *ends[:-1]]
    at = _key(passage.text).find(key) if key else -1
    # A find may begin or end within a word ("rail" in "trail"); only whole words count.
    while at >= 0:
        if at in starts and at + len(key) in ends:
            first, last = spans[starts.index(at)], spans[ends.index(at + len(key))]
            return passage.start + first[1], passage.start + last[2]
        at = _key(passage.text).find(key, at + 1)
    return None


def _key(text: str) -> str:
    return "".join(word.folded for word in words(text))
