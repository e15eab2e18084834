"""A file of curated answers is read whole, or refused with the line and the entry at fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.curated_file import CuratedUnusable, read_curated
from app.settings import Settings

GOOD = """\
# Leaks are asked about every week.
- questions:
    - How do I report a leak?
    - Как сообщить об утечке?
  answer:
    - document: tariff-notice.html
      quote: To report a leak, call 555 0142 at any hour.
- questions: ['Who owns the company?']
  answer:
    - {document: annual-report-2024.md, start: 10, end: 20}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "curated.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_entry_has_wordings_stretches_and_the_line_it_begins_at(tmp_path: Path) -> None:
    first, second = read_curated(written(tmp_path, GOOD))
    assert first.questions == ("How do I report a leak?", "Как сообщить об утечке?")
    assert first.answer[0].quote == "To report a leak, call 555 0142 at any hour."
    assert (second.answer[0].start, second.answer[0].end) == (10, 20)
    assert (first.line, second.line) == (2, 8)


def test_an_empty_file_has_no_entry(tmp_path: Path) -> None:
    assert read_curated(written(tmp_path, "# nothing yet\n")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("questions: [a]\n", "has to be a list of entries"),
        ("- questions: ['What is it?']\n", "line 1, entry 1, answer: Field required"),
        (GOOD + "- questions: []\n  answer: []\n", "line 11, entry 3, questions: "),
        (GOOD + "- questions: ['?']\n  answer: []\n", "line 11, entry 3, questions.1: "),
        (
            GOOD.replace("      quote: To", "      quotes: To"),
            "line 7, entry 1, answer.1.quotes: Extra inputs are not permitted",
        ),
        (GOOD.replace(", end: 20", ""), "line 10, entry 2, answer.1: give either quote, or start"),
        (GOOD.replace("end: 20", "end: 10"), "line 10, entry 2, answer.1: end has to be after"),
        (GOOD.replace("start: 10", "start: ten"), "line 10, entry 2, answer.1.start: "),
        (GOOD + "  answer: []\n", "line 11: answer is there twice"),
        (
            GOOD
            + "- questions: ['how do  I report a LEAK?']\n  answer: [{document: a, quote: b}]\n",
            "line 11: the question 'how do  I report a LEAK?' is asked in the entry at line 2 too",
        ),
        ("- questions: [a\n", "no YAML"),
        ("- !!python/object/apply:os.system ['true']\n", "line 1: no YAML"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(CuratedUnusable) as raised:
        read_curated(file)
    assert str(raised.value).startswith(str(file))
    assert said in str(raised.value)


def test_the_setting_is_refused_with_what_is_wrong_in_the_file(tmp_path: Path) -> None:
    assert Settings(curated_file=written(tmp_path, GOOD)).curated_file is not None
    with pytest.raises(ValidationError, match="line 1, entry 1, answer: Field required"):
        Settings(curated_file=written(tmp_path, "- questions: ['What is it?']\n"))
    with pytest.raises(ValidationError, match="can't be read: No such file"):
        Settings(curated_file=tmp_path / "missing.yaml")
