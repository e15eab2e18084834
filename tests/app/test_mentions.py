from __future__ import annotations

import pytest

from app.language import stems
from app.mentions import Mentions
from app.types import Term
from index import fold


def term(text: str, *, is_name: bool = False) -> Term:
    return Term(
        text=text,
        folded=fold(text),
        stems=stems(fold(text)),
        is_name=is_name,
        is_number=text[0].isdigit(),
    )


def even(_: Term) -> float:
    return 1.0


@pytest.mark.parametrize("word", ["canal", "CANALS", "modernised"])
def test_a_text_mentions_a_word_in_any_of_its_forms(word: str) -> None:
    assert Mentions("Canals were modernized.").has(term(word))


def test_a_name_is_mentioned_across_scripts_but_a_common_word_is_not_guessed() -> None:
    said = Mentions("Serik Zhumangarin spoke.")
    assert said.has(term("Жумангарин"))
    assert not said.has(term("жумангарин"))


def test_a_misspelt_word_is_mentioned_where_the_right_one_is() -> None:
    said = Mentions("annual financing")
    assert said.has(term("anual"))
    assert said.has(term("finansing"))
    assert not said.has(term("manual"))


def test_coverage_is_the_weighted_share_of_terms_that_occur() -> None:
    said = Mentions("The bridge is long.")
    assert said.coverage([term("bridge"), term("tunnel")], even) == 0.5
    weights = {"bridge": 3.0, "tunnel": 1.0}
    terms = [term("bridge"), term("tunnel")]
    assert said.coverage(terms, lambda one: weights[one.folded]) == 0.75


def test_a_word_that_means_about_the_same_counts_in_part() -> None:
    said = Mentions("The bridges opened in 2019.")
    translated = term("мост").model_copy(update={"near": (("tunnel", 0.9), ("bridge", 0.8))})
    assert not said.has(translated)
    assert said.worth(translated) == 0.8
    assert said.coverage([translated, term("2019")], even) == 0.9
    assert said.coverage([term("мост")], even) == 0.0
    assert said.unsaid([translated, term("2019"), term("мост")]) == pytest.approx(1 / 3)
    assert said.unsaid([]) == 0.0


def test_a_translation_counts_in_full() -> None:
    said = Mentions("The bridges were built in Hungary.")
    bridge = term("мост").model_copy(update={"translations": frozenset({"bridges", "bridge"})})
    assert not said.has(bridge)
    assert said.worth(bridge) == 1.0
