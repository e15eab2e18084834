"""Archives and messages: what they hold has a path of its own; what must not be unpacked isn't."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from index import SkippedFile, UnreadableFile
from index.reading import FileOutcome
from tests.documents import archive, book, encrypted_pdf, lines, mail, pdf, slides, word, workbook

WORDS = ("Normal", "Words of the document.")
BOMB = b"0" * 3_000_000
PDF = pdf(lines("Words."))


Found = Callable[..., dict[str, str]]


@pytest.fixture
def found(extracted: Callable[..., FileOutcome]) -> Found:
    """Return each path of a file with the first line of its text, or the reason it has none."""

    def of_file(file: Path, **limits: Any) -> dict[str, str]:
        outcome = extracted(file, **limits)
        texts = {document.path: document.text.split("\n")[0] for document in outcome.documents}
        return texts | {problem.path: problem.reason for problem in outcome.problems}

    return of_file


def test_an_archive_gives_a_document_for_each_file(
    write: Any, extracted: Any, found: Found
) -> None:
    members: dict[str, bytes | str] = {
        "2024/may.docx": word(WORDS),
        "notes.md": "Notes.",
        "sub/": b"",
        "sub/rows.csv": "a,b\n1,2\n",
        "photo.png": b"\x89PNG\r\n",
        ".hidden.md": "x",
        "__MACOSX/notes.md": "x",
        "~$may.docx": "x",
        "empty.txt": "",
        "locked.pdf": encrypted_pdf(pdf(lines("Words."))),
    }
    file = write("minutes.zip", archive(members))
    assert found(file) == {
        "minutes.zip/2024/may.docx": "Words of the document.",
        "minutes.zip/notes.md": "Notes.",
        "minutes.zip/sub/rows.csv": "a; b",
        "minutes.zip/photo.png": "unsupported_type",
        "minutes.zip/.hidden.md": "hidden",
        "minutes.zip/__MACOSX/notes.md": "hidden",
        "minutes.zip/~$may.docx": "temporary",
        "minutes.zip/empty.txt": "empty",
        "minutes.zip/locked.pdf": "encrypted",
    }
    documents = extracted(file).documents
    assert len({document.document_id for document in documents}) == 3
    assert len({document.file_id for document in documents}) == 1
    assert {document.source for document in documents} == {file}
    assert {document.bytes for document in documents} == {file.stat().st_size}


def test_archives_inside_each_other_are_read_to_a_depth(write: Any, found: Found) -> None:
    inner = archive({"a.txt": "Innermost."})
    for number in range(3):
        inner = archive({f"{number}.zip": inner, f"{number}.txt": f"At {number}."})
    file = write("a.zip", inner)
    assert found(file) == {
        "a.zip/2.txt": "At 2.",
        "a.zip/2.zip/1.txt": "At 1.",
        "a.zip/2.zip/1.zip/0.txt": "At 0.",
        "a.zip/2.zip/1.zip/0.zip": "too_deep",
    }
    assert found(file, archive_depth_max=0) == {"a.zip/2.txt": "At 2.", "a.zip/2.zip": "too_deep"}


def test_paths_that_lead_out_of_an_archive_are_left_out(write: Any, found: Found) -> None:
    evil = {"../evil.txt": "x", "/etc/evil.txt": "x", "a/../../evil.md": "x"}
    members = {**evil, "b\\c.txt": "Words."}
    assert found(write("a.zip", archive(members))) == {
        "a.zip/evil.txt": "outside_folder",
        "a.zip/evil.md": "outside_folder",
        "a.zip/b/c.txt": "Words.",
    }


def test_names_that_old_windows_wrote_in_cyrillic_are_made_out(write: Any, found: Found) -> None:
    """Such an archive says nothing of its names' encoding, so that they are read as cp437."""
    packed = archive({"AAAAA.txt": "Words."})
    name = "Отчёт".encode("cp866")
    assert len(name) == 5
    file = write("a.zip", packed.replace(b"AAAAA", name))
    assert list(found(file)) == ["a.zip/Отчёт.txt"]


