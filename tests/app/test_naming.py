"""A question may name the documents that it is about; a year alone names none."""

from __future__ import annotations

import pytest

from app.catalogue import Catalogue, Day
from app.language import detect_language
from app.naming import Naming, name_documents
from app.types import Language
from index import DocumentSummary

DOCUMENTS: tuple[tuple[str, str, str | None, Language], ...] = (
    ("annual-report-2023.md", "Lowen Water: annual report 2023", "2024-03-15", "en"),
    ("annual-report-2024.md", "Lowen Water: annual report 2024", "2025-03-20", "en"),
    ("tariff-notice.html", "Lowen Water: tariff notice", "2024-11-01", "en"),
    ("pipes.txt", "Review of the pipes", "2023-03-31", "en"),
    ("works.pdf", "Programme of works 2025", "2025-02-10", "en"),
    ("otchet-2024.md", "Ловен-Вода: отчёт за 2024 год", "2025-04-02", "ru"),
    ("pamyatka.md", "Памятка абоненту", None, "ru"),
    ("zhadynama.md", "Тұтынушыға жадынама", "2024-02-05", "kk"),
)
CATALOGUE = Catalogue(
    [
        DocumentSummary(
            document_id=path.partition(".")[0],
            path=path,
            title=title,
            date=date,
            language=language,
            sha256="",
            characters=1,
            passages=1,
        )
        for path, title, date, language in DOCUMENTS
    ],
    {path.partition(".")[0]: language for path, _, _, language in DOCUMENTS},
)


def named(question: str, chosen: frozenset[str] | None = None) -> Naming | None:
    return name_documents(question, detect_language(question), CATALOGUE, chosen)


@pytest.mark.parametrize(
    ("question", "documents", "rest"),
    [
        (
            "In the 2023 report, how many people work there?",
            {"annual-report-2023"},
            "How many people work there?",
        ),
        (
            "How many people work there according to the 2023 annual report?",
            {"annual-report-2023"},
            "How many people work there?",
        ),
        (
            "How many people work there according to the 2024 report?",
            {"annual-report-2024", "otchet-2024"},
            "How many people work there?",
        ),
        (
            "According to the latest report, how many people work there?",
            {"annual-report-2024"},
            "How many people work there?",
        ),
        (
            "What does the tariff notice say about discounts?",
            {"tariff-notice"},
            "What about discounts?",
        ),
        ("In the review of 31 March 2023, what is the cost?", {"pipes"}, "What is the cost?"),
        (
            "Who is the director in annual-report-2023.md?",
            {"annual-report-2023"},
            "Who is the director?",
        ),
        ("Сколько аварий, согласно отчёту за 2023 год?", {"annual-report-2023"}, "Сколько аварий?"),
        ("Какой срок указан в памятке абоненту?", {"pamyatka"}, "Какой срок указан?"),
        (
            "Жадынама бойынша отбасы қанша төлейді?",
            {"pamyatka", "zhadynama"},
            "Отбасы қанша төлейді?",
        ),
        ("Тұтынушыға жадынамада не айтылған?", {"zhadynama"}, "Не айтылған?"),
    ],
)
def test_a_name_is_found_and_taken_out_of_the_question(
    question: str, documents: set[str], rest: str
) -> None:
    naming = named(question)
    assert naming is not None
    assert naming.kind == "document"
    assert naming.documents == documents
    assert naming.rest == rest


@pytest.mark.parametrize(
    "question",
    [
        "How many people worked there in 2023?",
        "What was built in March 2024?",
        "How many works were finished?",
        "How is water tested in Upper Lowen?",
        "According to the mayor, what was lost?",
        "Сколько людей работало в 2023 году?",
        "2024 жылы қанша құбыр ауыстырылды?",
    ],
)
def test_a_year_a_place_or_a_person_names_no_document(question: str) -> None:
    assert named(question) is None


def test_a_report_that_a_series_lacks_is_named_all_the_same() -> None:
    naming = named("How many people work there according to the 2022 report?")
    assert naming is not None
    assert (naming.documents, naming.phrase) == (frozenset(), "2022 report")


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("As of March 2023, how long was the network?", {"pipes"}),
        ("Какова длина сети по состоянию на март 2023 года?", {"pipes"}),
        ("2023 жылғы наурыздағы жағдай бойынша желі қанша?", {"pipes"}),
    ],
)
def test_a_period_names_the_documents_of_that_date_but_may_be_part_of_the_fact(
    question: str, documents: set[str]
) -> None:
    naming = named(question)
    assert naming is not None
    assert naming.kind == "period"
    assert naming.documents == documents


def test_a_programme_may_be_what_is_asked_about() -> None:
    naming = named("In the programme of works, when does it begin?")
    assert naming is not None
    assert naming.kind == "subject"
    assert naming.documents == {"works"}


def test_only_chosen_documents_are_there_and_naming_all_of_them_is_naming_none() -> None:
    question = "In the 2023 report, how many people work there?"
    assert named(question, frozenset({"annual-report-2023"})) is None
    missing = named(question, frozenset({"pipes", "works"}))
    assert missing is not None
    assert missing.documents == frozenset()
    chosen = frozenset({"annual-report-2023", "works"})
    naming = named(question, chosen)
    assert naming is not None
    assert naming.documents == {"annual-report-2023"}


def test_a_month_holds_its_days() -> None:
    assert Day(2023, 3).holds(Day(2023, 3, 31))
    assert not Day(2023, 3).holds(Day(2023, 4, 1))
    assert CATALOGUE.dated(Day(2025)) == {"annual-report-2024", "works", "otchet-2024"}
