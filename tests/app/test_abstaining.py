from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.abstaining import judge
from app.mentions import Mentions
from app.types import Evidence, Term, Verdict
from index import Passage, fold, words
from tests.app.asking import understood

TEXT = "The fare was cut from 3 to 2 euros in 2019, and the bridge is 763 metres long."
DOCUMENT_WORDS = frozenset(word.folded for word in words(TEXT))

MakeEvidence = Callable[..., Evidence]
MakePassage = Callable[..., Passage]


def judged(
    question: str,
    *found: Evidence,
    threshold: float = 0.5,
    near: Mapping[str, tuple[tuple[str, float], ...]] = MappingProxyType({}),
) -> Verdict:
    """Judge evidence; ``near`` gives words the documents' words that may stand for them."""
    query = understood(
        question,
    )
    terms = [term.model_copy(update={"near": near.get(term.folded, ())}) for term in query.terms]
    query = query.model_copy(update={"terms": tuple(terms)})

    def mentions(term: Term) -> bool:
        return fold(term.text) in DOCUMENT_WORDS

    return judge(
        query,
        found,
        threshold=threshold,
        mentions=mentions,
        cyrillic_collection=False,
        stated=frozenset({"3", "2", "2019", "763"}),
        speaks_of=lambda one, term: Mentions(one.passage.text).speaks_of(term),
        is_common=lambda _: False,
        years_around=lambda one: frozenset(re.findall(r"20\d\d", one.passage.text)),
    )


def test_evidence_over_the_threshold_is_an_answer(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage(TEXT), "763 metres", probability=0.8)
    verdict = judged("How long is the bridge?", one)
    assert verdict.reason is None
    assert verdict.evidence == (one,)


def test_a_name_that_no_document_mentions_is_named_and_refused(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    verdict = judged(
        "How long is the bridge in Rotterdam?",
        evidence(passage(TEXT), "763 metres", probability=0.99),
    )
    assert verdict.reason == "not_stated"
    assert verdict.missing_terms == ("Rotterdam",)


def test_a_year_that_no_document_mentions_is_named_and_refused(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    verdict = judged(
        "How long was the bridge in 2031?", evidence(passage(TEXT), "763 metres", probability=0.99)
    )
    assert verdict.reason == "not_stated"
    assert "2031" in verdict.missing_terms


def test_a_word_that_is_only_near_refuses_nothing_but_is_told_where_nothing_holds(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage(TEXT), "763 metres", probability=0.8)
    near = {"viaduct": (("bridge", 0.6),)}
    assert judged("How long is the viaduct?", one, near=near).reason is None
    silent = judged("How long is the viaduct?", one, threshold=0.9, near=near)
    assert silent.reason == "near_miss"
    assert silent.missing_terms == ("viaduct",)
    same = {"viaduct": (("bridge", 1.0),)}
    assert judged("How long is the viaduct?", one, threshold=0.9, near=same).missing_terms == ()


def test_what_counts_the_answers_needs_no_mention(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    assert judged("How long, in 4 words?", evidence(passage(TEXT), "763")).reason is None


def test_a_premise_that_the_quote_contradicts_is_refused(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    quote = evidence(passage(TEXT), "from 3 to 2 euros", probability=0.99)
    assert judged("Why did the fare rise?", quote).reason == "not_stated"
    assert judged("Why did the fare fall?", quote).reason is None


def test_the_opposite_answers_whether_it_is_so(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage("The fare was cut in 2019."), "in 2019")
    assert judged("Why did the fare rise?", one).reason == "not_stated"
    assert judged("Did the fare rise?", one).reason is None


def test_a_list_is_not_answered_with_one_thing(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    question = "Which stops are there?"
    single = evidence(passage("A bus runs to the bridge."), "the bridge")
    several = evidence(passage("A bus runs to the bridge and the pier."), "the bridge and the pier")
    item = evidence(passage("It stops at:", "the bridge", kind="list"), "the bridge")
    count = evidence(passage("There are two stops, and a bus runs."), "two")
    assert judged(question, single).reason == "not_stated"
    assert judged(question, count).reason == "not_stated"
    assert judged(question, several).reason is None
    assert judged(question, item).reason is None
    assert judged("Where does the bus run?", single).reason is None


def test_a_russian_word_that_an_english_collection_cannot_have_is_not_called_missing(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    assert judged("Какова длина моста?", evidence(passage(TEXT), "763 metres")).reason is None


def test_just_under_the_threshold_is_a_near_miss_and_far_under_it_is_not(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    near = evidence(passage(TEXT), "763 metres", probability=0.4)
    far = evidence(passage(TEXT), "763 metres", probability=0.1)
    assert judged("How long is the bridge?", near).reason == "near_miss"
    assert judged("How long is the bridge?", far).reason == "not_stated"


def test_an_order_is_unclear_whatever_the_evidence(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    verdict = judged("Write a poem about the bridge", evidence(passage(TEXT), "763 metres"))
    assert verdict.reason == "unclear"
    assert verdict.evidence == ()


def test_without_evidence_nothing_was_found() -> None:
    assert judged("How long is the bridge?").reason == "nothing_found"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_raising_the_threshold_never_answers_more(
    passage: MakePassage,
    evidence: MakeEvidence,
    one: float,
    other: float,
    probabilities: list[float],
) -> None:
    found = [
        evidence(passage(TEXT), "763 metres", probability=p)
        for p in sorted(probabilities, reverse=True)
    ]
    low, high = sorted((one, other))
    answered_low = judged("How long is the bridge?", *found, threshold=low).evidence
    answered_high = judged("How long is the bridge?", *found, threshold=high).evidence
    assert len(answered_high) <= len(answered_low)


def test_what_is_said_of_another_than_the_one_named_is_refused(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(
        passage("Serik Zhumangarin is Minister of Economy."), "Serik Zhumangarin", probability=0.9
    )
    named = {
        "energy",
        "economy",
        "minister",
        "serik",
        "zhumangarin",
        "askar",
        "person",
        "economist",
    }

    def verdict(question: str) -> str | None:
        return judge(
            understood(question),
            [one],
            threshold=0.5,
            mentions=lambda term: term.folded in named,
            cyrillic_collection=False,
            stated=frozenset(),
            speaks_of=lambda found, term: Mentions(found.passage.text).speaks_of(term),
            is_common=lambda term: term.folded in {"energy", "person"},
            years_around=lambda _: frozenset(),
        ).reason

    assert verdict("Who is the Minister of Energy?") == "not_stated"
    assert verdict("Who is the Minister of Economy?") is None
    assert verdict("Who is Askar Zhumangarin?") is None  # one of two names that stand together
    assert verdict("Who is the Minister as a Person?") is None  # no name: written small elsewhere
    assert verdict("Is the Economist Minister Serik?") is None  # begins as what is there


def test_a_figure_is_no_reason(passage: MakePassage, evidence: MakeEvidence) -> None:
    one = passage("The mill was bought for 2 million from a maker who had gone bankrupt.")
    assert judged("Why was the mill bought?", evidence(one, "2 million")).reason == "not_stated"
    assert judged("Why was the mill bought?", evidence(one, "gone bankrupt")).reason is None


def test_a_figure_is_nobody(passage: MakePassage, evidence: MakeEvidence) -> None:
    one = passage("The board decided by six votes to three, and Ida Holm wrote it down.")
    assert judged("Who was against?", evidence(one, "six")).reason == "not_stated"
    assert judged("Who wrote it down?", evidence(one, "Ida Holm")).reason is None
