"""Several questions in one message are taken apart where each can stand alone, and only there."""

from __future__ import annotations

import pytest

from app.asked_together import questions_in
from app.language import detect_language
from app.lexicon import lexicon


def parts(text: str) -> tuple[str, ...]:
    return questions_in(text, lexicon(detect_language(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "When did the tour start and who paid for it?",
            ("When did the tour start?", "who paid for it?"),
        ),
        (
            "Which road was rebuilt? And who is Mikhnev?",
            ("Which road was rebuilt?", "And who is Mikhnev?"),
        ),
        (
            "Сколько каналов починили, и кто министр экономики?",
            ("Сколько каналов починили?", "кто министр экономики?"),
        ),
        (
            "Гастроль қашан басталды және оны кім төледі?",
            ("Гастроль қашан басталды?", "оны кім төледі?"),
        ),
    ],
)
def test_two_questions_are_read_one_after_the_other(text: str, expected: tuple[str, ...]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "How and when was the bridge built?",
        "How many schools and how many clinics were built?",
        "Which ministries and which banks take part?",
        "Who owns the bridge and the tunnel?",
        "How much does a ticket cost? Do you know?",
        "I joined last year. May I vote?",
        "Is the bridge longer than the tunnel?",
        "Сколько школ и сколько больниц построили?",
        "Көпір мен туннель қашан салынды?",
    ],
)
def test_one_question_stays_one(text: str) -> None:
    assert parts(text) == ()
