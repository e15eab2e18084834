"""What several documents say is answered once, with all of them as sources."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.answering import compose
from app.confirming import confirm
from app.rendering import as_markdown, as_text
from app.templates import templates
from app.types import Draft, Evidence
from index import Passage, RankedPassage
from tests.app.asking import understood

MakeEvidence = Callable[..., Evidence]
MakePassage = Callable[..., Passage]
SAID = "The network lost 15 per cent of its water."


def draft(one: Evidence) -> Draft:
    query = understood(
        "How much water did the network lose?",
        known_words={"network": 1},
    )
    return compose(query, [one], templates("en"))


def ranked(*passages: Passage, repeated_by: tuple[Passage, ...] = ()) -> list[RankedPassage]:
    return [
        RankedPassage(
            passage=passage.model_copy(update={"passage_id": at}),
            rank=at,
            score=0.5,
            dense=0.8,
            sparse=1.0,
            repeated_by=tuple(
                one.model_copy(update={"passage_id": 100 + n}) for n, one in enumerate(repeated_by)
            )
            if at == 1
            else (),
        )
        for at, passage in enumerate(passages, 1)
    ]


def test_a_quote_that_another_document_has_too_is_given_once_with_both_marks(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = passage(SAID, "It was repaired.", start=10)
    other = passage("Water is scarce.", SAID, start=30, document_id="review")
    found = evidence(one, "15 per cent").model_copy(update={"quote": (10, 10 + len(SAID))})
    confirmed = confirm(draft(found), ranked(one, other))
    assert as_text(confirmed.lines) == f"15 per cent [1][2]\n“{SAID}” [1][2]"
    assert "\\[1\\]\\[2\\]" in as_markdown(confirmed.lines)
    second = confirmed.quotes[1]
    assert (second.number, second.document_id) == (2, "review")
    assert other.text[second.start - 30 : second.end - 30] == SAID


def test_a_passage_that_was_left_out_of_the_ranking_as_a_repeat_is_a_source(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = passage(SAID)
    repeats = passage(SAID, document_id="review")
    confirmed = confirm(draft(evidence(one, "15 per cent")), ranked(one, repeated_by=(repeats,)))
    assert [quoted.document_id for quoted in confirmed.quotes] == ["report", "review"]


@pytest.mark.parametrize(
    "said",
    [
        "The network has lost 15 per cent of water.",  # "has" and "its" say nothing
        "the  network lost 15\nper cent of its water",
    ],
)
def test_words_that_say_nothing_may_differ_and_each_quote_is_its_own_text(
    passage: MakePassage, evidence: MakeEvidence, said: str
) -> None:
    one, other = passage(SAID), passage(said, document_id="review")
    confirmed = confirm(draft(evidence(one, "15 per cent")), ranked(one, other))
    assert len(confirmed.quotes) == 2
    second = confirmed.quotes[1]
    assert said[second.start : second.end] == said


@pytest.mark.parametrize(
    "said",
    [
        "The network lost 18 per cent of its water.",
        "The network never lost 15 per cent of its water.",
        "The network saved 15 per cent of its water.",
        "The network of Marn lost 15 per cent of its water.",
    ],
)
def test_another_figure_name_verb_or_a_not_makes_another_statement(
    passage: MakePassage, evidence: MakeEvidence, said: str
) -> None:
    one, other = passage(SAID), passage(said, document_id="review")
    assert len(confirm(draft(evidence(one, "15 per cent")), ranked(one, other)).quotes) == 1


def test_a_document_is_no_second_source_for_itself_and_there_are_four_at_most(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = passage(SAID)
    again = passage(SAID, start=900)
    others = [passage(SAID, document_id=f"review {number}") for number in range(6)]
    confirmed = confirm(draft(evidence(one, "15 per cent")), ranked(one, again, *others))
    assert [quoted.number for quoted in confirmed.quotes] == [1, 2, 3, 4]
    assert len({quoted.document_id for quoted in confirmed.quotes}) == 4
