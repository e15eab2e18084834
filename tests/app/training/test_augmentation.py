from __future__ import annotations

import random

import pytest

from app.training.augmentation import (
    OPPOSITES,
    exchanged,
    in_two_languages,
    turned_round,
    typed_in_haste,
    window,
    with_heading,
    without_answer_sentences,
)
from tests.app.training.conftest import PORT, asked, assert_answers_are_in_the_text


@pytest.mark.parametrize("seed", range(8))
def test_a_window_is_shorter_whole_sentences_and_keeps_the_answer(seed: int) -> None:
    question = asked("When was it closed?", "1955")
    cut = window(question, 90, random.Random(seed))
    assert len(cut.context) <= 90
    assert cut.context in PORT
    assert cut.context.strip().endswith(".")
    assert [answer.text for answer in cut.answers] == ["1955"]
    assert_answers_are_in_the_text(cut)


def test_a_window_of_an_unanswerable_question_lies_where_its_words_are() -> None:
    question = asked("How many people had the harbour town?")
    assert "harbour town" in window(question, 60, random.Random(1)).context


def test_removing_the_answer_leaves_no_sentence_that_mentions_it() -> None:
    removed = without_answer_sentences(
        asked("Who opened it?", "Anna Reed", PORT + " Later Anna Reed left the town for good.")
    )
    assert removed is None  # too little is left to be worth asking
    longer = PORT + " Grain, timber and salted fish left it every week of the year."
    removed = without_answer_sentences(asked("Who opened it?", "Anna Reed", longer))
    assert removed is not None
    assert "Anna Reed" not in removed.context
    assert "Boris Lund" in removed.context
    assert removed.answers == ()


@pytest.mark.parametrize("seed", range(8))
def test_an_exchanged_question_asks_of_another_number_of_the_passage(seed: int) -> None:
    question = asked("Who opened the port in 1901?", "Anna Reed")
    changed = exchanged(question, "", random.Random(seed))
    assert changed is not None
    assert changed.question in {f"Who opened the port in {n}?" for n in ("1955", "40", "9,000")}
    assert changed.answers == ()


def test_a_question_that_names_nothing_of_its_passage_is_not_exchanged() -> None:
    question = asked("Who opened the port?", "Anna Reed")
    assert exchanged(question, PORT, random.Random(1)) is None


def test_a_question_turned_round_holds_the_opposite_word_and_no_answer() -> None:
    turned = turned_round(asked("Who came first?", "Anna Reed"), random.Random(1))
    assert turned is not None
    assert turned.question == "Who came last?"
    assert turned.answers == ()
    assert turned_round(asked("Who built it?"), random.Random(1)) is None


def test_every_opposite_has_an_opposite() -> None:
    for word, opposite in OPPOSITES.items():
        assert word != opposite
        assert opposite in OPPOSITES


@pytest.mark.parametrize("seed", range(8))
def test_a_heading_line_moves_the_answer_with_its_text(seed: int) -> None:
    question = asked("When was it closed?", "1955")
    headed = with_heading(question, random.Random(seed))
    assert headed.context.partition("\n")[2] == PORT
    assert_answers_are_in_the_text(headed)


def test_a_question_in_two_languages_keeps_its_names() -> None:
    question = asked("When did Anna Reed become minister?")
    mixed = [in_two_languages(question, random.Random(seed)) for seed in range(8)]
    assert all("Anna Reed" in each.question for each in mixed)
    assert "министр" in "".join(each.question for each in mixed)


@pytest.mark.parametrize("seed", range(12))
def test_a_question_typed_in_haste_keeps_its_answer_and_the_words_that_carry_it(seed: int) -> None:
    question = asked("Who was the chairman of the port in 1901?", "Anna Reed")
    hasty = typed_in_haste(question, random.Random(seed))
    said = hasty.question.lower().split()
    assert hasty.answers == question.answers
    assert "?" not in hasty.question
    assert said[0] == "who"
    assert {"port", "1901"} <= set(said)
    chairman = next(word for word in said if word.startswith("c"))
    assert len(chairman) >= len("chairman") - 1
    assert set(chairman) <= set("chairman")


def test_a_question_of_small_words_alone_is_left_as_it_is() -> None:
    question = asked("Is was were?", "1955")
    assert all(typed_in_haste(question, random.Random(seed)).question for seed in range(20))
