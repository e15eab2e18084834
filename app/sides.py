"""The two sides of a comparison, read off the word that joins them."""

from __future__ import annotations

from collections.abc import Sequence

from app.lexicon import Lexicon
from app.types import Term
from index import Word, words


def two_sides(
    question: str, terms: Sequence[Term], lists: Lexicon
) -> tuple[tuple[Term, ...], tuple[Term, ...]] | None:
    """Return the terms of the two things that a question compares, each without what both have
    ("an adult ticket and a family ticket"), or None where no word joins two.

    Each side is the run of words with a meaning beside the joint, small words between them and it
    left aside; of several joints the first that says most ("or" before "and") is taken. The first
    thing that a question names stands before "than".
    """
    found = list(words(question))
    known = {
        word.folded.removesuffix("'s"): term
        for term in terms
        for word in words(term.text)
        if not lists.comparatives.fullmatch(word.folded)
    }

    def term_at(at: int) -> Term | None:
        return known.get(found[at].folded.removesuffix("'s"))

    def run(places: Sequence[int]) -> tuple[Term, ...]:
        taken: list[Term] = []
        for at in places:
            term = term_at(at)
            if term is not None and not (taken and _parted(question, found, at, places[0])):
                taken.append(term)
            elif taken or not _is_light(found[at].folded, lists):
                break
        return tuple(taken)

    for joints in lists.side_joints:
        for at, word in enumerate(found):
            if word.folded not in joints:
                continue
            before = range(at - 1, -1, -1)
            left = run(range(at) if word.folded in lists.than else before)
            right = run(range(at + 1, len(found)))
            ours, theirs = ({one.folded for one in side} for side in (left, right))
            sides = (
                tuple(one for one in left if one.folded not in theirs),
                tuple(one for one in right if one.folded not in ours),
            )
            if all(sides):
                return sides
    return None


def _is_light(word: str, lists: Lexicon) -> bool:
    return word in lists.function_words or lists.comparatives.fullmatch(word) is not None


def _parted(question: str, found: Sequence[Word], one: int, other: int) -> bool:
    """Say whether a sign stands between two words."""
    first, last = sorted((one, other))
    return any(sign in question[found[first].end : found[last].start] for sign in ",;:?!")
