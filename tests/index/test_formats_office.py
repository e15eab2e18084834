"""Word, PowerPoint, Excel and files of values: structure by what the file says of itself."""

from __future__ import annotations

import datetime
import zipfile
from io import BytesIO
from itertools import pairwise
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from index import Document, UnreadableFile
from index.formats.sheets import delimiter_of
from index.formats.table import has_header
from tests.documents import archive, slides, word, workbook


def saved(file: Any) -> bytes:
    buffer = BytesIO()
    file.save(buffer)
    return buffer.getvalue()


def parts_of(package: bytes) -> dict[str, bytes | str]:
    with zipfile.ZipFile(BytesIO(package)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rows_of(document: Document) -> list[tuple[str | None, int | None, str]]:
    """Return each row's sheet, number and text."""
    at = {place.start: place for place in document.places}
    return [
        (at[block.start].sheet, at[block.start].row, document.text[block.start : block.end])
        for block in document.blocks
        if block.kind == "row"
    ]


# --- Word ---------------------------------------------------------------------------------------


def test_a_word_document_has_headings_lists_and_tables(read: Any) -> None:
    document = read(
        "a.docx",
        word(
            ("Title", "Coast railway"),
            ("Heading 1", "Costs"),
            ("Normal", "They came to 12 million."),
            ("List Bullet", "stations"),
            ("List Number", "first"),
            ("List Number", "second"),
            ("Heading 2", "By year"),
            [["Year", "Cost"], ["2023", "5"], ["2024", "7"]],
        ),
    )
    assert document.text == (
        "# Coast railway\n\n# Costs\n\nThey came to 12 million.\n\n- stations\n\n1. first\n\n"
        "2. second\n\n## By year\n\n| Year | Cost |\n|---|---|\n| 2023 | 5 |\n| 2024 | 7 |\n"
    )
    assert document.title == "Coast railway"
    assert document.date == "2024-03-02"
    assert [section.heading_path for section in document.sections][-1] == ("Costs", "By year")
    assert [block.kind for block in document.blocks][-3:] == ["header", "row", "row"]


def test_deletions_are_left_out_and_insertions_read(read: Any) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("The cost is ")
    for tag, inner, words in (("del", "delText", "11"), ("ins", "t", "12")):
        paragraph._p.append(
            parse_xml(
                f"<w:{tag} {nsdecls('w')} w:id='1' w:author='a'><w:r><w:{inner}>{words}"
                f"</w:{inner}></w:r></w:{tag}>"
            )
        )
    assert read("a.docx", saved(document)).text == "The cost is 12\n"


def test_text_in_controls_and_boxes_is_read_once(read: Any) -> None:
    document = docx.Document()
    document.add_paragraph("Before.")
    control = parse_xml(
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    box = "<w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent>"
    drawn = parse_xml(
        f"<w:p {nsdecls('w')} xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
        f"<w:r><w:t>Around.</w:t></w:r><w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    body = document.element.body
    body.insert(1, control)
    body.insert(2, drawn)
    assert read("a.docx", saved(document)).text == (
        "Before.\n\nIn a control.\n\nAround.\n\nIn a box.\n"
    )


def test_a_line_in_bold_is_a_heading_where_no_style_says_so(read: Any) -> None:
    document = docx.Document()
    document.add_paragraph().add_run("Costs of the line").bold = True
    document.add_paragraph("They came to 12 million.")
    mixed = document.add_paragraph("Not ")
    mixed.add_run("a heading").bold = True
    found = read("a.docx", saved(document))
    assert [block.kind for block in found.blocks] == ["heading", "paragraph", "paragraph"]


def test_notes_stand_at_the_end_with_their_numbers(read: Any) -> None:
    """python-docx writes no notes, so the part is added to the package by hand."""
    document = docx.Document()
    paragraph = document.add_paragraph("It grew by a tenth")
    paragraph._p.append(parse_xml(f"<w:r {nsdecls('w')}><w:footnoteReference w:id='2'/></w:r>"))
    members = parts_of(saved(document))
    members["word/footnotes.xml"] = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:id='0' w:type='separator'><w:p/></w:footnote>"
        "<w:footnote w:id='2'><w:p><w:r><w:t>As measured in May.</w:t></w:r></w:p></w:footnote>"
        "</w:footnotes>"
    ).encode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/>'
    content_type = (
        '<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.wordprocessingml.footnotes+xml"/>'
    )
    for part, end, addition in (
        ("word/_rels/document.xml.rels", "</Relationships>", relation),
        ("[Content_Types].xml", "</Types>", content_type),
    ):
        whole = members[part]
        assert isinstance(whole, bytes)
        members[part] = whole.decode().replace(end, addition + end)
    text = read("a.docx", archive(members)).text
    assert text == "It grew by a tenth[1]\n\n[1] As measured in May.\n"


# --- PowerPoint ---------------------------------------------------------------------------------


def test_each_slide_is_a_page_with_its_notes(read: Any) -> None:
    document = read(
        "a.pptx",
        slides(("Coast railway", ["water", "roads"], "Say thanks."), ("", ["No title here."], "")),
    )
    assert document.text == (
        "# Coast railway\n\n- water\n\n- roads\n\nSay thanks.\n\n## 2\n\nNo title here.\n"
    )
    assert [(place.page, place.start) for place in document.places] == [
        (1, 0),
        (2, document.text.index("## 2")),
    ]


# --- Excel --------------------------------------------------------------------------------------


def test_each_row_of_a_sheet_says_what_its_values_are(read: Any) -> None:
    document = read(
        "a.xlsx",
        workbook(
            {
                "Rail": [
                    ["Lines of the coast"],
                    [],
                    ["Line", "Length, km", "Opened"],
                    ["Coast", 210, datetime.date(1998, 5, 3)],
                    ["Desert", 845.25, None],
                ],
                "Secret": [["a", "b"], ["c", "d"]],
                "Бюджет": [["Год", "Сумма"], [2024, 12.1 + 0.2]],
            },
            hidden=["Secret"],
        ),
    )
    assert rows_of(document) == [
        ("Rail", 4, "Line: Coast; Length, km: 210; Opened: 1998-05-03"),
        ("Rail", 5, "Line: Desert; Length, km: 845.25"),
        ("Бюджет", 2, "Год: 2024; Сумма: 12.3"),
    ]
    assert "# Rail\n\nLines of the coast\n\n" in document.text
    assert document.title == "a"


def test_a_share_is_shown_as_the_workbook_shows_it(read: Any) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Part", "Share"])
    sheet.append(["Coast", 0.256])
    sheet["B2"].number_format = "0.0%"
    assert "Part: Coast; Share: 25.6%" in read("a.xlsx", saved(book)).text


def test_a_second_table_under_a_blank_row_has_its_own_header(read: Any) -> None:
    rows: list[list[Any]] = [["Line", "Km"], ["Coast", 210], [], ["Town", "People"], ["Port", 9000]]
    document = read("a.xlsx", workbook({"S": rows}))
    assert [row[2] for row in rows_of(document)] == [
        "Line: Coast; Km: 210",
        "Town: Port; People: 9000",
    ]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_no_column_is_left_out_however_many_there_are(read: Any, name: str) -> None:
    header = ["Station", *(f"Day {number}" for number in range(1, 1_501))]
    row = ["Coast", *(10_000 + number for number in range(1, 1_501))]
    values = "\n".join(",".join(map(str, each)) for each in (header, row)).encode()
    document = read(name, workbook({"Rail": [header, row]}) if name == "a.xlsx" else values)
    ((_, number, text),) = rows_of(document)
    assert number == 2
    assert text.startswith("Station: Coast; Day 1: 10001; ")
    assert text.endswith("; Day 1500: 11500")


def test_rows_without_a_header_are_their_values(read: Any) -> None:
    document = read("a.xlsx", workbook({"S": [["Coast", 210], ["Desert", 845]]}))
    assert [row[2] for row in rows_of(document)] == ["Coast; 210", "Desert; 845"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Line", "Km"], ["Coast", "210"]], True),
        ([["Region", "2023", "2024"], ["Coast", "1", "2"]], True),
        ([["Coast", "210"], ["Desert", "845"]], False),
        ([["Name", "Name"], ["a", "b"]], False),
        ([["Line", "", "", ""], ["a", "b", "c", "d"]], False),
        ([["Only", "header"]], False),
    ],
)
def test_a_header_is_a_row_of_distinct_names(rows: list[list[str]], expected: bool) -> None:
    assert has_header(rows) is expected


def test_more_rows_than_allowed_are_too_large(write: Any, extracted: Any) -> None:
    file = write("a.csv", "a,b\n" + "1,2\n" * 10)
    (problem,) = extracted(file, table_rows_max=5).problems
    assert problem.reason == "too_large"


# --- files of values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.csv", 'City,Length\n"Almaty, old",120\nShymkent,45\n', "utf-8"),
        ("a.csv", "City;Length\nAlmaty, old;120\nShymkent;45\n", "utf-8-sig"),
        ("a.tsv", "City\tLength\nAlmaty, old\t120\nShymkent\t45\n", "utf-16"),
        ("a.csv", "City|Length\r\nAlmaty, old|120\r\nShymkent|45\r\n", "cp1252"),
    ],
)
def test_what_parts_the_values_is_found(read: Any, name: str, content: str, encoding: str) -> None:
    document = read(name, content.encode(encoding))
    assert rows_of(document) == [
        (None, 2, "City: Almaty, old; Length: 120"),
        (None, 3, "City: Shymkent; Length: 45"),
    ]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "utf-8"])
