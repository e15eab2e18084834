"""The text of a document that is put together from parts, with where each part stands.

Formats that are no plain text (a page, a word-processor file, a workbook) write what they hold in
reading order; every block is known as it is written, so that nothing is parsed a second time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from index.blocks import blocks_of, marker_length, purposeful_breaks
from index.types import Block, BlockKind, Place

_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class Facts(NamedTuple):
    """What is stated about a document.

    ``date`` is one that somebody gave it (front matter, a page's meta tag, a message's Date);
    ``produced`` is one that a program left in its properties.
    """

    title: str | None = None
    date: str | None = None
    language: str | None = None
    produced: str | None = None


class Draft(NamedTuple):
    """A document as its format's reader leaves it; ``unread`` says which of its parts have none."""

    text: str
    blocks: tuple[Block, ...]
    facts: Facts = Facts()
    places: tuple[Place, ...] = ()
    unread: str = ""


def in_one_line(words: str) -> str:
    """Return words with every run of blanks and line ends as one space."""
    return " ".join(words.split())


def in_clean_lines(words: str) -> str:
    """Return words line by line, blanks within a line as one space, blank lines left out."""
    lines = (_BLANKS.sub(" ", line).strip() for line in words.split("\n"))
    return "\n".join(line for line in lines if line)


