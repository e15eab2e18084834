"""Sentences end where a reader says they end, and never inside an abbreviation."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import split_sentences

WHOLE = [
    "The meeting cited resolution No. 5 of Feb. 3.",
    "It took approx. 40 people, e.g. engineers and Mr. A. B. Smith of the U.S. Treasury.",
    "Dr. J. R. R. Tolkien wrote vol. 2, i.e. the sequel, vs. the original.",
    "See Fig. 3 and p. 12 of the report.",
    "Revenue was $4.2 billion, up 3.5% on Jan. 1.",
    "В 2025 г. Правительство одобрило проект, т.е. стратегию.",
    "Сумма составила 5 млн. долларов и 3 тыс. тенге.",
    "А. С. Пушкин родился в г. Москве.",
    "2025 ж. Үкімет жобаны мақұлдады.",
    "Қ. Тоқаев 5 млн. теңге туралы айтты, мыс. жобалар.",
    "«Работает!» — сказал он.",
]


@pytest.mark.parametrize("sentence", WHOLE)
def test_an_abbreviation_ends_no_sentence(sentence: str) -> None:
    spans = list(split_sentences(sentence, 0, len(sentence)))
    assert [sentence[s.start : s.end] for s in spans] == [sentence]


PAIRS = [pair for group in (WHOLE[:5], WHOLE[5:8], WHOLE[8:10]) for pair in pairwise(group)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_sentences_are_two(first: str, second: str) -> None:
    text = f"{first} {second}"
    spans = list(split_sentences(text, 0, len(text)))
    assert [text[s.start : s.end] for s in spans] == [first, second]


def test_a_line_end_inside_a_sentence_does_not_end_it() -> None:
    text = "The first sentence\nis wrapped. The\r\nsecond as well."
    assert [text[s.start : s.end] for s in split_sentences(text, 0, len(text))] == [
        "The first sentence\nis wrapped.",
        "The\r\nsecond as well.",
    ]


def test_no_sentence_runs_across_a_break() -> None:
    text = "Name: Jane\nOffice: 12"
    spans = list(split_sentences(text, 0, len(text), breaks=(10,)))
    assert [text[s.start : s.end] for s in spans] == ["Name: Jane", "Office: 12"]


words = st.sampled_from(
    [
        "No.",
        "г.",
        "The",
        "end.",
        "A.",
        "5",
        "(b)",
        "«да»",
        "\n",
        "...",
        "?",
        "e.g.",
        "ж.",
        "—",
        "😀",
    ]
)


@given(st.lists(words, max_size=30).map(" ".join) | st.text(max_size=80))
def test_sentences_are_in_order_and_hold_every_letter_and_digit(text: str) -> None:
    covered = [False] * len(text)
    last = 0
    for sentence in split_sentences(text, 0, len(text)):
        assert last <= sentence.start < sentence.end
        last = sentence.end
        covered[sentence.start : sentence.end] = [True] * (sentence.end - sentence.start)
        quote = text[sentence.start : sentence.end]
        assert quote == quote.strip()
    assert all(held or not char.isalnum() for held, char in zip(covered, text, strict=True))
