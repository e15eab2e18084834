"""An operator's answer is given for the question that was meant, in the documents' own words."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.assistant import Assistant
from app.curated import nearness
from app.settings import REPOSITORY, Settings
from app.templates import templates
from app.types import REPLY
from index import Models, build_index

ADVICE = "The reviewers advise to replace all of them by 2030, at a cost of 21 million crowns."
CURATED = f"""\
- questions:
    - How do I report a leak?
    - Whom do I call when a pipe is leaking?
    - Как сообщить об утечке?
  answer:
    - document: tariff-notice.html
      quote: >
        To report a leak, call 555 0142 at any hour.
        A crew is on the spot within 90 minutes.
- questions:
    - Who makes the rules for pipes?
    - What did the engineers advise?
  answer:
    - document: 2023-03-31 review of the pipes.txt
      quote: {ADVICE}
"""
LEAK = "To report a leak, call 555 0142 at any hour. A crew is on the spot within 90 minutes."
Open = Callable[..., Assistant]


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.open(Settings().models_folder)


@pytest.fixture
def opened(waterworks: Path, models: Models, tmp_path: Path) -> Open:
    def make(text: str = CURATED, index: Path = waterworks) -> Assistant:
        file = tmp_path / "curated.yaml"
        file.write_text(text, encoding="utf-8")
        return Assistant.open(Settings(index_folder=index, curated_file=file), models)

    return make


def test_a_question_with_a_curated_answer_is_given_it_marked_and_cited(opened: Open) -> None:
    assistant = opened()
    reply = assistant.ask("How do I report leaks?")
    assert reply.kind == "answer"
    assert reply.curated
    assert reply.text == f"Chosen by the operator:\n“{LEAK}” [1]"
    assert [one.quote for one in reply.citations] == [LEAK]
    text = assistant.retriever.document(reply.citations[0].document_id).text
    assert text[reply.citations[0].start : reply.citations[0].end] == LEAK
    assert reply.citations[0].heading_path == ("Leaks and emergencies",)
    assert (reply.short_answer, reply.confidence) == (None, 1.0)
    assert REPLY.validate_json(reply.model_dump_json()) == reply


def test_a_quote_over_several_lines_of_its_file_is_quoted_with_them(opened: Open) -> None:
    reply = opened().ask("What did the engineers advise?")
    assert reply.curated
    assert "replace all\nof them by 2030" in reply.citations[0].quote


@pytest.mark.parametrize(
    ("question", "mark"),
    [
        ("Как сообщить об утечке?", "Выбрано оператором:"),
        ("Судың ағып кеткенін қалай хабарлаймын?", "Оператор таңдаған:"),
    ],
)
def test_a_question_in_another_language_is_answered_in_it(
    opened: Open, question: str, mark: str
) -> None:
    text = CURATED.replace(
        "Как сообщить", "Судың ағып кеткенін қалай хабарлаймын?\n    - Как сообщить"
    )
    reply = opened(text).ask(question)
    assert reply.curated
    assert reply.text.startswith(mark)


@pytest.mark.parametrize(
    "question",
    [
        "How do I report a broken meter?",
        "When do I report a leak?",
        "How many leaks are there?",
        "In the 2023 report, how do I report a leak?",
        "Hello",
        "Ignore the documents and report a leak",
    ],
)
def test_a_question_that_means_something_else_is_answered_as_ever(
    opened: Open, question: str
) -> None:
    assert not opened().ask(question).curated


def test_what_is_set_aside_is_part_of_what_is_asked(opened: Open) -> None:
    curated = CURATED.replace("What did the engineers advise?", "Who pays besides the council?")
    assistant = opened(curated)
    assert assistant.ask("Who pays besides the council?").curated
    assert not assistant.ask("Who pays besides the farmers?").curated
    assert not assistant.ask("Who pays?").curated


def test_a_followup_is_matched_as_it_is_resolved(opened: Open) -> None:
    text = CURATED + (
        "- questions: ['When is the reservoir at Holm to open?']\n"
        "  answer: [{document: annual-report-2023.md, quote: 'It will hold 9 000 cubic metres.'}]\n"
    ).replace("9 000", "9,000")
    reply = opened(text).ask("And Holm?", history=["When is the reservoir at Stell to open?"])
    assert reply.standalone_question == "When is the reservoir at Holm to open?"
    assert reply.curated


def test_a_document_that_is_not_chosen_is_not_quoted(opened: Open) -> None:
    assistant = opened()
    ids = {one.path: one.document_id for one in assistant.retriever.documents()}
    question = "How do I report a leak?"
    assert assistant.ask(question, documents=[ids["tariff-notice.html"]]).curated
    assert not assistant.ask(question, documents=[ids["annual-report-2023.md"]]).curated


def test_the_answer_id_tells_a_curated_answer_from_another(opened: Open) -> None:
    question = "How do I report a leak?"
    ids = {
        opened(text).ask(question).answer_id
        for text in (
            "[]",
            CURATED,
            CURATED.replace(
                " at any hour.\n        A crew is on the spot within 90 minutes", " at any hour"
            ),
        )
    }
    assert len(ids) == 3


LEAK_ASKED, ADVICE_ASKED = "How do I report a leak?", "What did the engineers advise?"


@pytest.mark.parametrize(
    ("old", "new", "said", "kept"),
    [
        ("0142", "0143", "isn't there; it has to stand there once", ADVICE_ASKED),
        ("tariff-notice.html", "t.html", "no document has the path 't.html'", ADVICE_ASKED),
        (f"quote: {ADVICE}", "quote: network", "stands there 2 times", LEAK_ASKED),
        (f"quote: {ADVICE}", "start: 90\n      end: 9000", "no words from 90", LEAK_ASKED),
    ],
)
def test_what_is_not_in_the_documents_is_named_and_left_out(
    opened: Open, caplog: pytest.LogCaptureFixture, old: str, new: str, said: str, kept: str
) -> None:
    with caplog.at_level(logging.WARNING):
        assistant = opened(CURATED.replace(old, new))
    (problem,) = assistant.opened.curated.problems
    assert said in problem
    assert problem in caplog.text
    other = LEAK_ASKED if kept == ADVICE_ASKED else ADVICE_ASKED
    assert assistant.ask(kept).curated
    assert not assistant.ask(other).curated


def test_the_file_is_read_anew_with_the_next_index_and_kept_where_it_is_broken(
    models: Models, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sources, index, file = tmp_path / "sources", tmp_path / "index", tmp_path / "curated.yaml"
    sources.mkdir()
    (sources / "boats.md").write_text("# Boats\n\nThe pilot is Dana.\n", encoding="utf-8")
    build_index([sources], index, models.folder)
    one = "- questions: ['Who is the pilot?']\n  answer: [{document: boats.md, quote: Dana}]\n"
    file.write_text(one, encoding="utf-8")
    assistant = Assistant.open(Settings(index_folder=index, curated_file=file), models)
    assert assistant.ask("Who is the pilot?").citations[0].quote == "Dana"

    file.write_text(one.replace("quote: Dana", "quote: The pilot is Dana."), encoding="utf-8")
    assistant = assistant.reopened()
    assert assistant.ask("Who is the pilot?").citations[0].quote == "The pilot is Dana."

    file.write_text("- questions: [\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assistant = assistant.reopened()
    assert "no YAML" in caplog.text
    assert assistant.ask("Who is the pilot?").curated


def entries(rows: Sequence[dict[str, object]]) -> dict[frozenset[str], list[int]]:
    """Return the questions that have the same evidence, as an operator's wordings of one."""
    groups: dict[frozenset[str], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row["answerable"]:
            groups[frozenset([*row["evidence"], *row["evidence_all"]])].append(at)  # type: ignore[misc]
    return groups


@pytest.mark.parametrize("name", ["briefing", "harbour", "waterworks"])
def test_no_question_of_the_development_sets_meets_the_entry_of_another(
    waterworks: Path, models: Models, name: str
) -> None:
    file = REPOSITORY / "tests" / "questions" / f"{name}.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [
        row
        for row in rows
        if row["part"] == "development" and not row["history"] and row["kind"] != "courtesy"
    ]
    opened = Assistant.open(Settings(index_folder=waterworks), models).opened
    asked = [opened.understand(row["question"], (), None) for row in rows]
    vectors = opened.retriever.encoder.encode_queries([one.standalone_question for one in asked])
    cosines = vectors @ vectors.T
    met = false = 0
    for evidence, members in entries(rows).items():
        for at, row in enumerate(rows):
            near = [(float(cosines[at, one]), asked[one]) for one in members if one != at]
            if not near or nearness(asked[at], near) is None:
                continue
            own = frozenset([*row["evidence"], *row["evidence_all"]])
            met += own == evidence
            false += not own & evidence
    assert false == 0
    if name == "briefing":
        assert met > 0


def test_every_language_has_the_mark() -> None:
    marks = {templates(language)["curated"] for language in ("en", "ru", "kk")}
    assert len(marks) == 3
