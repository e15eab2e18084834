"""The question files keep the promises that README.md beside them makes."""

import json
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict
from pypdf import PdfReader

ROOT = Path(__file__).parents[2]
SOURCES = {
    "briefing": ROOT / "docs" / "sources",
    "briefing-2": ROOT / "docs" / "sources",
    "briefing-3": ROOT / "docs" / "sources",
    "clinic": ROOT / "tests" / "collections" / "clinic",
    "harbour": ROOT / "tests" / "collections" / "harbour",
    "programme": ROOT / "tests" / "collections" / "programme",
    "railway": ROOT / "tests" / "collections" / "railway",
    "theatre": ROOT / "tests" / "collections" / "theatre",
    "turns": ROOT / "tests" / "collections" / "programme",
    "turns-2": ROOT / "tests" / "collections" / "railway",
    "turns-3": ROOT / "tests" / "collections" / "theatre",
    "university": ROOT / "tests" / "collections" / "university",
    "waterworks": ROOT / "tests" / "collections" / "waterworks",
}
CALIBRATING = (
    "almanac",
    "cooperative",
    "corridor",
    "gazette",
    "insurer",
    "ministry",
    "museum",
    "reserve",
    "software",
)
SOURCES |= {name: ROOT / "tests" / "collections" / name for name in CALIBRATING}
CALIBRATING_TURNS = tuple(f"turns/{name}" for name in (*CALIBRATING, "orchard"))
SOURCES |= {
    name: ROOT / "tests" / "collections" / name.removeprefix("turns/") for name in CALIBRATING_TURNS
}
ONE_STATEMENT_DOES = {
    "briefing-3", "programme", "theatre", "turns", "turns-3", "university", *CALIBRATING,
    *CALIBRATING_TURNS,
}  # fmt: skip
"""Files in which an overview may quote any key statement, and whatever one fragment holds whole has
no other sides.
"""
LANGUAGES = ("en", "ru", "kk")
NOT_IN_ENGLISH = {
    "clinic": {"ru": ("ambulance.md",), "kk": ("mother-and-child.md",)},
    "harbour": {"ru": ("shipyard.md",), "kk": ("sailing-school.md",)},
    "railway": {"ru": ("plan-2025-2027.md",), "kk": ("safety.md",)},
}


