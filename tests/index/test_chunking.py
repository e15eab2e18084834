"""Passages are whole sentences under one heading, and together they are the document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import Document, Passage
from index.chunking import PASSAGE_TOKENS_MAX, chunk, embedded_text
from index.extracting import Extracted, extract_text
from tests.documents import book, lines, pdf, slides, word, workbook


def count_words(texts: Any) -> tuple[int, ...]:
    return tuple(len(text.split()) for text in texts)


def document_of(
    text: str, *, suffix: str = "markdown", extracted: Extracted | None = None
) -> Document:
    if extracted is None:
        extracted = extract_text(text.encode(), suffix, "name")  # type: ignore[arg-type]
    return Document(
        document_id="d",
        file_id="d",
        path="d.md",
        source=Path("d.md"),
        sha256="",
        bytes=0,
        modified_ns=0,
        **dict(extracted),
    )


def passages_of(text: str) -> tuple[Passage, ...]:
    return chunk(document_of(text), count_words)


def quotes(passage: Passage, text: str) -> list[str]:
    return [text[s.start : s.end] for s in passage.sentences]


def test_a_heading_alone_is_no_passage() -> None:
    assert [p.text for p in passages_of("# A\n\n## B\n\n## C\n\nWords here.\n")] == ["Words here."]


def test_the_heading_path_begins_with_the_title_and_says_it_once() -> None:
    (passage,) = passages_of("# A\n\n## B\n\nWords.\n")
    assert passage.heading_path == ("A", "B")
    (other,) = passages_of("---\ntitle: T\n---\n# A\n\nWords.\n")
    assert other.heading_path == ("T", "A")


def test_front_matter_and_comments_are_in_no_passage() -> None:
    text = "---\ntitle: T\nauthor: secret\n---\n\n<!-- secret -->\n\nWords.\n"
    assert [p.text for p in passages_of(text)] == ["Words."]


def test_each_table_row_is_a_passage_that_carries_the_header() -> None:
    text = "# Rail\n\n| Line | Km |\n|---|---|\n| Coast | 210 |\n| Desert | 845 |\n"
    document = document_of(text)
    passages = chunk(document, count_words)
    assert [p.text for p in passages] == ["| Coast | 210 |", "| Desert | 845 |"]
    assert {p.kind for p in passages} == {"table"}
    assert {p.table_header for p in passages} == {"| Line | Km |"}
    assert embedded_text(document, passages[0]) == "Rail\n| Line | Km |\n| Coast | 210 |"


def test_a_list_stays_with_the_sentence_that_introduces_it() -> None:
    text = "Before. The aims are:\n\n- water\n- roads\n- schools\n\nAfter.\n"
    (passage,) = passages_of(text)
    assert passage.kind == "list"
    assert quotes(passage, text) == [
        "Before.", "The aims are:", "water", "roads", "schools", "After.",
    ]  # fmt: skip


def test_a_long_list_goes_on_with_its_lead_in_beside_it() -> None:
    items = "".join(f"- item {number} {'word ' * 20}\n" for number in range(12))
    document = document_of(f"The aims are:\n\n{items}")
    first, *others = chunk(document, count_words)
    assert quotes(first, document.text)[0] == "The aims are:"
    assert others
    assert {passage.lead_in for passage in others} == {"The aims are:"}
    assert all(embedded_text(document, p).split("\n")[1] == "The aims are:" for p in others)


def test_a_sentence_over_the_limit_is_a_passage_of_its_own() -> None:
    long = "Word " * 200 + "end."
    passages = passages_of(f"Short one.\n\n{long}\n\nShort two.\n")
    assert [p.text for p in passages] == ["Short one.", long, "Short two."]


def test_small_paragraphs_under_one_heading_are_put_together() -> None:
    text = "# A\n\nOne.\n\nTwo.\n\n# B\n\nThree.\n"
    assert [p.text for p in passages_of(text)] == ["One.\n\nTwo.", "Three."]


def test_a_long_row_is_parted_between_its_cells_and_says_whose_it_is() -> None:
    words = " ".join(["word"] * 60)
    source = f"Name,First,Second\nCoast,{words},{words}\nDesert,few,more\n"
    document = document_of(source, suffix="csv")
    first, second, short = chunk(document, count_words)
    assert quotes(first, document.text) == ["Name: Coast;", f"First: {words};"]
    assert quotes(second, document.text) == [f"Second: {words}"]
    assert (first.lead_in, second.lead_in) == ("", "Name: Coast")
    assert quotes(short, document.text) == ["Name: Desert; First: few; Second: more"]
    check_laws(document, (first, second, short))


PROSE = "The line opened in 1998. It has nine stations."


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (
            "pdf",
            pdf(lines(PROSE, "and a bridge."), lines("• one", "• two", "Contents . . . . . 3")),
        ),
        ("docx", word(("Heading 1", "H"), ("Normal", PROSE), ("List Bullet", "x"), [["a", "b"]])),
        ("pptx", slides(("T", ["a", "b"], PROSE), ("", ["c"], ""))),
        ("xlsx", workbook({"S": [["T"], ["a", "b"], [1, 2], [], ["c", "d"], ["e", 3]]})),
        ("csv", b"a;b\n1;x, y\n\nz\n2;\n"),
        ("epub", book(f"<h1>H</h1><p>{PROSE}</p><pre>x = 1\ny</pre><table><tr><td>1<td>2</table>")),
        ("rst", f"T\n=\n\n{PROSE}\n\n- a\n- b\n\n::\n\n  c\n  d\n".encode()),
        ("html", f"<h1>H</h1><p>{PROSE}<br>Then</p><ul><li>a<li>b</ul>".encode()),
    ],
)
def test_passages_of_every_format_cover_its_text(suffix: str, content: bytes) -> None:
    extracted = extract_text(content, suffix, "name")  # type: ignore[arg-type]
    document = document_of("", extracted=extracted)
    passages = chunk(document, count_words)
    check_laws(document, passages)
    assert passages


def test_code_is_kept_whole_by_lines() -> None:
    text = "Run this:\n\n```sh\nmake run\nmake test\n```\n"
    (passage,) = passages_of(text)
    assert passage.text == text.strip()
    assert quotes(passage, text) == ["Run this:", "make run", "make test"]


pieces = st.sampled_from(
    [
        "# Heading\n", "## Deeper *one*\n", "Words stand here. And No. 5 as well.\n",
        "- item one\n", "  - nested item\n", "1. first\n", "> quoted words\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n", "```\ncode # here\n```\n", "    indented\n", "\n",
        "\n\n", "<div>html</div>\n", "***\n", "[ref]: http://example.org\n", "Set\n===\n",
        "long word " * 70 + ".\n", "Слово г. Алматы.\r\n",
    ]
)  # fmt: skip


def check_laws(document: Document, passages: tuple[Passage, ...]) -> None:
    text = document.text
    covered = [0] * len(text)
    for block in document.blocks:
        if block.kind in ("front_matter", "comment", "heading", "header"):
            covered[block.start : block.end] = [9] * (block.end - block.start)
    for number, passage in enumerate(passages):
        assert passage.passage_id == number
        assert passage.text == text[passage.start : passage.end]
        assert passage.start <= passage.sentences[0].start
        assert passage.sentences[-1].end <= passage.end
        for place in range(passage.start, passage.end):
            covered[place] += 1
        lengths = count_words([text[s.start : s.end] for s in passage.sentences])
        assert sum(lengths) <= PASSAGE_TOKENS_MAX or len(lengths) <= 2
    for place, character in enumerate(text):
        if character.isalnum():
            assert covered[place] in (1, 9), (place, text)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, min_size=1, max_size=25).map("".join))
def test_passages_cover_every_letter_and_digit_once_and_split_no_sentence(text: str) -> None:
    if any(character.isalnum() for character in text.replace("Heading", "").replace("Set", "")):
        document = document_of(text)
        check_laws(document, chunk(document, count_words))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aБ1 .\n\r\t#-*|>`_[]()<!&\\:=~\u2028", min_size=1, max_size=80))
def test_the_laws_hold_for_any_markup(text: str) -> None:
    if any(character.isalnum() for character in text):
        for suffix in ("markdown", "text"):
            document = document_of("x" + text, suffix=suffix)
            check_laws(document, chunk(document, count_words))


@pytest.mark.parametrize("mark", ["> " * 3000, "- " * 3000, "*" * 20_000, "[" * 20_000, "`" * 9999])
def test_hostile_markup_is_read_all_the_same(mark: str) -> None:
    assert document_of(f"Words.\n\n{mark} x\n").blocks
