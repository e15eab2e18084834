from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.answering import LONG_ANSWER_CHARACTERS_MAX, compose, compose_parts, quote_nearest
from app.rendering import as_text
from app.templates import templates
from app.types import Draft, Evidence, Query
from index import Passage
from tests.app.asking import understood

MakeEvidence = Callable[..., Evidence]
MakePassage = Callable[..., Passage]


def asked(question: str) -> Query:
    return understood(
        question,
        known_words={"bridge": 1},
        is_word=lambda word: False,
    )


def quoted(draft: Draft, *evidence: Evidence) -> list[str]:
    passages = {one.passage.document_id: one.passage for one in evidence}
    return [
        passages[q.document_id].text[
            q.start - passages[q.document_id].start : q.end - passages[q.document_id].start
        ]
        for q in draft.quotes
    ]


def test_a_fact_is_its_span_then_the_sentence_that_says_it(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage("The bridge is 763 metres long.", start=40), "763 metres")
    draft = compose(asked("How long is it?"), [one], templates("en"))
    assert as_text(draft.lines) == "763 metres [1]\n“The bridge is 763 metres long.” [1]"
    assert draft.short_answer == "763 metres"
    assert (draft.quotes[0].start, draft.quotes[0].end) == (40, 70)


def test_further_pieces_are_quoted_after_the_best_one_as_far_as_they_fit(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage("It has a bridge of stone.", start=40), "bridge")
    other = evidence(passage("It has a tunnel too.", start=90), "tunnel")
    long = evidence(passage(f"It has a quay, {'and so on ' * 90}too.", start=200), "quay")
    draft = compose(asked("Is there a bridge?"), [one, other, long, long], templates("en"))
    lines = as_text(draft.lines).split("\n")
    assert lines[:2] == ["“It has a bridge of stone.” [1]", "“It has a tunnel too.” [2]"]
    assert len(draft.quotes) == len(lines) == 3
    assert draft.short_answer == "bridge"


def test_a_span_that_is_nearly_the_sentence_is_not_said_twice(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage("Seven hundred metres."), "Seven hundred metres")
    draft = compose(asked("How long is it?"), [one], templates("en"))
    assert as_text(draft.lines) == "“Seven hundred metres.” [1]"