class Question(BaseModel):
    """One line of a question file, as README.md describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    question: str
    language: Literal["en", "ru", "kk"]
    history: list[str]
    kind: Literal[
        "fact", "who", "when", "how_much", "list", "comparison", "overview", "definition",
        "reason", "yes_no", "next", "courtesy",
    ]  # fmt: skip
    answerable: bool
    answers: list[str]
    evidence: list[str]
    evidence_all: list[str]
    why: (
        Literal[
            "off_topic", "near_miss", "wrong_entity", "wrong_year", "wrong_unit",
            "false_premise", "reversed_relation", "beyond_documents", "order_to_the_program",
        ]
        | None
    )  # fmt: skip
    style: Literal[
        "plain", "clumsy", "typo", "keywords", "capitals", "followup", "paraphrase", "synonym",
        "number_words", "british_american", "translit_name", "initials", "abbreviation",
        "kazakh_on_russian_keyboard",
    ]  # fmt: skip
    part: Literal["development", "set_aside", "calibration"]


def questions_of(name: str) -> list[Question]:
    lines = (Path(__file__).parent / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Question.model_validate(json.loads(line)) for line in lines]


def texts_of(name: str) -> list[str]:
    paths = sorted(path for path in SOURCES[name].rglob("*") if path.is_file())
    return [
        "\n".join(page.extract_text() for page in PdfReader(path).pages)
        if path.suffix == ".pdf"
        else path.read_text(encoding="utf-8")
        for path in paths
    ]


def share(questions: list[Question], *, language: str) -> float:
    return sum(question.language == language for question in questions) / len(questions)


def gap(questions: list[Question], *, key: str, value: object) -> int:
    """How many more questions with this value one part holds than the other."""
    parts = Counter(q.part for q in questions if getattr(q, key) == value)
    return abs(parts["development"] - parts["set_aside"])


@pytest.mark.parametrize("name", SOURCES)
def test_every_id_and_every_question_occurs_once(name: str) -> None:
    questions = questions_of(name)
    asked = {(question.question, *question.history) for question in questions}
    assert len({question.id for question in questions}) == len(questions)
    assert len(asked) == len(questions)


@pytest.mark.parametrize("name", SOURCES)
def test_every_answer_and_every_piece_of_evidence_is_text_of_one_source_document(
    name: str,
) -> None:
    texts = texts_of(name)
    strings = {
        string
        for question in questions_of(name)
        for string in (*question.answers, *question.evidence, *question.evidence_all)
    }
    assert strings
    assert [s for s in sorted(strings) if not any(s in text for text in texts)] == []


@pytest.mark.parametrize("name", SOURCES)
def test_what_can_be_answered_has_answers_and_evidence_and_nothing_else_has(name: str) -> None:
    for question in questions_of(name):
        expects_a_quote = question.answerable and question.kind != "courtesy"
        if question.kind != "overview":
            assert bool(question.answers) == expects_a_quote, question.id
        assert bool(question.evidence) == expects_a_quote, question.id
        assert (question.why is None) == question.answerable, question.id


@pytest.mark.parametrize("name", sorted(set(SOURCES) - ONE_STATEMENT_DOES))
def test_what_has_several_sides_names_all_of_them(name: str) -> None:
    for question in questions_of(name):
        if question.answerable and question.kind in ("list", "comparison", "overview"):
            assert question.evidence_all, question.id
        if question.answerable and question.kind == "comparison":
            assert len(question.evidence_all) >= 2, question.id


@pytest.mark.parametrize("name", SOURCES)
def test_a_question_has_earlier_questions_exactly_when_it_is_a_followup(name: str) -> None:
    for question in questions_of(name):
        assert bool(question.history) == (question.style == "followup"), question.id


def test_the_briefing_has_250_questions_a_third_of_them_unanswerable() -> None:
    questions = questions_of("briefing")
    unanswerable = sum(not question.answerable for question in questions)
    assert len(questions) == 250
    assert unanswerable == 83
    assert share(questions, language="ru") == share(questions, language="kk") == 0.12


@pytest.mark.parametrize("key", ["kind", "language", "answerable"])
def test_the_two_parts_of_the_briefing_differ_by_at_most_one_question(key: str) -> None:
    questions = questions_of("briefing")
    values = {getattr(question, key) for question in questions}
    assert {value: g for value in values if (g := gap(questions, key=key, value=value)) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_of_the_briefing_can_and_cannot_be_answered_in_both_parts(
    language: str,
) -> None:
    kinds = {(q.part, q.answerable) for q in questions_of("briefing") if q.language == language}
    assert len(kinds) == 4


def test_the_harbour_has_120_questions_to_develop_on_a_third_of_them_unanswerable() -> None:
    questions = questions_of("harbour")
    assert len(questions) == 120
    assert sum(not question.answerable for question in questions) == 40
    assert {question.part for question in questions} == {"development"}


def test_the_waterworks_have_46_questions_to_develop_on_nine_of_them_unanswerable() -> None:
    questions = questions_of("waterworks")
    assert len(questions) == 46
    assert sum(not question.answerable for question in questions) == 9
    assert {question.part for question in questions} == {"development"}
    assert {question.language for question in questions} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("name", "size", "unanswerable", "per_language"),
    [
        ("briefing-2", 110, 40, {"en": 66, "ru": 24, "kk": 20}),
        ("clinic", 100, 34, {"en": 60, "ru": 22, "kk": 18}),
        ("railway", 130, 43, {"en": 80, "ru": 30, "kk": 20}),
        ("programme", 110, 40, {"en": 62, "ru": 28, "kk": 20}),
    ],
)
def test_the_files_looked_at_once_are_set_aside_as_a_whole(
    name: str, size: int, unanswerable: int, per_language: dict[str, int]
) -> None:
    questions = questions_of(name)
    assert len(questions) == size
    assert sum(not question.answerable for question in questions) == unanswerable
    assert Counter(question.language for question in questions) == per_language
    assert {question.part for question in questions} == {"set_aside"}


@pytest.mark.parametrize(
    ("name", "unanswerable"), [("briefing-3", 40), ("theatre", 46), ("university", 40)]
)
def test_the_two_halves_of_a_file_are_of_the_same_make(name: str, unanswerable: int) -> None:
    questions = questions_of(name)
    assert len(questions) == 120
    assert sum(not question.answerable for question in questions) == unanswerable
    make = {
        part: Counter((q.language, q.answerable) for q in questions if q.part == part)
        for part in ("development", "set_aside")
    }
    assert make["development"] == make["set_aside"]


@pytest.mark.parametrize("name", [*CALIBRATING, *CALIBRATING_TURNS])
def test_what_calibrates_measures_nothing(name: str) -> None:
    questions = questions_of(name)
    assert {question.part for question in questions} == {"calibration"}
    assert {question.language for question in questions} == set(LANGUAGES)
    unanswerable = sum(not question.answerable for question in questions)
    assert 0.32 < unanswerable / len(questions) <= 0.4


@pytest.mark.parametrize("name", ["briefing-2", "clinic"])
@pytest.mark.parametrize("key", ["kind", "style", "why"])
def test_the_files_looked_at_once_hold_every_sort_that_the_briefing_has(
    name: str, key: str
) -> None:
    def sorts(of: str) -> set[str]:
        return {getattr(question, key) for question in questions_of(of)}

    assert sorts(name) == sorts("briefing")


def test_no_question_about_the_briefing_is_asked_in_both_of_its_files() -> None:
    def asked(name: str) -> set[str]:
        return {question.question.casefold().strip(" ?!.") for question in questions_of(name)}

    assert asked("briefing") & asked("briefing-2") == set()


@pytest.mark.parametrize("name", NOT_IN_ENGLISH)
def test_a_collection_is_asked_across_languages_in_both_directions(name: str) -> None:
    written_in = {
        path: language for language, paths in NOT_IN_ENGLISH[name].items() for path in paths
    }
    texts = [
        (written_in.get(path.name, "en"), path.read_text(encoding="utf-8"))
        for path in SOURCES[name].iterdir()
    ]
    asked_from = {
        (question.language, language)
        for question in questions_of(name)
        for language, text in texts
        if any(string in text for string in question.evidence)
    }
    assert {("en", "en"), ("ru", "en"), ("kk", "en")} <= asked_from
    assert {("en", "ru"), ("en", "kk"), ("ru", "ru"), ("kk", "kk")} <= asked_from


def test_nothing_is_expected_from_the_menus_scripts_and_footers_of_a_page() -> None:
    page = (SOURCES["harbour"] / "museum.html").read_text(encoding="utf-8")
    body = page[page.index("<main>") : page.index("</main>")]
    expected = {s for q in questions_of("harbour") for s in (*q.answers, *q.evidence) if s in page}
    assert len(expected) > 10
    assert [string for string in sorted(expected) if string not in body] == []
