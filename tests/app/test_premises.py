from __future__ import annotations

import pytest

from app.premises import (
    contradicts,
    in_another_currency,
    in_another_month,
    in_another_year,
    is_denied,
)
from tests.app.asking import understood


@pytest.mark.parametrize(
    ("question", "quote", "found"),
    [
        ("When was the museum closed?", "The museum was never closed.", True),
        ("When does the bridge open?", "The bridge does not open until May 2025.", False),
        ("Why was the bridge not opened?", "It was not opened because of the ice.", False),
        ("Was the museum closed?", "The museum was never closed.", False),
        ("Why was the pool built?", "The pool wasn't built because it cost too much.", True),
        ("Когда закрыли музей?", "Музей не закрыли.", True),
        ("Когда закрыли музей?", "Музей закрыли, а рынок не закрыли.", False),
        ("Ұсыныс неге қабылданды?", "Ұсыныс қабылданбады, себебі қымбат.", True),
        ("Ұсыныс неге қабылданбады?", "Ұсыныс қабылданбады, себебі қымбат.", False),
    ],
)
def test_what_the_quote_denies_did_not_happen(question: str, quote: str, found: bool) -> None:
    assert is_denied(understood(question), quote) is found


@pytest.mark.parametrize(
    ("question", "quote", "around", "found"),
    [
        ("How many applied in 2022?", "In 2024, 1,480 people applied.", frozenset({"2024"}), True),
        ("How many applied in 2022?", "In 2024, 1,480 people applied.", frozenset({"2022"}), False),
        ("How many applied in 2022?", "1,480 people applied.", frozenset(), True),
        ("How many applied in 2022?", "1,480 people applied.", frozenset({"2022"}), False),
        ("Who led it in 2022?", "Since 2019 it has been led by Reke.", frozenset(), False),
        ("Кто руководил им в 2022 году?", "С 2019 года им руководит Реке.", frozenset(), False),
        (
            "What did it cost in 2022?",
            "From 2020 to 2025 it cost 3 million.",
            frozenset(),
            False,
        ),
        ("How many applied?", "In 2024, 1,480 people applied.", frozenset(), False),
    ],
)
def test_a_year_that_is_asked_about_is_not_answered_with_another(
    question: str, quote: str, around: frozenset[str], found: bool
) -> None:
    assert in_another_year(understood(question), quote, around) is found


@pytest.mark.parametrize(
    ("question", "quote", "around", "found"),
    [
        ("How many dollars does the laboratory cost?", "It costs 412 million tenge.", "", True),
        ("What does it cost in euros?", "It costs €3 million.", "", False),
        ("Сколько это стоит в долларах?", "It costs $3 million.", "", False),
        ("What does it cost in dollars?", "It costs 412 million tenge.", "or $0.8 million", False),
        ("What does it cost?", "It costs 412 million tenge.", "", False),
    ],
)
def test_an_amount_is_not_given_in_another_currency_than_asked(
    question: str, quote: str, around: str, found: bool
) -> None:
    assert in_another_currency(understood(question), quote, around) is found


@pytest.mark.parametrize(
    ("question", "quote", "found"),
    [
        ("Кто приехал на встречу 12 августа?", "On February 12, he met the Bank.", True),
        ("Кто приехал на встречу 12 февраля?", "On February 12, he met the Bank.", False),
        ("May I come on the 12th?", "The office opens on March 12.", False),
        ("What happened in May 2025?", "It was closed.", False),
    ],
)
def test_a_date_that_is_asked_about_is_not_answered_with_another_month(
    question: str, quote: str, found: bool
) -> None:
    assert in_another_month(understood(question), quote, "") is found


@pytest.mark.parametrize(
    ("question", "quote", "found"),
    [
        ("When does the clinic close?", "It is open from 7 a.m. to 9 p.m.", False),
        ("When does the clinic close?", "It is open daily, 07:00–21:30.", False),
        ("Когда её закрыли?", "Открыта с 7 утра до 9 вечера.", False),
        ("When did the clinic close?", "The clinic opened in 1974.", True),
        ("When did the pool close?", "The pool opened on 2011-06-04.", True),
        ("When is the office open?", "The office is closed from 1 p.m. to 2 p.m.", True),
    ],
)
def test_hours_of_opening_say_when_something_closes(question: str, quote: str, found: bool) -> None:
    assert contradicts(understood(question), quote) is found
