"""A citation's link opens the original at the place, as far as its type allows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from app.citing import COUNTED_CHARACTERS_MAX, cite
from app.lookups import media_type_shown
from app.types import Citation, Quoted
from index import Document, Place


def cited(text: str, quote: str, name: str, place: Place | None = None, at: int = -1) -> Citation:
    start = text.index(quote) if at < 0 else at
    document = Document(
        document_id="report 1",
        file_id="report 1",
        path=name,
        source=Path("/sources") / name,
        title="Report",
        sha256="0" * 64,
        bytes=len(text),
        modified_ns=0,
        text=text,
    )
    quoted = Quoted(
        number=1,
        document_id="report 1",
        heading_path=("Report",),
        start=start,
        end=start + len(quote),
    )
    return cite(quoted, document=document, place=place, source_state="unchanged")


def fragment(citation: Citation) -> str:
    return citation.link.partition("#:~:text=")[2]


def test_a_pdf_opens_at_its_page() -> None:
    citation = cited("One. Two.", "Two.", "a.pdf", Place(start=5, page=7))
    assert citation.link == "/api/documents/report%201/source#page=7"
    assert citation.page == 7


@pytest.mark.parametrize("name", ["a.txt", "a.md", "A.MD", "a.markdown"])
def test_a_text_opens_at_its_words_and_a_browser_may_show_it(name: str, tmp_path: Path) -> None:
    assert fragment(cited("One. Two.", "Two.", name)) == "Two."
    (tmp_path / name).write_text("One. Two.", "utf-8")
    assert media_type_shown(tmp_path / name) == "text/plain; charset=utf-8"


def test_what_a_browser_saves_has_no_place_in_its_link() -> None:
    citation = cited("One. Two.", "Two.", "a.xlsx", Place(start=5, sheet="Pumps", row=3))
    assert citation.link == "/api/documents/report%201/source"
    assert (citation.sheet, citation.row) == ("Pumps", 3)


def test_what_has_a_meaning_in_a_directive_is_escaped() -> None:
    quote = "Self-made, 5 % & «водопровод» #2?"
    written = fragment(cited(f"Before. {quote} After.", quote, "a.txt"))
    assert not set(written) & set(",-&#? «»")
    assert unquote(written) == quote


def test_of_a_long_quote_the_first_and_the_last_words_are_given() -> None:
    words = [f"word{number}" for number in range(30)]
    written = fragment(cited(" ".join(words), " ".join(words), "a.md"))
    assert written.split(",") == [
        "%20".join(words[:6]),
        "%20".join(words[-6:]),
    ]


@pytest.mark.parametrize("said", ["Water is lost.", "water  is LOST."])
def test_words_that_stand_in_several_places_come_with_those_around_them(said: str) -> None:
    text = f"In 2023, so: {said} That was much. In 2024, too: Water is lost. It was less."
    at = text.rindex("Water is lost.")
    written = fragment(cited(text, "Water is lost.", "a.txt", at=at))
    before, quote, after = (unquote(part) for part in written.split(","))
    assert before == "That was much. In 2024, too:-"
    assert quote == "Water is lost."
    assert after == "-It was less."


def test_a_quote_at_the_end_of_a_text_has_no_words_after_it() -> None:
    text = "Lost. Lost."
    assert fragment(cited(text, "Lost.", "a.txt", at=6)) == "Lost.-,Lost."


def test_in_a_very_long_text_the_words_around_are_always_given() -> None:
    text = "Before it. " + "x" * COUNTED_CHARACTERS_MAX + " Said before. Lost. After it."
    assert fragment(cited(text, "Lost.", "a.txt")).endswith("Said%20before.-,Lost.,-After%20it.")
