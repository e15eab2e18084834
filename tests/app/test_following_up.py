from __future__ import annotations

import pytest

from app.following_up import FollowUp, resolve
from app.lexicon import lexicon
from app.types import Language


def readings(question: str, earlier: str, language: Language = "en") -> list[str]:
    found = resolve(question, [earlier], lexicon(language))
    return [reading.standalone for reading in found.readings]


@pytest.mark.parametrize(
    ("language", "earlier", "question", "standalone"),
    [
        (
            "en", "How much is a blood test for the uninsured?", "And for an X-ray?",
            "How much is an X-ray for the uninsured?",
        ),
        (
            "en", "By how much were transport costs cut?", "And travel time?",
            "By how much were travel time cut?",
        ),
        (
            "en", "How many startups received grants?", "And firms?",
            "How many firms received grants?",
        ),
        ("en", "How many grants were given?", "And startups?", "How many startups were given?"),
        ("en", "Who is the head of sales?", "And of trade?", "Who is the head of trade?"),
        ("en", "How much is a ticket to Hest?", "And to Skarv?", "How much is a ticket to Skarv?"),
        (
            "en", "How much is a ticket to Hest?", "And from Skarv?",
            "How much is a ticket from Skarv?",
        ),
        ("en", "When was the bank founded?", "and the shipyard?", "When was the shipyard founded?"),
        ("en", "When was the museum founded?", "By whom?", "By whom was the museum founded?"),
        ("en", "How long is the Gannet Bridge?", "Is it red?", "Is Gannet Bridge red?"),
        ("en", "Who built the tunnel?", "What is its depth?", "What is the tunnel's depth?"),
        ("ru", "Кто построил туннель?", "Когда его открыли?", "Когда туннель открыли?"),
        ("ru", "Когда основали музей?", "Кем?", "Кем основали музей?"),
        ("en", "How long is the bridge?", "and how deep is the well?", "and how deep is the well?"),
        ("ru", "Какова длина туннеля?", "А моста?", "Какова длина моста?"),
        ("ru", "Какова длина туннеля?", "А ширина?", "Какова ширина туннеля?"),
        ("en", "How long is the tunnel?", "What about the bridge?", "How long is the bridge?"),
        (
            "kk", "Жаңа ауруханада қанша қабат бар?", "Ал ескісінде?",
            "Жаңа ескісінде қанша қабат бар?",
        ),
    ],
)  # fmt: skip
def test_what_a_follow_up_names_is_tried_in_the_place_of_each_thing(
    language: Language, earlier: str, question: str, standalone: str
) -> None:
    found = readings(question, earlier, language)
    assert standalone in found
    assert len(set(found)) == len(found) <= 3


@pytest.mark.parametrize(
    ("language", "earlier", "question", "standalone"),
    [
        ("en", "Who won in 2025?", "And the year before?", "Who won in 2024?"),
        ("en", "The plan for 2020-2025?", "and one year later?", "The plan for 2021-2026?"),
        ("ru", "Кто победил в 2024 году?", "А годом ранее?", "Кто победил в 2023 году?"),
        ("kk", "2024 жылы неше сәби туды?", "Ал алдыңғы жылы?", "2023 жылы неше сәби туды?"),
    ],
)  # fmt: skip
def test_the_year_before_is_reckoned_from_the_year_asked_about(
    language: Language, earlier: str, question: str, standalone: str
) -> None:
    assert readings(question, earlier, language)[0] == standalone


def test_a_follow_up_that_asks_for_a_list_is_one_whatever_was_asked_before() -> None:
    found = resolve("list them?", ["What does the plan align with?"], lexicon("en")).readings
    assert found[0].says_kind == "list them?"


def test_a_bare_question_word_is_asked_of_the_earlier_answer() -> None:
    found = resolve("Since when?", ["Who runs the network?"], lexicon("en"))
    assert found.refers_back
    (reading,) = found.about("Ida Holm", "Since when?", lexicon("en")).readings
    assert reading.standalone == "Ida Holm: Since when?"


@pytest.mark.parametrize(
    "question", ["Which canals were restored in the south?", "Who is Ida Holm?"]
)
def test_a_question_that_stands_alone_has_one_reading(question: str) -> None:
    alone = resolve(question, ["How long is the tunnel?"], lexicon("en"))
    assert alone == FollowUp.alone(question)


def test_they_may_stand_for_nobody_named_before() -> None:
    question = "which kinds of fruit do they harvest"
    found = readings(question, "Who sits on the board?")
    assert question in found
    assert "how long is it" not in readings("how long is it", "Who sits on the board?")


@pytest.mark.parametrize(
    ("language", "earlier", "question"),
    [
        ("en", "Who runs the port?", "How many startups?"),
        ("en", "How much does the port earn each year?", "Irrigation"),
        ("ru", "Кто руководит портом?", "Сколько стартапов?"),
    ],
)
def test_what_may_be_another_question_is_read_alone_at_last(
    language: Language, earlier: str, question: str
) -> None:
    found = resolve(question, [earlier], lexicon(language)).readings
    assert [one.is_alone for one in found] == [False] * (len(found) - 1) + [True]
    assert found[-1].standalone == question


