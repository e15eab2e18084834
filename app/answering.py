"""From accepted evidence to the lines of an answer, by the kind of question.

Outside quotes only template text appears; the short answer is a span of a quote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from app.enumerations import asked_for, items_named, list_of
from app.types import Draft, Evidence, Line, Query, Quoted
from index import item_start

ANSWER_CHARACTERS_MAX: Final = 900
LONG_ANSWER_CHARACTERS_MAX: Final = 1_800
"""The limits of the Reply contract; the longer one holds for lists, comparisons and overviews."""
QUOTE_CHARACTERS_MAX: Final = 600
"""A longer sentence is quoted in part, so that an answer keeps to its limit."""
SHORT_ANSWER_SHARE_MAX: Final = 0.75
"""A span that takes a larger share of its quote than this isn't put before the quote again."""
TITLE_CHARACTERS_MAX: Final = 80
"""A longer title is cut in the line that names a document; the citation has the whole."""
ROOM_FOR_PART: Final = 640
"""Characters kept for each question still to be answered of several: a quote and its short answer.
"""
ROOM_FOR_FIGURE: Final = 70
"""Characters kept, where documents disagree, for each short answer and its marks."""

_LISTED: Final = frozenset({"list", "next", "who", "fact", "topic", "overview", "reason"})
"""Kinds of question that a whole list may answer."""
_LONG: Final = frozenset({"list", "comparison", "overview"})
"""Kinds of question whose answers may be long."""
_LEADS: Final[Mapping[str, str]] = {
    "comparison": "comparison_lead",
    "overview": "overview_lead",
    "yes_no": "yes_no_lead",
}


def compose(query: Query, evidence: Sequence[Evidence], templates: Mapping[str, str]) -> Draft:
    """Return the answer that the evidence gives, the most probable first.

    ``templates`` are the texts of the reader's language.
    """
    lines = _opening(query, templates)
    best = evidence[0]
    listed = None
    if query.kind in _LISTED:
        listed = asked_for(query, best) or (list_of(best) if len(evidence) == 1 else None)
    if listed is not None:
        named = items_named(query, best.passage, listed)
        if named:
            return _items(best, named, lines, templates)
    if listed is not None and best.span is not None:
        return _enumeration(best, listed.span, lines, templates)
    if best.span is None:
        if query.kind in _LEADS:
            lines.append(Line(role="template", text=templates[_LEADS[query.kind]]))
        return _quotations(evidence, lines, templates, is_long=query.kind in _LONG)
    return _span_answer(evidence, lines, templates, is_long=query.kind in _LONG)


def compose_disagreement(
    query: Query,
    evidence: Sequence[Evidence],
    documents: Mapping[str, tuple[str, str | None]],
    templates: Mapping[str, str],
) -> Draft:
    """Return the answer in which documents disagree: what each says, under its date and title.

    ``documents`` gives the title and the date, if known, of each one by id. The short answer is
    that of the first.
    """
    lines = _opening(query, templates)
    dates = [documents[one.passage.document_id][1] for one in evidence]
    name = "disagreement_by_date" if all(dates) and len(set(dates)) > 1 else "disagreement"
    lines.append(Line(role="template", text=templates[name]))
    quotes: list[Quoted] = []
    room = ANSWER_CHARACTERS_MAX // len(evidence)
    for number, one in enumerate(evidence, 1):
        title, date = documents[one.passage.document_id]
        name = "dated" if date else "undated"
        named = templates[name].format(title=_shortened(title), date=date)
        lines.append(Line(role="template", text=named))
        characters = max(2, min(QUOTE_CHARACTERS_MAX, room - len(named) - ROOM_FOR_FIGURE))
        stated, quoted = _stated(one, number, characters, templates)
        lines.extend(stated)
        quotes.append(quoted)
    return Draft(lines=tuple(lines), quotes=tuple(quotes), short_answer=_short(evidence[0]))


def compose_curated(
    query: Query, quotes: Sequence[tuple[Quoted, str]], templates: Mapping[str, str]
) -> Draft:
    """Return the answer that an operator chose, and say so; each quote comes with its text."""
    lines = _opening(query, templates)
    lines.append(Line(role="template", text=templates["curated"]))
    for quoted, text in quotes:
        lines.extend(_shown(text, quoted.number, templates))
    return Draft(lines=tuple(lines), quotes=tuple(one for one, _ in quotes), short_answer=None)


