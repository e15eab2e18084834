"""From a stretch of a document to a citation that can be proved."""

from __future__ import annotations

from urllib.parse import quote as percent

from app.types import Citation, Quoted, SourceState
from index import Document, Place

PLAIN_TEXT_SUFFIXES = frozenset({".txt", ".md"})
"""The types of original that are served as plain text, to be looked at in the browser."""

FRAGMENT_WORDS = 6
"""Words at each end of a long quote that a text fragment link gives."""


def cite(
    quoted: Quoted,
    *,
    document: Document,
    place: Place | None,
    source_state: SourceState,
) -> Citation:
    """Return the citation of a stretch of a document; its quote is cut from the kept text.

    ``place`` is where the quote begins in the original, as far as that is known.
    """
    quote = document.text[quoted.start : quoted.end]
    return Citation(
        number=quoted.number,
        document_id=document.document_id,
        title=document.title,
        path=document.path,
        date=document.date,
        heading_path=tuple(part for part in quoted.heading_path if part and part != document.title),
        page=place.page if place else None,
        sheet=place.sheet if place else None,
        row=place.row if place else None,
        sha256=document.sha256,
        start=quoted.start,
        end=quoted.end,
        quote=quote,
        link=_link(document, place, quote),
        source_state=source_state,
    )


def _link(document: Document, place: Place | None, quote: str) -> str:
    """Return the address of the original, with the place in it where a browser goes there: a
    PDF's page (RFC 8118), the words of a text that is shown. Other types are saved, not shown.
    """
    address = f"/api/documents/{percent(document.document_id)}/source"
    suffix = document.source.suffix.lower()
    if suffix == ".pdf" and place is not None and place.page is not None:
        return f"{address}#page={place.page}"
    if suffix in PLAIN_TEXT_SUFFIXES:
        return f"{address}#:~:text={_fragment(quote)}"
    return address


def _fragment(quote: str) -> str:
    """Return a text fragment directive's text (WICG Scroll to Text Fragment): the whole quote, or
    its first and last words. Commas and dashes have a meaning there and are escaped.
    """
    parts = quote.split()
    ends = [" ".join(parts)]
    if len(parts) > 2 * FRAGMENT_WORDS:
        ends = [" ".join(parts[:FRAGMENT_WORDS]), " ".join(parts[-FRAGMENT_WORDS:])]
    return ",".join(percent(end, safe="").replace("-", "%2D") for end in ends)
