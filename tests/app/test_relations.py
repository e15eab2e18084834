from __future__ import annotations

import pytest

from app.relations import is_reversed
from tests.app.asking import understood

SUCCEEDED = "It is headed by Gulnar Estaeva, who succeeded Viktor Lomagin in March 2023."
REPLACED = "Viktor Lomagin was replaced by Gulnar Estaeva in 2023."
RUSSIAN = "Службой руководит Сергей Дубравин, который сменил вышедшую на пенсию Нину Корчагову."

KAZAKH = "Бас мал дәрігері — Эрик Вансен, ол бұл қызметке тамызда Сигне Мольдың орнына келді."


@pytest.mark.parametrize(
    ("question", "quote", "found"),
    [
        ("Who took over from Gulnar Estaeva?", SUCCEEDED, True),
        ("Who succeeded Viktor Lomagin?", SUCCEEDED, False),
        ("Who did Gulnar Estaeva replace?", SUCCEEDED, False),
        ("When did Lomagin succeed Estaeva?", SUCCEEDED, True),
        ("Who did Viktor Lomagin replace?", REPLACED, True),
        ("Who was Viktor Lomagin replaced by?", REPLACED, False),
        ("Who replaced Viktor Lomagin?", REPLACED, False),
        ("Who is Gulnar Estaeva?", SUCCEEDED, False),
        ("кто сменил дубравина", RUSSIAN, True),
        ("Кто сменил Корчагову?", RUSSIAN, False),
        ("Кого сменил Дубравин?", RUSSIAN, False),
        ("Когда Корчагова сменила Дубравина?", RUSSIAN, True),
        ("Эрик Вансеннің орнына кім келді?", KAZAKH, True),
        ("Сигне Мольдың орнына кім келді?", KAZAKH, False),
        ("Эрик Вансен кімнің орнына келді?", KAZAKH, False),
        ("When did Lomagin take over the reserve from Estaeva?", SUCCEEDED, True),
        ("Who took over the reserve from Lomagin?", SUCCEEDED, False),
        ("Кто сменил Сергея Ладожина?", "Сергей Ладожин назначен вместо Умарова.", True),
        ("Кто сменил Умарова?", "Сергей Ладожин назначен вместо Умарова.", False),
        ("Who replaced the pump?", "The firm Gridal replaced the pump in May.", False),
        ("Who replaced the boiler?", "The boiler was replaced by Mr Hart.", False),
    ],
)
def test_who_came_after_whom_is_not_taken_the_wrong_way_round(
    question: str, quote: str, found: bool
) -> None:
    assert is_reversed(understood(question).standalone_question, quote) is found


REPORTS = "Ms Wentz reports to the Road Agency and not to the consortium."
REPORTS_IN_KAZAKH = "Бөлімді Салтанат Егізбай басқарады, ол Гүлсара Тоқбайға есеп береді."
REPORTS_IN_RUSSIAN = "Отделом руководит Игорь Мамаршин, он подчиняется Гульсаре Токбай."


@pytest.mark.parametrize(
    ("question", "quote", "found"),
    [
        ("who is reporting to clara wentz", REPORTS, True),
        ("To whom does Ms Wentz report?", REPORTS, False),
        ("Who does Wentz report to?", REPORTS, False),
        ("To whom is Gulsara Tokbai accountable?", REPORTS_IN_KAZAKH, True),
        ("Гүлсара Тоқбайға кім бағынады?", REPORTS_IN_KAZAKH, False),
        ("Салтанат Егізбай кімге бағынады?", REPORTS_IN_KAZAKH, False),
        ("Салтанат Егізбайға кім бағынады?", REPORTS_IN_KAZAKH, True),
        ("Who reports to the director?", "The head, Timur Alban, reports to the director.", False),
        ("Who reports to the director in Lom?", "In Lom Moll reports to the director.", False),
        ("Кому подчиняется Инна?", "Инна Шевалова подчиняется акиму.", False),
        ("Ирина кімге бағынады?", "Ирина Валькова кеңеске бағынады.", False),
        ("Кому подчиняется Мамаршин?", REPORTS_IN_RUSSIAN, False),
        ("Кто подчиняется Игорю Мамаршину?", REPORTS_IN_RUSSIAN, True),
    ],
)
def test_who_reports_to_whom_is_not_taken_the_wrong_way_round(
    question: str, quote: str, found: bool
) -> None:
    assert is_reversed(understood(question).standalone_question, quote) is found
