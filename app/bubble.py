"""A reply as the Markdown that Gradio draws.

What documents and readers write reaches the page as entities only.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from app.chat_page import Texts
from app.types import Abstention, Citation, Courtesy, Reply
from index import Frozen

MARK = re.compile(r"\\\[(\d+)\\\]")
"""A citation mark in ``Reply.markdown``; brackets of documents are entities there."""

DOCUMENT_LINE = re.compile(
    r"^(?P<role>> |- |\*\*)(?P<words>.*?)(?:\*\*)?(?P<mark> (?:\\\[\d+\\\])+)?$",
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


def retry_notice(text: str, texts: Texts) -> str:
    """The same with a button that asks again; the question is back in its box."""
    again = f'<button type="button" class="retry">{inert(texts.ask_again)}</button>'
    return f'<p class="notice">{inert(text)} {again}</p>'


class Surroundings(Frozen):
    """What a page knows about a reply beside the reply.

    ``turn`` counts from 1; ``languages`` are the documents', by id; ``documents`` pairs the ids and
    titles of those that were asked, None for all of them; ``is_as_linked`` says whether the reply
    is the one that a link promised, None where no link did.
    """

    turn: int
    languages: Mapping[str, str]
    documents: dict[str, str] | None = None
    is_as_linked: bool | None = None
    takes_feedback: bool = False


def bubble(reply: Reply, around: Surroundings, texts: Texts) -> str:
    """A reply as Gradio's Markdown: chips for marks, then the sources and the buttons.

    Only ``reply.markdown`` is Markdown; everything else is put in as entities.
    """
    citations = reply.citations or reply.nearest
    kinds = f"{reply.kind} {reply.reason}" if isinstance(reply, Abstention) else reply.kind
    parts = [f'<div class="reply {kinds}" lang="{reply.language}">']
    parts.extend(_said_before(reply, around, texts))
    parts.append(f"\n\n{_said_in_quotes(reply, around, texts)}\n\n")
    if citations:
        parts.append(_source_list(reply, citations, around, texts))
    parts.append(_actions(reply, around, texts))
    parts.append("</div>")
    return "\n".join(parts)


def _said_before(reply: Reply, around: Surroundings, texts: Texts) -> Iterator[str]:
    """What the reader must know before the answer: how the question was read, and of what."""
    if around.is_as_linked is not None:
        linked = texts.link_same if around.is_as_linked else texts.link_differs
        kind = "linked" if around.is_as_linked else "linked differs"
        yield f'<p class="{kind}">{inert(linked)}</p>'
    # An answer names misspelt words itself; an abstention and a follow-up need the whole question.
    is_read_differently = reply.standalone_question.casefold() != reply.question.casefold()
    if is_read_differently and (around.turn > 1 or isinstance(reply, Abstention)):
        understood = shown(reply.standalone_question)
        yield f'<p class="understood">{inert(texts.understood_as)} {understood}</p>'
    if around.documents is not None:
        titles = shown("; ".join(around.documents.values()))
        yield f'<p class="asked-of">{inert(texts.asked_of)} {titles}</p>'
    if isinstance(reply, Abstention):
        yield f'<p class="verdict">{inert(texts.abstention[reply.reason])}</p>'


def _actions(reply: Reply, around: Surroundings, texts: Texts) -> str:
    """The buttons under a reply, and the reply itself, for the page's script to save and share."""
    record = f'<button type="button" class="record" value="{packed(reply, around)}"></button>'
    if isinstance(reply, Courtesy):
        return f'<p class="actions">{record}</p>'
    buttons = [
        f'<button type="button" class="copy">{inert(texts.copy_label)}</button>',
        f'<button type="button" class="share">{inert(texts.copy_link)}</button>',
    ]
    made = f'<p class="actions">{record}{"".join(buttons)}</p>'
    if around.takes_feedback:
        verdicts = "".join(
            f'<button type="button" value="{verdict}">{inert(words)}</button>'
            for verdict, words in texts.feedback.verdicts()
        )
        made += f'<p class="feedback"><span>{inert(texts.feedback.label)}</span>{verdicts}</p>'
    return made


def packed(reply: Reply, around: Surroundings) -> str:
    """A reply and the documents it was asked of, so short that a conversation of them travels.

    Gradio's sanitiser keeps a button's value and drops every data attribute.
    """
    documents = None if around.documents is None else sorted(around.documents)
    record = {"reply": reply.model_dump(mode="json"), "documents": documents}
    written = json.dumps(record, ensure_ascii=False).encode()
    return base64.b64encode(zlib.compress(written)).decode()


def _said_in_quotes(reply: Reply, around: Surroundings, texts: Texts) -> str:
    """The reply's Markdown with each document's words in its language and each mark as a chip."""
    chips = {citation.number: _chip(citation, around.turn, texts) for citation in reply.citations}
    spoken = {
        citation.number: around.languages.get(citation.document_id) for citation in reply.citations
    }

    def in_its_language(line: re.Match[str]) -> str:
        cited = MARK.search(line["mark"] or "")
        lang = _lang(spoken.get(int(cited[1]) if cited else 1))
        # A mark never stands alone on a line.
        mark = (line["mark"] or "").replace(" ", "&nbsp;")
        if line["role"] == "**":
            return f"<strong{lang}>{line['words']}</strong>{mark}"
        return f"{line['role']}<q{lang}>{line['words']}</q>{mark}"

    marked = DOCUMENT_LINE.sub(in_its_language, shown_in(reply.markdown))
    return MARK.sub(lambda mark: chips.get(int(mark[1]), mark[0]), marked)


def _source_list(
    reply: Reply, citations: Sequence[Citation], around: Surroundings, texts: Texts
) -> str:
    is_nearest = isinstance(reply, Abstention)
    heading = texts.nearest if is_nearest else texts.sources
    rows = []
    for citation in citations:
        lang = _lang(around.languages.get(citation.document_id))
        words = shown(citation.quote).replace(inert("|"), BAR)
        quote = f"<q{lang}>{words}</q>" if is_nearest else ""
        state = texts.source_state.get(citation.source_state)
        warning = f'<span class="state">{inert(state)}</span>' if state else ""
        rows.append(
            f'<li><a class="source" href="{_place_link(citation, around.turn)}">'
            f'<span class="number">{citation.number}</span>'
            f'<span class="place"{lang}>{shown(_place(citation, texts))}</span></a>'
            f"{quote}{warning}</li>"
        )
    return f'<p class="heading">{inert(heading)}</p><ol class="sources">{"".join(rows)}</ol>'


def _chip(citation: Citation, turn: int, texts: Texts) -> str:
    return (
        f'<a class="chip" href="{_place_link(citation, turn)}">'
        f'<span class="unvoiced">{inert(texts.source)} </span>{citation.number}</a>'
    )


def _place(citation: Citation, texts: Texts) -> str:
    headings = [heading for heading in citation.heading_path if heading != citation.title]
    positions = [
        template.format(**{name: value})
        for name, template, value in (
            ("page", texts.pane.page, citation.page),
            ("sheet", texts.pane.sheet, citation.sheet),
            ("row", texts.pane.row, citation.row),
        )
        if value is not None
    ]
    return ", ".join((" › ".join((citation.title, *headings)), *positions))


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
