"""From accepted evidence to the lines of an answer, by the kind of question.

Outside quotes only template text appears; the short answer is a span of a quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from app.types import Draft, Evidence, Line, Query, Quoted

ANSWER_CHARACTERS_MAX: Final = 900
LONG_ANSWER_CHARACTERS_MAX: Final = 1_800
"""The limits of the Reply contract; the longer one holds for lists, comparisons and overviews."""
QUOTE_CHARACTERS_MAX: Final = 600
"""A longer sentence is quoted in part, so that an answer keeps to its limit."""
SHORT_ANSWER_SHARE_MAX: Final = 0.75
"""A span that takes a larger share of its quote than this isn't put before the quote again."""

_ITEM_MARKER = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
_LEADS: Final[Mapping[str, str]] = {
    "comparison": "comparison_lead",
    "overview": "overview_lead",
    "yes_no": "yes_no_lead",
}


def compose(query: Query, evidence: Sequence[Evidence], templates: Mapping[str, str]) -> Draft:
    """Return the answer that the evidence gives, the most probable first.

    ``templates`` are the texts of the reader's language.
    """
    lines: list[Line] = []
    if query.corrections:
        pairs = ", ".join(f"{typed} → {read}" for typed, read in query.corrections)
        lines.append(Line(role="template", text=templates["read_as"].format(words=pairs)))
    best = evidence[0]
    if query.kind == "list" and best.passage.kind == "list":
        return _enumeration(best, lines, templates)
    if best.span is None:
        if query.kind in _LEADS:
            lines.append(Line(role="template", text=templates[_LEADS[query.kind]]))
        return _quotations(evidence, lines, templates)
    return _span_answer(evidence, lines, templates)


def _within(evidence: Evidence, characters: int) -> tuple[int, int]:
    """Return the quote's span, or, of a quote with more characters than that, the part around the
    answer, cut between words.
    """
    start, end = evidence.quote
    if end - start <= characters:
        return start, end
    first, last = evidence.span or (start, start + 1)
    room = max(0, characters - (last - first))
    left = max(start, first - room // 2)
    right = min(end, left + characters)
    text = _text(evidence, evidence.quote)
    if left > start:
        gap = text.find(" ", left - start)
        left = start + gap + 1 if 0 <= gap < first - start else first
    if right < end:
        gap = text.rfind(" ", 0, right - start)
        right = start + gap if gap > last - start else last
    return left, right


def _text(evidence: Evidence, span: tuple[int, int]) -> str:
    passage = evidence.passage
    return passage.text[span[0] - passage.start : span[1] - passage.start]


def _quoted(number: int, evidence: Evidence, span: tuple[int, int]) -> Quoted:
    passage = evidence.passage
    return Quoted(
        number=number,
        document_id=passage.document_id,
        heading_path=passage.heading_path,
        start=span[0],
        end=span[1],
    )


def _span_answer(
    evidence: Sequence[Evidence], lines: list[Line], templates: Mapping[str, str]
) -> Draft:
    best = evidence[0]
    assert best.span is not None
    start, end = best.span
    short = _text(best, (start, end)).strip(" \t\r\n,;:")
    if end == best.quote[1] and short.endswith(".") and short.split()[-1].count(".") == 1:
        short = short[:-1]  # the sentence's own full stop; that of "5 p.m." stays
    start += _text(best, (start, end)).find(short)
    end = start + len(short)
    span = _within(best, QUOTE_CHARACTERS_MAX)
    quote = _text(best, span)
    if len(short) <= SHORT_ANSWER_SHARE_MAX * len(quote):
        lines.append(Line(role="short", text=short, number=1))
    lines.append(Line(role="quote", text=templates["quoted"].format(quote=quote), number=1))
    return Draft(lines=tuple(lines), quotes=(_quoted(1, best, span),), short_answer=short)


def _enumeration(best: Evidence, lines: list[Line], templates: Mapping[str, str]) -> Draft:
    """Return a list's items as bullets under the sentence that leads to them, in one quote."""
    passage = best.passage
    whole = (passage.sentences[0].start, passage.sentences[-1].end)
    shown = _shown(_text(best, whole), 1, templates)
    return Draft(lines=(*lines, *shown), quotes=(_quoted(1, best, whole),), short_answer=None)


def _shown(quote: str, number: int, templates: Mapping[str, str]) -> list[Line]:
    """Return a quote as lines: in quotation marks, or, where it holds a list, its items as bullets
    after what leads to them, without the source's own bullets.
    """
    rows = [row for row in quote.splitlines() if row.strip()]
    items = [row for row in rows if _ITEM_MARKER.match(row)]
    if not items or len(rows) < 2:
        return [Line(role="quote", text=templates["quoted"].format(quote=quote), number=number)]
    lead = " ".join(row.strip() for row in rows[: rows.index(items[0])])
    first = (
        Line(role="quote", text=templates["quoted"].format(quote=lead), number=number)
        if lead
        else Line(role="template", text=templates["list_lead"], number=number)
    )
    rest = [_ITEM_MARKER.sub("", row).strip() for row in rows[rows.index(items[0]) :]]
    return [first, *(Line(role="item", text=row) for row in rest)]


def _quotations(
    evidence: Sequence[Evidence], lines: list[Line], templates: Mapping[str, str]
) -> Draft:
    quotes: list[Quoted] = []
    room = LONG_ANSWER_CHARACTERS_MAX if len(evidence) > 1 else ANSWER_CHARACTERS_MAX
    for one in evidence:
        span = _within(one, QUOTE_CHARACTERS_MAX)
        room -= span[1] - span[0] + 8
        if quotes and room < 0:
            break
        number = len(quotes) + 1
        quotes.append(_quoted(number, one, span))
        lines.extend(_shown(_text(one, span), number, templates))
    return Draft(lines=tuple(lines), quotes=tuple(quotes), short_answer=None)


def quote_nearest(evidence: Sequence[Evidence], count: int) -> tuple[Quoted, ...]:
    """Return what comes nearest to a question that isn't answered: the quotes of the best
    evidence, none twice.
    """
    spans: dict[tuple[str, int], Evidence] = {}
    for one in evidence:
        spans.setdefault((one.passage.document_id, one.quote[0]), one)
    return tuple(
        _quoted(number, one, _within(one, QUOTE_CHARACTERS_MAX))
        for number, one in enumerate(list(spans.values())[:count], 1)
    )
