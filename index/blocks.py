"""The blocks of a document: headings, paragraphs, list items, table rows, where they stand.

Every letter and digit of a text lies in exactly one block. Markdown is read with markdown-it and
its line numbers, plain text line by line. Other formats know their blocks as they write their text
(``index.manuscript``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from index.types import Block, BlockKind

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

TextFormat: TypeAlias = Literal["markdown", "text"]

FRONT_MATTER_LINES_MAX = 200
WRAPPED_SHARE = 0.7
"""A line under this share of its paragraph's longest was ended on purpose, not wrapped."""

SHORT_LINE_CHARACTERS = 50
"""A paragraph with no line this long is an address or a verse, not wrapped prose."""

_LINE_END = re.compile(r"\r\n|\n|\r")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_ITEM = re.compile(r"[ \t]*(?:[-*+•◦▪‣–—]|\d{1,3}[.)]|\(?[a-zа-яәіңғүұқөһ]\))[ \t]+(?=\S)")
_MARKER = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)*[ \t>]*")
_COMMENT = re.compile(r"\s*<!--.*?-->\s*\Z", re.DOTALL)
_FACT_LINE = re.compile(r"[A-Za-z_][\w-]*[ \t]*:(?:[ \t]|$)")


@dataclass(frozen=True)
class Line:
    """A line of a text without its end, by code point offsets."""

    start: int
    end: int


def lines_of(text: str) -> tuple[Line, ...]:
    """Return the lines of a text; line ends of Unix, Windows and old Macs count, others don't."""
    lines = []
    start = 0
    for end in _LINE_END.finditer(text):
        lines.append(Line(start, end.start()))
        start = end.end()
    if start < len(text):
        lines.append(Line(start, len(text)))
    return tuple(lines)


def item_start(text: str, line: int = 0) -> int | None:
    """Return where the words of a list's item begin in the line at this offset, after its marker,
    or None where the line is no item.
    """
    marker = _ITEM.match(text, line)
    return marker.end() if marker else None


def front_matter_lines(text: str, lines: Sequence[Line]) -> int:
    """Return how many lines the front matter takes, its two ``---`` lines counted, 0 without."""
    if not lines or text[lines[0].start : lines[0].end].rstrip() != "---":
        return 0
    has_fact = False
    for number, line in enumerate(lines[1:FRONT_MATTER_LINES_MAX], start=1):
        content = text[line.start : line.end]
        if content.rstrip() in ("---", "..."):
            return number + 1 if has_fact or number == 1 else 0
        has_fact = has_fact or bool(_FACT_LINE.match(content))
    return 0


def blocks_of(text: str, text_format: TextFormat) -> tuple[Block, ...]:
    """Return the blocks of a text in the order they stand."""
    lines = lines_of(text)
    skipped = front_matter_lines(text, lines)
    blocks: list[Block] = []
    if skipped:
        blocks.append(_block(text, "front_matter", lines[0].start, lines[skipped - 1].end))
    if text_format == "markdown":
        body = _markdown_blocks(text, lines, skipped)
    else:
        body = _line_blocks(text, lines[skipped:])
    blocks.extend(block for block in body if _LETTER_OR_DIGIT.search(text, block.start, block.end))
    return tuple(blocks)


def _block(
    text: str,
    kind: BlockKind,
    start: int,
    end: int,
    *,
    content_start: int | None = None,
    group: int = 0,
    level: int = 0,
    label: str = "",
    breaks: tuple[int, ...] = (),
) -> Block:
    """Make a block, trimmed of the blanks at its ends."""
    span = text[start:end]
    trimmed_start = start + len(span) - len(span.lstrip())
    trimmed_end = max(trimmed_start, start + len(span.rstrip()))
    content = trimmed_start if content_start is None else content_start
    return Block(
        kind=kind,
        start=trimmed_start,
        end=trimmed_end,
        content_start=min(max(content, trimmed_start), trimmed_end),
        group=group,
        level=level,
        label=label,
        breaks=tuple(place for place in breaks if trimmed_start < place < trimmed_end),
    )


def _line_blocks(text: str, lines: Sequence[Line]) -> Iterator[Block]:
    """Yield the blocks of plain text: paragraphs and list items."""
    paragraph: list[Line] = []
    group = 0
    in_list = False
    for number, line in enumerate(lines):
        content = text[line.start : line.end]
        item = _ITEM.match(content)
        if not content.strip() or item:
            yield from _paragraph(text, paragraph)
            paragraph = []
        if not content.strip():
            in_list = (
                in_list
                and number + 1 < len(lines)
                and bool(_ITEM.match(text[lines[number + 1].start : lines[number + 1].end]))
            )
        elif item:
            group += not in_list
            in_list = True
            begin = line.start + item.end()
            yield _block(text, "item", line.start, line.end, content_start=begin, group=group)
        else:
            in_list = False
            paragraph.append(line)
    yield from _paragraph(text, paragraph)


