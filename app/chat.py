"""The chat pages, one per language: the only home of Gradio.

Gradio draws the conversation and carries the questions; the page around it (``chat.html``) and the
source pane beside it (``static/chat.js``) are ours, because the pane has to show a document's text
character for character. What documents and readers write reaches a page as entities only.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args
from unittest.mock import patch
from urllib.parse import urlencode

# Read while Gradio is imported: without them it calls api.gradio.app and huggingface.co.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "500"

import gradio as gr
from gradio.components.chatbot import ExampleMessage
from gradio.routes import App
from pydantic import Field
from starlette.responses import HTMLResponse, Response

from app.desk import Desk, DeskBusy
from app.errors import QuestionRefused, RefusalCode
from app.types import (
    Abstention,
    AbstentionReason,
    Answer,
    Citation,
    Courtesy,
    Language,
    Reply,
    SourceState,
)
from index import Frozen

if TYPE_CHECKING:
    from fastapi import FastAPI

APP = Path(__file__).parent
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

CONVERSATION_TURNS_MAX: Final = 40
"""Turns that stay on the page; the browser sends all of them along with each question."""

SESSIONS_MAX: Final = 500
"""Visitors that Gradio keeps in mind; each costs some 25 kB."""

QUEUE_MAX: Final = 256
"""Gradio's own queue; the desk says "busy" in the reader's language long before it is full."""

MARK = re.compile(r"\\\[(\d+)\\\]")
"""A citation mark in ``Reply.markdown``; brackets of documents are entities there."""

DOCUMENT_LINE = re.compile(
    r"^(?P<role>> |- |\*\*)(?P<words>.*?)(?:\*\*)?(?P<mark> \\\[(?P<number>\d+)\\\])?$",
    re.MULTILINE,
)
"""A line of ``Reply.markdown`` in a document's words: a quote, a list item, the short answer. In
template text these signs are escaped."""

BAR: Final = '<span class="bar">|</span>'
"""The bar between two cells, where a table's row is quoted as it stands in its document."""