def test_a_list_is_its_lead_and_its_items_as_bullets_from_one_quote(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    listed = passage("The projects are:", "a bridge", "a tunnel", kind="list")
    draft = compose(
        asked("Which projects are there?"), [evidence(listed, "a bridge")], templates("en")
    )
    assert as_text(draft.lines) == "“The projects are:” [1]\n- a bridge\n- a tunnel"
    assert len(draft.quotes) == 1


def test_of_a_list_only_the_items_that_have_the_name_asked_for_are_shown(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    plays = passage(
        "Premieres of the season:", "Lamps, by Ida Holm", "Bells, by Ole Vik", "Goats, by Ole Vik",
        kind="list",
    )  # fmt: skip
    named = compose(asked("Which premieres are by Ole Vik?"), [evidence(plays)], templates("en"))
    assert quoted(named, evidence(plays)) == ["Bells, by Ole Vik", "Goats, by Ole Vik"]
    assert as_text(named.lines) == (
        "The documents list: [1][2]\n- Bells, by Ole Vik\n- Goats, by Ole Vik"
    )
    every = compose(asked("Which premieres are there?"), [evidence(plays)], templates("en"))
    assert len(every.quotes) == 1
    nobody = compose(asked("Which premieres are by Una Berg?"), [evidence(plays)], templates("en"))
    assert len(nobody.quotes) == 1


def test_a_reason_that_is_an_item_brings_the_list_of_reasons(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    listed = passage("Boats are sold because of:", "age", "rot", kind="list")
    draft = compose(asked("Why are boats sold?"), [evidence(listed, "rot")], templates("en"))
    assert as_text(draft.lines) == "“Boats are sold because of:” [1]\n- age\n- rot"


def test_an_item_keeps_the_dashes_and_numbers_in_it_and_the_line_that_goes_on(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    text = "Open:\n- Monday - Friday 9 - 17\n- Room 12. Ground floor,\n  at the back\n- Sunday"
    draft = compose(asked("When is it open?"), [evidence(passage(text))], templates("en"))
    assert [line.text for line in draft.lines if line.role == "item"] == [
        "Monday - Friday 9 - 17", "Room 12. Ground floor, at the back", "Sunday",
    ]  # fmt: skip


def test_a_table_is_its_header_and_its_rows_as_bullets_from_one_quote(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    text = "| Fruit | Tonnes |\n|---|---|\n| Apples | 21 |\n| Pears | 4 |"
    draft = compose(
        asked("Which fruit is there?"), [evidence(passage(text, kind="table"))], templates("en")
    )
    assert as_text(draft.lines) == "“Fruit | Tonnes” [1]\n- Apples | 21\n- Pears | 4"
    bare = evidence(passage("| Apples | 21 |\n| Pears | 4 |", kind="table"))
    draft = compose(asked("Which fruit is there?"), [bare], templates("en"))
    assert as_text(draft.lines) == "The documents list: [1]\n- Apples | 21\n- Pears | 4"


def test_a_misspelling_that_was_read_otherwise_is_said_first(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = evidence(passage("The bridge is 763 metres long."), "763 metres")
    draft = compose(asked("How long is the brigde?"), [one], templates("en"))
    assert draft.lines[0].text == "Read as: brigde → bridge."


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(alphabet="abc 1.", min_size=1, max_size=900), min_size=1, max_size=6))
def test_whatever_is_quoted_is_the_passages_own_text_and_the_answer_keeps_to_its_limit(
    passage: MakePassage, evidence: MakeEvidence, sentences: list[str]
) -> None:
    found = [
        evidence(passage(sentence, document_id=str(at))) for at, sentence in enumerate(sentences)
    ]
    draft = compose(asked("Tell me about the bridge"), found, templates("en"))
    assert len(as_text(draft.lines)) <= LONG_ANSWER_CHARACTERS_MAX
    assert all(
        quote in sentences[int(q.document_id)]
        for quote, q in zip(quoted(draft, *found), draft.quotes, strict=True)
    )


def test_a_sentence_too_long_to_quote_is_quoted_around_the_answer_between_words(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    text = "word " * 200 + "763 metres " + "word " * 200
    one = evidence(passage(text.strip()), "763 metres")
    draft = compose(asked("How long is it?"), [one], templates("en"))
    quote = quoted(draft, one)[0]
    assert "763 metres" in quote
    assert len(quote) <= 600
    assert set(quote.split()) == {"word", "763", "metres"}


def test_the_nearest_passages_are_numbered_and_none_is_shown_twice(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one, other = passage("A."), passage("B.", document_id="other")
    nearest = quote_nearest([evidence(one), evidence(one), evidence(other)], 3)
    assert [(q.number, q.document_id) for q in nearest] == [(1, "report"), (2, "other")]


def test_the_full_stop_of_the_sentence_is_no_part_of_the_short_answer(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    for sentence, span, short in (
        ("It opened in 2011.", "2011.", "2011"),
        ("It closes at 5 p.m.", "5 p.m.", "5 p.m."),
    ):
        draft = compose(asked("When?"), [evidence(passage(sentence), span)], templates("en"))
        assert draft.short_answer == short


def test_questions_asked_together_share_a_quote_that_answers_both(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    one = passage("Ada Voll built the bridge in 1986.")
    texts = templates("en")
    drafts = [
        compose(asked("Who built it?"), [evidence(one, span)], texts)
        for span in ("Ada Voll", "1986")
    ]
    questions = ("Who built it?", "When?")
    draft = compose_parts(asked("Who built it?"), list(zip(questions, drafts, strict=True)), texts)
    assert [quote.number for quote in draft.quotes] == [1]
    assert as_text(draft.lines) == (
        "Ada Voll [1]\n“Ada Voll built the bridge in 1986.” [1]\n1986 [1]"
    )
    assert draft.short_answer == "Ada Voll"
