"""The list that answers a question, as a document itself has written it.

A question that asks for what a list's lead announces ("What is handed out free of charge?" — "Free
of charge a worker gets:") is answered by the whole list: no span of it is the answer, and its items
needn't share a word with the question. A table is a list of its rows, which its header announces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.enumerations import ITEMS_MIN, enumerations, text_of
from app.mentions import Mentions
from app.types import Evidence, Features, Language, Query, Term
from index import Passage, RankedPassage

LEAD_SHARE_MIN: Final = 0.4
"""Of the question's terms, the share that the lead or its section's heading must have: a document's
title alone announces no list."""
TABLE_CHARACTERS_MAX: Final = 1_500
"""A longer table is no answer to read."""


def find_enumeration(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    rarity: Callable[[Term], float],
    languages: Mapping[str, Language],
    table: Callable[[Passage], Passage | None],
) -> tuple[Evidence, ...]:
    """Return the list whose lead says most about the question's terms, headings included, or none.

    Its probability is the share of the terms that they cover. ``table`` returns a row's whole
    table as one passage, or None; tables are looked at where a list is asked for.
    """
    if not query.terms:
        return ()  # any list would have all of none
    best: tuple[tuple[float, float, float], Evidence] | None = None
    seen: set[tuple[str, tuple[str, ...], str]] = set()
    for candidate in ranked:
        passage = candidate.passage
        announced = [(text_of(passage, one.lead), one.span) for one in enumerations(passage)]
        header = passage.table_header
        if (
            query.kind == "list"
            and header
            and Mentions(_first_cell(header)).coverage(query.terms, rarity)
        ):
            key = (passage.document_id, passage.heading_path, header)
            whole = table(passage) if key not in seen else None
            seen.add(key)
            if whole is not None:
                passage = whole
                announced = [(header, (whole.start, whole.end))]
        place = Mentions(passage.context_line)
        heading = passage.heading_path[-1] if len(passage.heading_path) > 1 else ""
        for lead, span in announced:
            said = Mentions(f"{heading} {lead}")
            coverage = said.joined(place).coverage(query.terms, rarity)
            features = Features.of_words(
                query,
                candidate,
                sentence_coverage=said.coverage(query.terms, rarity),
                foreign=languages[passage.document_id] != query.language,
            )
            evidence = Evidence(
                passage=passage,
                span=None,
                quote=span,
                features=features,
                probability=min(1.0, coverage),
            )
            worth = (coverage, features.sentence_coverage, features.fused)
            if features.sentence_coverage >= LEAD_SHARE_MIN and (best is None or worth > best[0]):
                best = worth, evidence
    return (best[1],) if best else ()


def whole_table(row: Passage, passages: Sequence[Passage], text: str) -> Passage | None:
    """Return a table as one passage, its header included where it stands before the rows, from one
    of these, its document's passages and text; None where it has one row only, or is too long.
    """
    same = sorted(
        (
            one
            for one in passages
            if one.kind == "table"
            and one.heading_path == row.heading_path
            and one.table_header == row.table_header
        ),
        key=lambda one: one.start,
    )
    rows: list[Passage] = []
    for one in same:  # a table ends where anything else stands before the next row
        if rows and text[rows[-1].end : one.start].strip(" \t\r") != "\n":
            if rows[-1].start >= row.start:
                break
            rows = []
        rows.append(one)
    start, end = rows[0].start, rows[-1].end
    header = text.rfind(row.table_header, 0, start) if row.table_header else -1
    if header >= 0 and not text[header + len(row.table_header) : start].strip(" |:-\t\r\n"):
        start = header
    if len(rows) < ITEMS_MIN or end - start > TABLE_CHARACTERS_MAX:
        return None
    sentences = tuple(sentence for one in rows for sentence in one.sentences)
    return row.model_copy(
        update={"start": start, "end": end, "text": text[start:end], "sentences": sentences}
    )


def _first_cell(header: str) -> str:
    return header.strip().strip("|").split("|")[0]
