from __future__ import annotations

import pytest

from app.lexicon import Measure
from app.measures import gives_measure, implies_measure, lacks_number, measure_asked
from app.types import Language


@pytest.mark.parametrize(
    ("question", "language", "wanted"),
    [
        ("How much did the new pier cost?", "en", "money"),
        ("How much were the costs reduced?", "en", None),
        ("How tall is the lighthouse?", "en", "length"),
        ("How long is the lesson?", "en", "extent"),
        ("What share of the fleet is electric?", "en", "percent"),
        ("How many boats are there?", "en", None),
        ("What's the fare?", "en", "money"),
        ("What is the share of women?", "en", "percent"),
        ("How many hectares are there?", "en", "area"),
        ("Сколько будет стоить билет?", "ru", "money"),
        ("Какова доля женщин?", "ru", "percent"),
        ("Неше гектар егілді?", "kk", "area"),
        ("Сколько стоит билет?", "ru", "money"),
        ("Какова высота маяка?", "ru", "length"),
        ("Какую должность он занимает?", "ru", None),
        ("Сколько лодок в порту?", "ru", None),
        ("Билеттің бағасы қанша?", "kk", "money"),
        ("Портта неше қайық бар?", "kk", None),
        # typed without the letters that only Kazakh has
        ("Курс канша апта турады", "kk", "duration"),
    ],
)
def test_a_question_for_a_measure_is_told(
    question: str, language: Language, wanted: Measure | None
) -> None:
    assert measure_asked(question, language) == wanted


@pytest.mark.parametrize(
    ("measure", "text", "answer", "gives"),
    [
        ("money", "The pier cost €3 million to build.", "3 million", True),
        ("money", "The works covered 92 hectares of marsh.", "92 hectares", False),
        ("money", "Строительство обошлось в 21 млн евро.", "21 млн", True),
        ("length", "The lamp was lit in 1898 for the first time.", "1898", False),
        ("length", "The tower is 41 metres tall.", "41", True),
        ("extent", "The course takes three weeks in all.", "three weeks", True),
        ("extent", "The footbridge was rebuilt in 2018.", "2018", False),
        ("percent", "Travel time was cut by two-thirds.", "two-thirds", True),
        ("percent", "It rose by 5%.", "5", True),
    ],
)
def test_a_span_gives_a_measure_or_another(
    measure: Measure, text: str, answer: str, gives: bool
) -> None:
    start = text.index(answer)
    assert gives_measure(measure, text, (start, start + len(answer))) is gives


@pytest.mark.parametrize(
    ("text", "span", "around", "implied"),
    [
        ("a licence for hares costs 5,500, to be paid at the gate", "5,500", "", True),
        ("a licence for hares costs 5,500 to residents", "5,500", "", True),
        ("it costs the town 5,500 trees", "5,500", "", False),
        ("Place in the lodge   8,500", "8,500", "Fees", True),
        ("Place in the lodge   8,500", "8,500", "Capacity", False),
        ("лицензия на зайца стоит 5500", "5500", "", True),
    ],
)
def test_a_bare_number_is_money_where_the_words_say_that_it_costs(
    text: str, span: str, around: str, implied: bool
) -> None:
    start = text.index(span)
    assert implies_measure("money", text, (start, start + len(span)), around) is implied


@pytest.mark.parametrize(
    ("question", "language", "span", "lacks"),
    [
        ("How many people work there?", "en", "Rosa Quillane", True),
        ("How many people work there?", "en", "two assistants", False),
        ("How many people work there?", "en", "some 340", False),
        ("How many times may it be taken?", "en", "twice", False),
        ("How many of them are electric?", "en", "half of the fleet", False),
        ("How much is it for children?", "en", "free of charge", False),
        ("How often does it run?", "en", "every day", False),
        ("Сколько человек там работает?", "ru", "в ноябре", True),
        ("Сколько человек там работает?", "ru", "двадцать", False),
        ("Онда қанша адам істейді?", "kk", "қарашада", True),
        ("Онда қанша адам істейді?", "kk", "он екі", False),
    ],
)
def test_a_number_that_is_asked_for_is_given(
    question: str, language: Language, span: str, lacks: bool
) -> None:
    assert lacks_number(question, language, span) is lacks
