from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.language import detect_language, numbers, romanise, same_name, spelled_numbers, stems
from app.lexicon import LANGUAGES, lexicon, opposites
from app.types import Language
from index import fold, words


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("How many projects were there?", "en"),
        ("2020-2025", "en"),
        ("Сколько проектов завершено?", "ru"),
        ("а когда это было", "ru"),
        ("Қанша жоба аяқталды?", "kk"),
        ("канша жоба аякталды", "kk"),
        ("кездесу кашан отти", "kk"),
        ("Кто такой Mikhnev?", "ru"),
        ("Who is Жумангарин?", "en"),
    ],
)
def test_the_language_of_a_short_question_is_told(question: str, language: str) -> None:
    assert detect_language(question) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_word_lists_are_folded_so_that_they_can_match(language: str) -> None:
    lists = lexicon(language)
    for known in (lists.function_words, lists.question_words, lists.pronouns, lists.time_words):
        assert known
        assert all(word == fold(word) for word in known)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_knows_every_kind_of_question_and_courtesy(language: str) -> None:
    english = lexicon("en")
    lists = lexicon(language)
    assert set(lists.kinds) == set(english.kinds)
    assert set(lists.courtesies) == set(english.courtesies)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("projects", "project"),
        ("modernised", "modernized"),
        ("colour", "colors"),
        ("проектов", "проекты"),
        ("жобалар", "жобаны"),
    ],
)
def test_forms_of_a_word_share_a_stem(one: str, other: str) -> None:
    assert set(stems(fold(one))) & set(stems(fold(other)))


def test_different_words_keep_different_stems() -> None:
    assert set(stems("bridge")).isdisjoint(stems("tunnel"))
    assert set(stems("мост")).isdisjoint(stems("туннель"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Жумангарин", "Zhumangarin"), ("Жұманғариннің", "Zhumangarin"), ("Михнева", "Mikhnev")],
)
def test_a_name_is_found_across_scripts_and_case_endings(one: str, other: str) -> None:
    assert same_name(fold(one), fold(other))


@pytest.mark.parametrize(
    ("one", "other"), [("стране", "Astana"), ("bank", "banker"), ("Ali", "Al")]
)
def test_words_that_only_look_alike_are_not_one_name(one: str, other: str) -> None:
    assert not same_name(fold(one), fold(other))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$4.2 billion", {"4.2"}),
        ("4,2 млрд", {"4.2"}),
        ("1,200 jobs", {"1200"}),
        ("92 000 гектаров", {"92000"}),
        ("2020\N{EN DASH}2025", {"2020", "2025"}),
        ("no figure", set()),
    ],
)
def test_numbers_are_read_as_plain_decimals(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "forty-two", {"42"}),
        ("en", "two hundred fifty", {"250"}),
        ("en", "three or four", {"3", "4"}),
        ("ru", "двести пятьдесят два", {"252"}),
        ("kk", "екі жүз елу бес", {"255"}),
        ("en", "the one bridge", set()),
    ],
)
def test_numbers_in_words_are_put_together(
    language: Language, text: str, expected: set[str]
) -> None:
    assert spelled_numbers(words(text), lexicon(language)) == expected


def test_an_opposite_is_found_across_languages() -> None:
    assert any(one("выросли") and other("reduced") for one, other in opposites().values())


@given(st.text(max_size=40))
def test_any_text_has_a_language_and_its_words_have_stems(text: str) -> None:
    assert detect_language(text) in LANGUAGES
    assert isinstance(romanise(fold(text)), str)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Austria", "Australia"),
        ("Niger", "Nigeria"),
        ("Martin", "Martinez"),
        ("Roberts", "Robert"),
        ("Австрии", "Австралии"),
    ],
)
def test_two_names_in_one_script_are_not_each_other_misspelt(one: str, other: str) -> None:
    assert not same_name(fold(one), fold(other))


@pytest.mark.parametrize(
    "question", ["Кто такой Қасым-Жомарт Тоқаев?", "Когда построили мост в Көкшетау?"]
)
def test_a_kazakh_name_in_a_russian_question_leaves_it_russian(question: str) -> None:
    assert detect_language(question) == "ru"
