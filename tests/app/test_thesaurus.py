from __future__ import annotations

import re

import pytest

from app.thesaurus import THESAURUS_FILE, Forms, Thesaurus, thesaurus, translate
from app.types import Language
from index import fold

SMALL = Thesaurus(
    [
        ["build, construction", "строить, построить", "салу, курылыс"],
        ["little", "чуть", "сал"],
        ["accept", "принять", "кабылдау"],
        ["enrol", "зачислить", "кабылдану"],
        ["book", "книга", "китап"],
        ["take", "взять", "алу"],
        ["opened, open", "открыть", "ашу"],
        ["rise", "подниматься", "котерилу"],
        ["die", "умереть", "олу"],
    ]
)


@pytest.mark.parametrize(
    ("word", "language", "to", "says"),
    [
        ("построили", "ru", "en", "build"),
        ("построенный", "ru", "kk", "салу"),
        ("constructions", "en", "ru", "строить"),
        ("салынды", "kk", "en", "build"),
        ("курылысынан", "kk", "ru", "построить"),
        ("китабын", "kk", "en", "book"),
        ("открыли", "ru", "en", "open"),
        ("rising", "en", "ru", "подниматься"),
        ("dying", "en", "ru", "умереть"),
    ],
)
def test_a_word_is_translated_in_any_of_its_forms(
    word: str, language: Language, to: Language, says: str
) -> None:
    assert says in SMALL.translations(word, language, to)


def test_a_word_of_several_meanings_has_the_translations_of_all() -> None:
    assert SMALL.translations("кабылданган", "kk", "en") == {"accept", "enrol"}


def test_a_word_that_stands_there_itself_is_no_form_of_another() -> None:
    assert SMALL.translations("кабылдану", "kk", "en") == {"enrol"}


def test_a_word_that_is_not_there_has_none() -> None:
    assert SMALL.translations("паром", "ru", "en") == frozenset()


def test_forms_are_the_collections_words_with_what_may_follow_a_stem() -> None:
    forms = Forms(
        "building builds салынды салган сала саламат китабы китапхана алма открыла".split()
    )
    assert forms.of("build", "en") == {"building", "builds"}
    assert forms.of("салу", "kk") == {"салынды", "салган", "сала"}
    assert forms.of("китап", "kk") == {"китабы"}
    assert forms.of("алу", "kk") == frozenset()  # two letters open too much: "алма" is an apple
    assert forms.of("открыть", "ru") == {"открыла"}
    assert Forms(["rises", "rising", "rice"]).of("rise", "en") == {"rises", "rising"}


def test_a_word_of_nothing_but_suffixes_is_soon_told_from_a_form() -> None:
    assert Forms(["сал" + "нана" * 40 + "ж"]).of("салу", "kk") == frozenset()
    assert SMALL.translations("сал" + "нана" * 40 + "ж", "kk", "en") == frozenset()


def test_words_are_translated_into_the_other_languages_of_a_collection_only() -> None:
    forms = Forms(["bridge", "bridges", "копир", "мост", "мосты"])
    assert translate("мост", "ru", ["en"], forms) == frozenset({"bridge", "bridges"})
    assert translate("мост", "ru", ["en", "kk"], forms) == frozenset({"bridge", "bridges", "копир"})
    assert translate("мост", "ru", ["kk"], Forms(["bridge"])) == frozenset()
    assert translate("абвгдейка", "ru", ["en"], forms) is None


def test_the_file_has_lines_of_three_fields_of_single_words_in_order() -> None:
    lines = THESAURUS_FILE.read_text(encoding="utf-8").splitlines()
    latin, cyrillic = re.compile(r"[A-Za-z']+"), re.compile(r"[\u0400-\u04ff']+")
    for line in lines:
        english, russian, kazakh = (field.split(", ") for field in line.split("\t"))
        assert all(map(latin.fullmatch, english)), line
        assert all(map(cyrillic.fullmatch, [*russian, *kazakh])), line
    assert len(set(lines)) == len(lines)
    first = [line.split("\t")[0].split(", ")[0].lower() for line in lines]
    assert first == sorted(first)


@pytest.mark.parametrize(
    ("word", "language", "to", "says"),
    [
        ("Кредит", "ru", "en", "loan"),
        ("өсті", "kk", "en", "growth"),
        ("bridge", "en", "kk", "копир"),
        ("директор", "ru", "kk", "директор"),
    ],
)
def test_the_file_knows_common_words(
    word: str, language: Language, to: Language, says: str
) -> None:
    assert says in thesaurus().translations(fold(word), language, to)
