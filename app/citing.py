"""From a stretch of a document to a citation that can be proved."""

from __future__ import annotations

import re
from urllib.parse import quote as percent

from app.types import Citation, Quoted, SourceState
from index import Document, Place

PLAIN_TEXT_SUFFIXES = frozenset({".txt", ".md", ".markdown"})
"""The types of original that are served as plain text, to be looked at in the browser."""

FRAGMENT_WORDS = 6
"""Words at each end of a long quote that a text fragment link gives."""
AROUND = 400
"""Characters beside a quote in which the words before and after it are looked for."""
COUNTED_CHARACTERS_MAX = 200_000
"""In a longer text a quote is taken to stand in several places."""


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
        link=_link(document, place, (quoted.start, quoted.end)),
        source_state=source_state,
    )


def _link(document: Document, place: Place | None, span: tuple[int, int]) -> str:
    """Return the address of the original, with the place in it where a browser goes there: a
    PDF's page (RFC 8118), the words of a text that is shown. Other types are saved, not shown.
    """
    address = f"/api/documents/{percent(document.document_id)}/source"
    suffix = document.source.suffix.lower()
    if suffix == ".pdf" and place is not None and place.page is not None:
        return f"{address}#page={place.page}"
    if suffix in PLAIN_TEXT_SUFFIXES:
        return f"{address}#:~:text={_fragment(document.text, span)}"
    return address


def _fragment(text: str, span: tuple[int, int]) -> str:
    """Return a text fragment directive's text (WICG Scroll to Text Fragment): the whole quote, or
    its first and last words, and where these stand in several places the words before and after.

    A browser takes the first place that fits, whatever the letters' case and the blanks. Commas and
    dashes have a meaning in a directive and are escaped.
    """
    parts = text[span[0] : span[1]].split()
    ends = [" ".join(parts)]
    if len(parts) > 2 * FRAGMENT_WORDS:
        ends = [" ".join(parts[:FRAGMENT_WORDS]), " ".join(parts[-FRAGMENT_WORDS:])]
    written = ",".join(map(_escaped, ends))
    if len(text) <= COUNTED_CHARACTERS_MAX and _times(text, ends[0]) < 2:
        return written
    before = " ".join(text[max(0, span[0] - AROUND) : span[0]].split()[-FRAGMENT_WORDS:])
    after = " ".join(text[span[1] : span[1] + AROUND].split()[:FRAGMENT_WORDS])
    prefix = f"{_escaped(before)}-," if before else ""
    return f"{prefix}{written}{f',-{_escaped(after)}' if after else ''}"


def _times(text: str, words: str) -> int:
    pattern = r"\s+".join(map(re.escape, words.split()))
    return len(re.findall(pattern, text, re.IGNORECASE)) if pattern else 0


def _escaped(words: str) -> str:
    return percent(words, safe="").replace("-", "%2D")
