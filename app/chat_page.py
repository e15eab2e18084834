"""The page around the conversation: its texts in each language, and the HTML that holds it."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template
from typing import Final, get_args

from pydantic import Field

from app.errors import RefusalCode
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
    page_texts = PageTexts(
        language=language,
        conversation=own.conversation,
        copied=own.copied,
        copy_failed=own.copy_failed,
        source_state=own.source_state,
        pane=own.pane,
    )
    return template.substitute(
        language=language,
        title=html.escape(title),
        product=own.product,
        skip_to_question=own.skip_to_question,
        languages_label=own.languages_label,
        pane_label=own.pane.label,
        language_links=links,
        gradio_assets=assets,
        page_texts=page_texts.model_dump_json().replace("<", "\\u003c"),
    )
