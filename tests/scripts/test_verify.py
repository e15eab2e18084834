"""verify.py proves what is true, and says which citation is not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.rendering import as_markdown, as_text
from app.types import Line

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (
    "# Ferries\n\nThe crossing takes 40 minutes — “in calm weather”.\r\n"
    "Кеме таңғы жетіде кетеді. 🚢 So it is.\n"
)
QUOTE = "The crossing takes 40 minutes — “in calm weather”."


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources with a space"
    (folder / "harbour").mkdir(parents=True)
    (folder / "harbour" / "ferries.md").write_bytes(TEXT.encode())
    return folder


def citation(quote: str = QUOTE, number: int = 1, **changes: object) -> dict[str, object]:
    start = TEXT.index(quote)
    return {
        "number": number,
        "path": "harbour/ferries.md",
        "title": "Ferries",
        "date": None,
        "heading_path": [],
        "sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
        "start": start,
        "end": start + len(quote),
        "quote": quote,
        **changes,
    }


def answer(
    *citations: dict[str, object], name: object = "q1", **changes: object
) -> dict[str, object]:
    lines = [
        Line(role="quote", text=f"“{each['quote']}”", number=number)
        for number, each in enumerate(citations, 1)
    ]
    return {
        "id": name,
        "kind": "answer",
        "text": as_text(lines),
        "markdown": as_markdown(lines),
        "short_answer": None,
        "citations": [{**each, "number": number} for number, each in enumerate(citations, start=1)],
        "nearest": [],
        **changes,
    }


def verify(
    tmp_path: Path, *replies: dict[str, object], sources: Path, json_output: bool = True
) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "replies.jsonl"
    file.write_text("".join(json.dumps(reply) + "\n" for reply in replies), encoding="utf-8")
    return run(str(file), "--sources", str(sources), *(["--json"] if json_output else []))


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "verify.py"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_true_citation_is_proved(tmp_path: Path, sources: Path) -> None:
    outcome = verify(tmp_path, answer(citation()), sources=sources)
    assert outcome.returncode == 0
    assert json.loads(outcome.stdout) == {"replies": 1, "citations": 1, "proved": 1, "failed": []}
    assert outcome.stdout.count("\n") == 1


def test_offsets_count_code_points_line_ends_and_all(tmp_path: Path, sources: Path) -> None:
    quotes = ["Кеме таңғы жетіде кетеді.", "So it is.", "🚢", "”.\r\nК"]
    outcome = verify(tmp_path, *(answer(citation(quote)) for quote in quotes), sources=sources)
    assert json.loads(outcome.stdout)["proved"] == len(quotes)


def test_the_citations_of_nearest_are_proved_too(tmp_path: Path, sources: Path) -> None:
    abstention: dict[str, object] = {
        "id": 7,
        "kind": "abstention",
        "citations": [],
        "nearest": [citation(), citation(number=2, start=0, end=len(QUOTE))],
    }
    outcome = verify(tmp_path, abstention, sources=sources)
    assert outcome.returncode == 1
    told = json.loads(outcome.stdout)
    assert (told["citations"], told["proved"]) == (2, 1)
    assert [(failure["id"], failure["number"]) for failure in told["failed"]] == [(7, 2)]


def test_one_changed_character_in_a_source_is_named(tmp_path: Path, sources: Path) -> None:
    file = sources / "harbour" / "ferries.md"
    file.write_bytes(TEXT.replace("40", "41").encode())
    outcome = verify(tmp_path, answer(citation(), name="broken"), sources=sources)
    assert outcome.returncode == 1
    (failure,) = json.loads(outcome.stdout)["failed"]
    assert (failure["id"], failure["number"]) == ("broken", 1)
    assert failure["path"] == "harbour/ferries.md"
    assert "changed" in failure["why"]


def test_a_quote_that_is_not_at_its_offsets_fails(tmp_path: Path, sources: Path) -> None:
    start = TEXT.index(QUOTE)
    wrong = [
        citation(quote=QUOTE, start=start + 1, end=start + 1 + len(QUOTE)),
        {**citation(), "quote": QUOTE.replace("—", "-")},
        {**citation(), "end": len(TEXT) + 1000},
        {**citation(), "start": -3},
        {**citation(), "start": True},
    ]
    outcome = verify(tmp_path, answer(*wrong), sources=sources)
    assert outcome.returncode == 1
    told = json.loads(outcome.stdout)
    assert told["proved"] == 0
    assert [each["number"] for each in told["failed"] if each["path"]] == [1, 2, 3, 4, 5]


def test_a_citation_with_a_key_missing_fails_and_the_rest_goes_on(
    tmp_path: Path, sources: Path
) -> None:
    incomplete = citation()
    del incomplete["sha256"]
    outcome = verify(tmp_path, answer(incomplete, citation(number=2)), sources=sources)
    told = json.loads(outcome.stdout)
    assert told["proved"] == 1
    assert "sha256" in told["failed"][0]["why"]


@pytest.mark.parametrize(
    "path", ["../outside.md", "/etc/hostname", "gone.md", "", "harbour", "long" * 999]
)
def test_a_path_that_names_no_file_under_the_sources_fails(
    tmp_path: Path, sources: Path, path: str
) -> None:
    (tmp_path / "outside.md").write_bytes(TEXT.encode())
    outcome = verify(tmp_path, answer(citation(path=path)), sources=sources)
    assert outcome.returncode == 1
    assert "no such file" in json.loads(outcome.stdout)["failed"][0]["why"]


@pytest.mark.parametrize(
    "changes", [{"title": "Boats"}, {"date": "2026-01-01"}, {"heading_path": ["Fares"]}]
)
def test_what_stands_beside_the_quote_is_the_document_s_own(
    tmp_path: Path, sources: Path, changes: dict[str, Any]
) -> None:
    outcome = verify(tmp_path, answer(citation(**changes)), sources=sources)
    assert outcome.returncode == 1
    assert json.loads(outcome.stdout)["failed"][0]["number"] == 1


def test_an_answer_without_citations_is_named_and_not_passed_over(
    tmp_path: Path, sources: Path
) -> None:
    emptied = answer(citation(), name="emptied", citations=[])
    for replies in ([emptied], [answer(citation()), emptied]):
        outcome = verify(tmp_path, *replies, sources=sources)
        assert outcome.returncode == 1
        (failure,) = json.loads(outcome.stdout)["failed"]
        assert (failure["id"], failure["number"], failure["path"]) == ("emptied", None, None)


def test_what_an_answer_shows_is_proved_too(tmp_path: Path, sources: Path) -> None:
    said = answer(citation())
    false = {
        "text": said["text"].replace("40", "14"),  # type: ignore[attr-defined]
        "markdown": said["markdown"].replace("40", "14"),  # type: ignore[attr-defined]
        "short_answer": "14 minutes",
    }
    for key, value in false.items():
        outcome = verify(tmp_path, {**said, key: value}, sources=sources)
        assert outcome.returncode == 1, key
        told = json.loads(outcome.stdout)
        assert (told["citations"], told["proved"]) == (1, 1)
        assert told["failed"], key
        printed = verify(tmp_path, {**said, key: value}, sources=sources, json_output=False).stdout
        assert "shows what it doesn't cite" in printed


def test_of_two_sources_with_the_same_path_the_cited_one_is_found(
    tmp_path: Path, sources: Path
) -> None:
    other = tmp_path / "other" / "harbour"
    other.mkdir(parents=True)
    (other / "ferries.md").write_text("Another text.\n", encoding="utf-8")
    file = tmp_path / "replies.jsonl"
    file.write_text(json.dumps(answer(citation())), encoding="utf-8")
    outcome = run(str(file), "--sources", str(tmp_path / "other"), str(sources))
    assert outcome.returncode == 0


def test_a_source_may_be_a_single_file(tmp_path: Path, sources: Path) -> None:
    file = sources / "harbour" / "ferries.md"
    outcome = verify(tmp_path, answer(citation(path="ferries.md")), sources=file)
    assert outcome.returncode == 0


def test_an_error_line_is_a_reply_without_citations(tmp_path: Path, sources: Path) -> None:
    error: dict[str, object] = {
        "id": "q2",
        "error": {"code": "empty_question", "message": "Ask something."},
    }
    outcome = verify(tmp_path, answer(citation()), error, sources=sources)
    assert outcome.returncode == 0
    assert json.loads(outcome.stdout)["replies"] == 2


def test_replies_are_read_from_standard_input(sources: Path) -> None:
    outcome = run("-", "--sources", str(sources), stdin=json.dumps(answer(citation())))
    assert outcome.returncode == 0
    assert "1 proved, 0 failed" in outcome.stdout


def test_where_there_is_nothing_to_prove_the_exit_code_is_2(tmp_path: Path, sources: Path) -> None:
    assert verify(tmp_path, sources=sources).returncode == 2
    courtesy: dict[str, object] = {
        "id": "hello",
        "kind": "courtesy",
        "citations": [],
        "nearest": [],
    }
    outcome = verify(tmp_path, courtesy, sources=sources)
    assert outcome.returncode == 2
    assert json.loads(outcome.stdout)["replies"] == 1


@pytest.mark.parametrize("content", [b"no JSON", b"[1, 2]", b'{"id": 1}', b"\xff\xfe\x00", b"null"])
def test_a_file_that_holds_no_replies_is_refused_in_one_sentence(
    tmp_path: Path, sources: Path, content: bytes
) -> None:
    file = tmp_path / "replies.jsonl"
    file.write_bytes(content)
    outcome = run(str(file), "--sources", str(sources))
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("verify: ")
    assert outcome.stderr.count("\n") == 1


def test_files_of_the_same_path_under_two_sources_are_told_apart(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "other" / "two"]
    cited = []
    for folder, path in zip(folders, ("a.md", "two/a.md", "other/two/a.md"), strict=True):
        folder.mkdir(parents=True)
        text = f"The words of {folder.relative_to(tmp_path)}."
        (folder / "a.md").write_text(text, "utf-8")
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        here = {"path": path, "sha256": sha256, "start": 0, "end": len(text), "quote": text}
        cited.append({"number": 1, "title": text, "date": None, "heading_path": [], **here})
    file = tmp_path / "replies.jsonl"
    shown = {"id": "q1", "kind": "abstention", "citations": [], "nearest": cited}
    file.write_text(json.dumps(shown), encoding="utf-8")
    told = run(str(file), "--sources", *map(str, folders), "--json")
    assert json.loads(told.stdout)["proved"] == 3, told.stdout
    whole = run(str(file), "--sources", *(str(folder / "a.md") for folder in folders), "--json")
    assert json.loads(whole.stdout)["proved"] == 3, whole.stdout
    (folders[1] / "a.md").write_text("Other words.", "utf-8")
    changed = run(str(file), "--sources", *map(str, folders), "--json")
    (failure,) = json.loads(changed.stdout)["failed"]
    assert failure["path"] == "two/a.md"
    now = hashlib.sha256(b"Other words.").hexdigest()
    assert f"the SHA-256 of {folders[1] / 'a.md'} is {now}" in failure["why"]


def test_files_of_the_same_bytes_and_path_are_all_looked_at(tmp_path: Path) -> None:
    """A file of the cited path that holds the bytes but not the member doesn't hide another."""
    for name, member in (("one", "m.zip"), ("two", "m.zip/x.md")):
        (tmp_path / name / member).parent.mkdir(parents=True)
        (tmp_path / name / member).write_bytes(TEXT.encode())
    cited = citation(path="m.zip/x.md")
    file = tmp_path / "replies.jsonl"
    file.write_text(json.dumps(answer(cited)), encoding="utf-8")
    told = run(str(file), "--sources", str(tmp_path / "one"), str(tmp_path / "two"), "--json")
    assert json.loads(told.stdout)["proved"] == 1, told.stdout


def test_missing_files_and_sources_are_named(tmp_path: Path, sources: Path) -> None:
    outcome = run(str(tmp_path / "gone.jsonl"), "--sources", str(sources))
    assert outcome.returncode == 2
    assert "gone.jsonl can't be read: No such file or directory; " in outcome.stderr
    (tmp_path / "bytes.jsonl").write_bytes(b"\n\n\xff\n")
    outcome = run(str(tmp_path / "bytes.jsonl"), "--sources", str(sources))
    assert "line 3 of " in outcome.stderr
    assert "codec" not in outcome.stderr
    outcome = verify(tmp_path, answer(citation()), sources=tmp_path / "nowhere")
    assert outcome.returncode == 2
    assert "nowhere" in outcome.stderr
