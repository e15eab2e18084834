"""What the chat page makes of a Reply, and that it says everything in every language."""

from __future__ import annotations

import asyncio
import json
import re
from html import unescape
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.assistant import Assistant
from app.bubble import UNSEEN, as_plain_text, bubble, inert, shown
from app.chat import Turn, _Turns
from app.chat_page import APP, LANGUAGES, read_texts
from app.desk import WAITING_MAX, Desk
from app.rendering import as_markdown, as_text
from app.settings import Settings
from app.types import Abstention, Answer, Citation, Language, Line, Searched

TEXTS = read_texts("en")
LANGUAGES_OF_DOCUMENTS: dict[str, str | None] = {"report": "en", "plan": "kk"}


def citation(number: int, quote: str, document_id: str = "report") -> Citation:
    return Citation(
        number=number,
        document_id=document_id,
        title="The report",
        path="report.md",
        date=None,
        heading_path=("Canals",),
        page=None,
        sheet=None,
        row=None,
        sha256="ab" * 32,
        start=10,
        end=10 + len(quote),
        quote=quote,
        link="/api/documents/report/source",
        source_state="unchanged",
    )


def answer(lines: list[Line], *citations: Citation, standalone: str = "How long?") -> Answer:
    return Answer(
        id="1",
        question="How long?",
        standalone_question=standalone,
        language="en",
        text=as_text(lines),
        markdown=as_markdown(lines),
        searched=Searched(documents=1, passages=9),
        suggestions=(),
        answer_id="a",
        index_id="i",
        milliseconds={"total": 1.0},
        short_answer=None,
        confidence=0.9,
        citations=citations,
    )


def test_each_mark_becomes_a_chip_that_carries_its_place() -> None:
    lines = [
        Line(role="short", text="763 kilometers", number=1),
        Line(role="quote", text="“763 kilometers of canals”", number=1),
    ]
    made = bubble(
        answer(lines, citation(1, "763 kilometers of canals")), 3, TEXTS, LANGUAGES_OF_DOCUMENTS
    )
    chips = re.findall(r'<a class="chip" href="([^"]*)"', made)
    place = "#document=report&start=10&end=34&sha256=abababababab&citation=3-1"
    assert [unescape(chip) for chip in chips] == [place, place]
    assert r"\[" not in made


def test_a_bracket_from_a_document_is_no_chip() -> None:
    lines = [Line(role="quote", text="“as shown in [1] and [2]”", number=1)]
    made = bubble(
        answer(lines, citation(1, "as shown in [1] and [2]")), 1, TEXTS, LANGUAGES_OF_DOCUMENTS
    )
    assert made.count('class="chip"') == 1


def test_a_documents_words_are_in_the_documents_language() -> None:
    lines = [
        Line(role="template", text="The documents say:"),
        Line(role="quote", text="“каналдар”", number=1),
    ]
    made = bubble(answer(lines, citation(1, "каналдар", "plan")), 1, TEXTS, LANGUAGES_OF_DOCUMENTS)
    assert '<div class="reply answer" lang="en">' in made
    assert '> <q lang="kk" dir="auto">“каналдар”</q>' in made


def test_a_resolved_follow_up_is_shown_from_the_second_turn_on() -> None:
    reply = answer(
        [Line(role="quote", text="“763”", number=1)],
        citation(1, "763"),
        standalone="How long are the canals?",
    )
    assert "How long are the canals" in bubble(reply, 2, TEXTS, LANGUAGES_OF_DOCUMENTS)
    assert 'class="understood"' not in bubble(reply, 1, TEXTS, LANGUAGES_OF_DOCUMENTS)


def test_an_abstention_says_which_and_shows_the_nearest_passages_with_their_words() -> None:
    reply = Abstention(
        id="1",
        question="GDP?",
        standalone_question="GDP?",
        language="en",
        text="The documents…",
        markdown="The documents…",
        searched=Searched(documents=1, passages=9),
        suggestions=(),
        answer_id="a",
        index_id="i",
        milliseconds={"total": 1.0},
        confidence=0.1,
        reason="near_miss",
        missing_terms=("GDP",),
        nearest=(citation(1, "763 kilometers"),),
    )
    made = bubble(reply, 1, TEXTS, LANGUAGES_OF_DOCUMENTS)
    assert inert(TEXTS.abstention["near_miss"]) in made
    assert '<q lang="en" dir="auto">763 kilometers</q>' in made
    assert made.count('class="source"') == 1


def test_what_is_copied_has_the_answer_and_its_numbered_sources() -> None:
    reply = answer(
        [Line(role="quote", text="“763 kilometers”", number=1)], citation(1, "763 kilometers")
    )
    assert as_plain_text(reply, TEXTS) == (
        "How long?\n\n“763 kilometers” [1]\n\n"
        "Sources:\n[1] The report › Canals (report.md): “763 kilometers”"
    )


@given(st.text())
def test_inert_text_holds_no_sign_of_html_or_markdown(text: str) -> None:
    assert not set(inert(text)) & set("<>\"'`*_[]()\\|~$!-+.{}\n")


@given(st.text(st.characters(exclude_categories=["Cc", "Cn", "Cs"])))
def test_inert_text_reads_the_same(text: str) -> None:
    assert unescape(inert(text)) == text


@given(st.text(alphabet=st.sampled_from("ab<\u202e\u200b\u2066\ufeff\U000e0041")))
def test_no_unseen_character_stays_unseen(text: str) -> None:
    made = shown(text)
    assert not UNSEEN.search(made)
    assert made.count('class="unseen"') == len(UNSEEN.findall(text))


def test_ordinary_writing_has_no_unseen_character() -> None:
    assert not UNSEEN.search("Қазақстан – “2026–2031”, co\u00adoperation, naïve 😀 №\u00a05\n\t")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: Language) -> None:
    def keys(texts: object, path: str = "") -> set[str]:
        if isinstance(texts, dict):
            return {key for name, value in texts.items() for key in keys(value, f"{path}/{name}")}
        assert isinstance(texts, str)
        assert texts.strip()
        return {path}

    def read(name: str) -> object:
        return json.loads((APP / "locales" / f"{name}.json").read_text(encoding="utf-8"))

    assert keys(read(language)) == keys(read("en"))
    assert "{limit}" in read_texts(language).refused["question_too_long"]


def test_a_reader_who_has_to_wait_is_told_so_and_keeps_the_question() -> None:
    class Nobody:
        """Answers nothing: a full desk doesn't get that far."""

    desk = Desk(Settings(), cast("Assistant", Nobody()))
    desk._admitted = WAITING_MAX

    async def turns() -> list[Turn]:
        return [turn async for turn in _Turns(desk, "en", TEXTS).respond("How long?", [], [])]

    *_, (conversation, question, _questions) = asyncio.run(turns())
    assert question == "How long?"
    assert inert(TEXTS.busy) in conversation[-1]["content"]
    assert [message["role"] for message in conversation] == ["assistant"]