UNSEEN = re.compile(
    "[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""Characters without a shape of their own that change how others look."""

Message: TypeAlias = dict[str, Any]
"""A message as Gradio has it: role, content, options."""

Conversation: TypeAlias = list[Message]
Turn: TypeAlias = tuple[Any, Any, Any]
"""What a handler gives back: the conversation, the text box, the earlier questions."""


class PaneTexts(Frozen):
    """What the source pane says."""

    label: str
    documents: str
    documents_hint: str
    back_to_answer: str
    back_to_documents: str
    contents: str
    original: str
    loading: str
    unreachable: str
    document_changed: str
    unseen_character: str


class Texts(Frozen):
    """Everything a page says in one language, from ``locales/``."""

    language_name: str
    product: str
    lead: str
    conversation: str
    question_label: str
    question_placeholder: str
    ask: str
    new_conversation: str
    disclaimer: str
    languages_label: str
    skip_to_question: str
    searching: str
    understood_as: str
    source: str
    sources: str
    nearest: str
    copy_label: str = Field(alias="copy")
    copied: str
    copy_failed: str
    abstention: dict[AbstentionReason, str]
    source_state: dict[SourceState, str]
    refused: dict[RefusalCode, str]
    busy: str
    failed: str
    pane: PaneTexts


class PageTexts(Frozen):
    """What the page's script says and shows."""

    language: Language
    conversation: str
    copied: str
    copy_failed: str
    source_state: dict[SourceState, str]
    pane: PaneTexts


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


def read_texts(language: Language) -> Texts:
    """The texts of one language."""
    return Texts.model_validate_json((APP / "locales" / f"{language}.json").read_bytes())


def _add_page(
    app: FastAPI, desk: Desk, language: Language, texts: dict[Language, Texts], assets: str
) -> None:
    """Serve the page around the conversation; Gradio's own has scripts that our policy refuses."""
    own = texts[language]
    template = Template((APP / "chat.html").read_text(encoding="utf-8"))
    links = "".join(
        f'<a href="../{other}/" lang="{other}" hreflang="{other}"'
        f"{' aria-current=true' if other == language else ''}>{texts[other].language_name}</a>"
        for other in LANGUAGES
    )
    page_texts = PageTexts(
        language=language,
        conversation=own.conversation,
        copied=own.copied,
        copy_failed=own.copy_failed,
        source_state=own.source_state,
        pane=own.pane,
    )

    @app.get(f"/{language}/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(
            template.substitute(
                language=language,
                title=html.escape(desk.assistant.title),
                product=own.product,
                skip_to_question=own.skip_to_question,
                languages_label=own.languages_label,
                pane_label=own.pane.label,
                language_links=links,
                gradio_assets=assets,
                page_texts=page_texts.model_dump_json().replace("<", "\\u003c"),
            )
        )


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
        yield [*put, _said("assistant", _notice("pending", texts.searching))], "", gr.skip()
        try:
            reply = await self.desk.ask(asked, history=earlier)
        except QuestionRefused as refusal:
            limit = self.desk.settings.question_characters_max
            notice = _notice("notice", texts.refused[refusal.code].format(limit=limit))
            yield [*kept, _said("assistant", notice)], asked, gr.skip()
            return
        except DeskBusy:
            yield [*kept, _said("assistant", _notice("notice", texts.busy))], asked, gr.skip()
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
        return [*so_far[:-1], _said("assistant", _notice("notice", self.texts.failed))]

    def start_again(self) -> Turn:
        """Empty the page."""
        return [], "", []

    def _languages(self) -> dict[str, str | None]:
        documents = self.desk.assistant.retriever.documents()
        return {document.document_id: document.language for document in documents}


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _notice(kind: str, text: str) -> str:
    return f'<p class="{kind}">{inert(text)}</p>'


def bubble(reply: Reply, turn: int, texts: Texts, languages: dict[str, str | None]) -> str:
    """A reply as Gradio's Markdown: chips for marks, then the sources and the copy button.

    Only ``reply.markdown`` is Markdown; everything else is put in as entities.
    """
    shown_citations = reply.citations or reply.nearest
    parts = [f'<div class="reply {reply.kind}" lang="{reply.language}">']
    if turn > 1 and reply.standalone_question.casefold() != reply.question.casefold():
        parts.append(
            f'<p class="understood">{inert(texts.understood_as)} '
            f"{shown(reply.standalone_question)}</p>"
        )
    if isinstance(reply, Abstention):
        parts.append(f'<p class="verdict">{inert(texts.abstention[reply.reason])}</p>')
    parts.append(f"\n\n{_said_in_quotes(reply, turn, texts, languages)}\n\n")
    if shown_citations:
        heading = texts.nearest if isinstance(reply, Abstention) else texts.sources
        parts.append(
            _source_list(
                shown_citations,
                turn,
                heading,
                texts,
                languages,
                with_quotes=isinstance(reply, Abstention),
            )
        )
    if not isinstance(reply, Courtesy):
        parts.append(
            f'<p class="actions"><button type="button" class="copy" '
            f'value="{inert(as_plain_text(reply, texts))}">{inert(texts.copy_label)}'
            f"</button></p>"
        )
    parts.append("</div>")
    return "\n".join(parts)


def _said_in_quotes(reply: Reply, turn: int, texts: Texts, languages: dict[str, str | None]) -> str:
    """The reply's Markdown with each document's words in its language and each mark as a chip."""
    chips = {citation.number: _chip(citation, turn, texts) for citation in reply.citations}
    spoken = {citation.number: languages.get(citation.document_id) for citation in reply.citations}

    def in_its_language(line: re.Match[str]) -> str:
        lang = _lang(spoken.get(int(line["number"] or 1)))
        # A mark never stands alone on a line.
        mark = (line["mark"] or "").replace(" ", "&nbsp;")
        if line["role"] == "**":
            return f"<strong{lang}>{line['words']}</strong>{mark}"
        return f"{line['role']}<q{lang}>{line['words']}</q>{mark}"

    marked = DOCUMENT_LINE.sub(in_its_language, shown_in(reply.markdown))
    return MARK.sub(lambda mark: chips.get(int(mark[1]), mark[0]), marked)


def as_plain_text(reply: Answer | Abstention, texts: Texts) -> str:
    """What the copy button copies: the question, the answer, and where it is from."""
    citations = reply.citations or reply.nearest
    heading = texts.nearest if isinstance(reply, Abstention) else texts.sources
    sources = [
        f"[{citation.number}] {_place(citation)} ({citation.path}): “{citation.quote}”"
        for citation in citations
    ]
    blocks = [reply.standalone_question, reply.text]
    if sources:
        blocks.append("\n".join((f"{heading}:", *sources)))
    return "\n\n".join(blocks)


def _source_list(
    citations: Sequence[Citation],
    turn: int,
    heading: str,
    texts: Texts,
    languages: dict[str, str | None],
    *,
    with_quotes: bool,
) -> str:
    rows = []
    for citation in citations:
        lang = _lang(languages.get(citation.document_id))
        words = shown(citation.quote).replace(inert("|"), BAR)
        quote = f"<q{lang}>{words}</q>" if with_quotes else ""
        state = texts.source_state.get(citation.source_state)
        warning = f'<span class="state">{inert(state)}</span>' if state else ""
        rows.append(
            f'<li><a class="source" href="{_place_link(citation, turn)}" '
            f'title="“{inert(citation.quote)}”"><span class="number">{citation.number}</span>'
            f'<span class="place"{lang}>{shown(_place(citation))}</span></a>{quote}{warning}</li>'
        )
    return f'<p class="heading">{inert(heading)}</p><ol class="sources">{"".join(rows)}</ol>'


def _chip(citation: Citation, turn: int, texts: Texts) -> str:
    return (
        f'<a class="chip" href="{_place_link(citation, turn)}" '
        f'title="{inert(_place(citation))}: “{inert(citation.quote)}”">'
        f'<span class="unvoiced">{inert(texts.source)} </span>{citation.number}</a>'
    )


def _place(citation: Citation) -> str:
    headings = [heading for heading in citation.heading_path if heading != citation.title]
    return " › ".join((citation.title, *headings))


def _place_link(citation: Citation, turn: int) -> str:
    """Where a citation points, complete in itself, so that it also works as a link to share."""
    where = urlencode(
        {
            "document": citation.document_id,
            "start": citation.start,
            "end": citation.end,
            "sha256": citation.sha256[:12],
            "citation": f"{turn}-{citation.number}",
        }
    )
    return f"#{where.replace('&', '&amp;')}"


def _lang(language: str | None) -> str:
    return f' lang="{inert(language)}" dir="auto"' if language else ' dir="auto"'


def inert(text: str) -> str:
    """Text that neither HTML nor Markdown reads anything into, in content and in attributes."""
    return re.sub(r"[^\w ]|_", lambda character: f"&#{ord(character[0])};", text)


def shown(text: str) -> str:
    """Inert text with each unseen character as a visible mark."""
    return "".join(
        _unseen_mark(part) if UNSEEN.fullmatch(part) else inert(part)
        for part in re.split(f"({UNSEEN.pattern})", text)
    )


def shown_in(markdown: str) -> str:
    """Markdown with each unseen character as a visible mark, and addresses as text, not links."""
    unlinked = markdown.replace("://", "&#58;//").replace("@", "&#64;")
    return UNSEEN.sub(lambda character: _unseen_mark(character[0]), unlinked)


def _unseen_mark(character: str) -> str:
    return f'<span class="unseen">U+{ord(character):04X}</span>'
