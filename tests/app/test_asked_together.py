"""Several questions in one message are taken apart where each can stand alone, and only there."""

from __future__ import annotations

import pytest

from app.asked_together import questions_in


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
            "When did the bridge open, who designed it and what did it cost?",
            ("When did the bridge open?", "who designed it?", "what did it cost?"),
        ),
        (
            "I would like to know who runs the port. And when was it founded?",
            ("I would like to know who runs the port.", "And when was it founded?"),
        ),
        (
            "Tell me who runs the port. And when was it founded?",
            ("Tell me who runs the port.", "And when was it founded?"),
        ),
        (
            "When did the bridge open and who designed it and what did it cost?",
            ("When did the bridge open?", "who designed it?", "what did it cost?"),
        ),
        (
            "Кто такой Михнев и кто построил башню?",
            ("Кто такой Михнев?", "кто построил башню?"),
        ),
        (
            "Почему мост закрыли, а также почему его не ремонтируют?",
            ("Почему мост закрыли?", "почему его не ремонтируют?"),
        ),
        (
            "Гастроль қашан басталды және оны кім төледі?",
            ("Гастроль қашан басталды?", "оны кім төледі?"),
        ),
    ],
)
def test_two_questions_are_read_one_after_the_other(text: str, expected: tuple[str, ...]) -> None:
    assert questions_in(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "How and when was the bridge built?",
        "How many schools and how many clinics were built?",
        "Which ministries and which banks take part?",
        "Who owns the bridge and the tunnel?",
        "How much does a ticket cost? Do you know?",
        "I joined last year. May I vote?",
        "How long is the bridge? I need it for my homework. How long is the tunnel?",
        "Who was the engineer whose plan failed and whose contract was cancelled?",
        "What is the village where Moll lived and where he died called?",
        "What is the policy on when and how staff are paid?",
        "Does the report explain who was responsible and why they were dismissed?",
        "Which transit corridor and which highway were among the projects?",
        "Кто автор книги, которую издали и которая получила премию?",
        "Чем отличается то, что платят члены и что платят гости?",
        "Жоба бойынша қанша мектеп және қанша емхана салынды?",
        "Is the bridge longer than the tunnel?",
        "Сколько школ и сколько больниц построили?",
        "Кто из министров и кто из банка приехал?",
        "Көпір мен туннель қашан салынды?",
        "My father, who was a member, died. Do I have to pay again to take his place?",
        "How much does it cost, when paid in cash, and who collects the money?",
        "When was the museum founded, which is in Rope Lane?",
        ", who founded the museum of Ostrevik.",
        "«», кто основал музей.",
    ],
)
def test_one_question_stays_one(text: str) -> None:
    assert questions_in(text) == ()
