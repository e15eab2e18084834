from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pytest

from app.finding import _best_sentences, _whole_words, _with_hedge, find_evidence, pieces_quoted
from app.quotes import quote_around
from app.types import Evidence
from index import Passage, RankedPassage, SpanReader, TokenLogits
from tests.app.asking import understood

MakeEvidence = Callable[..., Evidence]
MakePassage = Callable[..., Passage]


def test_a_span_is_quoted_with_its_whole_sentence(passage: MakePassage) -> None:
    one = passage("The bridge is old.", "The tunnel is 900 metres long.", start=100)
    at = 100 + one.text.index("900")
    start, end = quote_around(one, (at, at + 3))
    assert one.text[start - 100 : end - 100] == "The tunnel is 900 metres long."


def test_a_sentence_that_opens_with_a_pronoun_brings_the_one_before_it(
    passage: MakePassage,
) -> None:
    one = passage("The tunnel is new.", "It is 900 metres long.")
    at = one.text.index("900")
    start, end = quote_around(one, (at, at + 3))
    assert one.text[start:end] == "The tunnel is new. It is 900 metres long."


def test_a_table_row_is_quoted_without_the_bars_at_its_ends(passage: MakePassage) -> None:
    one = passage("| Canals | 763 km |", kind="table")
    start, end = quote_around(one, (11, 14))
    assert one.text[start:end] == "Canals | 763 km"


@pytest.mark.parametrize(
    ("text", "answer", "hedged"),
    [
        ("It gave up to $1 billion.", "$1", "up to $1"),
        ("More than 1,200 jobs.", "1,200", "More than 1,200"),
        ("Создано более 100 мест.", "100", "более 100"),
        ("It took over 5 and rover 7.", "7", "7"),
    ],
)
def test_a_short_answer_keeps_the_words_that_limit_it(text: str, answer: str, hedged: str) -> None:
    at = text.index(answer)
    assert text[_with_hedge(text, at) : at + len(answer)] == hedged


def logits_of(text: str, scores: dict[str, float], *, null: float = 0.0) -> TokenLogits:
    """Return logits of a text whose tokens are its words: the given score where a word begins and
    ends a span, -10 elsewhere.
    """
    places, at = [], 0
    for word in text.split(" "):
        places.append((at, at + len(word)))
        at += len(word) + 1
    given = np.array([scores.get(text[a:b].strip("."), -10.0) for a, b in places], np.float32)
    hidden = np.arange(len(places), dtype=np.float32)[:, None]
    offsets = np.array(places, np.int32)
    return TokenLogits(given, given.copy(), null, offsets, hidden, np.array([100.0], np.float32))


def test_each_sentence_that_the_reader_supports_is_evidence_the_best_first(
    passage: MakePassage,
) -> None:
    one = passage("Ada was first.", "Bo was second.", "Nobody followed.", start=40)
    logits = logits_of(one.text, {"Ada": 2.0, "Bo": 3.0})
    best, other = _best_sentences(logits, one, 0)
    assert (best.number, one.text[best.start : best.end]) == (1, "Bo")
    assert (other.number, one.text[other.start : other.end]) == (0, "Ada")
    assert (best.margin, other.margin) == (6.0, 4.0)


def test_support_is_of_all_spans_that_begin_in_a_sentence(passage: MakePassage) -> None:
    one = passage("In 1986 or 1987 it was built.")
    split = logits_of(one.text, {"1986": 2.0, "1987": 2.0}, null=1.0)
    (sentence,) = _best_sentences(split, one, 0)
    # "1986", "1987" and "1986 or 1987" have a score of 4 each; all others nearly none
    assert sentence.margin == pytest.approx(3.0)
    assert sentence.support == pytest.approx(3.0 + np.log(3.0), abs=1e-3)


def test_the_hidden_states_are_the_spans_mean_and_the_questions(passage: MakePassage) -> None:
    one = passage("Ada was first.", "The second was Bo Lind.")
    logits = logits_of(one.text, {})
    logits.start[6] = logits.end[7] = 3.0  # "Bo" is the seventh token, and their states count up
    sentence = _best_sentences(logits, one, 0)[0]
    assert one.text[sentence.start : sentence.end] == "Bo Lind."
    assert sentence.hidden.tolist() == [6.5, 100.0]


def test_what_was_read_before_the_passage_begins_no_span(passage: MakePassage) -> None:
    one = passage("Bo was second.")
    read = logits_of("Ada Bo was second.", {"Ada": -np.inf, "Bo": 1.0})
    (sentence,) = _best_sentences(read, one, len("Ada "))
    assert one.text[sentence.start : sentence.end] == "Bo"


def test_a_span_cuts_no_word_in_two() -> None:
    text = "шағын кәсіпорындарға арналған"
    assert _whole_words(text, text.index("кәсіп"), text.index("ға")) == (6, text.index(" арн"))
    assert _whole_words("It is $1,200 now.", 6, 12) == (6, 12)


def test_pieces_nearly_as_probable_are_quoted_where_several_things_are_asked_for(
    passage: MakePassage, evidence: MakeEvidence
) -> None:
    texts = ("Ada built boats.", "Bo built carts.", "Cy built kilns.", "Di built looms.")
    ada, bo, cy, di = (
        evidence(passage(text, start=100 * at), text.split()[2], probability=probable)
        for at, (text, probable) in enumerate(zip(texts, (0.9, 0.8, 0.7, 0.5), strict=True))
    )

    def quoted(question: str, *pieces: Evidence, refused: Evidence | None = None) -> list[Evidence]:
        found = pieces_quoted(understood(question), pieces, lambda _, ones: refused in ones)
        return list(found)

    assert quoted("Which things were built?", ada, bo, cy, di) == [ada, bo, cy]
    assert quoted("Which things were built?", ada, bo, di, refused=bo) == [ada]
    assert quoted("Which things were built?", ada, ada, bo) == [ada, bo]
    assert quoted("Were boats built?", ada, bo, cy) == [ada, bo]
    assert quoted("Who built boats?", ada, bo, cy) == [ada]
    elsewhere = evidence(passage("Ada built boats.", document_id="x"), "boats", probability=0.9)
    assert quoted("Which things were built?", ada, elsewhere, bo) == [ada, bo]


def test_a_passage_in_another_language_is_read_for_the_question_in_its_words(
    passage: MakePassage,
) -> None:
    read: list[str] = []

    class Reader:
        def read(
            self, questions: Sequence[str], contexts: Sequence[str], first_characters: Sequence[int]
        ) -> list[TokenLogits]:
            assert len(first_characters) == len(contexts)
            read.extend(questions)
            return [logits_of(context, {}) for context in contexts]

    query = understood("Кто чинил мост?")
    terms = (
        one.model_copy(update={"translations": frozenset({"bridge"})})
        if one.folded == "мост"
        else one
        for one in query.terms
    )
    english = passage("The bridge is old.", document_id="english")
    russian = passage("Старый мост.", document_id="russian")
    ranked = [
        RankedPassage(passage=one, rank=1, score=1.0, dense=0.9, sparse=1.0)
        for one in (english, russian)
    ]
    find_evidence(
        query.model_copy(update={"terms": tuple(terms)}),
        ranked,
        reader=cast("SpanReader", Reader()),
        rarity=lambda _: 1.0,
        languages={"english": "en", "russian": "ru"},
        similarities=lambda _, texts: [0.8] * len(texts),
        probability=lambda _, __: 0.5,
    )
    assert read == ["Кто чинил bridge?", "Кто чинил мост?"]