class Manuscript:
    """Takes blocks in reading order, and keeps their text and where they stand.

    What holds no letter and no digit is left out.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._places: list[Place] = []
        self._place: Place | None = None
        self._group = 0

    def stand_at(
        self, *, page: int | None = None, sheet: str | None = None, row: int | None = None
    ) -> None:
        """Say where in the original the blocks that follow stand."""
        self._place = Place(start=0, page=page, sheet=sheet, row=row)

    def heading(self, words: str, level: int) -> None:
        """Write a heading, marked as in Markdown."""
        label = in_one_line(words)
        if _LETTER_OR_DIGIT.search(label):
            level = min(max(level, 1), 6)
            start = self._write(f"{'#' * level} {label}")
            self._add("heading", start, self._length, level=level, label=label)

    def printed(
        self, kind: BlockKind, lines: Sequence[str], ended: Sequence[bool], *, level: int = 0
    ) -> None:
        """Write lines as they are printed; ``ended`` says which were ended on purpose."""
        words = "\n".join(lines)
        if not _LETTER_OR_DIGIT.search(words):
            return
        marker = marker_length(words) if kind == "item" else 0
        if kind == "item" and not (self._blocks and self._blocks[-1].kind == "item"):
            self._group += 1
        start = self._write(words)
        self._add(
            kind, start, self._length,
            content_start=start + marker, group=self._group if kind == "item" else 0,
            level=min(level, 6), label=in_one_line(words) if kind == "heading" else "",
            breaks=_ends(lines, ended, start),
        )  # fmt: skip

    def go_on(self, lines: Sequence[str], ended: Sequence[bool]) -> None:
        """Write further lines of the block before."""
        last = self._blocks.pop()
        start = self._write("\n".join(lines), "\n")
        breaks = (*last.breaks, *_ends(lines, ended, start))
        self._blocks.append(last.model_copy(update={"end": self._length, "breaks": breaks}))

    def paragraph(self, words: str) -> None:
        """Write a paragraph; its line ends are kept."""
        words = in_clean_lines(words)
        if _LETTER_OR_DIGIT.search(words):
            start = self._write(words)
            self._add("paragraph", start, self._length, breaks=purposeful_breaks(words, start))

    def item(self, words: str, marker: str = "- ") -> None:
        """Write an item of a list; items that follow each other are one list."""
        words = in_clean_lines(words)
        if _LETTER_OR_DIGIT.search(words):
            if not self._blocks or self._blocks[-1].kind != "item":
                self._group += 1
            start = self._write(marker + words)
            content_start = start + len(marker)
            breaks = purposeful_breaks(words, content_start)
            self._add(
                "item", start, self._length,
                content_start=content_start, group=self._group, breaks=breaks,
            )  # fmt: skip

    def table(self, rows: Sequence[Sequence[str]], *, has_header: bool) -> None:
        """Write a table, its rows as lines of cells between bars."""
        lines = [[in_one_line(cell).replace("|", "/") for cell in row] for row in rows]
        lines = [line for line in lines if any(line)]
        if not any(_LETTER_OR_DIGIT.search("".join(line)) for line in lines):
            return
        self._group += 1
        for number, line in enumerate(lines):
            words = "| " + " | ".join(line) + " |"
            start = self._write(words, "\n" if number else "\n\n")
            is_header = has_header and number == 0
            if is_header:
                self._write("|" + "---|" * len(line), "\n")
            if _LETTER_OR_DIGIT.search(words):
                kind: BlockKind = "header" if is_header else "row"
                self._add(kind, start, start + len(words), group=self._group)

    def columns(self, names: Sequence[str]) -> None:
        """Write the names of the columns that the records below give with each value."""
        start = self._write("; ".join(name for name in names if name))
        self._group += 1
        self._add("header", start, self._length, group=self._group)

    def record(self, cells: Sequence[str]) -> None:
        """Write a row that says by itself what its cells are; it may be parted between them."""
        if _LETTER_OR_DIGIT.search("".join(cells)):
            follows = bool(self._blocks) and self._blocks[-1].kind == "row"
            self._group += not follows
            start = self._write("; ".join(cells), "\n" if follows else "\n\n")
            ends = tuple(accumulate((len(cell) + 2 for cell in cells), initial=start))[1:-1]
            self._add("row", start, self._length, group=self._group, breaks=ends)

    def code(self, words: str) -> None:
        """Write lines whose blanks and ends have a meaning."""
        lines = [line.rstrip() for line in words.expandtabs(4).split("\n")]
        lines = [f"    {line}" for line in lines if line]
        if any(_LETTER_OR_DIGIT.search(line) for line in lines):
            start = self._write("\n".join(lines))
            ends = tuple(accumulate((len(line) + 1 for line in lines), initial=start - 1))[1:-1]
            self._add("code", start, self._length, content_start=start + 4, breaks=ends)

    def plain(self, text: str) -> None:
        """Write text that has blank lines between its paragraphs, as it is."""
        text = text.strip("\r\n")
        blocks = blocks_of(text, "text")
        if blocks:
            start = self._write(text)
            first_group, self._group = self._group, self._group + 1
            for block in blocks:
                group = block.group + first_group if block.group else 0
                self._group = max(self._group, group)
                self._add(
                    block.kind, start + block.start, start + block.end,
                    content_start=start + block.content_start, group=group,
                    breaks=tuple(start + place for place in block.breaks),
                )  # fmt: skip

    def draft(self, facts: Facts) -> Draft:
        """Return what was written."""
        text = "".join(self._parts) + ("\n" if self._parts else "")
        return Draft(text, tuple(self._blocks), facts, tuple(self._places))

    def _write(self, words: str, separator: str = "\n\n") -> int:
        """Put words after what is there; return where they begin."""
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._parts.append(words)
        self._length += len(words)
        if self._place is not None:
            self._places.append(self._place.model_copy(update={"start": start}))
            self._place = None
        return start

    def _add(
        self,
        kind: BlockKind,
        start: int,
        end: int,
        *,
        content_start: int | None = None,
        group: int = 0,
        level: int = 0,
        label: str = "",
        breaks: tuple[int, ...] = (),
    ) -> None:
        self._blocks.append(
            Block(
                kind=kind,
                start=start,
                end=end,
                content_start=start if content_start is None else content_start,
                group=group,
                level=level,
                label=label,
                breaks=breaks,
            )
        )


def _ends(lines: Sequence[str], ended: Sequence[bool], start: int) -> tuple[int, ...]:
    """Return the offsets at which lines were ended on purpose, that of the last left out."""
    ends = accumulate((len(line) + 1 for line in lines), initial=start - 1)
    return tuple(end for end, was in zip(list(ends)[1:-1], ended, strict=False) if was)
