"""Lists that a document itself has written as lists: what leads to one, and its items.

A question that asks for what a list's lead announces ("What is handed out free of charge?" — "Free
of charge a worker gets:") is answered by the whole list: no span of it is the answer, and its items
needn't share a word with the question. A table is a list of its rows, which its header announces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from app.mentions import Mentions
from app.types import Evidence, Features, Language, Query
from index import Passage, RankedPassage

ITEM_MARKER: Final = re.compile(r"[ \t]*(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+")
ITEMS_MIN: Final = 2
LEAD_SHARE_MIN: Final = 0.4
"""Of the question's terms, the share that the lead itself must have: a title alone announces no
list."""
TABLE_CHARACTERS_MAX: Final = 1_500
"""A longer table is no answer to read."""


class Enumeration(NamedTuple):
    """A list's lead, if the passage has one, and its items, as offsets into the document."""

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
        marker = ITEM_MARKER.match(text, line)
        goes_on = at == 0 and bool(passage.lead_in)
        if (marker and marker.end() == first) or goes_on:
            if not items:
                start = lead[0] if lead else passage.start + line
            items.append((sentence.start, sentence.end))
        elif marker and items and items[-1][0] - passage.start < first:
            items[-1] = (items[-1][0], sentence.end)  # an item's second sentence
        else:
            if len(items) >= ITEMS_MIN:
                yield Enumeration(lead, tuple(items), start)
            items = []
            ends = text[first : sentence.end - passage.start].rstrip().endswith(":")
            lead = (sentence.start, sentence.end) if ends else None
    if len(items) >= ITEMS_MIN:
        yield Enumeration(lead, tuple(items), start)


def find_enumeration(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    rarity: Callable[[tuple[str, ...]], float],
    languages: Mapping[str, Language],
    table: Callable[[Passage], Passage | None],
) -> tuple[Evidence, ...]:
    """Return the list whose lead says most about the question's terms, headings included, or none.

    Its probability is the share of the terms that they cover. ``table`` returns a row's whole
    table as one passage, or None; tables are looked at where a list is asked for.
    """
    best: tuple[tuple[float, float, float], Evidence] | None = None
    seen: set[tuple[str, int]] = set()
    for candidate in ranked:
        passage = candidate.passage
        announced = [(_text(passage, one.lead), one.span) for one in enumerations(passage)]
        if passage.kind == "table" and query.kind == "list":
            whole = table(passage)
            if whole is None or (whole.document_id, whole.start) in seen:
                continue
            seen.add((whole.document_id, whole.start))
            passage = whole
            if Mentions(_first_cell(whole.table_header)).coverage(query.terms, rarity):
                announced = [(whole.table_header, (whole.start, whole.end))]
        place = Mentions(passage.context_line)
        for lead, span in announced:
            said = Mentions(lead)
            features = Features(
                margin=0.0,
                runner_up=0.0,
                fused=candidate.score,
                dense=candidate.dense,
                coverage=said.joined(place).coverage(query.terms, rarity),
                sentence_coverage=said.coverage(query.terms, rarity),
                first=float(candidate.rank == 1),
                similarity=0.0,
                foreign=float(languages[passage.document_id] != query.language),
            )
            evidence = Evidence(
                passage=passage,
                span=None,
                quote=span,
                features=features,
                probability=min(1.0, features.coverage),
            )
            worth = (features.coverage, features.sentence_coverage, features.fused)
            if features.sentence_coverage >= LEAD_SHARE_MIN and (best is None or worth > best[0]):
                best = worth, evidence
    return (best[1],) if best else ()


def whole_table(row: Passage, passages: Sequence[Passage], text: str) -> Passage | None:
    """Return a table as one passage, from one of its rows, its document's passages and text; None
    where it has one row only, or is too long.
    """
    rows = [
        one
        for one in passages
        if one.kind == "table"
        and one.heading_path == row.heading_path
        and one.table_header == row.table_header
    ]
    start, end = min(one.start for one in rows), max(one.end for one in rows)
    if len(rows) < ITEMS_MIN or end - start > TABLE_CHARACTERS_MAX:
        return None
    sentences = tuple(sentence for one in rows for sentence in one.sentences)
    return row.model_copy(
        update={"start": start, "end": end, "text": text[start:end], "sentences": sentences}
    )


def asked_for(query: Query, best: Evidence) -> Enumeration | None:
    """Return the list that a question asks for by what leads to it, if its answer is in one.

    Where the item adds a word of the question to those of the lead and the headings ("Who is the
    treasurer?"), only the item is asked for.
    """
    if best.span is None:
        return None
    place = Mentions(best.passage.context_line)
    for one in enumerations(best.passage):
        said = Mentions(_text(best.passage, one.lead)).joined(place)
        if not any(said.has(term) for term in query.terms):
            continue
        if one.lead is not None and one.lead[0] <= best.span[0] < one.lead[1]:
            return one
        for item in one.items:
            if item[0] <= best.span[0] < item[1]:
                told = Mentions(_text(best.passage, item))
                left = [term for term in query.terms if not said.has(term)]
                return None if any(told.worth(term) for term in left) else one
    return None


def _first_cell(header: str) -> str:
    return header.strip().strip("|").split("|")[0]


def _text(passage: Passage, span: tuple[int, int] | None) -> str:
    if span is None:
        return passage.lead_in
    return passage.text[span[0] - passage.start : span[1] - passage.start]
