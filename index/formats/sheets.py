"""Workbooks and files of values: row by row, each value with the name of its column."""

from __future__ import annotations

import csv
import datetime
from collections import Counter
from collections.abc import Iterator
from io import BytesIO, StringIO
from itertools import islice
from typing import Any

from index.errors import UnreadableDocument
from index.formats.plain import decode
from index.formats.table import Row, write_rows
from index.limits import ReadingLimits
from index.manuscript import Draft, Facts, Manuscript, in_one_line

DELIMITERS = (",", ";", "\t", "|")
SAMPLED_RECORDS = 50
ERRORS = frozenset("#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE!".split())
"""What a workbook shows where a formula failed; it is no value."""


def read_workbook(data: bytes, name: str, limits: ReadingLimits) -> Draft:
    """Return the visible sheets of a workbook; ``name`` titles one that has no title."""
    from openpyxl import load_workbook

    workbook = load_workbook(BytesIO(data), read_only=True, data_only=True)
    manuscript = Manuscript()
    left = limits.table_rows_max
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()
        rows = _checked(_sheet_rows(sheet), left, limits)
        left -= len(rows)
        if rows:
            manuscript.stand_at(sheet=sheet.title, row=rows[0].number)
            manuscript.heading(sheet.title, 1)
            write_rows(manuscript, rows, sheet.title)
    properties = workbook.properties
    produced = properties.modified or properties.created
    return manuscript.draft(
        Facts(
            title=in_one_line(properties.title or "") or name,
            produced=produced.date().isoformat() if produced else None,
        )
    )


def read_values(data: bytes, name: str, limits: ReadingLimits) -> Draft:
    """Return a file of values, whatever parts them; ``name`` titles it."""
    text = decode(data)
    csv.field_size_limit(limits.text_characters_max)
    records = csv.reader(StringIO(text, newline=""), delimiter=delimiter_of(text))
    rows = (
        Row(number, tuple(cell.strip() for cell in record))
        for number, record in enumerate(records, start=1)
    )
    manuscript = Manuscript()
    write_rows(manuscript, _checked(rows, limits.table_rows_max, limits))
    return manuscript.draft(Facts(title=name))


def delimiter_of(text: str) -> str:
    """Return what parts the values: the mark by which most records have the same number of them."""

    def evenness(delimiter: str) -> tuple[float, int]:
        records = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
        try:
            widths = Counter(
                len(record) for record in islice(records, SAMPLED_RECORDS) if any(record)
            )
        except csv.Error:
            return 0.0, 0
        width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
        return (count / widths.total(), width) if width > 1 else (0.0, 0)

    return max(DELIMITERS, key=evenness)


def _checked(rows: Iterator[Row], most: int, limits: ReadingLimits) -> list[Row]:
    """Return the rows that hold anything; raise UnreadableDocument where they are too many."""
    filled = list(islice((row for row in rows if row.filled), most + 1))
    if len(filled) > most:
        raise UnreadableDocument(
            "too_large",
            f"the file has more than {limits.table_rows_max:,} rows; split it, or raise "
            "BRIEFING_DESK_TABLE_ROWS_MAX",
        )
    return filled


def _sheet_rows(sheet: Any) -> Iterator[Row]:
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [_shown(cell.value, getattr(cell, "number_format", "")) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield Row(number, tuple(cells))


def _shown(value: Any, number_format: str) -> str:
    """Return a value as text: a share as per cent, a date as ISO 8601, a number without noise."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        if "%" in number_format:
            places = len(number_format.partition("%")[0].partition(".")[2])
            return f"{value * 100:.{places}f}%"
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    text = str(value).strip()
    return "" if text in ERRORS else text
