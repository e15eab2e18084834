"""Documents disagree where they give two figures for one thing; two facts are another matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from app.answering import compose_disagreement
from app.disagreeing import find_disagreement
from app.templates import templates
from app.types import Evidence, Query
from index import Passage
from tests.app.asking import understood

MakeEvidence = Callable[..., Evidence]
MakePassage = Callable[..., Passage]
DATES: Mapping[str, str | None] = {"older": "2024-03-15", "newer": "2025-03-20", "undated": None}


def asked(question: str) -> Query:
    return understood(
        question,
    )


def differing(question: str, *evidence: Evidence) -> list[str]:
    found = find_disagreement(
        asked(question),
        evidence,
        threshold=0.5,
        rarity=lambda stems: 1.0,
        dates=DATES,
    )
    return [one.passage.document_id for one in found]


@pytest.fixture
def says(passage: MakePassage, evidence: MakeEvidence) -> Callable[..., Evidence]:
    def make(document: str, text: str, span: str, *, probability: float = 0.9) -> Evidence:
        made = evidence(passage(text, document_id=document, heading_path=("Lowen Water",)), span)
        return made.model_copy(update={"probability": probability})

    return make


def test_two_figures_for_one_question_are_both_given_the_newest_document_first(
    says: Callable[..., Evidence],
) -> None:
    older = says("older", "Lowen Water employs 412 people.", "412 people")
    newer = says("newer", "Lowen Water employs 398 people.", "398")
    undated = says("undated", "Lowen Water employs 371 people.", "371 people")
    question = "How many people does Lowen Water employ?"
    assert differing(question, older, newer) == ["newer", "older"]
    assert differing(question, undated, older, newer) == ["newer", "older", "undated"]


@pytest.mark.parametrize(
    ("documents", "template"),
    [
        (("older", "newer"), "disagreement_by_date"),
        (("older", "undated"), "disagreement"),
        (("older", "older"), "disagreement"),
    ],
)
def test_the_newest_is_said_to_come_first_only_where_all_have_dates(
    says: Callable[..., Evidence], documents: tuple[str, str], template: str
) -> None:
    evidence = [says(one, "Lowen Water employs 412 people.", "412 people") for one in documents]
    named = {name: (name, date) for name, date in DATES.items()}
    question = asked("How many people does Lowen Water employ?")
    draft = compose_disagreement(question, evidence, named, templates("en"))
    assert draft.lines[0].text == templates("en")[template]


def test_the_same_figure_is_no_disagreement(says: Callable[..., Evidence]) -> None:
    one = says("older", "Lowen Water employs 412 people.", "412 people")
    other = says("newer", "At Lowen Water 412 people are employed.", "412 people")
    assert differing("How many people does Lowen Water employ?", one, other) == []


@pytest.mark.parametrize(
    ("question", "other", "span"),
    [
        (
            "How long is the main from Stell to Marn?",
            "The network is 1,162 kilometres long.",
            "1,162 kilometres",
        ),
        (
            "How long is the main?",
            "The main from Holm to Upper Lowen is 9 kilometres long.",
            "9 kilometres",
        ),
        (
            "How long is the main from Stell to Marn?",
            "The main from Stell to Marn takes 12 hours to fill.",
            "12 hours",
        ),
    ],
)
def test_another_thing_another_name_or_another_unit_is_another_fact(
    says: Callable[..., Evidence], question: str, other: str, span: str
) -> None:
    one = says("older", "The main from Stell to Marn is 23 kilometres long.", "23 kilometres")
    assert differing(question, one, says("newer", other, span)) == []


def test_figures_for_years_of_their_own_are_two_facts(says: Callable[..., Evidence]) -> None:
    one = says("older", "In 2023 the ferries had 412,000 passengers.", "412,000 passengers")
    other = says("newer", "In 2024 the ferries had 455,000 passengers.", "455,000 passengers")
    assert differing("How many passengers did the ferries have?", one, other) == []


def test_where_a_year_is_asked_for_a_document_without_it_does_not_disagree(
    says: Callable[..., Evidence],
) -> None:
    one = says("older", "In 2023 the ferries had 412,000 passengers.", "412,000 passengers")
    other = says("newer", "The ferries had 455,000 passengers.", "455,000 passengers")
    assert differing("How many passengers did the ferries have in 2023?", one, other) == []


def test_what_is_improbable_by_itself_disagrees_with_nothing(
    says: Callable[..., Evidence],
) -> None:
    one = says("older", "Lowen Water employs 412 people.", "412 people")
    other = says("newer", "Lowen Water employs 398 people.", "398 people", probability=0.1)
    assert differing("How many people does Lowen Water employ?", one, other) == []


def test_dates_are_compared_as_dates(says: Callable[..., Evidence]) -> None:
    one = says("older", "The reservoir opens in June 2025.", "June 2025")
    other = says("newer", "The reservoir opens in October 2026.", "October 2026")
    more = says("newer", "The reservoir opens on 3 June 2025.", "3 June 2025")
    assert differing("When does the reservoir open?", one, other) == ["newer", "older"]
    assert differing("When does the reservoir open?", one, more) == []
