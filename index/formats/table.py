"""Rows of cells in, lines that say by themselves what their values are out.

"Region: Coast; Length, km: 210" can be found and quoted without the table around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from index.manuscript import Manuscript, in_one_line

HEADER_CHARACTERS_MAX = 100

_VALUE = re.compile(r"[-+(]?[\d\s.,:/-]*\d[\d\s.,:/)-]*(?:%|[€$£₸₽])?$|[€$£₸₽]\s?\d[\d\s.,]*$")
_YEAR = re.compile(r"(?:19|20)\d\d")


class Row(NamedTuple):
    """A row's number in its sheet, from 1, and its cells as text; the last may lack."""

    number: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> list[str]:
        return [cell for cell in self.cells if cell]


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the first of a table's rows names its columns."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = [cell for cell in rows[0] if cell]
    return (
        2 * len(first) > len(rows[0])
        and len(set(first)) == len(first)
        and all(len(cell) <= HEADER_CHARACTERS_MAX for cell in first)
        and any(not _VALUE.match(cell) for cell in first)
        and all(not _VALUE.match(cell) or _YEAR.fullmatch(cell) for cell in first)
    )


def write_rows(manuscript: Manuscript, rows: Sequence[Row], sheet: str | None = None) -> None:
    """Write the tables of a sheet, which blank rows may part, with the row that each line is in."""
    header: Sequence[str] = ()
    is_list = all(len(row.filled) == 1 for row in rows)
    for part in _parts(rows):
        body = list(part)
        while body and len(body[0].filled) == 1 and not is_list:
            title = body.pop(0)
            manuscript.stand_at(sheet=sheet, row=title.number)
            manuscript.paragraph(in_one_line(title.filled[0]))
        cells = [row.cells for row in body]
        if has_header(cells) and (not header or _names_values(cells)):
            header = [in_one_line(cell) for cell in body[0].cells]
            manuscript.stand_at(sheet=sheet, row=body[0].number)
            manuscript.columns(header)
            body = body[1:]
        for row in body:
            manuscript.stand_at(sheet=sheet, row=row.number)
            manuscript.record(list(_named(row.cells, header)))


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the runs of rows between blank ones, which are left out already."""
    part: list[Row] = []
    for row in rows:
        if part and row.number > part[-1].number + 1:
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _names_values(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the rows under the first hold values where the first has words."""
    for at, name in enumerate(rows[0]):
        below = [row[at] for row in rows[1:] if at < len(row) and row[at]]
        if name and not _VALUE.match(name) and any(_VALUE.match(cell) for cell in below):
            return True
    return False


def _named(cells: Sequence[str], header: Sequence[str]) -> Iterator[str]:
    for at, cell in enumerate(cells):
        if cell:
            name = header[at] if at < len(header) else ""
            value = in_one_line(cell)
            yield f"{name}: {value}" if name else value
