"""A folder of every format and every way to be broken: built, asked, each citation proved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.documents import (
    Picture,
    Words,
    archive,
    book,
    encrypted_pdf,
    lines,
    mail,
    pdf,
    slides,
    word,
    workbook,
)

REPOSITORY = Path(__file__).resolve().parents[2]

FERRY = pdf(
    [
        Words("Harbour ferries", y=780, size=22),
        *lines("The ferry company was founded by Ida Brekke in 1911."),
    ],
    lines("The ferry Nordlys carries 140 passengers and", "crosses the fjord in 35 minutes."),
)
SCAN = pdf([Picture()], lines("The lighthouse at Skarv was lit for the first time in 1874."))
QUARRY = word(
    ("Title", "The quarry"),
    ("Heading 1", "Output"),
    ("Normal", "The quarry at Hamre delivers 8,200 tonnes of slate a year."),
    [["Year", "Workers"], ["2022", "31"], ["2023", "44"]],
)
SCHOOLS = workbook(
    {
        "Schools": [
            ["School", "Pupils", "Head teacher"],
            ["Lund primary school", 212, "Marit Moen"],
            ["Vik secondary school", 388, "Jonas Dahl"],
        ]
    }
)
WELLS = "Well;Depth in metres;Drilled in\nNorth well;84;1987\nSouth well;112;2004\n"
THEATRE = slides(("The theatre", ["The old theatre has 540 seats."], "It was restored in 2016."))
ORCHARD = book("<h1>The orchard</h1><p>The orchard grows 26 kinds of apple.</p>")
BAKERY = mail("The bakery", "The bakery on Kirkegate bakes 900 loaves a day.\n")
CLINIC = archive({"clinic/staff.docx": word(("Normal", "The clinic employs 17 nurses."))})
OBSERVATORY = "Observatory\n===========\n\nThe observatory's telescope is 2.4 metres wide.\n"
MILL = "<nav>menu</nav><main><h1>The mill</h1><p>The mill grinds 60 sacks a day.</p></main>"
BRIDGE = "Мост через реку построил инженер Павел Лунин в 1932 году.\n".encode("koi8-r")

READABLE: dict[str, bytes] = {
    "ferries.pdf": FERRY,
    "lighthouse.pdf": SCAN,
    "quarry.docx": QUARRY,
    "schools.xlsx": SCHOOLS,
    "wells.csv": WELLS.encode("utf-8-sig"),
    "boats.tsv": b"Boat\tBuilt in\nHavsula\t1956\n",
    "theatre.pptx": THEATRE,
    "orchard.epub": ORCHARD,
    "bakery.eml": BAKERY,
    "clinic.zip": CLINIC,
    "observatory.rst": OBSERVATORY.encode(),
    "mill.html": MILL.encode(),
    "bridge.txt": BRIDGE,
    "tower.md": b"---\ndate: 2020-02-02\n---\n# The tower\n\nThe tower is 71 metres tall.\n",
    "market.markdown": b"# The market\n\nThe market opens at six.\n",
    "museum.htm": b"<title>The museum</title><p>The museum keeps 3,000 nets.</p>",
    "park.xhtml": b"<html><body><h1>The park</h1><p>The park has 12 ponds.</p></body></html>",
}
UNREADABLE: dict[str, tuple[bytes, str]] = {
    "cut.pdf": (FERRY[: len(FERRY) // 2], "damaged"),
    "locked.pdf": (encrypted_pdf(FERRY), "encrypted"),
    "scanned.pdf": (pdf([Picture()]), "scanned"),
    "blank.pdf": (pdf([]), "empty"),
    "page.pdf": (b"<html>Not found</html>", "wrong_type"),
    "noise.pdf": (bytes(range(256)), "damaged"),
    "cut.docx": (QUARRY[: len(QUARRY) // 2], "damaged"),
    "locked.docx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "encrypted",
    ),
    "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "wrong_type"),
    "bomb.docx": (archive({"[Content_Types].xml": "", "word/a": bytes(9_000_000)}), "archive_bomb"),
    "blank.docx": (word(), "empty"),
    "cut.pptx": (THEATRE[: len(THEATRE) // 3], "damaged"),
    "cut.xlsx": (SCHOOLS[:-40], "damaged"),
    "really.xlsx": (QUARRY, "wrong_type"),
    "bomb.zip": (archive({"a.txt": bytes(9_000_000)}), "archive_bomb"),
    "cut.zip": (CLINIC[:-20], "damaged"),
    "cut.epub": (ORCHARD[:-20], "damaged"),
    "binary.txt": (bytes(range(256)) * 8, "not_text"),
    "photo.md": (b"\x89PNG\r\n\x1a\n" + bytes(99), "wrong_type"),
    "cut.txt": (("Слово " * 200).encode()[:-2], "damaged"),
    "empty.md": (b"", "empty"),
    "rules.md": (b"***\n---\n", "empty"),
    "words.eml": (b"Just words.\n", "wrong_type"),
    "blank.csv": (b";;\n;;\n", "empty"),
    "blank.html": (b"<nav>menu</nav>", "empty"),
}
SKIPPED = {
    ".hidden.md": "hidden",
    "~$quarry.docx": "temporary",
    "draft.md.tmp": "temporary",
    "photo.png": "unsupported_type",
    "old.doc": "unsupported_type",
}


def run(script: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / script), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    documents = folder / "documents"
    documents.mkdir()
    for name, content in READABLE.items():
        (documents / name).write_bytes(content)
    for name, (content, _) in UNREADABLE.items():
        (documents / name).write_bytes(content)
    for name in SKIPPED:
        (documents / name).write_bytes(b"Words.")
    secret = folder / "secret.md"
    secret.write_text("Secret.", "utf-8")
    (documents / "link.md").symlink_to(secret)
    (documents / "fine.zip").write_bytes(
        archive({"a/tower.md": "The second tower is 70 metres tall.", "locked.pdf": b"%PDF-1.4"})
    )
    assert len(list(documents.iterdir())) >= 48
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    outcome = run(
        "build_index.py", str(folder / "documents"), "--index", str(folder / "index"), "--json"
    )
    assert outcome.returncode == 1, outcome.stderr
    return dict(json.loads(outcome.stdout))


def test_every_file_is_read_or_named_with_its_reason(report: dict[str, Any]) -> None:
    holders = {"clinic.zip": "clinic.zip/clinic/staff.docx"}
    read = {holders.get(name, name) for name in READABLE} | {"fine.zip/a/tower.md"}
    assert set(report["added"]) == read
    reasons = {each["path"]: each["reason"] for each in report["unreadable"]}
    assert reasons == {
        **{name: reason for name, (_, reason) in UNREADABLE.items()},
        "lighthouse.pdf": "scanned",  # its first page; the second is read
        "fine.zip/locked.pdf": "damaged",
    }
    assert all(each["message"].startswith(f"{each['path']}: ") for each in report["unreadable"])
    assert all("; " in each["message"] for each in report["unreadable"])
    skipped = {each["path"]: each["reason"] for each in report["skipped"]}
    assert skipped == {**SKIPPED, "link.md": "outside_folder"}


QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "Who founded the ferry company?": ("ferries.pdf", {"page": 1}),
    "How many passengers does the ferry Nordlys carry?": ("ferries.pdf", {"page": 2}),
    "When was the lighthouse at Skarv lit for the first time?": ("lighthouse.pdf", {"page": 2}),
    "How many tonnes of slate does the quarry deliver?": ("quarry.docx", {"page": None}),
    "Who is the head teacher of Vik secondary school?": (
        "schools.xlsx",
        {"sheet": "Schools", "row": 3},
    ),
    "How many pupils does Lund primary school have?": (
        "schools.xlsx",
        {"sheet": "Schools", "row": 2},
    ),
    "How deep is the South well?": ("wells.csv", {"sheet": None, "row": 3}),
    "How many seats does the old theatre have?": ("theatre.pptx", {"page": 1}),
    "How many kinds of apple does the orchard grow?": ("orchard.epub", {}),
    "How many loaves does the bakery bake a day?": ("bakery.eml", {}),
    "How many nurses does the clinic employ?": ("clinic.zip/clinic/staff.docx", {}),
    "How wide is the observatory's telescope?": ("observatory.rst", {}),
    "How many sacks does the mill grind a day?": ("mill.html", {}),
    "Кто построил мост через реку?": ("bridge.txt", {}),
}


@pytest.fixture(scope="module")
def replies(folder: Path, report: dict[str, Any]) -> list[dict[str, Any]]:
    assert report["passages"]
    batch = "".join(
        json.dumps({"id": number, "question": question}) + "\n"
        for number, question in enumerate(QUESTIONS)
    )
    outcome = run("ask.py", "--batch", "-", "--index", str(folder / "index"), stdin=batch)
    assert outcome.returncode == 0, outcome.stderr
    (folder / "replies.jsonl").write_text(outcome.stdout, "utf-8")
    return [dict(json.loads(line)) for line in outcome.stdout.splitlines()]


def test_answers_cite_the_file_and_the_page_or_the_sheet_and_row(
    replies: list[dict[str, Any]],
) -> None:
    for reply, (path, place) in zip(replies, QUESTIONS.values(), strict=True):
        cited = (reply["citations"] or reply["nearest"])[0]
        assert cited["path"] == path, reply["question"]
        assert {key: cited[key] for key in place} == place, reply["question"]
        if path.endswith(".pdf"):
            assert cited["link"].endswith(f"/source#page={place['page']}")
    answered = sum(reply["kind"] == "answer" for reply in replies)
    assert answered >= 10, [r["question"] for r in replies if r["kind"] != "answer"]


def test_every_citation_is_proved_on_the_files(folder: Path, replies: list[dict[str, Any]]) -> None:
    outcome = run(
        "verify.py",
        str(folder / "replies.jsonl"),
        "--sources",
        str(folder / "documents"),
        "--json",
    )
    assert outcome.returncode == 0, outcome.stdout
    found = json.loads(outcome.stdout)
    assert found["replies"] == len(replies)
    assert found["proved"] == found["citations"] >= len(replies)


def test_a_second_build_changes_nothing_and_names_the_same_files(
    folder: Path, report: dict[str, Any]
) -> None:
    outcome = run(
        "build_index.py", str(folder / "documents"), "--index", str(folder / "index"), "--json"
    )
    again = json.loads(outcome.stdout)
    assert outcome.returncode == 1
    assert again["index_id"] == report["index_id"]
    assert again["unchanged"] == len(report["added"])
    assert not again["added"]
    assert again["unreadable"] == report["unreadable"]
    assert again["skipped"] == report["skipped"]


def test_a_citation_of_an_archive_that_changed_is_not_proved(
    folder: Path, replies: list[dict[str, Any]], tmp_path: Path
) -> None:
    (reply,) = (r for r in replies if "nurses" in r["question"])
    line = tmp_path / "reply.jsonl"
    line.write_text(json.dumps(reply), "utf-8")
    for name, content, proved in (
        ("same", CLINIC, True),
        ("other", archive({"clinic/staff.docx": word(("Normal", "It employs 18."))}), False),
    ):
        sources = tmp_path / name
        sources.mkdir()
        (sources / "clinic.zip").write_bytes(content)
        outcome = run("verify.py", str(line), "--sources", str(sources), "--json")
        failed = json.loads(outcome.stdout)["failed"]
        told = [f for f in failed if f["path"] == "clinic.zip/clinic/staff.docx"]
        assert bool(told) is not proved
