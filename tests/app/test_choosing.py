from __future__ import annotations

from collections.abc import Callable

from app.choosing import find_leads, find_section
from app.figures import counts, month_words
from app.types import Evidence
from index import Passage, RankedPassage
from tests.app.asking import understood

MakePassage = Callable[..., Passage]
TITLE = "Minutes of the board"


def said(found: tuple[Evidence, ...]) -> list[str]:
    return [one.passage.text[slice(*(at - one.passage.start for at in one.quote))] for one in found]


def test_a_collection_in_brief_is_each_opening_then_figures_and_nothing_twice(
    passage: MakePassage,
) -> None:
    report = passage("The bridge was opened.", "It cost 5 million.", "Birds sing there.")
    plan = passage(
        "The ferry plan was agreed.",
        "The ferry plan was agreed.",
        "It has 12 steps.",
        document_id="plan",
    )
    found = find_leads([[report], [plan]], sentences_max=4)
    texts = [one.passage.text[one.quote[0] : one.quote[1]] for one in found]
    assert texts == [
        "The bridge was opened.",
        "The ferry plan was agreed.",
        "It cost 5 million.",
        "It has 12 steps.",
    ]


def minutes(passage: MakePassage) -> list[Passage]:
    budget = passage(
        "Olga Renz spoke for an hour.",
        "The budget is 7 million.",
        heading_path=(TITLE, "Budget"),
    )
    budget_more = passage(
        "It was 6 million before.", heading_path=(TITLE, "Budget"), start=budget.end + 2
    )
    parking = passage(
        "The board rejected a charge for parking.",
        heading_path=(TITLE, "Parking"),
        start=budget_more.end + 2,
    )
    rows = passage(
        "| Spaces in all | 310 |",
        heading_path=(TITLE, "Parking"),
        kind="table",
        start=parking.end + 2,
    )
    return [budget, budget_more, parking, rows]


def brief(question: str, passages: list[Passage], count: int = 8) -> list[str]:
    ranked = [
        RankedPassage(passage=one, rank=at, score=0.5, dense=0.8, sparse=1.0)
        for at, one in enumerate(passages, 1)
    ]
    found = find_section(
        understood(question, language="en"),
        ranked,
        announced=lambda _: "Meeting of Apr. 22, 2025 " + " ".join(month_words("Apr. 22", None)),
        passages_of=lambda _: passages,
        rarity=lambda _: 1.0,
        languages={"report": "en"},
        sentences_max=count,
    )
    return said(found or ())


def test_a_document_in_brief_is_the_best_of_each_section_in_its_order(
    passage: MakePassage,
) -> None:
    question = "Sum up the board meeting of April 2025."
    assert brief(question, minutes(passage), 3) == [
        "The budget is 7 million.",
        "It was 6 million before.",
        "The board rejected a charge for parking.",
    ]
    assert brief(question, minutes(passage), 2) == [
        "The budget is 7 million.",
        "The board rejected a charge for parking.",
    ]


def test_a_section_in_brief_is_of_that_section(passage: MakePassage) -> None:
    assert brief("Give me a summary on parking.", minutes(passage)) == [
        "The board rejected a charge for parking."
    ]


def test_what_no_heading_speaks_of_is_no_section(passage: MakePassage) -> None:
    assert not brief("Sum up the board meeting of April 2016.", minutes(passage))
    assert not brief("Give me a summary on kitchens.", minutes(passage))


def test_dates_are_no_figures() -> None:
    assert counts("On 5 May 2021 it sold 12 boats for $3 million.") == {"12", "3000000"}


def test_a_question_in_another_language_is_told_by_numbers_and_words_that_mean_about_the_same(
    passage: MakePassage,
) -> None:
    one = passage(
        "The strategy delivered 14 projects.",
        heading_path=("Report", "Results of the 2020–2025 cooperation"),
    )
    ranked = [RankedPassage(passage=one, rank=1, score=0.5, dense=0.8, sparse=1.0)]

    def found(question: str, near: tuple[tuple[str, float], ...]) -> list[str]:
        query = understood(question, language="ru")
        terms = tuple(
            term if term.is_number else term.model_copy(update={"near": near})
            for term in query.terms
        )
        section = find_section(
            query.model_copy(update={"terms": terms}),
            ranked,
            announced=lambda _: "",
            passages_of=lambda _: [one],
            rarity=lambda _: 1.0,
            languages={"report": "en"},
            sentences_max=8,
        )
        return said(section or ())

    question = "Каковы итоги сотрудничества за 2020–2025 годы?"
    assert found(question, (("cooperation", 0.2),)) == ["The strategy delivered 14 projects."]
    assert not found(question, ())
    assert not found("Каковы итоги сотрудничества за 2026–2031 годы?", (("cooperation", 0.2),))