def test_the_same_name_twice_is_read_once(write: Any, extracted: Any) -> None:
    twice = archive({"a.txt": "First.", "b.txt": "Second."}).replace(b"b.txt", b"a.txt")
    outcome = extracted(write("a.zip", twice))
    assert [document.text for document in outcome.documents] == ["First."]
    assert outcome.problems == (SkippedFile(path="a.zip/a.txt", reason="duplicate_path"),)


def locked(packed: bytes) -> bytes:
    """Return an archive that says of its one member that it asks for a password."""
    whole = bytearray(packed)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", whole, whole.index(mark) + at, 1)
    return bytes(whole)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.zip", archive({f"{n}.txt": "x" for n in range(60)}), "archive_bomb"),
        ("a.zip", archive({"a.txt": BOMB}), "archive_bomb"),
        (
            "a.docx",
            archive({"[Content_Types].xml": "", "word/x": BOMB}),
            "archive_bomb",
        ),
        ("a.xlsx", archive({"[Content_Types].xml": "", "xl/x": BOMB}), "archive_bomb"),
        ("a.epub", archive({"META-INF/container.xml": BOMB}), "archive_bomb"),
        ("a.zip", archive({"a.txt": bytes(6_000_000)}, method=zipfile.ZIP_STORED), "too_large"),
        ("a.zip", archive({"a.txt": "Words of it. " * 50})[:-30], "damaged"),
        ("a.docx", word(WORDS)[:-300], "damaged"),
        ("a.pptx", slides(("T", ["b"], ""))[:9000], "damaged"),
        ("a.epub", book("<p>Words.</p>")[:-10], "damaged"),
    ],
)
def test_what_unpacks_too_far_or_not_at_all_is_named(
    write: Any, extracted: Any, name: str, content: bytes, reason: str
) -> None:
    limits = {"archive_files_max": 50, "archive_bytes_max": 5_000_000}
    (problem,) = extracted(write(name, content), **limits).problems
    assert isinstance(problem, UnreadableFile)
    assert problem.reason == reason
    assert problem.message.startswith(f"{name}: the file ")


def test_a_locked_member_is_encrypted_and_the_others_are_read(write: Any, found: Found) -> None:
    file = write("a.zip", archive({"b.zip": locked(archive({"a.txt": "x"})), "c.txt": "Words."}))
    assert found(file) == {"a.zip/b.zip/a.txt": "encrypted", "a.zip/c.txt": "Words."}


def test_all_that_archives_hold_together_is_limited(write: Any, found: Found) -> None:
    """Each of the inner archives is small enough, all of them together aren't."""
    inner = archive({"a.txt": b"ab " * 700_000}, method=zipfile.ZIP_STORED)
    file = write("a.zip", archive({f"{n}.zip": inner for n in range(3)}, method=zipfile.ZIP_STORED))
    reasons = found(file, archive_bytes_max=7_000_000)
    assert sum(reason == "too_large" for reason in reasons.values()) >= 1
    assert sum(text.startswith("ab") for text in reasons.values()) >= 1


def test_all_text_of_a_file_together_is_limited(write: Any, found: Found) -> None:
    file = write("a.zip", archive({"a.txt": "a" * 60, "b.txt": "b" * 60}))
    assert list(found(file, text_characters_max=100).values())[1] == "too_large"


# --- messages -----------------------------------------------------------------------------------


def test_a_message_has_its_subject_its_day_and_its_attachments(
    write: Any, extracted: Any, found: Found
) -> None:
    inner = mail("Inner", "Forwarded words.")
    file = write(
        "a.eml",
        mail(
            "Минуты мая",
            "The line opens in June.\n\n- water\n- roads\n",
            attachments={"may.docx": word(WORDS), "p.png": b"\x89PNG\r\n", "f.eml": inner},
        ),
    )
    message, minutes, forwarded = extracted(file).documents
    assert message.text == (
        "# Минуты мая\n\nFrom: Ann Lee <ann@example.org>\nTo: bo@example.org\n"
        "Date: Tue, 07 May 2024 23:30:00 +0500\n\nThe line opens in June.\n\n- water\n- roads\n"
    )
    assert (message.title, message.date) == ("Минуты мая", "2024-05-07")
    assert [block.kind for block in message.blocks] == [
        "heading", "paragraph", "paragraph", "item", "item",
    ]  # fmt: skip
    assert minutes.path == "a.eml/may.docx"
    assert forwarded.path == "a.eml/f.eml"
    assert found(file)["a.eml/p.png"] == "unsupported_type"