def compose_parts(
    query: Query, parts: Sequence[tuple[str, Draft | None]], templates: Mapping[str, str]
) -> Draft:
    """Return the answers to several questions asked together as one, each after the other, within
    the limit of a long answer. A question with no draft is said to have no answer; one at least has
    one. What an earlier part quoted is quoted again only where a list or a lead needs it.
    """
    lines = _opening(query, templates)
    quotes: dict[tuple[str, int, int], Quoted] = {}
    for left, (question, draft) in enumerate(parts, 1 - len(parts)):
        if draft is None:
            text = templates["part_not_stated"].format(question=question)
            lines.append(Line(role="template", text=text))
            continue
        places = {one.number: (one.document_id, one.start, one.end) for one in draft.quotes}
        is_known = all(place in quotes for place in places.values())
        shown = [line for line in draft.lines if line.role == "short"] if is_known else draft.lines
        room = LONG_ANSWER_CHARACTERS_MAX + left * ROOM_FOR_PART - _characters(lines)
        for at, line in enumerate(shown or draft.lines):
            room -= _characters([line])
            if room < 0 and at > 1:
                break
            numbers = {old: _numbered(quotes, draft, old) for old in line.numbers}
            number = None if line.number is None else numbers[line.number]
            also = tuple(numbers[one] for one in line.also)
            numbered = line.model_copy(update={"number": number, "also": also})
            if numbered not in lines:
                lines.append(numbered)
    short = next((draft.short_answer for _, draft in parts if draft is not None), None)
    return Draft(lines=tuple(lines), quotes=tuple(quotes.values()), short_answer=short)


def _characters(lines: Sequence[Line]) -> int:
    return sum(len(line.text) + 8 for line in lines)  # a mark such as " [12]" and a line's end


def _numbered(quotes: dict[tuple[str, int, int], Quoted], draft: Draft, number: int) -> int:
    """Return the number that a draft's quote has among all, which it is added to."""
    one = next(each for each in draft.quotes if each.number == number)
    place = (one.document_id, one.start, one.end)
    return quotes.setdefault(place, one.model_copy(update={"number": len(quotes) + 1})).number


def introduce(draft: Draft, text: str) -> Draft:
    """Return an answer with a sentence of a template before it."""
    return draft.model_copy(update={"lines": (Line(role="template", text=text), *draft.lines)})


def _opening(query: Query, templates: Mapping[str, str]) -> list[Line]:
    if not query.corrections:
        return []
    pairs = ", ".join(f"{typed} → {read}" for typed, read in query.corrections)
    return [Line(role="template", text=templates["read_as"].format(words=pairs))]


def _shortened(title: str) -> str:
    return title if len(title) <= TITLE_CHARACTERS_MAX else f"{title[: TITLE_CHARACTERS_MAX - 1]}…"


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
    evidence: Sequence[Evidence],
    lines: list[Line],
    templates: Mapping[str, str],
    *,
    is_long: bool,
) -> Draft:
    """Return the best span with its quote; or the quotes of several pieces, as far as they fit, of
    which no single span is the answer.
    """
    stated, quoted = _stated(evidence[0], 1, QUOTE_CHARACTERS_MAX, templates)
    shown = stated if len(evidence) == 1 else stated[-1:]
    lines, quotes = [*lines, *shown], [quoted]
    room = (LONG_ANSWER_CHARACTERS_MAX if is_long else ANSWER_CHARACTERS_MAX) - _characters(lines)
    for number, one in enumerate(evidence[1:], 2):
        span = _within(one, QUOTE_CHARACTERS_MAX)
        text = templates["quoted"].format(quote=_text(one, span))
        line = Line(role="quote", text=text, number=number)
        room -= _characters([line])
        if room < 0:
            break
        lines.append(line)
        quotes.append(_quoted(number, one, span))
    return Draft(lines=tuple(lines), quotes=tuple(quotes), short_answer=_short(evidence[0]))


def _short(evidence: Evidence) -> str:
    """Return the answer that a span gives, without the signs at its ends."""
    assert evidence.span is not None
    start, end = evidence.span
    short = _text(evidence, (start, end)).strip(" \t\r\n,;:")
    if end == evidence.quote[1] and short.endswith(".") and short.split()[-1].count(".") == 1:
        short = short[:-1]  # the sentence's own full stop; that of "5 p.m." stays
    return short


def _stated(
    evidence: Evidence, number: int, characters: int, templates: Mapping[str, str]
) -> tuple[list[Line], Quoted]:
    """Return the lines that give a span and its quote, and the quote."""
    short = _short(evidence)
    span = _within(evidence, characters)
    quote = _text(evidence, span)
    lines = []
    if len(short) <= SHORT_ANSWER_SHARE_MAX * len(quote):
        lines.append(Line(role="short", text=short, number=number))
    lines.append(Line(role="quote", text=templates["quoted"].format(quote=quote), number=number))
    return lines, _quoted(number, evidence, span)


def _enumeration(
    best: Evidence, span: tuple[int, int], lines: list[Line], templates: Mapping[str, str]
) -> Draft:
    """Return a list's items as bullets under the sentence that leads to them, in one quote."""
    shown = _shown(_text(best, span), 1, templates)
    return Draft(lines=(*lines, *shown), quotes=(_quoted(1, best, span),), short_answer=None)