def _paragraph(text: str, lines: Sequence[Line]) -> Iterator[Block]:
    """Yield one block for the lines, with a break after each that was ended on purpose."""
    if lines:
        start, end = lines[0].start, lines[-1].end
        yield _block(text, "paragraph", start, end, breaks=_breaks(text, lines))


def purposeful_breaks(words: str, start: int) -> tuple[int, ...]:
    """Return where a paragraph's lines were ended on purpose; ``start`` is its own offset."""
    return tuple(start + place for place in _breaks(words, lines_of(words)))


def _breaks(text: str, lines: Sequence[Line]) -> tuple[int, ...]:
    """Return the ends of lines that are short beside their paragraph's longest, and in a paragraph
    of short lines every end, where the next line begins anew.
    """
    longest = max(line.end - line.start for line in lines)
    all_short = len(lines) > 1 and longest < SHORT_LINE_CHARACTERS
    return tuple(
        line.end
        for line, following in pairwise(lines)
        if (all_short or line.end - line.start < WRAPPED_SHARE * longest)
        and begins_anew(text[following.start : following.end])
    )


def marker_length(line: str) -> int:
    """Return how long the bullet or number is that a line opens with, 0 where there is none."""
    marker = _ITEM.match(line)
    return marker.end() if marker else 0


def begins_anew(line: str) -> bool:
    """Say whether a line opens as a sentence or an entry does: with a capital or a digit."""
    first = line.lstrip(" \t\"'«“„(*_")[:1]
    return first.isupper() or first.isdigit()


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _markdown_blocks(text: str, lines: Sequence[Line], skipped: int) -> Iterator[Block]:
    """Yield the blocks of Markdown below its front matter.

    A line that markdown-it gives no token for (a link definition) is a paragraph of its own, so
    that nothing of the text is lost.
    """
    body = lines[skipped:]
    if not body:
        return
    source = "\n".join(text[line.start : line.end] for line in body)
    claimed = [False] * len(body)
    found: list[Block] = []
    group = 0
    list_depth = 0
    tokens = _markdown().parse(source)
    for number, token in enumerate(tokens):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            group += list_depth == 0
            list_depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            list_depth -= 1
        elif token.type == "table_open":
            group += 1
            found.extend(_table_blocks(text, body, token, group, claimed))
        elif token.type in ("heading_open", "paragraph_open", "fence", "code_block", "html_block"):
            first, last = _claim(token, claimed)
            if first == last:
                continue
            start, end = body[first].start, body[last - 1].end
            if token.type == "heading_open":
                label = _plain(tokens[number + 1])
                level = int(token.tag[1])
                found.append(_block(text, "heading", start, end, level=level, label=label))
            elif token.type == "html_block":
                is_comment = bool(_COMMENT.match(text[start:end]))
                found.append(_block(text, "comment" if is_comment else "paragraph", start, end))
            elif token.type != "paragraph_open":
                ends = tuple(line.end for line in body[first:last])
                inside = first + (token.type == "fence" and last - first > 1)  # below its ``` line
                begin = body[inside].start
                found.append(_block(text, "code", start, end, content_start=begin, breaks=ends))
            elif list_depth:
                marker = _MARKER.match(text, start, end)
                found.append(
                    _block(
                        text,
                        "item",
                        start,
                        end,
                        content_start=marker.end() if marker else start,
                        group=group,
                        breaks=_hard_breaks(text, body[first:last]),
                    )
                )
            else:
                breaks = _hard_breaks(text, body[first:last])
                found.append(_block(text, "paragraph", start, end, breaks=breaks))
    for number, line in enumerate(body):
        if not claimed[number]:
            found.append(_block(text, "paragraph", line.start, line.end))
    yield from sorted(found, key=lambda block: block.start)


def _claim(token: Token, claimed: list[bool]) -> tuple[int, int]:
    """Return the token's lines that no earlier token holds, and mark them held."""
    first, last = token.map or (0, 0)
    last = min(last, len(claimed))
    while first < last and claimed[first]:
        first += 1
    claimed[first:last] = [True] * (last - first)
    return first, last


def _table_blocks(
    text: str,
    body: Sequence[Line],
    table: Token,
    group: int,
    claimed: list[bool],
) -> Iterator[Block]:
    first, last = _claim(table, claimed)
    for number in range(first, last):
        line = body[number]
        kind: Literal["header", "row"] = "header" if number < first + 2 else "row"
        yield _block(text, kind, line.start, line.end, group=group)


def _hard_breaks(text: str, lines: Sequence[Line]) -> tuple[int, ...]:
    return tuple(line.end for line in lines if text[line.start : line.end].endswith(("  ", "\\")))


def _plain(inline: Token) -> str:
    """Return the words of a heading without its markup."""
    parts = []
    for child in inline.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(_plain(child))
    return " ".join("".join(parts).split())
