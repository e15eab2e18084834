"""Lines of printed pages in, paragraphs and headings out: what a PDF doesn't say of itself.

A PDF places letters; which lines are a paragraph, which is a heading, and what is printed on every
page is seen from where the lines stand and how large they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Literal, NamedTuple

from index.blocks import WRAPPED_SHARE, begins_anew, marker_length

COLUMN_CHARACTERS_MIN = 20
"""Both sides of a gap are columns of prose if they are this long; a table's cells aren't."""

COLUMN_LINES_MIN = 4
"""So many lines with a gap at the same place are columns."""

RUNNING_PAGES_MIN = 3
"""What stands at the same height of so many pages, its numbers aside, is no part of their text."""

NUMBERED_PAGES_MIN = 2
"""A number alone at the same height of so many pages is the page's."""

EDGE_LINES = 2
"""How many lines at the top and at the bottom of a page may be such running lines."""

LEADING_SLACK = 1.15
"""A paragraph ends where the next line is further down than usual by this factor."""

TABLE_LEADING = 2.5
"""How far apart, in usual steps, the rows of a table may stand."""

HEADING_SIZE = 1.1
"""A heading is so much larger than the text, or it is bold where the text is not."""

HEADING_LINES_MAX = 3
HEADING_CHARACTERS_MAX = 200

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"[\W_]*(?:page|p\.|стр(?:аница|\.)?|бет)?\s*(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/|из)\s*\d+)?"
    r"(?:\s*бет)?[\W_]*",
    re.IGNORECASE,
)
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*(?:\d+|[ivxlc]+)?\s*$|…{2,}\s*\d*\s*$")
_LETTER = re.compile(r"[^\W\d_]")
_UNFINISHED = re.compile(r"[^.!?:;…»”\")\]]\s*\Z")


class Gap(NamedTuple):
    """A wide gap in a line: before which character of its text, and between which x."""

    before: int
    left: float
    right: float


class PageLine(NamedTuple):
    """A line as it is printed; ``y`` is its baseline, upward, all in points of the page."""

    text: str
    left: float
    right: float
    y: float
    size: float
    is_bold: bool
    gaps: tuple[Gap, ...] = ()


class PageParagraph(NamedTuple):
    """Lines that belong together; ``ended`` says which of them were ended on purpose.

    ``continues`` says that it goes on from the paragraph before, over a column's or a page's end.
    """

    kind: Literal["heading", "paragraph", "item", "contents"]
    page: int
    lines: tuple[str, ...]
    ended: tuple[bool, ...]
    level: int = 0
    continues: bool = False


class _Style(NamedTuple):
    """What is usual in a document."""

    size: float
    is_bold: bool
    leading: float


def paragraphs_of(pages: Sequence[Sequence[PageLine]]) -> Iterator[PageParagraph]:
    """Yield the paragraphs of a document's pages in reading order; page numbers count from 1."""
    ordered = [in_reading_order(page) for page in _without_running_lines(pages)]
    style = _style(ordered)
    grouped = [
        (number, group)
        for number, lines in enumerate(ordered, start=1)
        for group in _groups(lines, style)
    ]
    sizes = sorted(
        {_rank(group[0]) for _, group in grouped if _is_heading(group, style)}, reverse=True
    )
    before: list[PageLine] = []
    for number, group in grouped:
        lines = tuple(line.text for line in group)
        kind = _kind(group, style)
        yield PageParagraph(
            kind=kind,
            page=number,
            lines=lines,
            ended=_ended(group),
            level=sizes.index(_rank(group[0])) + 1 if kind == "heading" else 0,
            continues=kind == "paragraph" and bool(before) and _goes_on(before[-1], group[0]),
        )
        before = group if kind in ("paragraph", "item") else []


def _kind(
    group: Sequence[PageLine], style: _Style
) -> Literal["heading", "paragraph", "item", "contents"]:
    if all(_LEADERS.search(line.text) for line in group):
        return "contents"
    if _is_heading(group, style):
        return "heading"
    return "item" if marker_length(group[0].text) else "paragraph"


