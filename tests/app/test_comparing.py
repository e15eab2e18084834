from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from app.comparing import find_sides
from app.quotes import text_of
from app.types import Language
from index import Passage, RankedPassage
from tests.app.asking import understood

MakePassage = Callable[..., Passage]


def sides(question: str, language: Language = "en") -> list[list[str]] | None:
    found = understood(question, language=language).sides
    return [[term.folded for term in side] for side in found] if found else None


@pytest.mark.parametrize(
    ("question", "language", "told"),
    [
        ("Which is longer, the bridge or the tunnel?", "en", [["bridge"], ["tunnel"]]),
        ("Was the bridge or the tunnel busier in 2024?", "en", [["bridge"], ["tunnel"]]),
        ("Is the bridge older than the tunnel?", "en", [["bridge"], ["tunnel"]]),
        (
            "What is the difference in price between an adult ticket and a family ticket?",
            "en",
            [["adult"], ["family"]],
        ),
        ("How did sales change from 2023 to 2024?", "en", [["2023"], ["2024"]]),
        ("Where is it cheaper, in Ostrevik or in Hest?", "en", [["ostrevik"], ["hest"]]),
        ("Что длиннее, мост или туннель?", "ru", [["мост"], ["туннель"]]),
        ("Где выгоднее жить — в порту или на острове?", "ru", [["порту"], ["острове"]]),
        ("Где выше плата: в Hest ме?", "ru", None),
        ("Қайсысы қымбатырақ: Hest ме, әлде Skarv ме?", "kk", [["hest"], ["skarv"]]),
        ("Which line is faster, Hest or Skarv?", "en", [["hest"], ["skarv"]]),
        ("which is longer bridge or tunnel", "en", [["bridge"], ["tunnel"]]),
        ("Is the bridge or the tunnel longer?", "en", [["bridge"], ["tunnel"]]),
        ("Which grew faster, exports or imports?", "en", [["exports"], ["imports"]]),
        ("Who put in more money, the district or the region?", "en", [["district"], ["region"]]),
        ("Кто моложе, директор или капитан?", "ru", [["директор"], ["капитан"]]),
        ("Музей или театр открылся раньше?", "ru", [["музей"], ["театр", "открылся"]]),
        (
            "Compare the Ministry of Trade and Integration with the Ministry of Energy.",
            "en",
            [["integration", "trade"], ["energy"]],
        ),
        (
            "Compare the Gannet Bridge and the Lindal Tunnel with the lighthouse.",
            "en",
            [["tunnel", "lindal", "bridge", "gannet"], ["lighthouse"]],
        ),
        ("Топырақ пен судың айырмашылығы неде?", "kk", [["топырак"], ["судын"]]),
        # "or" between two of a kind, not two that are compared
        ("Who approves the larger loans or grants?", "en", None),
        ("Do older patients or pregnant women pay for visits?", "en", None),
        ("Did more than 100 people or fewer attend?", "en", None),
        ("Can the master refuse boats longer than 12 metres or heavier than 20 tons?", "en", None),
        ("What does the dossier say about barriers or tariffs?", "en", None),
        ("Can I get more information or help?", "en", None),
        ("Когда будет следующее заседание или собрание?", "ru", None),
        ("Сколько стоит домашнее или дачное подключение?", "ru", None),
        ("Маған паспорт керек пе әлде жеке куәлік пе?", "kk", None),
        ("How long is the bridge?", "en", None),
        ("Why is the bridge longer than the tunnel?", "en", None),
    ],
)
def test_the_two_sides_of_a_comparison_are_told(
    question: str, language: Language, told: list[list[str]] | None
) -> None:
    assert sides(question, language) == told


def compared(question: str, *passages: Passage) -> tuple[list[str], float]:
    ranked = [
        RankedPassage(passage=one, rank=at, score=0.5, dense=0.8, sparse=1.0)
        for at, one in enumerate(passages, 1)
    ]

    def alike(_: str, texts: Sequence[str]) -> list[float]:
        return [0.8] * len(texts)

    found = find_sides(
        understood(question, language="en"),
        ranked,
        rarity=lambda _: 1.0,
        languages={"report": "en"},
        similarities=alike,
    )
    quotes = [text_of(one.passage, one.quote) for one in found]
    return quotes, found[0].probability if found else 0.0


def crossings(passage: MakePassage) -> Passage:
    return passage(
        "The bridge opened in 1987.",
        "The bridge is 1,240 metres long.",
        "Winter storms closed the bridge for 31 days.",
        "The tunnel is 2,870 metres long.",
        "The tunnel has two lanes.",
        heading_path=("The bridge and the tunnel",),
    )


def test_each_side_is_quoted_in_the_same_respect(passage: MakePassage) -> None:
    quotes, covered = compared("Which is longer, the bridge or the tunnel?", crossings(passage))
    assert quotes == ["The bridge is 1,240 metres long.", "The tunnel is 2,870 metres long."]
    assert covered == 1.0


def test_a_sentence_about_both_sides_is_quoted_once(passage: MakePassage) -> None:
    both = "The tunnel costs €4 and the bridge costs €3."
    quotes, _ = compared(
        "What is cheaper, the bridge or the tunnel?", crossings(passage), passage(both, start=900)
    )
    assert quotes == [both]


def test_a_side_that_nothing_speaks_of_leaves_no_comparison(passage: MakePassage) -> None:
    one = crossings(passage)
    assert compared("Which is longer, the bridge or the ferry?", one) == ([], 0.0)
    assert compared("What is cheaper, the bridge or the tunnel?", one) == ([], 0.0)  # no money


def test_a_side_told_by_another_word_is_that_side_only_with_this_word(
    passage: MakePassage,
) -> None:
    old = passage("The old hospital has 115 beds.", heading_path=("The new hospital",))
    new = passage("The new hospital has 240 beds.", heading_path=("Report",), start=200)
    quotes, _ = compared("Compare the new hospital with the old one in beds.", old, new)
    assert quotes == ["The new hospital has 240 beds.", "The old hospital has 115 beds."]


def test_what_isnt_said_of_the_sides_lowers_the_share(passage: MakePassage) -> None:
    _, covered = compared("Compare the weight of the bridge and the tunnel.", crossings(passage))
    assert covered == pytest.approx(1 / 2)
    _, covered = compared("Is the bridge or the tunnel older?", crossings(passage))
    assert covered == pytest.approx(1 / 2)  # nothing else tells in what respect


def test_what_says_the_measure_neednt_be_said_where_it_is_given(passage: MakePassage) -> None:
    one = passage("The district paid €4 and the region paid €3.")
    quotes, covered = compared("Who put in more money, the district or the region?", one)
    assert (len(quotes), covered) == (1, 1.0)