def test_a_file_of_values_may_be_in_any_cyrillic_encoding(read: Any, encoding: str) -> None:
    content = "Город;Длина, км;Год\nАлматы;120,5;1998\nШымкент;45;2003\n"
    document = read("a.csv", content.encode(encoding))
    assert rows_of(document)[0] == (None, 2, "Город: Алматы; Длина, км: 120,5; Год: 1998")


def test_the_row_is_that_of_a_spreadsheet_where_a_value_has_lines(read: Any) -> None:
    document = read("a.csv", 'Name,Note\nA,"one\ntwo"\nB,three\n')
    assert rows_of(document) == [
        (None, 2, "Name: A; Note: one two"),
        (None, 3, "Name: B; Note: three"),
    ]


def test_decimal_commas_are_no_delimiters() -> None:
    assert delimiter_of("a;b\n1,5;2,5\n3,5;4,5\n") == ";"


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx"])
def test_a_package_with_an_entity_bomb_is_survived(write: Any, extracted: Any, name: str) -> None:
    """Entities that grow tenfold nine times are neither expanded nor fetched."""
    made = {
        "a.docx": word(("Normal", "Words.")),
        "a.pptx": slides(("T", ["b"], "")),
        "a.xlsx": workbook({"S": [["a", "b"], ["c", 1]]}),
    }[name]
    part = {
        "a.docx": "word/document.xml",
        "a.pptx": "ppt/slides/slide1.xml",
        "a.xlsx": "xl/worksheets/sheet1.xml",
    }[name]
    members = parts_of(made)
    entities = f'<!ENTITY a "{"ha" * 100}"><!ENTITY x SYSTEM "file:///etc/passwd">'
    for old, new in pairwise("abcdefghi"):
        entities += f'<!ENTITY {new} "{f"&{old};" * 10}">'
    whole = members[part]
    assert isinstance(whole, bytes)
    declared, _, body = whole.decode().rpartition("?>")
    root = body.strip()[1:].split()[0].rstrip(">")
    for words in (">Words.<", ">b<", ">c<"):
        body = body.replace(words, ">&i;&x;<")
    head = f"{declared}?>" if declared else ""
    members[part] = f"{head}<!DOCTYPE {root} [{entities}]>{body.strip()}"
    outcome = extracted(write(name, archive(members)))
    assert all(len(document.text) < 1000 for document in outcome.documents)
    assert all("root:" not in document.text for document in outcome.documents)
    assert outcome.documents or isinstance(outcome.problems[0], UnreadableFile)