def _items(
    best: Evidence,
    items: Sequence[tuple[int, int]],
    lines: list[Line],
    templates: Mapping[str, str],
) -> Draft:
    """Return some items of a list as bullets, each a quote of its own, as far as they fit, under a
    line with the marks of all.
    """
    quotes: list[Quoted] = []
    bullets: list[Line] = []
    for number, item in enumerate(items, 1):
        span = _within(best.model_copy(update={"quote": item, "span": None}), QUOTE_CHARACTERS_MAX)
        bullet = Line(role="item", text=_text(best, span))
        if quotes and _characters([*lines, *bullets, bullet]) > LONG_ANSWER_CHARACTERS_MAX:
            break
        bullets.append(bullet)
        quotes.append(_quoted(number, best, span))
    others = tuple(range(2, len(quotes) + 1))
    lead = Line(role="template", text=templates["list_lead"], number=1, also=others)
    return Draft(lines=(*lines, lead, *bullets), quotes=tuple(quotes), short_answer=None)


def _shown(quote: str, number: int, templates: Mapping[str, str]) -> list[Line]:
    """Return a quote as lines: in quotation marks, or, where it holds a list, its items as bullets
    after what leads to them, without the source's own bullets.
    """
    rows = [row for row in quote.splitlines() if row.strip()]
    if len(rows) > 1 and all(row.lstrip().startswith("|") for row in rows):
        return _tabulated(rows, number, templates)
    items = [row for row in rows if item_start(row)]
    if not items or len(rows) < 2:
        return [Line(role="quote", text=templates["quoted"].format(quote=quote), number=number)]
    lead = " ".join(row.strip() for row in rows[: rows.index(items[0])])
    first = (
        Line(role="quote", text=templates["quoted"].format(quote=lead), number=number)
        if lead
        else Line(role="template", text=templates["list_lead"], number=number)
    )
    rest: list[str] = []
    follows = False  # whether the row before is part of an item, with no blank row between
    for row in quote.splitlines()[quote.splitlines().index(items[0]) :]:
        start = item_start(row)
        if start:
            rest.append(row[start:].strip())
        elif follows and row[:1].isspace() and row.strip():
            rest[-1] += f" {row.strip()}"
        elif row.strip():
            rest.append(row.strip())
        follows = bool(row.strip())
    return [first, *(Line(role="item", text=row) for row in rest)]


def _holds_rows(quote: str) -> bool:
    """Say whether a quote is a list or a table: items or rows, more than one."""
    rows = quote.splitlines()
    return sum(bool(item_start(row)) or row.lstrip().startswith("|") for row in rows) > 1


def _tabulated(rows: Sequence[str], number: int, templates: Mapping[str, str]) -> list[Line]:
    """Return a table's rows as bullets, without the bars at their ends, after its header."""
    cells = [row.strip().strip("|").strip() for row in rows]
    first = Line(role="template", text=templates["list_lead"], number=number)
    if len(rows) > 2 and not rows[1].strip(" |:-\t"):  # the line that parts a header from its rows
        text = templates["quoted"].format(quote=cells[0])
        first, cells = Line(role="quote", text=text, number=number), cells[2:]
    return [first, *(Line(role="item", text=row) for row in cells)]


def _quotations(
    evidence: Sequence[Evidence],
    lines: list[Line],
    templates: Mapping[str, str],
    *,
    is_long: bool,
) -> Draft:
    quotes: list[Quoted] = []
    is_list = len(evidence) == 1 and _holds_rows(_text(evidence[0], evidence[0].quote))
    room = LONG_ANSWER_CHARACTERS_MAX if is_long or is_list else ANSWER_CHARACTERS_MAX
    room -= sum(len(line.text) + 2 for line in lines)
    for one in evidence:
        span = _within(one, room if is_list else QUOTE_CHARACTERS_MAX)
        room -= span[1] - span[0] + 8
        if quotes and room < 0:
            break
        number = len(quotes) + 1
        quotes.append(_quoted(number, one, span))
        lines.extend(_shown(_text(one, span), number, templates))
    return Draft(lines=tuple(lines), quotes=tuple(quotes), short_answer=None)


def quote_nearest(evidence: Sequence[Evidence], count: int) -> tuple[Quoted, ...]:
    """Return what comes nearest to a question that isn't answered: the quotes of the best
    evidence, one of each passage.
    """
    spans: dict[tuple[str, int], Evidence] = {}
    for one in evidence:
        spans.setdefault((one.passage.document_id, one.passage.start), one)
    return tuple(
        _quoted(number, one, _within(one, QUOTE_CHARACTERS_MAX))
        for number, one in enumerate(list(spans.values())[:count], 1)
    )
