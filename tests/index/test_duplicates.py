"""What is said in two places is returned once with both, and nothing that differs is lost."""

from __future__ import annotations

import pytest

from index import Passage, RankedPassage, Sentence, find_same_words
from index.duplicates import without_repeats


def passage(text: str, number: int = 1, start: int = 0) -> Passage:
    return Passage(
        passage_id=number,
        document_id=f"d{number}",
        start=start,
        end=start + len(text),
        text=text,
        sentences=(Sentence(start=start, end=start + len(text)),),
    )


def ranking(*texts: str) -> list[RankedPassage]:
    return [
        RankedPassage(passage=passage(text, at), rank=at, score=1 / at, dense=0, sparse=0)
        for at, text in enumerate(texts, start=1)
    ]


@pytest.mark.parametrize(
    "other",
    [
        "the coast “railway” opened in 1998 — it has nine stations",
        "The coast rail-\nway opened in 1998.\nIt has  nine\u00a0stations.",
        "It has nine stations.",
    ],
)
def test_a_passage_that_says_what_a_better_one_says_is_named_there(other: str) -> None:
    (found,) = without_repeats(
        ranking('The coast "railway" opened in 1998 - it has nine stations.', other), 5
    )
    assert [each.document_id for each in found.repeated_by] == ["d2"]


@pytest.mark.parametrize(
    "other",
    [
        "The coast railway opened in 1999. It has nine stations.",
        "The coast railway opened in 1998. It has not nine stations.",
        "The desert railway opened in 1998. It has nine stations.",
        "The coast railway opened in 1998. It has nine stations. And a bridge.",
        "in 199",
    ],
)
def test_a_figure_a_name_or_a_word_that_differs_is_another_statement(other: str) -> None:
    ranked = ranking("The coast railway opened in 1998. It has nine stations.", other)
    found = without_repeats(ranked, 5)
    assert [each.passage for each in found] == [each.passage for each in ranked]
    assert [each.rank for each in found] == [1, 2]


def test_as_many_are_returned_as_are_asked_for() -> None:
    found = without_repeats(ranking("One.", "One!", "Two.", "Three.", "Two?"), 2)
    assert [each.passage.text for each in found] == ["One.", "Two."]
    assert [each.text for each in found[1].repeated_by] == ["Two?"]
    assert [each.rank for each in found] == [1, 2]


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("It has “nine” stations.", "Opened in 1998. It has\n'nine' stations, and", True),
        ("the railway", "Of the rail-\nway.", True),
        ("rail", "The trail.", False),
        ("rail", "A trail and a rail.", True),
        ("9 stations", "It has 19 stations.", False),
        ("…", "Words.", False),
    ],
)
def test_the_words_of_a_quote_are_found_in_another_passage(
    quote: str, text: str, found: bool
) -> None:
    place = find_same_words(quote, passage(text, start=100))
    assert (place is not None) is found
    if place is not None:
        said = text[place[0] - 100 : place[1] - 100]
        assert find_same_words(said, passage(quote)) is not None
