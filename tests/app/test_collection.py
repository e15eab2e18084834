from __future__ import annotations

import pytest

from app.assistant import Assistant
from app.collection import Collection
from app.language import stems
from app.settings import Settings
from app.types import Language, Term
from index import build_index, fold


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("collection")
    (folder / "notes.md").write_text(
        "# Notes\n\nThe ferry is free of charge for two hundred fifty pupils. "
        "The Lindal Harbour Trust keeps forty-two boats.\n",
        encoding="utf-8",
    )
    build_index([folder / "notes.md"], folder / "index", Settings().models_folder)
    return Assistant.open(Settings(index_folder=folder / "index")).opened.collection


def test_initials_stand_for_words_that_carry_meaning_only(collection: Collection) -> None:
    assert collection.spelled_out("LHT") == "Lindal Harbour Trust"
    assert collection.spelled_out("IFC") is None


def test_numbers_that_documents_spell_in_words_are_known(collection: Collection) -> None:
    assert collection.numbers >= {"250", "42"}
    assert "12" not in collection.numbers


def test_a_name_is_known_in_the_script_it_is_written_in(collection: Collection) -> None:
    def term(text: str) -> Term:
        folded = fold(text)
        return Term(text=text, folded=folded, stems=stems(folded), is_name=True, is_number=False)

    assert collection.writes(term("Линдал"), cyrillic=False)
    assert not collection.writes(term("Линдал"), cyrillic=True)
    assert not collection.writes(term("Ормеск"), cyrillic=False)


def test_a_word_is_translated_into_the_words_that_the_documents_have(
    collection: Collection,
) -> None:
    assert collection.translations(fold("лодок"), "ru") == frozenset({"boats"})
    assert collection.translations(fold("оқушылар"), "kk") == frozenset({"pupils"})
    assert collection.translations("мост", "ru") == frozenset()
    assert collection.translations("абвгдейка", "ru") is None
    assert collection.translations("ferry", "en") is None  # the documents are in English


def test_a_translated_word_is_mentioned_and_as_rare_as_its_translation(
    collection: Collection,
) -> None:
    def term(text: str, language: Language) -> Term:
        folded = fold(text)
        return Term(
            text=text,
            folded=folded,
            stems=stems(folded),
            is_name=False,
            is_number=False,
            translations=collection.translations(folded, language),
        )

    boats, bridge = term("лодок", "ru"), term("мост", "ru")
    assert collection.mentions(boats)
    assert not collection.mentions(bridge)
    assert collection.rarity(boats) == collection.rarity(term("boats", "en"))
    assert collection.rarity(boats) < collection.rarity(bridge)
