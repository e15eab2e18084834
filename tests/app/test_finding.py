from __future__ import annotations

from collections.abc import Callable

import pytest

from app.finding import _with_hedge
from app.quotes import quote_around
from index import Passage

MakePassage = Callable[..., Passage]


def test_a_span_is_quoted_with_its_whole_sentence(passage: MakePassage) -> None:
    one = passage("The bridge is old.", "The tunnel is 900 metres long.", start=100)
    at = 100 + one.text.index("900")
    start, end = quote_around(one, (at, at + 3))
    assert one.text[start - 100 : end - 100] == "The tunnel is 900 metres long."


def test_a_sentence_that_opens_with_a_pronoun_brings_the_one_before_it(
    passage: MakePassage,
) -> None:
    one = passage("The tunnel is new.", "It is 900 metres long.")
    at = one.text.index("900")
    start, end = quote_around(one, (at, at + 3))
    assert one.text[start:end] == "The tunnel is new. It is 900 metres long."


def test_a_table_row_is_quoted_without_the_bars_at_its_ends(passage: MakePassage) -> None:
    one = passage("| Canals | 763 km |", kind="table")
    start, end = quote_around(one, (11, 14))
    assert one.text[start:end] == "Canals | 763 km"


@pytest.mark.parametrize(
    ("text", "answer", "hedged"),
    [
        ("It gave up to $1 billion.", "$1", "up to $1"),
        ("More than 1,200 jobs.", "1,200", "More than 1,200"),
        ("Создано более 100 мест.", "100", "более 100"),
        ("It took over 5 and rover 7.", "7", "7"),
    ],
)
def test_a_short_answer_keeps_the_words_that_limit_it(text: str, answer: str, hedged: str) -> None:
    at = text.index(answer)
    assert text[_with_hedge(text, at) : at + len(answer)] == hedged
