"""The pages around the widget: the one for a frame, and the one on which a site owner makes one."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Final

from app.chat_page import LANGUAGES, Texts
from app.types import Language

APP: Final = Path(__file__).parent

FRAME_ATTRIBUTES: Final = ("theme", "accent", "title", "greeting", "questions", "documents")
"""What the address of a frame may say about its widget; the rest of it is ignored."""

_OWN_FILES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
)

OWNER_POLICY: Final = "; ".join((*_OWN_FILES, "frame-src 'self'", "frame-ancestors 'none'"))


def frame_policy(allowed_origins: Sequence[str]) -> str:
    """The Content-Security-Policy of a frame: its own files, in pages of allowed sites."""
    return "; ".join((*_OWN_FILES, " ".join(("frame-ancestors 'self'", *allowed_origins))))


def frame_html(title: str, language: Language, wishes: Mapping[str, str]) -> str:
    """The page that holds nothing but the widget; ``wishes`` become the widget's attributes."""
    attributes = "".join(
        f' {name}="{html.escape(wishes[name])}"' for name in FRAME_ATTRIBUTES if name in wishes
    )
    return _template("embed_frame.html").substitute(
        language=language,
        title=html.escape(wishes.get("title") or title),
        attributes=attributes,
    )


def owner_html(
    title: str, language: Language, texts: Mapping[Language, Texts], allowed_origins: Sequence[str]
) -> str:
    """The page on which a site owner chooses, tries and copies."""
    own = texts[language]
    languages = "".join(
        f'<a href="?language={other}" lang="{other}" hreflang="{other}"'
        f"{' aria-current=true' if other == language else ''}>{texts[other].language_name}</a>"
        for other in LANGUAGES
    )
    options = "".join(
        f'<option value="{other}" lang="{other}">{texts[other].language_name}</option>'
        for other in LANGUAGES
    )
    page = {
        "allowed_origins": list(allowed_origins),
        "copied": own.copied,
        "copy_failed": own.copy_failed,
        **own.embed.model_dump(),
    }
    return _template("embed.html").substitute(
        {name: html.escape(text) for name, text in own.embed},
        page_language=language,
        collection=html.escape(title),
        product=html.escape(own.product),
        languages_label=html.escape(own.languages_label),
        language_links=languages,
        language_options=options,
        page_texts=json.dumps(page, ensure_ascii=False).replace("<", "\\u003c"),
    )


def _template(name: str) -> Template:
    return Template((APP / name).read_text(encoding="utf-8"))
