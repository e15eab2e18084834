"""What a question sets aside ("besides the loans, what does the Bank give?").

Whatever is set aside is no answer, and a sentence that speaks of it says nothing about the rest of
the question; so it is neither searched nor read for.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from app.content_words import content_terms
from app.lexicon import Lexicon
from app.types import Term
from index import Word, fold, words

_STOPS: Final = re.compile(r"[,;:?!.()\u2013\u2014]")


class Exclusion(NamedTuple):
    """A question without what it sets aside, and the terms of that."""

    rest: str
    terms: tuple[Term, ...]


def set_aside(question: str, lists: Lexicon) -> Exclusion:
    """Return a question without what it sets aside; the question itself, and no terms, where
    nothing is, or where nothing would be left.

    It follows a word like "besides" as far as a comma, an auxiliary or a question word; in Kazakh
    it is the word before "басқа". Where it would take all the rest along ("Что, кроме денег, …"
    without the commas), it is the next word alone.
    """
    folded = fold(question)
    for pattern in lists.exclusions:
        match = pattern.search(folded)
        if match is None:
            continue
        found = _following(question, match.end(), lists)
        if lists.exclusions_follow:
            found = [one for one in words(question) if one.end <= match.start()][-1:]
        for taken in (found, found[:1]):
            if not taken:
                break
            start, end = min(match.start(), taken[0].start), max(match.end(), taken[-1].end)
            rest = _without(question, start, end)
            terms = content_terms(f". {question[taken[0].start : taken[-1].end]}", lists)
            if terms and content_terms(rest, lists):
                return Exclusion(rest, terms)
    return Exclusion(question, ())


def _following(question: str, first: int, lists: Lexicon) -> list[Word]:
    """Return the words from a place on, as far as what is set aside can go."""
    found: list[Word] = []
    end = first
    for word in words(question):
        if word.start < first:
            continue
        small = word.folded in lists.question_words or word.folded in lists.auxiliaries
        if small or (found and _STOPS.search(question[end : word.start])):
            break
        found.append(word)
        end = word.end
    return found


def _without(question: str, start: int, end: int) -> str:
    before, after = question[:start].rstrip(" ,"), question[end:].lstrip(" ,")
    rest = f"{before} {after}".strip()
    return re.sub(r"\s+([?!.,])", r"\1", rest[:1].upper() + rest[1:])
