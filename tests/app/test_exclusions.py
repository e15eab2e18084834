from __future__ import annotations

import pytest

from app.exclusions import set_aside
from app.lexicon import lexicon
from app.types import Language


@pytest.mark.parametrize(
    ("language", "question", "rest", "aside"),
    [
        (
            "en", "What did the meeting review besides the draft strategy?",
            "What did the meeting review?", ["draft", "strategy"],
        ),
        ("en", "Apart from loans, what help is there?", "What help is there?", ["loans"]),
        ("en", "Who besides Reke was at the meeting?", "Who was at the meeting?", ["Reke"]),
        ("ru", "Что, кроме денег, даёт партнёрство?", "Что даёт партнёрство?", ["денег"]),
        ("ru", "Что кроме денег даёт партнёрство?", "Что даёт партнёрство?", ["денег"]),
        (
            "en", "Which countries other than Kazakhstan took part?",
            "Which countries took part?", ["Kazakhstan"],
        ),
        (
            "en", "Apart from the loans which it gave in 2020, what help was there?",
            "What help was there?", ["loans", "gave", "2020"],
        ),
        (
            "ru", "Какие языки кроме русского и казахского используются?",
            "Какие языки используются?", ["русского", "казахского"],
        ),
        (
            "kk", "Несие мен гранттан басқа банк не береді?", "Банк не береді?",
            ["Несие", "гранттан"],
        ),
        ("kk", "Несиеден басқа банк не береді?", "Банк не береді?", ["Несиеден"]),
    ],
)  # fmt: skip
def test_what_a_question_sets_aside_is_neither_searched_nor_read_for(
    language: Language, question: str, rest: str, aside: list[str]
) -> None:
    found = set_aside(question, lexicon(language))
    assert found.rest == rest
    assert [one.text for one in found.terms] == aside


@pytest.mark.parametrize(
    "question",
    [
        "What did the meeting review?",
        "Who was there except him?",
        "What is it besides money?",
        "What, besides?",
    ],
)
def test_a_question_that_sets_nothing_aside_or_has_nothing_else_stays_as_it_is(
    question: str,
) -> None:
    assert set_aside(question, lexicon("en")) == (question, ())
