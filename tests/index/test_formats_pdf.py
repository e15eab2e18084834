"""PDF: paragraphs in reading order with their pages, and which pages have no text."""

from __future__ import annotations

import shutil
from typing import Any

import pypdfium2
import pytest

from index import Document, UnreadableFile
from index.formats.layout import Gap, PageLine, in_reading_order, paragraphs_of
from tests.documents import HEIGHT, Picture, Words, encrypted_pdf, lines, pdf


def page_of(document: Document, words: str) -> int | None:
    at = document.text.index(words)
    return [place for place in document.places if place.start <= at][-1].page


def kinds(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_each_part_of_the_text_knows_its_page(read: Any) -> None:
    document = read("a.pdf", pdf(lines("First page words."), [], lines("Слова третьей страницы.")))
    assert document.text == "First page words.\n\nСлова третьей страницы.\n"
    assert page_of(document, "First") == 1
    assert page_of(document, "третьей") == 3


def test_lines_are_paragraphs_and_large_or_bold_ones_headings(read: Any) -> None:
    page = [
        Words("Coast railway", y=790, size=22),
        *lines("The line carried nine million passengers in", "the year 2024, the most.", y=750),
        *lines("A paragraph of its own stands further down.", y=710),
        Words("Costs", y=680, size=11, is_bold=True),
        *lines("They came to 12 million.", y=664),
    ]
    document = read("a.pdf", pdf(page))
    assert kinds(document) == [
        ("heading", "Coast railway"),
        (
            "paragraph",
            "The line carried nine million passengers in\nthe year 2024, the most.",
        ),
        ("paragraph", "A paragraph of its own stands further down."),
        ("heading", "Costs"),
        ("paragraph", "They came to 12 million."),
    ]
    assert [section.heading_path for section in document.sections] == [
        ("Coast railway",),
        ("Coast railway", "Costs"),
    ]


def test_a_hyphen_at_a_line_end_is_kept(read: Any) -> None:
    document = read(
        "a.pdf", pdf(lines("Engineers repaired the rail-", "way and the har-", "bour."))
    )
    assert "rail-\nway and the har-\nbour." in document.text


def test_a_list_is_items_with_their_lines(read: Any) -> None:
    page = [
        *lines("The aims are these:", y=760),
        *lines("• water for the towns of the coast and", y=746),
        *lines("the villages behind it", y=732.8, x=82),
        *lines("• roads", y=719),
    ]
    document = read("a.pdf", pdf(page))
    assert kinds(document)[1:] == [
        ("item", "• water for the towns of the coast and\nthe villages behind it"),
        ("item", "• roads"),
    ]


def test_a_paragraph_goes_on_over_the_page(read: Any) -> None:
    pages = [
        lines("The bridge was closed on the third of May because", "the pillars had to be", y=100),
        lines("repaired by the engineers of the region.", y=780),
    ]
    document = read("a.pdf", pdf(*pages))
    assert len(document.blocks) == 1
    assert page_of(document, "repaired") == 2
    assert page_of(document, "bridge") == 1


def test_what_runs_along_every_page_is_left_out(read: Any) -> None:
    pages = [
        [
            Words("Annual report of the harbour", y=815, size=8),
            *lines(f"Page {word} has words of its own here.", y=700),
            Words(f"Page {number} of 4", y=20, size=8),
        ]
        for number, word in enumerate(("one", "two", "three", "four"), start=1)
    ]
    document = read("a.pdf", pdf(*pages))
    assert document.text.count("Annual report of the harbour") == 1
    assert "of 4" not in document.text
    assert document.text.count("words of its own") == 4


def test_a_number_alone_on_one_page_is_text(read: Any) -> None:
    assert read("a.pdf", pdf([*lines("Seats:", y=700), Words("540", y=600)])).text.endswith("540\n")


def test_a_table_of_contents_is_in_the_text_and_in_no_passage(read: Any) -> None:
    page = lines("Introduction . . . . . . . . . . . . 3", "Costs . . . . . . . . . . . . . . . 12")
    document = read("a.pdf", pdf([*page, *lines("Words of the text stand here.", y=600)]))
    assert [block.kind for block in document.blocks] == ["comment", "paragraph"]


def test_columns_are_read_one_after_the_other() -> None:
    """Also where the file draws both columns line by line, so that a line runs across them."""
    left = [f"left column line number {number}" for number in range(6)]
    right = [f"right column line number {number}" for number in range(6)]
    drawn = [
        PageLine(
            text=f"{a} {b}", left=50, right=500, y=700 - 12 * number, size=10, is_bold=False,
            gaps=(Gap(len(a) + 1, 250, 300),),
        )
        for number, (a, b) in enumerate(zip(left, right, strict=True))
    ]  # fmt: skip
    title = PageLine("A title over both of the columns", 50, 500, 730, 10, is_bold=False)
    ordered = in_reading_order([title, *drawn])
    assert [line.text for line in ordered] == [title.text, *left, *right]


def test_the_cells_of_a_table_are_no_columns() -> None:
    drawn = [
        PageLine(f"Coast {number}", 50, 300, 700 - 12 * number, 10, False, (Gap(6, 100, 280),))
        for number in range(8)
    ]
    assert in_reading_order(drawn) == drawn
    (paragraph,) = paragraphs_of([drawn])
    assert all(paragraph.ended)


def test_bold_names_of_columns_are_no_heading(read: Any) -> None:
    rows = [
        [Words(left, 72, y, is_bold=y == 700), Words(right, 300, y, is_bold=y == 700)]
        for left, right, y in (("Line", "Km", 700), ("Coast", "210", 680), ("Desert", "845", 660))
    ]
    page = [*lines("Words of the text stand here.", y=760), *(cell for row in rows for cell in row)]
    document = read("a.pdf", pdf(page))
    assert kinds(document)[1:] == [("paragraph", "Line Km\nCoast 210\nDesert 845")]
    assert len(document.blocks[1].breaks) == 2


def test_lines_drawn_from_the_foot_up_are_read_from_the_head_down(read: Any) -> None:
    page = lines(*(f"Line number {number} stands here." for number in range(9)))
    document = read("a.pdf", pdf(list(reversed(page))))
    numbers = [int(word) for word in document.text.split() if word.isdigit()]
    assert numbers == sorted(numbers)


def test_pages_without_text_are_named_and_the_rest_is_read(write: Any, extracted: Any) -> None:
    scan = [Picture()]
    file = write("a.pdf", pdf(scan, lines("Words."), scan, scan, [Words("Scanned", y=20), *scan]))
    outcome = extracted(file)
    assert outcome.documents[0].text == "Words.\n"
    (problem,) = outcome.problems
    assert isinstance(problem, UnreadableFile)
    assert problem.reason == "scanned"
    assert "pages 1, 3-5 have no text" in problem.message


def test_a_pdf_of_pictures_alone_is_unreadable(write: Any, extracted: Any) -> None:
    outcome = extracted(write("a.pdf", pdf([Picture()])))
    assert not outcome.documents
    assert [problem.reason for problem in outcome.problems] == ["scanned"]


def test_a_small_picture_beside_text_is_no_scan(write: Any, extracted: Any) -> None:
    outcome = extracted(write("a.pdf", pdf([Picture(share=0.2), *lines("Caption.")])))
    assert outcome.documents
    assert not outcome.problems


def test_a_blank_pdf_is_empty(write: Any, extracted: Any) -> None:
    assert [problem.reason for problem in extracted(write("a.pdf", pdf([]))).problems] == ["empty"]


def test_a_password_is_said(write: Any, extracted: Any) -> None:
    (problem,) = extracted(write("a.pdf", encrypted_pdf(pdf(lines("Words."))))).problems
    assert problem.reason == "encrypted"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_pdf_cut_short_is_damaged(write: Any, extracted: Any, share: float) -> None:
    whole = pdf(*[lines(f"Page {number} words.") for number in range(5)])
    (problem,) = extracted(write("a.pdf", whole[: int(share * len(whole))])).problems
    assert problem.reason == "damaged"


@pytest.mark.parametrize(
    ("title", "taken"),
    [
        ("Coast railway: the year", "Coast railway: the year"),
        ("Microsoft Word - draft3.doc", "Coast railway"),
        ("Something else", "Coast railway"),
        ("", "Coast railway"),
    ],
)
def test_a_stated_title_is_taken_where_the_pages_say_it(read: Any, title: str, taken: str) -> None:
    page = [
        Words("Coast railway", y=790, size=22),
        *lines("Coast railway: the year of the new line to the desert.", y=740),
    ]
    document = read("a.pdf", pdf(page, title=title, created="20230115"))
    assert document.title == taken
    assert document.date == "2023-01-15"


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_text_is_recognised_where_the_operator_asks_for_it(write: Any, extracted: Any) -> None:
    drawn = pypdfium2.PdfDocument(pdf([Words("Nine million passengers", y=HEIGHT / 2, size=30)]))
    seen = drawn[0].render(scale=3, grayscale=True)
    rows = bytes(seen.buffer)
    pixels = b"".join(rows[at : at + seen.width] for at in range(0, len(rows), seen.stride))
    file = write("a.pdf", pdf([Picture(1.0, seen.width, seen.height, pixels)]))
    assert [p.reason for p in extracted(file).problems] == ["scanned"]
    outcome = extracted(file, ocr_languages="eng")
    assert not outcome.problems
    assert "passengers" in outcome.documents[0].text