def test_a_message_in_html_alone_is_read_as_a_page(read: Any) -> None:
    document = read(
        "a.eml", mail("S", "", html="<p>The line <b>opens</b>.</p><script>x()</script>")
    )
    assert document.text.endswith("\n\nThe line opens.\n")


def test_the_plain_part_is_read_where_a_message_has_both(read: Any) -> None:
    text = read("a.eml", mail("S", "Plain words.", html="<p>Styled words.</p>")).text
    assert "Plain words." in text
    assert "Styled" not in text


def test_a_message_in_an_old_encoding_is_read(read: Any) -> None:
    words = "Проект охватил девяносто две тысячи гектаров."
    head = b"From: a@example.org\nSubject: =?koi8-r?B?8NLPxcvU?=\nContent-Type: text/plain"
    body = head + b"; charset=koi8-r\nContent-Transfer-Encoding: 8bit\n\n" + words.encode("koi8-r")
    document = read("a.eml", body)
    assert document.title == "Проект"
    assert words in document.text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "koi8-r"])
def test_a_header_in_raw_bytes_is_made_out(read: Any, encoding: str) -> None:
    subject = "Протокол собрания жителей".encode(encoding)
    body = b"Subject: " + subject + b"\nDate: Tue, 07 May 2024 23:30:00 +0500\n\nThe line opens.\n"
    document = read("a.eml", body)
    assert document.title == "Протокол собрания жителей"
    assert document.text.startswith("# Протокол собрания жителей\n")


# --- what a name says and what a file is --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "reason", "advice"),
    [
        ("a.docx", PDF, "wrong_type", "name it .pdf"),
        ("a.txt", PDF, "wrong_type", "name it .pdf"),
        ("a.csv", workbook({"S": [["a", "b"], ["c", 1]]}), "wrong_type", "name it .xlsx"),
        ("a.xlsx", word(WORDS), "wrong_type", "name it .docx"),
        ("a.zip", book("<p>x</p>"), "wrong_type", "name it .epub"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n" + bytes(50), "wrong_type", "a PNG picture"),
        ("a.md", b"{\\rtf1 words}", "wrong_type", "an RTF document"),
        ("a.pdf", b"<html><p>Not found</p></html>", "wrong_type", "holds text and is not a PDF"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "wrong_type", "before 2007"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "encrypted",
            "save it without one",
        ),
        ("a.pdf", bytes(range(256)), "damaged", "doesn't begin as a PDF does"),
        ("a.eml", b"Just words, no message.\n", "wrong_type", "name it .txt"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named_with_what_it_is(
    write: Any, extracted: Any, name: str, content: bytes, reason: str, advice: str
) -> None:
    (problem,) = extracted(write(name, content)).problems
    assert isinstance(problem, UnreadableFile)
    assert problem.reason == reason
    assert advice in problem.message


# --- dates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "date"),
    [
        ("2023-04-05 minutes.docx", word(WORDS), "2023-04-05"),
        ("minutes.docx", word(WORDS), "2024-03-02"),
        ("report_2023.04.05.md", "Words.", "2023-04-05"),
        ("2023-04-05.md", "---\ndate: 2022-01-01\n---\nWords.\n", "2022-01-01"),
        ("2023-13-05.md", "Words.", None),
        ("plain.md", "Words.", None),
    ],
)
def test_a_stated_date_comes_before_the_name_and_the_name_before_properties(
    read: Any, name: str, content: Any, date: str | None
) -> None:
    assert read(name, content).date == date
