"""From a stretch of a document to a citation that can be proved."""

from __future__ import annotations

from urllib.parse import quote as percent

from app.types import Citation, Quoted, SourceState
from index import Document

FRAGMENT_WORDS = 6
"""Words at each end of a long quote that a text fragment link gives."""


def cite(
    quoted: Quoted,
    *,
    document: Document,
    source_state: SourceState,
) -> Citation:
    """Return the citation of a stretch of a document; its quote is cut from the kept text."""
    quote = document.text[quoted.start : quoted.end]
    return Citation(
        number=quoted.number,
        document_id=document.document_id,
        title=document.title,
        path=document.path,
        date=document.date,
        heading_path=tuple(part for part in quoted.heading_path if part and part != document.title),
        page=None,
        sheet=None,
        row=None,
        sha256=document.sha256,
        start=quoted.start,
        end=quoted.end,
        quote=quote,
        link=f"/api/documents/{percent(document.document_id)}/source#:~:text={_fragment(quote)}",
        source_state=source_state,
    )


def _fragment(quote: str) -> str:
    """Return a text fragment directive's text (WICG Scroll to Text Fragment): the whole quote, or
    its first and last words. Commas and dashes have a meaning there and are escaped.
    """
    parts = quote.split()
    ends = [" ".join(parts)]
    if len(parts) > 2 * FRAGMENT_WORDS:
        ends = [" ".join(parts[:FRAGMENT_WORDS]), " ".join(parts[-FRAGMENT_WORDS:])]
    return ",".join(percent(end, safe="").replace("-", "%2D") for end in ends)
