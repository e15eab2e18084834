"""The chat pages, one per language: the only home of Gradio.

Gradio draws the conversation and carries the questions; the page around it (``chat.html``) and what
stands beside it (``static/chat/``) are ours, because the source pane has to show a document's text
character for character.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from unittest.mock import patch

# Read while Gradio is imported: without them it calls api.gradio.app and huggingface.co.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "500"

import gradio as gr
from gradio.components.chatbot import ExampleMessage
from gradio.routes import App
from pydantic import TypeAdapter
from starlette.responses import HTMLResponse, Response

from app.bubble import Surroundings, bubble, inert, notice, retry_notice, shown
from app.chat_page import LANGUAGES, Texts, page_html, read_texts
from app.desk import Desk
from app.errors import NotAdmitted, QuestionRefused, TooManyQuestions
from app.stopwatch import Step
from app.types import (
    Language,
    Reply,
)
from index import Frozen

if TYPE_CHECKING:
    from fastapi import FastAPI


CONVERSATION_TURNS_MAX: Final = 40
"""Turns that stay on the page; the browser sends all of them along with each question."""

SESSIONS_MAX: Final = 500
"""Visitors that Gradio keeps in mind; each costs some 25 kB."""

QUEUE_MAX: Final = 256
"""Gradio's own queue; the desk says "busy" in the reader's language long before it is full."""

QUEUE_POLL_SECONDS: Final = 0.02
"""How often each language's queue looks whether somebody asks. Gradio's own 0.001 has no setting
and takes 6 % of a core from a server that nobody uses (measured with strace and /proc)."""

Message: TypeAlias = dict[str, Any]
"""A message as Gradio has it: role, content, options."""

Conversation: TypeAlias = list[Message]
Turn: TypeAlias = tuple[Any, Any, Any, Any]
"""What a handler gives back: the conversation, the text box, the earlier questions, and the
question that is being answered."""

PENDING_SECONDS: Final = 0.15
"""How long an answer may take before the page says that it is being looked for."""


class Asked(Frozen):
    """A question that comes with a page: from a link, or from the same page in another language."""

    question: str
    documents: tuple[str, ...] | None = None
    answer_id: str | None = None


ASKED_LIST: Final = TypeAdapter(tuple[Asked, ...])
CHOSEN: Final = TypeAdapter(tuple[str, ...])


def add_chat(app: FastAPI, desk: Desk) -> None:
    """Mount a chat page for each language."""
    texts = {language: read_texts(language) for language in LANGUAGES}
    assets = _gradio_assets()
    for language in LANGUAGES:
        _add_page(app, desk, language, texts, assets)
        with _without_unused_apps():
            blocks = _blocks(desk, language, texts[language])
        gr.mount_gradio_app(
            app,
            blocks,
            f"/{language}",
            footer_links=[],
            run_history=False,
            show_error=False,
            enable_monitoring=False,
            max_file_size=1,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            theme=gr.themes.Base(
                font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
            ),
        )


def _add_page(
    app: FastAPI, desk: Desk, language: Language, texts: dict[Language, Texts], assets: str
) -> None:
    """Serve the page around the conversation; Gradio's own has scripts that our policy refuses."""

    @app.get(f"/{language}/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(page_html(desk.assistant.title, language, texts, assets))


def _gradio_assets() -> str:
    """The two tags of Gradio's page that load its program and its style."""
    page = Path(gr.__file__).parent / "templates" / "frontend" / "index.html"
    tags = re.findall(
        r'<script type="module"[^>]*></script>|<link rel="stylesheet"[^>]*>',
        page.read_text(encoding="utf-8"),
    )
    return "\n  ".join(tags)


@contextlib.contextmanager
def _without_unused_apps() -> Iterator[None]:
    """Keep Blocks from making, when it is made, left and queued, an application of 80 routes each
    time: only the one that mounting makes is served, and the others are half of a second's start.
    """
    with patch.object(App, "create_app"):
        yield


def _blocks(desk: Desk, language: Language, texts: Texts) -> gr.Blocks:
    """The conversation of one language, with its events."""
    turns = _Turns(desk, language, texts)
    blocks = gr.Blocks(title=texts.product, analytics_enabled=False)
    with blocks:
        conversation = gr.Chatbot(
            elem_id="conversation",
            label=texts.conversation,
            show_label=False,
            container=False,
            placeholder=f'<p class="lead">{inert(texts.lead)}</p>',
            buttons=[],
            latex_delimiters=[],
            height="auto",
            layout="bubble",
            autoscroll=False,
            group_consecutive_messages=False,
        )
        questions = gr.JSON([], visible=False)
        asking = gr.JSON([], visible=False)
        # The page's script writes and presses these: the ids of the documents to ask, and what was
        # asked on the page of another language.
        chosen = gr.Textbox(elem_id="chosen", visible="hidden")
        kept = gr.Textbox(elem_id="kept", visible="hidden")
        take_up = gr.Button(elem_id="take-up", visible="hidden")
        with gr.Row(elem_id="composer"):
            question = gr.Textbox(
                elem_id="question",
                label=texts.question_label,
                placeholder=texts.question_placeholder,
                max_lines=6,
                scale=1,
            )
            ask = gr.Button(texts.ask, variant="primary", elem_id="ask", scale=0)
            stop = gr.Button(texts.stop, elem_id="stop", scale=0)
        with gr.Row(elem_id="colophon"):
            gr.Markdown(texts.disclaimer, elem_id="disclaimer")
            restart = gr.Button(texts.new_conversation, size="sm", elem_id="restart", scale=0)

        state = [conversation, question, questions, asking]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        turns_taken = [
            gr.on(
                [ask.click, question.submit],
                turns.respond,
                [question, conversation, questions, chosen],
                state,
                trigger_mode="once",
                **quiet,
            ),
            gr.on(
                [conversation.example_select, conversation.option_select],
                turns.respond_to_choice,
                [conversation, questions, chosen],
                state,
                trigger_mode="once",
                **quiet,
            ),
            take_up.click(turns.take_up, [kept], state, **quiet),
            blocks.load(turns.open_page, [conversation, questions], state, **quiet),
        ]
        for turn in turns_taken:
            turn.failure(turns.say_that_it_failed, [conversation, asking], state, **quiet)
        stop.click(turns.stop, [conversation, asking], state, cancels=turns_taken, **quiet)
        restart.click(turns.start_again, None, state, cancels=turns_taken, **quiet)
    blocks.queue(max_size=QUEUE_MAX, api_open=False, default_concurrency_limit=None)
    blocks._queue.sleep_when_free = QUEUE_POLL_SECONDS  # noqa: SLF001  there is no public way
    blocks.state_session_capacity = SESSIONS_MAX
    return blocks


class _Turns:
    """What happens on a page when its reader does something."""

    def __init__(self, desk: Desk, language: Language, texts: Texts) -> None:
        self.desk = desk
        self.language = language
        self.texts = texts

    async def respond(
        self,
        asked: str,
        so_far: Conversation,
        earlier: list[str],
        chosen: str,
        request: gr.Request,
    ) -> AsyncIterator[Turn]:
        """Show the question and that it is being answered, then the answer."""
        if asked.strip():
            documents = CHOSEN.validate_json(chosen) if chosen else None
            question = Asked(question=asked, documents=documents or None)
            async for turn in self._answer(question, so_far, earlier, _caller(request)):
                yield turn
        else:
            yield _turn()

    async def respond_to_choice(
        self,
        so_far: Conversation,
        earlier: list[str],
        chosen: str,
        choice: gr.SelectData,
        request: gr.Request,
    ) -> AsyncIterator[Turn]:
        """Ask the starter question or follow-up that was clicked."""
        picked = choice.value["text"] if isinstance(choice.value, dict) else choice.value
        async for turn in self.respond(str(picked), so_far, earlier, chosen, request):
            yield turn

    async def take_up(self, kept: str, request: gr.Request) -> AsyncIterator[Turn]:
        """Ask again what was asked on the page of another language, one question after the other.

        The page keeps questions, not answers: an answer is only shown when it was just given.
        """
        so_far: Conversation = []
        earlier: list[str] = []
        for question in ASKED_LIST.validate_json(kept)[-CONVERSATION_TURNS_MAX:]:
            async for turn in self._answer(question, so_far, earlier, _caller(request)):
                so_far, box, answered, asking = turn
                # What was being typed on the other page stays in the box.
                yield so_far, box or gr.skip(), answered, asking
            if not isinstance(answered, list):
                return  # it was refused; what comes after it may depend on it
            earlier = answered

    async def open_page(
        self, so_far: Conversation, earlier: list[str], request: gr.Request
    ) -> AsyncIterator[Turn]:
        """Ask what the address asks (``?q=``), or offer questions to start with."""
        linked = dict(request.query_params)
        if linked.get("q", "").strip():
            question = Asked(
                question=linked["q"],
                documents=tuple(filter(None, linked.get("documents", "").split(","))) or None,
                answer_id=linked.get("answer"),
            )
            async for turn in self._answer(question, so_far, earlier, _caller(request)):
                yield turn
            return
        with contextlib.suppress(NotAdmitted):
            starters = await self.desk.run(lambda assistant: assistant.starters(self.language))
            yield _turn(gr.Chatbot(examples=[ExampleMessage(text=one) for one in starters]))

    async def _answer(
        self, asked: Asked, so_far: Conversation, earlier: list[str], caller: str | None
    ) -> AsyncIterator[Turn]:
        """Show the question, what is being done where that takes a while, and the answer."""
        kept = _without_notices(so_far)[-2 * CONVERSATION_TURNS_MAX :]
        put = [*kept, _said("user", shown(asked.question.strip()))]
        yield _turn(put, box="", asking=[asked.question])
        steps: list[Step] = ["waiting"]
        answering = asyncio.ensure_future(
            self.desk.ask(
                asked.question,
                history=earlier,
                documents=asked.documents,
                caller=caller,
                announce=steps.append,
            )
        )
        try:
            said = None
            while not (await asyncio.wait({answering}, timeout=PENDING_SECONDS))[0]:
                if said != steps[-1]:
                    said = steps[-1]
                    yield _turn([*put, _said("assistant", notice("pending", self._doing(said)))])
            reply = await answering
        except QuestionRefused as refusal:
            limit = self.desk.settings.question_characters_max
            refused = notice("notice", self.texts.refused[refusal.code].format(limit=limit))
            yield _turn([*kept, _said("assistant", refused)], box=asked.question, asking=[])
            return
        except NotAdmitted as refusal:
            is_caller = isinstance(refusal, TooManyQuestions)
            busy = self.texts.status.too_many if is_caller else self.texts.busy
            told = _said("assistant", retry_notice(busy, self.texts))
            yield _turn([*kept, told], box=asked.question, asking=[])
            return
        finally:
            answering.cancel()
        answered = _said(
            "assistant", bubble(reply, self._around(asked, reply, earlier), self.texts)
        )
        answered["options"] = [{"value": suggestion} for suggestion in reply.suggestions]
        questions = [*earlier, asked.question][-CONVERSATION_TURNS_MAX:]
        # The box is left alone: the next question may be half typed by now.
        yield _turn([*put, answered], questions=questions, asking=[])

    def say_that_it_failed(self, so_far: Conversation, asking: list[str]) -> Turn:
        """Put a sentence where the answer should have been, and the question back in its box."""
        failed = _said("assistant", retry_notice(self.texts.failed, self.texts))
        return _turn([*_before_question(so_far), failed], box="".join(asking) or None, asking=[])

    def stop(self, so_far: Conversation, asking: list[str]) -> Turn:
        """Put back the question that no answer has come to."""
        if not asking:
            return _turn()
        return _turn(_before_question(so_far), box=asking[0], asking=[])

    def start_again(self) -> Turn:
        """Empty the page."""
        return _turn([], box="", questions=[], asking=[])

    def _doing(self, step: Step) -> str:
        summaries = self.desk.assistant.retriever.documents()
        return self.texts.steps[step].format(
            documents=len(summaries), passages=sum(summary.passages for summary in summaries)
        )

    def _around(self, asked: Asked, reply: Reply, earlier: list[str]) -> Surroundings:
        assistant, linked = self.desk.assistant, asked.answer_id
        titles = {one.document_id: one.title for one in assistant.retriever.documents()}
        return Surroundings(
            turn=len(earlier) + 1,
            languages=assistant.opened.collection.languages,
            documents=None
            if asked.documents is None
            else {one: titles.get(one, one) for one in asked.documents},
            is_as_linked=None if linked is None else linked == reply.answer_id,
            takes_feedback=self.desk.storage is not None,
        )


def _turn(
    conversation: Conversation | gr.Chatbot | None = None,
    *,
    box: str | None = None,
    questions: list[str] | None = None,
    asking: list[str] | None = None,
) -> Turn:
    """What changes on the page; what isn't given stays as it is."""

    def changed(part: Any) -> Any:
        return gr.skip() if part is None else part

    return changed(conversation), changed(box), changed(questions), changed(asking)


def _without_notices(so_far: Conversation) -> Conversation:
    """The questions with their answers; what was said instead of an answer is over by now."""
    turns = [
        pair for pair in pairwise(so_far) if [one["role"] for one in pair] == ["user", "assistant"]
    ]
    return [message for pair in turns for message in pair]


def _before_question(so_far: Conversation) -> Conversation:
    """The conversation up to the newest question."""
    asked = [at for at, message in enumerate(so_far) if message["role"] == "user"]
    return so_far[: asked[-1]] if asked else []


def _caller(request: gr.Request) -> str | None:
    return request.client.host if request.client else None


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}
