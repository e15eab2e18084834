"""The page around the conversation: its texts in each language, and the HTML that holds it."""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template
from typing import Final, get_args

from pydantic import Field

from app.embed_texts import EmbedTexts, WidgetTexts
from app.errors import RefusalCode
from app.stopwatch import Step
from app.types import AbstentionReason, Language, SourceState
from index import Frozen

APP = Path(__file__).parent
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


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
    citation_of: str
    previous: str
    next_label: str = Field(alias="next")
    copy_quote: str
    page: str
    sheet: str
    row: str


class BarTexts(Frozen):
    """What the bar over the conversation says."""

    label: str
    all_documents: str
    some_documents: str
    save: str
    as_markdown: str
    as_json: str
    print_label: str = Field(alias="print")
    nothing_to_save: str


class ChooserTexts(Frozen):
    """What the list of documents to ask says."""

    heading: str
    hint: str
    search: str
    none_found: str
    all: str
    done: str
    remove: str
    unreachable: str


class StatusTexts(Frozen):
    """What is said about an answer that came, or could not come."""

    answered: str
    offline: str
    unreachable: str
    too_many: str
    dismiss: str


class FeedbackTexts(Frozen):
    """What the feedback buttons say; a button's key is the verdict it sends."""

    label: str
    right: str
    wrong_answer: str
    wrong_evidence: str
    missing: str
    thanks: str
    failed: str

    def verdicts(self) -> tuple[tuple[str, str], ...]:
        """Each verdict with what its button says."""
        return tuple(
            (verdict, str(getattr(self, verdict)))
            for verdict in ("right", "wrong_answer", "wrong_evidence", "missing")
        )


class ExportTexts(Frozen):
    """What a saved conversation says."""

    question: str
    reference: str
    saved_from: str


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
    steps: dict[Step, str]
    stop: str
    ask_again: str
    understood_as: str
    asked_of: str
    source: str
    sources: str
    nearest: str
    copy_label: str = Field(alias="copy")
    copied: str
    copy_failed: str
    copy_link: str
    link_copied: str
    link_same: str
    link_differs: str
    abstention: dict[AbstentionReason, str]
    source_state: dict[SourceState, str]
    refused: dict[RefusalCode, str]
    busy: str
    failed: str
    pane: PaneTexts
    bar: BarTexts
    chooser: ChooserTexts
    status: StatusTexts
    feedback: FeedbackTexts
    export: ExportTexts
    widget: WidgetTexts
    embed: EmbedTexts


SCRIPT_TEXTS: Final = {
    "busy",
    "conversation",
    "sources",
    "nearest",
    "copied",
    "copy_failed",
    "link_copied",
    "source_state",
    "abstention",
    "pane",
    "bar",
    "chooser",
    "status",
    "feedback",
    "export",
}
"""What of ``Texts`` the page's script says; the rest is in the HTML and in what Gradio draws."""


def read_texts(language: Language) -> Texts:
    """The texts of one language."""
    return Texts.model_validate_json((APP / "locales" / f"{language}.json").read_bytes())


def page_html(title: str, language: Language, texts: dict[Language, Texts], assets: str) -> str:
    """The page in one language; ``assets`` are the tags that load Gradio's program and style."""
    own = texts[language]
    template = Template((APP / "chat.html").read_text(encoding="utf-8"))
    links = "".join(
        f'<a href="../{other}/" lang="{other}" hreflang="{other}"'
        f"{' aria-current=true' if other == language else ''}>{texts[other].language_name}</a>"
        for other in LANGUAGES
    )
    page = {
        "language": language,
        "title": title,
        **own.model_dump(mode="json", by_alias=True, include=SCRIPT_TEXTS),
    }
    return template.substitute(
        language=language,
        title=html.escape(title),
        product=own.product,
        skip_to_question=own.skip_to_question,
        languages_label=own.languages_label,
        pane_label=own.pane.label,
        bar_label=own.bar.label,
        language_links=links,
        gradio_assets=assets,
        page_texts=json.dumps(page, ensure_ascii=False).replace("<", "\\u003c"),
    )
