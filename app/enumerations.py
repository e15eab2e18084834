"""Lists that a document itself has written as lists: what leads to one, and its items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.mentions import Mentions
from app.types import Evidence, Query
from index import Passage, item_start

ITEMS_MIN: Final = 2
_SEVERAL: Final = frozenset({"list", "next", "topic", "overview"})
"""Kinds of question that ask for more than one thing."""


class Enumeration(NamedTuple):
    """A list's lead, a sentence before it that ends in a colon, or None, and its items, as offsets
    into the document.
    """

    lead: tuple[int, int] | None
    items: tuple[tuple[int, int], ...]
    start: int
    """Where the lead begins, or else the first item's marker."""

    @property
    def span(self) -> tuple[int, int]:
        """From where to where the list goes."""
        return self.start, self.items[-1][1]


def enumerations(passage: Passage) -> Iterator[Enumeration]:
    """Yield the lists of a passage, in order."""
    if passage.kind != "list":
        return
    text = passage.text
    lead: tuple[int, int] | None = None
    items: list[tuple[int, int]] = []
    start = passage.start
    for at, sentence in enumerate(passage.sentences):
        first = sentence.start - passage.start
        line = text.rfind("\n", 0, first) + 1
        begins = item_start(text, line)
        goes_on = at == 0 and bool(passage.lead_in)
        if begins == first or goes_on:
            if not items:
                start = lead[0] if lead else passage.start + line
            items.append((sentence.start, sentence.end))
        elif items and (begins or _goes_on(text, items[-1][1] - passage.start, line)):
            items[-1] = (items[-1][0], sentence.end)  # an item's second sentence
        else:
            if len(items) >= ITEMS_MIN:
                yield Enumeration(lead, tuple(items), start)
            items = []
            ends = text[first : sentence.end - passage.start].rstrip().endswith(":")
            lead = (sentence.start, sentence.end) if ends else None
    if len(items) >= ITEMS_MIN:
        yield Enumeration(lead, tuple(items), start)


def _goes_on(text: str, end: int, line: int) -> bool:
    """Say whether a line without a marker belongs to the item that ends before it: it is indented,
    with no blank line between.
    """
    return text[line : line + 1] in {" ", "\t"} and text.count("\n", end, line) == 1


def asked_for(query: Query, best: Evidence) -> Enumeration | None:
    """Return the list that a question asks for by what leads to it, if its answer is in one.

    Where the item adds a word of the question to those of the lead and the headings ("Who is the
    treasurer?"), only the item is asked for. What leads to it has none of the words of a question
    in another language: there the list is asked for where several things are.
    """
    if best.span is None:
        return None
    several = bool(best.features.foreign) and query.kind in _SEVERAL
    place = Mentions(best.passage.context_line)
    for one in enumerations(best.passage):
        said = Mentions(text_of(best.passage, one.lead)).joined(place)
        if not several and not any(said.has(term) for term in query.terms):
            continue
        if one.lead is not None and one.lead[0] <= best.span[0] < one.lead[1]:
            return one
        for item in one.items:
            if item[0] <= best.span[0] < item[1]:
                told = Mentions(text_of(best.passage, item))
                left = [term for term in query.terms if not said.has(term)]
                adds = told.has if several else told.worth
                return None if any(map(adds, left)) else one
    return None


def list_of(evidence: Evidence) -> Enumeration | None:
    """Return the list that evidence is, None where it is no whole list."""
    found = (one for one in enumerations(evidence.passage) if one.span == evidence.quote)
    return next(found, None)


def lead_of(evidence: Evidence) -> str:
    """Return the sentence that leads to the list that evidence is; nothing where there is none."""
    one = list_of(evidence)
    return text_of(evidence.passage, one.lead) if one else ""


def items_named(query: Query, passage: Passage, one: Enumeration) -> tuple[tuple[int, int], ...]:
    """Return the items of a list that have the names that a question asks about, where others
    haven't and neither what leads to the list nor its headings have; or else none.
    """
    said = Mentions(text_of(passage, one.lead)).joined(Mentions(passage.context_line))
    names = [term for term in query.terms if term.is_name and not said.has(term)]
    found = tuple(
        item for item in one.items if all(map(Mentions(text_of(passage, item)).has, names))
    )
    return found if names and len(found) < len(one.items) else ()


def others_of_list(passage: Passage, quote: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the items of a list beside the one that a quote is; none where it is no item."""
    for one in enumerations(passage):
        others = [item for item in one.items if item[1] <= quote[0] or quote[1] <= item[0]]
        if len(others) == len(one.items) - 1:
            return others
    return []


def text_of(passage: Passage, span: tuple[int, int] | None) -> str:
    """Return a stretch of a passage, or, for no lead, what leads to it from another passage."""
    if span is None:
        return passage.lead_in
    return passage.text[span[0] - passage.start : span[1] - passage.start]
