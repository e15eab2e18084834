from __future__ import annotations

from app.choosing import find_sentences
from app.content_words import content_terms
from app.enumerating import find_enumeration, whole_table
from app.enumerations import asked_for, enumerations
from app.lexicon import lexicon
from app.types import Evidence, Features, Query
from index import Passage, RankedPassage, Sentence
from tests.app.asking import understood

BOARD = """Anyone may stand.

The board for 2025 is made up as follows:

- Ida Holm, chair
- Ole Vik, treasurer. He keeps the accounts.
- Una Berg

The sixth seat is empty."""


def cut(text: str, *sentences: str, start: int = 0, **more: object) -> Passage:
    """Return a passage of these sentences, each at its first place after the one before."""
    places, at = [], 0
    for one in sentences:
        at = text.index(one, at)
        places.append(Sentence(start=start + at, end=start + at + len(one)))
        at += len(one)
    fields = {
        "passage_id": 1, "document_id": "rules", "start": start, "end": start + len(text),
        "text": text, "sentences": tuple(places), "kind": "list", **more,
    }  # fmt: skip
    return Passage.model_validate(fields)


def board(start: int = 0) -> Passage:
    return cut(
        BOARD, "Anyone may stand.", "The board for 2025 is made up as follows:", "Ida Holm, chair",
        "Ole Vik, treasurer.", "He keeps the accounts.", "Una Berg", "The sixth seat is empty.",
        start=start,
    )  # fmt: skip


def asked(question: str) -> Query:
    return understood(
        question,
        language="en",
    )


def ranked(*passages: Passage) -> list[RankedPassage]:
    return [
        RankedPassage(passage=one, rank=at, score=0.5, dense=0.8, sparse=1.0)
        for at, one in enumerate(passages, 1)
    ]


def found(question: str, *passages: Passage, table: Passage | None = None) -> tuple[Evidence, ...]:
    return find_enumeration(
        asked(question),
        ranked(*passages),
        rarity=lambda _: 1.0,
        languages={one.document_id: "en" for one in passages},
        table=lambda _: table,
    )


def quote(evidence: Evidence) -> str:
    start, end = (at - evidence.passage.start for at in evidence.quote)
    return evidence.passage.text[start:end]


def span_of(passage: Passage, text: str) -> Evidence:
    at = passage.start + passage.text.index(text)
    features = Features(
        support=1, margin=1, fused=0.5, dense=0.8, sentence_coverage=1, terms=1.4, opens=1,
        similarity=0, foreign=0, untaught=0, unsaid=0,
    )  # fmt: skip
    place = (at, at + len(text))
    return Evidence(passage=passage, span=place, quote=place, features=features, probability=0.9)


def test_a_list_has_its_lead_and_whole_items_and_ends_where_prose_goes_on() -> None:
    (one,) = enumerations(board(start=50))
    assert one.lead is not None
    text = board().text
    assert text[one.lead[0] - 50 : one.lead[1] - 50] == "The board for 2025 is made up as follows:"
    assert [text[a - 50 : b - 50] for a, b in one.items] == [
        "Ida Holm, chair", "Ole Vik, treasurer. He keeps the accounts.", "Una Berg",
    ]  # fmt: skip
    assert one.span == (one.lead[0], one.items[-1][1])


def test_a_list_without_a_lead_begins_at_its_first_marker() -> None:
    (one,) = enumerations(cut("Fees\n\n1. For boats\n2. For berths", "For boats", "For berths"))
    assert (one.lead, one.start) == (None, len("Fees\n\n"))


def test_a_list_that_goes_on_from_another_passage_keeps_its_first_item() -> None:
    rest = cut("For boats\n- For berths", "For boats", "For berths", lead_in="Fees are due:")
    (one,) = enumerations(rest)
    assert len(one.items) == 2


def test_a_question_for_what_a_lead_announces_is_answered_by_the_whole_list() -> None:
    (one,) = found("Who is on the board for 2025?", board())
    assert quote(one).startswith("The board for 2025")
    assert quote(one).endswith("- Una Berg")
    assert one.probability == 1.0


def test_a_lead_that_has_none_of_the_words_itself_announces_nothing() -> None:
    fees = cut(
        "These apply:\n- For boats\n- For berths", "These apply:", "For boats", "For berths",
        heading_path=("Harbour fees",),
    )  # fmt: skip
    assert not found("What are the harbour fees?", fees)


