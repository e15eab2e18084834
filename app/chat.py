"""The chat pages, one per language: the only home of Gradio.

Gradio draws the conversation and carries the questions; the page around it (``chat.html``) and what
stands beside it (``static/chat/``) are ours, because the source pane has to show a document's text
character for character.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
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
from starlette.responses import HTMLResponse, Response

from app.bubble import bubble, inert, notice, shown
from app.chat_page import LANGUAGES, Texts, page_html, read_texts
from app.desk import Desk, DeskBusy
from app.errors import QuestionRefused
from app.types import (
    Language,
)

if TYPE_CHECKING:
    from fastapi import FastAPI


CONVERSATION_TURNS_MAX: Final = 40
"""Turns that stay on the page; the browser sends all of them along with each question."""

SESSIONS_MAX: Final = 500
"""Visitors that Gradio keeps in mind; each costs some 25 kB."""

QUEUE_MAX: Final = 256
"""Gradio's own queue; the desk says "busy" in the reader's language long before it is full."""

Message: TypeAlias = dict[str, Any]
"""A message as Gradio has it: role, content, options."""

Conversation: TypeAlias = list[Message]
Turn: TypeAlias = tuple[Any, Any, Any]
"""What a handler gives back: the conversation, the text box, the earlier questions."""


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


@contextmanager
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
        with gr.Row(elem_id="composer"):
            question = gr.Textbox(
                elem_id="question",
                label=texts.question_label,
                placeholder=texts.question_placeholder,
                max_lines=6,
                scale=1,
            )
            ask = gr.Button(texts.ask, variant="primary", elem_id="ask", scale=0)
        with gr.Row(elem_id="colophon"):
            gr.Markdown(texts.disclaimer, elem_id="disclaimer")
            restart = gr.Button(texts.new_conversation, size="sm", elem_id="restart", scale=0)

        state = [conversation, question, questions]
        asking = [
            gr.on(
                [ask.click, question.submit],
                turns.respond,
                [question, conversation, questions],
                state,
                trigger_mode="once",
                show_progress="hidden",
                api_visibility="private",
            ),
            gr.on(
                [conversation.example_select, conversation.option_select],
                turns.respond_to_choice,
                [conversation, questions],
                state,
                trigger_mode="once",
                show_progress="hidden",
                api_visibility="private",
            ),
            blocks.load(
                turns.open_page,
                [conversation, questions],
                state,
                show_progress="hidden",
                api_visibility="private",
            ),
        ]
        for turn in asking:
            turn.failure(
                turns.say_that_it_failed,
                conversation,
                conversation,
                show_progress="hidden",
                api_visibility="private",
            )
        restart.click(
            turns.start_again,
            None,
            state,
            cancels=asking,
            show_progress="hidden",
            api_visibility="private",
        )
    blocks.queue(max_size=QUEUE_MAX, api_open=False, default_concurrency_limit=None)
    blocks.state_session_capacity = SESSIONS_MAX
    return blocks


class _Turns:
    """What happens on a page when its reader does something."""

    def __init__(self, desk: Desk, language: Language, texts: Texts) -> None:
        self.desk = desk
        self.language = language
        self.texts = texts

    async def respond(
        self, asked: str, so_far: Conversation, earlier: list[str]
    ) -> AsyncIterator[Turn]:
        """Show the question and that it is being answered, then the answer."""
        if not asked.strip():
            yield gr.skip(), gr.skip(), gr.skip()
            return
        texts = self.texts
        kept = so_far[-2 * CONVERSATION_TURNS_MAX :]
        put = [*kept, _said("user", shown(asked.strip()))]
        yield [*put, _said("assistant", notice("pending", texts.searching))], "", gr.skip()
        try:
            reply = await self.desk.ask(asked, history=earlier)
        except QuestionRefused as refusal:
            limit = self.desk.settings.question_characters_max
            refused = notice("notice", texts.refused[refusal.code].format(limit=limit))
            yield [*kept, _said("assistant", refused)], asked, gr.skip()
            return
        except DeskBusy:
            yield [*kept, _said("assistant", notice("notice", texts.busy))], asked, gr.skip()
            return
        answered = _said("assistant", bubble(reply, len(earlier) + 1, texts, self._languages()))
        answered["options"] = [{"value": suggestion} for suggestion in reply.suggestions]
        yield [*put, answered], "", [*earlier, asked][-CONVERSATION_TURNS_MAX:]

    async def respond_to_choice(
        self, so_far: Conversation, earlier: list[str], choice: gr.SelectData
    ) -> AsyncIterator[Turn]:
        """Ask the starter question or follow-up that was clicked."""
        chosen = choice.value["text"] if isinstance(choice.value, dict) else choice.value
        async for turn in self.respond(str(chosen), so_far, earlier):
            yield turn

    async def open_page(
        self, so_far: Conversation, earlier: list[str], request: gr.Request
    ) -> AsyncIterator[Turn]:
        """Ask what the address asks (``?q=``), or offer questions to start with."""
        linked = request.query_params.get("q", "")
        if linked.strip():
            async for turn in self.respond(linked, so_far, earlier):
                yield turn
            return
        starters = await self.desk.run(lambda assistant: assistant.starters(self.language))
        examples = [ExampleMessage(text=starter) for starter in starters]
        yield gr.Chatbot(examples=examples), gr.skip(), gr.skip()

    def say_that_it_failed(self, so_far: Conversation) -> Conversation:
        """Put a sentence where the answer should have been."""
        return [*so_far[:-1], _said("assistant", notice("notice", self.texts.failed))]

    def start_again(self) -> Turn:
        """Empty the page."""
        return [], "", []

    def _languages(self) -> dict[str, str | None]:
        documents = self.desk.assistant.retriever.documents()
        return {document.document_id: document.language for document in documents}


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}
