"""A reply as the Markdown that Gradio draws.

What documents and readers write reaches the page as entities only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from app.chat_page import Texts
from app.types import Abstention, Answer, Citation, Courtesy, Reply

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


def notice(kind: str, text: str) -> str:
    """A sentence of the page's own where an answer would stand."""
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