def test_a_short_question_without_a_pronoun_may_go_on_all_the_same() -> None:
    earlier = "Жоба неше ауданды қамтиды?"
    found = resolve("неге азайып қалды?", [earlier], lexicon("kk"))
    assert (found.may_refer, found.refers_back, found.names_another) == (True, False, False)
    read = [one.standalone for one in found.readings]
    assert read == ["неге азайып қалды?", f"{earlier} неге азайып қалды?"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How does that compare with before?", "How does Lune compare with before?"),
        ("And what comes after that one?", "And what comes after Lune?"),
        ("What was there before that?", "What was there before Lune?"),
        ("What does that bridge cost?", "What does Lune bridge cost?"),
    ],
)
def test_that_stands_for_the_answer_where_no_noun_follows(question: str, said: str) -> None:
    found = resolve(question, ["Which bridge is the longest?"], lexicon("en"))
    assert found.refers_back
    (reading,) = found.about("Lune", question, lexicon("en")).readings
    assert reading.standalone == said


@pytest.mark.parametrize(
    ("language", "earlier", "question", "standalone"),
    [
        ("en", "What share was late in 2024?", "better than a year earlier?",
         "What share was late in 2023?"),
        ("en", "How many came in 2024?", "And before that?", "How many came in 2023?"),
        ("ru", "Какая доля опоздала в 2024 году?", "это лучше чем годом раньше?",
         "Какая доля опоздала в 2023 году?"),
        ("en", "How much off do students get?", "at any time of the day?",
         "How much off do students get at any time of the day?"),
        ("en", "How long is the tunnel?", "no, I mean the bridge", "How long is the bridge?"),
        ("ru", "Какова глубина дока?", "нет, я про канал", "Какова глубина канал?"),
        ("kk", "Паром қашан жүреді?", "пойыз ше?", "пойыз қашан жүреді?"),
    ],
)  # fmt: skip
def test_what_asks_nothing_by_itself_takes_the_question_before(
    language: Language, earlier: str, question: str, standalone: str
) -> None:
    found = resolve(question, [earlier], lexicon(language))
    assert standalone in [one.standalone for one in found.readings]
    assert not any(one.is_alone for one in found.readings)


def test_the_previous_one_is_of_what_was_spoken_of() -> None:
    found = resolve("а предыдущая когда была?", ["Когда бастовали?"], lexicon("ru"))
    assert not any(one.is_alone for one in found.readings)


def test_why_it_is_so_is_asked_of_all_that_was_said() -> None:
    earlier = "How much did the station at Belmora cost?"
    assert readings("why was it so much more", earlier) == [f"{earlier} why was it so much more"]


def test_nothing_is_said_of_a_bare_figure() -> None:
    found = resolve("какие именно?", ["Сколько операций отозвал кабинет?"], lexicon("ru"))
    assert found.about("three", "какие именно?", lexicon("ru")) == found


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Tell me about irrigation"),
        ("en", "What is this document about?"),
        ("en", "Is it true that startups received grants?"),
        ("en", "How long does it take to get a visa?"),
        ("ru", "О чём эти документы?"),
        ("kk", "Ирригация туралы айтыңыз"),
    ],
)
def test_a_question_that_refers_to_nothing_before_stands_alone(
    language: Language, question: str
) -> None:
    found = resolve(question, ["Who runs the port?"], lexicon(language))
    assert found.readings[0].standalone == question
    assert (found.refers_back, found.names_another) == (False, False)


def test_a_thing_is_not_put_in_a_years_place() -> None:
    found = readings("А стартапов?", "Сколько проектов по стратегии 2020-2025?", "ru")
    assert found[0] == "Сколько стартапов по стратегии 2020-2025?"
    assert all("2025" in one for one in found)


@pytest.mark.parametrize(
    ("language", "earlier", "question", "first"),
    [
        (
            "en", "By how much were transport costs cut?", "And travel time?",
            "By how much were travel time cut?",
        ),
        ("en", "How much did profits rise?", "And losses?", "How much did losses rise?"),
        ("ru", "Сколько стоит билет?", "А абонемент?", "Сколько стоит абонемент?"),
        ("ru", "Когда был построен канал?", "А мост?", "Когда был построен мост?"),
    ],
)  # fmt: skip
def test_a_verb_is_not_taken_for_what_a_question_speaks_of(
    language: Language, earlier: str, question: str, first: str
) -> None:
    assert readings(question, earlier, language)[0] == first


def test_he_and_she_stand_for_no_thing() -> None:
    assert readings("When was he appointed?", "What does the director do?")[1:] == [
        "When was the director appointed?"
    ]
    costs = "According to whom were transport costs reduced?"
    assert readings("What is his job?", costs) == [f"{costs} What is his job?"]


def test_a_demonstrative_before_a_noun_gives_its_place_to_nothing() -> None:
    earlier = "Why was Brackwater Builders barred?"
    found = readings("For which contract were those guarantees?", earlier)
    assert found == [f"{earlier} For which contract were those guarantees?"]
    assert (
        FollowUp.alone("")
        .about("Reke", "What is this firm called?", lexicon("en"))
        .readings[0]
        .standalone
        == "Reke: What is this firm called?"
    )


@pytest.mark.parametrize(
    ("language", "question"),
    [("en", "When will the rest be paid?"), ("ru", "Остальные когда поставят?")],
)
def test_the_rest_is_of_what_was_spoken_of(language: Language, question: str) -> None:
    found = resolve(question, ["How many are there?"], lexicon(language))
    assert found.refers_back
    assert not any(one.is_alone for one in found.readings)


def test_what_does_something_keeps_its_verb() -> None:
    found = readings("and the one on statistics?", "What does the climate study cost?")
    assert found[0] == "What does the one on statistics cost?"
