"""Figures are read with their magnitude and unit, and compared only where they are of one kind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.figures import Figure, magnitudes_down, read_figure


def figure(text: str, span: str = "") -> Figure:
    said = span or text
    start = text.index(said)
    found = read_figure(text, (start, start + len(said)))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,240 metres", "1240"),
        ("$4.2 billion", "4200000000"),
        ("14,5 млн крон", "14500000"),
        ("9 000 текше метр", "9000"),
        ("2 мың адам", "2000"),
        ("15 per cent", "15"),
    ],
)
def test_a_figure_is_its_number_times_its_magnitude(text: str, value: str) -> None:
    assert figure(text).values == {Decimal(value)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("15 per cent", "18%"),
        ("15 процентов", "18 пайыз"),
        ("398 people", "412 people"),
        ("€5.20", "€7.50"),
        ("14.9 million crowns", "12.4 million crowns"),
    ],
)
def test_figures_of_one_unit_differ(one: str, other: str) -> None:
    assert figure(one).comparable(figure(other), is_date=False)
    assert figure(one).differs(figure(other), is_date=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("398 people", "34 pumps"),
        ("€5", "£7"),
        ("5 hours", "8 days"),
        ("15 per cent", "18 crowns"),
    ],
)
def test_figures_of_two_units_are_not_compared(one: str, other: str) -> None:
    assert not figure(one).comparable(figure(other), is_date=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,200 people", "1,187 people"),  # rounded to hundreds
        ("15 per cent", "15.4 per cent"),
        ("4.2 billion dollars", "4,200 million dollars"),
        ("12.4 million crowns", "12.40 million crowns"),
    ],
)
def test_a_rounded_figure_does_not_differ_from_the_exact_one(one: str, other: str) -> None:
    assert not figure(one).differs(figure(other), is_date=False)
    assert not figure(other).differs(figure(one), is_date=False)


@pytest.mark.parametrize(("one", "other"), [("20 people", "18 people"), ("400 km", "412 km")])
def test_round_figures_may_differ_all_the_same(one: str, other: str) -> None:
    assert figure(one).differs(figure(other), is_date=False)


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("June 2025", "October 2026", True),
        ("June 2026", "October 2026", True),
        ("March 2024", "2024", False),
        ("15 March 2024", "March 2024", False),
        ("2024 жылғы наурызда", "марта 2024 года", False),
    ],
)
def test_a_date_differs_where_neither_is_the_other_more_exactly(
    one: str, other: str, differ: bool
) -> None:
    assert figure(one).differs(figure(other), is_date=True) is differ


def test_words_without_a_digit_are_no_figure() -> None:
    assert read_figure("three villages", (0, 5)) is None


def test_a_span_that_cuts_a_number_gives_the_whole_of_it() -> None:
    text = "It costs 1,850 crowns."
    at = text.index("850")
    assert read_figure(text, (at, at + 3)) == figure(text, "1,850")


@pytest.mark.parametrize(
    ("asked", "stated"),
    [("25000", "25"), ("25000", "25000"), ("4200000000", "4.2"), ("4200000000", "4200")],
)
def test_a_number_may_stand_before_its_magnitude_or_in_a_table_of_such(
    asked: str, stated: str
) -> None:
    assert stated in magnitudes_down(asked)
    assert stated not in magnitudes_down("4.3")
