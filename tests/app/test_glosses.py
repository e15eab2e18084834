from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from app.glosses import glossed
from app.types import Query
from index import Passage
from tests.app.asking import understood

MakePassage = Callable[..., Passage]


def asked(question: str, said: Mapping[str, frozenset[str]]) -> Query:
    """Return a question that is understood, some of its words with what says them elsewhere."""
    query = understood(question)
    terms = (one.model_copy(update={"translations": said.get(one.folded)}) for one in query.terms)
    return query.model_copy(update={"terms": tuple(terms)})


@pytest.mark.parametrize(
    ("question", "said", "text", "put"),
    [
        (
            "Кто чинил мост?",
            {"чинил": frozenset({"repair", "repaired"}), "мост": frozenset({"bridge"})},
            "A Bridge was repaired. They repair the bridge.",
            "Кто repaired Bridge?",
        ),
        (
            "Кто чинил мост?",
            {"чинил": frozenset({"mended"}), "мост": frozenset({"bridge"})},
            "The bridge's length is 900 metres.",
            "Кто чинил bridge?",
        ),
        (
            "Когда Вера Бейсен возглавила театр?",
            {"вера": frozenset({"faith"}), "театр": frozenset({"theatre"})},
            "Vera Beisen has faith in the theatre.",
            "Когда Vera Beisen возглавила theatre?",
        ),
        ("Когда открыт Brack Mill?", {}, "BRACK Mill is open.", "Когда открыт Brack Mill?"),
        # A word that sounds alike is no translation of one that has another there.
        (
            "Мост когда чинили?",
            {"мост": frozenset({"bridge"})},
            "Most like the bridge.",
            "bridge когда чинили?",
        ),
        ("МОСТ КОГДА ЧИНИЛИ?", {}, "Most like it.", "МОСТ КОГДА ЧИНИЛИ?"),
        (
            "Чем владеет Марина Орлова?",
            {},
            "The marine life is what Marina Orlova studies.",
            "Чем владеет Marina Orlova?",
        ),
        (
            "Чем владеет Лев Орлов?",
            {"лев": frozenset({"lion"})},
            "L. Orlov has a lion.",
            "Чем владеет Лев Orlov?",
        ),
        (
            "Чем владеет Всемирный банк?",
            {"всемирный": frozenset({"world"}), "банк": frozenset({"bank"})},
            "The World Bank has a bank.",
            "Чем владеет World Bank?",
        ),
        # What stands there as it was typed stays.
        (
            "When did Brack Mill open?",
            {"mill": frozenset({"мельница"}), "open": frozenset({"открылась"})},
            "Brack Mill открылась; Мельница новая.",
            "When did Brack Mill открылась?",
        ),
        (
            "Where is the bank's tunnel?",
            {"bank": frozenset({"банк"}), "tunnel": frozenset({"туннель"})},
            "Банк строит туннель.",
            "Where is the Банк туннель?",
        ),
    ],
)
def test_words_are_put_as_the_passage_says_them(
    passage: MakePassage,
    question: str,
    said: Mapping[str, frozenset[str]],
    text: str,
    put: str,
) -> None:
    assert glossed(asked(question, said), passage(text)) == put


def test_words_of_the_headings_and_of_the_tables_header_are_known_too(
    passage: MakePassage,
) -> None:
    row = passage("| 2024 | 318 |", kind="table", heading_path=("Tickets",))
    one = row.model_copy(update={"table_header": "| Year | Sales |"})
    query = asked(
        "билет сатудан", {"билет": frozenset({"tickets"}), "сатудан": frozenset({"sales"})}
    )
    assert glossed(query, one) == "Tickets Sales"
