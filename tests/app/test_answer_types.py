from __future__ import annotations

import pytest

from app.answer_types import expected_type, fit
from app.language import AnswerType
from app.types import Language


@pytest.mark.parametrize(
    ("question", "language", "wanted"),
    [
        ("How much did the new pier cost?", "en", "money"),
        ("How much were the costs reduced?", "en", "number"),
        ("How tall is the lighthouse?", "en", "length"),
        ("How long is the lesson?", "en", "extent"),
        ("What share of the fleet is electric?", "en", "percent"),
        ("Which year did the school open?", "en", "date"),
        ("Whose portrait hangs there?", "en", "person"),
        ("What is painted on it?", "en", None),
        ("Сколько стоит билет?", "ru", "money"),
        ("Какова высота маяка?", "ru", "length"),
        ("Сколько лет капитану?", "ru", "duration"),
        ("Сколько лодок в порту?", "ru", "number"),
        ("Билеттің бағасы қанша?", "kk", "money"),
        ("Мектеп қай жылы ашылды?", "kk", "date"),
        ("Портта неше қайық бар?", "kk", "number"),
        # typed without the letters that only Kazakh has
        ("Мектеп кай жылы ашылды?", "kk", "date"),
    ],
)
def test_a_question_says_what_sort_of_answer_it_wants(
    question: str, language: Language, wanted: AnswerType | None
) -> None:
    assert expected_type(question, language) == wanted


@pytest.mark.parametrize(
    ("answer_type", "text", "answer", "fits"),
    [
        ("money", "The pier cost €3 million to build.", "3 million", 1),
        ("money", "The works covered 92 hectares of marsh.", "92 hectares", -1),
        ("money", "Строительство обошлось в 21 млн евро.", "21 млн", 1),
        ("length", "The lamp was lit in 1898 for the first time.", "1898", -1),
        ("length", "The tower is 41 metres tall.", "41", 1),
        ("extent", "The course takes three weeks in all.", "three weeks", 1),
        ("percent", "Travel time was cut by two-thirds.", "two-thirds", 1),
        ("number", "It has forty stalls.", "forty stalls", 1),
        ("number", "It has many stalls.", "many stalls", -1),
        ("person", "It was painted by Ida Holm.", "Ida Holm", 1),
        ("person", "It was painted by hand.", "hand", -1),
        (None, "It was painted by hand.", "hand", 0),
    ],
)
def test_a_span_is_of_the_sort_that_is_wanted_or_not(
    answer_type: AnswerType | None, text: str, answer: str, fits: int
) -> None:
    start = text.index(answer)
    assert fit(answer_type, text, (start, start + len(answer))) == fits