def test_an_answer_among_items_brings_the_list_unless_the_item_was_asked_for() -> None:
    whole = asked_for(asked("Who is on the board?"), span_of(board(), "Ida Holm"))
    assert whole is not None
    assert (
        asked_for(asked("Who is the treasurer of the board?"), span_of(board(), "Ole Vik")) is None
    )
    assert asked_for(asked("Who may stand?"), span_of(board(), "Anyone")) is None


def test_an_item_in_another_language_brings_the_list_where_several_things_are_asked_for() -> None:
    holm = span_of(board(), "Ida Holm")
    foreign = holm.model_copy(
        update={"features": holm.features.model_copy(update={"foreign": 1.0})}
    )
    members = understood("Перечислите членов совета", language="ru")
    assert members.kind == "list"
    whole = asked_for(members, foreign)
    assert whole is not None
    assert len(whole.items) == 3
    assert asked_for(members, holm) is None
    assert asked_for(understood("Кто председатель совета?", language="ru"), foreign) is None


def test_a_table_is_a_list_of_its_rows() -> None:
    text = "| Fruit | Tonnes |\n|---|---|\n| Apples | 21 |\n| Pears | 4 |"
    rows = [
        cut(row, row, start=text.index(row), kind="table", table_header="| Fruit | Tonnes |")
        for row in ("| Apples | 21 |", "| Pears | 4 |")
    ]
    table = whole_table(rows[0], rows, text)
    assert table is not None
    assert table.text == text
    (one,) = found("Which kinds of fruit are there?", rows[1], table=table)
    assert quote(one) == table.text
    assert not found("How many tonnes were there?", rows[1], table=table)
    assert whole_table(rows[0], rows[:1], text) is None


def test_a_chosen_sentence_is_quoted_alone_wherever_its_passage_stands() -> None:
    prose = cut(
        "The bridge is red. The tunnel has lamps. Birds sing.",
        "The bridge is red.", "The tunnel has lamps.", "Birds sing.", start=400, kind="prose",
    )  # fmt: skip
    (one,) = find_sentences(
        asked("Has the tunnel lamps?"), ranked(prose), rarity=lambda _: 1.0,
        languages={"rules": "en"}, sentences_max=1,
    )  # fmt: skip
    assert quote(one) == "The tunnel has lamps."


def test_a_word_that_asks_for_a_verdict_is_no_subject() -> None:
    terms = asked("Is spraying allowed?").terms
    assert [term.text for term in terms] == ["spraying"]
    assert content_terms("Is spraying allowed?", lexicon("en"))[-1].text == "allowed"


def test_a_line_that_goes_on_stays_in_its_item_and_a_blank_one_ends_it() -> None:
    text = "It is:\n– Ida Holm\n– Ole Vik, treasurer.\n  He keeps the accounts.\n– Una Berg\n\nEnd."
    whole = cut(
        text, "It is:", "Ida Holm", "Ole Vik, treasurer.", "He keeps the accounts.", "Una Berg",
        "End.",
    )  # fmt: skip
    (one,) = enumerations(whole)
    assert [text[a:b] for a, b in one.items] == [
        "Ida Holm", "Ole Vik, treasurer.\n  He keeps the accounts.", "Una Berg",
    ]  # fmt: skip


def test_a_question_without_a_subject_asks_for_no_list() -> None:
    assert not found("What is it?", board())


def test_a_table_ends_where_prose_stands_between_rows() -> None:
    row = "| Boat | {} |"
    text = "| Boat | 1 |\n| Boat | 2 |\n\nFor guests:\n\n| Boat | 3 |\n| Boat | 4 |"
    rows = [
        cut(row.format(n), row.format(n), start=text.index(row.format(n)), kind="table",
            table_header="| What | Fee |")
        for n in range(1, 5)
    ]  # fmt: skip
    first, second = whole_table(rows[1], rows, text), whole_table(rows[2], rows, text)
    assert first is not None
    assert second is not None
    assert first.text == "| Boat | 1 |\n| Boat | 2 |"
    assert second.text == "| Boat | 3 |\n| Boat | 4 |"