def in_reading_order(lines: Sequence[PageLine]) -> list[PageLine]:
    """Return a page's lines as they are read: in the order of the file, unless that jumps about;
    lines that run across the columns of a page are parted at the gap.
    """
    rises = sum(after.y > before.y + before.size for before, after in pairwise(lines))
    if rises > max(3, len(lines) // 4):
        lines = sorted(lines, key=lambda line: (-round(line.y), line.left))
    gutter = _gutter(lines)
    if gutter is None:
        return list(lines)
    ordered: list[PageLine] = []
    left: list[PageLine] = []
    right: list[PageLine] = []
    for line in lines:
        gap = next((gap for gap in line.gaps if gap.left < gutter < gap.right), None)
        if gap is not None:
            left.append(line._replace(text=line.text[: gap.before].rstrip(), right=gap.left,
                                      gaps=()))  # fmt: skip
            right.append(line._replace(text=line.text[gap.before :], left=gap.right, gaps=()))
        elif line.right < gutter and right:
            left.append(line)
        elif line.left > gutter and right:
            right.append(line)
        else:
            ordered.extend((*left, *right, line))
            left, right = [], []
    return [*ordered, *left, *right]


def _gutter(lines: Sequence[PageLine]) -> float | None:
    """Return an x that lies in a gap between columns of prose on several lines, if there is one."""
    gaps = [
        gap
        for line in lines
        for gap in line.gaps
        if min(gap.before, len(line.text) - gap.before) >= COLUMN_CHARACTERS_MIN
    ]
    if len(gaps) < COLUMN_LINES_MIN:
        return None
    middles = [(gap.left + gap.right) / 2 for gap in gaps]
    inside, gutter = max((sum(g.left < x < g.right for g in gaps), x) for x in middles)
    return gutter if inside >= COLUMN_LINES_MIN else None


def _without_running_lines(pages: Sequence[Sequence[PageLine]]) -> list[list[PageLine]]:
    """Leave out page numbers and what is printed at the head or the foot of page after page.

    Words that stand nowhere else are kept where they stand first.
    """
    edges = [_edges(lines) for lines in pages]
    counts = Counter(key for page in edges for key in set(page.values()))
    running = {key for key, count in counts.items() if count >= RUNNING_PAGES_MIN}
    numbered = {key for key, count in counts.items() if count >= NUMBERED_PAGES_MIN}
    said = {
        _as_key(line.text)
        for lines, edge in zip(pages, edges, strict=True)
        for number, line in enumerate(lines)
        if edge.get(number) not in running
    }
    kept = []
    for lines, edge in zip(pages, edges, strict=True):
        page = []
        for number, line in enumerate(lines):
            key = edge.get(number)
            if key in numbered and _PAGE_NUMBER.fullmatch(line.text):
                continue
            if key in running:
                if key[0] in said:
                    continue
                said.add(key[0])
            page.append(line)
        kept.append(page)
    return kept


def _edges(lines: Sequence[PageLine]) -> dict[int, tuple[str, int]]:
    """Return the topmost and lowest lines of a page: what they say, numbers aside, and how high."""
    heights = sorted({round(line.y) for line in lines})
    ends = {*heights[:EDGE_LINES], *heights[-EDGE_LINES:]}
    return {
        number: (_as_key(line.text), round(line.y / 3))
        for number, line in enumerate(lines)
        if round(line.y) in ends
    }


def _as_key(text: str) -> str:
    return _DIGITS.sub("#", " ".join(text.lower().split()))


def _style(pages: Sequence[Sequence[PageLine]]) -> _Style:
    """Return the size and weight that most characters have, and the usual step between lines."""
    characters: Counter[tuple[float, bool]] = Counter()
    for lines in pages:
        for line in lines:
            characters[round(line.size * 2) / 2, line.is_bold] += len(line.text)
    if not characters:
        return _Style(size=1.0, is_bold=False, leading=1.2)
    (size, is_bold), _ = characters.most_common(1)[0]
    steps = [
        (above.y - below.y) / size
        for lines in pages
        for above, below in pairwise(lines)
        if abs(above.size - size) < 0.5 and 0 < above.y - below.y < 3 * size
    ]
    return _Style(max(size, 1.0), is_bold, median(steps) if steps else 1.2)


def _groups(lines: Sequence[PageLine], style: _Style) -> Iterator[list[PageLine]]:
    """Yield runs of lines that belong together."""
    group: list[PageLine] = []
    for line in lines:
        if group and _begins_paragraph(group, line, style):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _begins_paragraph(group: Sequence[PageLine], line: PageLine, style: _Style) -> bool:
    first, last = group[0], group[-1]
    step = last.y - line.y
    usual = style.leading * max(last.size, line.size, style.size)
    if line.gaps and (last.gaps or last.is_bold) and 0 <= step <= TABLE_LEADING * usual:
        return False  # the rows of a table, under the names of its columns
    most = LEADING_SLACK * usual
    if _UNFINISHED.search(last.text) and line.text[:1].islower():
        most *= 2  # PDFium gives two lines as one where letters of theirs touch
    if not -0.3 * line.size <= step <= most:
        return True
    in_item = bool(marker_length(first.text))
    same_size = abs(line.size - last.size) <= (0.25 if in_item else 0.08) * last.size
    if not same_size or line.is_bold != last.is_bold:
        return True
    if marker_length(line.text) or bool(_LEADERS.search(line.text)) != bool(
        _LEADERS.search(last.text)
    ):
        return True
    slack = 0.8 * line.size
    if in_item:
        return line.left < first.left + 0.3 * line.size and line.left < last.left - slack
    centred = abs((line.left + line.right) - (last.left + last.right)) < line.size
    if centred:
        return False
    return line.left > last.left + slack or (len(group) > 1 and line.left < last.left - slack)


def _is_heading(group: Sequence[PageLine], style: _Style) -> bool:
    words = " ".join(line.text for line in group).strip()
    if (
        len(group) > HEADING_LINES_MAX
        or len(words) > HEADING_CHARACTERS_MAX
        or not _LETTER.search(words)
        or words.endswith((".", ";", ","))
        or any(line.gaps for line in group)
    ):
        return False
    if group[0].size >= HEADING_SIZE * style.size:
        return True
    bold = group[0].is_bold and not style.is_bold and group[0].size >= 0.95 * style.size
    return bold and begins_anew(words)


def _rank(line: PageLine) -> tuple[float, bool]:
    return round(line.size * 2) / 2, line.is_bold


def _ended(group: Sequence[PageLine]) -> tuple[bool, ...]:
    """Say of each line whether it was ended on purpose: a table's, or a short one before a line
    that begins anew.
    """
    left = min(line.left for line in group)
    width = max(line.right for line in group) - left
    return (
        *(
            bool(line.gaps or following.gaps)
            or (line.right - left < WRAPPED_SHARE * width and begins_anew(following.text))
            for line, following in pairwise(group)
        ),
        True,
    )


def _goes_on(last: PageLine, first: PageLine) -> bool:
    """Say whether a paragraph goes on in the next column or on the next page."""
    return (
        abs(last.size - first.size) < 0.08 * last.size
        and last.is_bold == first.is_bold
        and first.y > last.y - last.size
        and bool(_UNFINISHED.search(last.text))
        and first.text[:1].islower()
    )
