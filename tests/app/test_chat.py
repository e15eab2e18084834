"""What the chat page makes of a Reply, and that it says everything in every language."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import zlib
from html import unescape
from typing import Any, cast

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from app.assistant import Assistant
from app.bubble import UNSEEN, Surroundings, bubble, inert, packed, shown
from app.chat import Turn, _Turns
from app.chat_page import APP, LANGUAGES, read_texts
from app.desk import WAITING_MAX, Desk
from app.rendering import as_markdown, as_text
from app.settings import Settings
from app.types import REPLY, Abstention, Answer, Citation, Language, Line, Searched

TEXTS = read_texts("en")
LANGUAGES_OF_DOCUMENTS = {"report": "en", "plan": "kk"}


def around(turn: int = 1, **more: Any) -> Surroundings:
    return Surroundings(turn=turn, languages=LANGUAGES_OF_DOCUMENTS, **more)


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
    made = bubble(answer(lines, citation(1, "763 kilometers of canals")), around(3), TEXTS)
    chips = re.findall(r'<a class="chip" href="([^"]*)"', made)
    place = "#document=report&start=10&end=34&sha256=abababababab&citation=3-1"
    assert [unescape(chip) for chip in chips] == [place, place]
    assert r"\[" not in made


def test_a_bracket_from_a_document_is_no_chip() -> None:
    lines = [Line(role="quote", text="“as shown in [1] and [2]”", number=1)]
    made = bubble(answer(lines, citation(1, "as shown in [1] and [2]")), around(), TEXTS)
    assert made.count('class="chip"') == 1


def test_a_documents_words_are_in_the_documents_language() -> None:
    lines = [
        Line(role="template", text="The documents say:"),
        Line(role="quote", text="“каналдар”", number=1),
    ]
    made = bubble(answer(lines, citation(1, "каналдар", "plan")), around(1), TEXTS)
    assert '<div class="reply answer" lang="en">' in made
    assert '> <q lang="kk" dir="auto">“каналдар”</q>' in made


def test_a_resolved_follow_up_is_shown_from_the_second_turn_on() -> None:
    reply = answer(
        [Line(role="quote", text="“763”", number=1)],
        citation(1, "763"),
        standalone="How long are the canals?",
    )
    assert "How long are the canals" in bubble(reply, around(2), TEXTS)
    assert 'class="understood"' not in bubble(reply, around(1), TEXTS)


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
    made = bubble(reply, around(1), TEXTS)
    assert inert(TEXTS.abstention["near_miss"]) in made
    assert '<q lang="en" dir="auto">763 kilometers</q>' in made
    assert made.count('class="source"') == 1


def test_a_reply_travels_whole_in_its_bubble() -> None:
    reply = answer(
        [Line(role="quote", text="“763 “км” <b>”", number=1)], citation(1, "763 “км” <b>")
    )
    surroundings = around(documents={"report": "The report"})
    made = bubble(reply, surroundings, TEXTS)
    carried = re.findall(r'<button type="button" class="record" value="([\w+/=]*)">', made)
    assert carried == [packed(reply, surroundings)]
    record = json.loads(zlib.decompress(base64.b64decode(carried[0])))
    assert REPLY.validate_python(record["reply"]) == reply
    assert record["documents"] == ["report"]


def test_a_restricted_question_says_which_documents_were_asked() -> None:
    reply = answer([Line(role="quote", text="“763”", number=1)], citation(1, "763"))
    made = bubble(reply, around(documents={"report": "The <report>"}), TEXTS)
    assert f"{inert(TEXTS.asked_of)} {inert('The <report>')}" in made
    assert 'class="asked-of"' not in bubble(reply, around(), TEXTS)


@pytest.mark.parametrize(
    ("is_same", "said"), [(True, TEXTS.link_same), (False, TEXTS.link_differs)]
)
def test_a_linked_answer_says_whether_it_is_still_the_same(is_same: bool, said: str) -> None:
    reply = answer([Line(role="quote", text="“763”", number=1)], citation(1, "763"))
    assert inert(said) in bubble(reply, around(is_as_linked=is_same), TEXTS)
    assert "linked" not in bubble(reply, around(), TEXTS)


def test_feedback_is_asked_for_only_where_it_is_stored() -> None:
    reply = answer([Line(role="quote", text="“763”", number=1)], citation(1, "763"))
    asked = bubble(reply, around(takes_feedback=True), TEXTS)
    verdicts = re.findall(r'value="(right|wrong_answer|wrong_evidence|missing)"', asked)
    assert verdicts == ["right", "wrong_answer", "wrong_evidence", "missing"]
    assert "feedback" not in bubble(reply, around(), TEXTS)


def test_a_source_names_page_sheet_and_row_where_it_has_them() -> None:
    placed = citation(1, "763").model_copy(update={"page": 4, "sheet": "2025", "row": 12})
    made = bubble(answer([Line(role="quote", text="“763”", number=1)], placed), around(), TEXTS)
    assert "The report › Canals, page 4, sheet 2025, row 12" in unescape(made)


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
    request = gr.Request(Request({"type": "http"}))

    async def turns() -> list[Turn]:
        taken = _Turns(desk, "en", TEXTS).respond("How long?", [], [], "", request)
        return [turn async for turn in taken]

    *_, (conversation, question, _questions, _asking) = asyncio.run(turns())
    assert question == "How long?"
    assert inert(TEXTS.busy) in conversation[-1]["content"]
    assert [message["role"] for message in conversation] == ["assistant"]
