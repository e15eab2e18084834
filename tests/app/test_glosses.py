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
