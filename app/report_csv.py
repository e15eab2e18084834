"""A report as one table for a spreadsheet, in which no cell of a reader's becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final, TypeAlias

from app.report import Complaint, Group, Report

COLUMNS: Final = (
    "what",
    "question",
    "count",
    "before",
    "languages",
    "why",
    "last_at",
    "resolved_at",
    "wordings_or_comments",
    "path",
    "quote",
)

FORMULA_OPENINGS: Final = (*"=+-@＝＋－＠", "\t", "\r", "\n")
"""What a spreadsheet may take a cell for a formula by (OWASP, CSV Injection): the signs
are taken in full width too.
"""


Cell: TypeAlias = str | int | None


def as_csv(report: Report) -> str:
    """Return the report as CSV with a header (RFC 4180): a row for each group of unanswered
    questions, each thing found wrong, each quote cited most.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([harmless(cell) for cell in row])
    return written.getvalue()


def harmless(cell: Cell) -> str | int:
    """Return a cell that a spreadsheet shows as it is: an apostrophe before what it might run."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    return f"'{cell}" if cell.startswith(FORMULA_OPENINGS) else cell


def _rows(report: Report) -> Iterator[tuple[Cell, ...]]:
    for group in (*report.unanswered, *report.resolved):
        yield _of_group(group)
    for complaint in (*report.complaints, *report.resolved_complaints):
        yield _of_complaint(complaint)
    for cited in report.cited:
        yield ("cited", None, cited.count, *(None,) * 6, cited.path, cited.quote)


def _of_group(group: Group) -> tuple[Cell, ...]:
    return (
        "unanswered",
        group.question,
        group.count,
        group.before,
        " ".join(group.languages),
        " ".join(group.reasons),
        group.last_asked_at.isoformat(),
        group.resolved_at.isoformat() if group.resolved_at else None,
        "\n".join(wording.question for wording in group.wordings),
        None,
        None,
    )


def _of_complaint(complaint: Complaint) -> tuple[Cell, ...]:
    return (
        complaint.verdict,
        complaint.question,
        complaint.count,
        None,
        complaint.language,
        None,
        complaint.last_given_at.isoformat(),
        complaint.resolved_at.isoformat() if complaint.resolved_at else None,
        "\n".join(complaint.comments),
        "\n".join(dict.fromkeys(quote.path for quote in complaint.quotes)),
        "\n".join(quote.quote for quote in complaint.quotes),
    )
