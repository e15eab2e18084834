"""What the faces look up in the collection besides asking: passages, documents, original files."""

from __future__ import annotations

from pathlib import Path

from app.api_models import (
    DocumentReply,
    DocumentsReply,
    FoundPassage,
    ReadyReply,
    SearchQuery,
    SearchReply,
)
from app.assistant import Assistant
from app.citing import PLAIN_TEXT_SUFFIXES
from app.errors import QuestionRefused
from index import Document


def search(assistant: Assistant, query: SearchQuery) -> SearchReply:
    """Return the passages nearest to a query; raises QuestionRefused for one that is too long."""
    characters_max = assistant.opened.settings.question_characters_max
    if len(query.q) > characters_max:
        raise QuestionRefused(
            "question_too_long",
            f"The query has {len(query.q)} characters; the limit is {characters_max}. Shorten it.",
        )
    opened = assistant.opened
    try:
        others = opened.understand(query.q, (), None).translations
    except QuestionRefused:  # what asks nothing is searched for as it stands
        others = {}
    return SearchReply(
        query=query.q,
        index_id=opened.retriever.index_id,
        passages=tuple(
            FoundPassage(
                rank=ranked.rank,
                score=ranked.score,
                dense=ranked.dense,
                sparse=ranked.sparse,
                document_id=ranked.passage.document_id,
                heading_path=ranked.passage.heading_path,
                start=ranked.passage.start,
                end=ranked.passage.end,
                text=ranked.passage.text,
            )
            for ranked in opened.retriever.search(query.q, query.k, others=others)
        ),
    )


def documents(assistant: Assistant) -> DocumentsReply:
    """Return the list of documents."""
    return DocumentsReply(
        title=assistant.title,
        index_id=assistant.retriever.index_id,
        documents=tuple(assistant.retriever.documents()),
    )


def ready(assistant: Assistant) -> ReadyReply:
    """Return which index answers, and how many documents it holds."""
    return ReadyReply(
        status="ready",
        index_id=assistant.retriever.index_id,
        documents=len(assistant.retriever.documents()),
    )


def found(assistant: Assistant, document_id: str) -> Document:
    """Return a document; raises QuestionRefused where there is none with this id."""
    try:
        return assistant.retriever.document(document_id)
    except KeyError:
        raise QuestionRefused(
            "unknown_document", "There is no document with this id; GET /api/documents lists them."
        ) from None


def document(assistant: Assistant, document_id: str) -> DocumentReply:
    """Return a document's text and headings; raises QuestionRefused where there is none."""
    one = found(assistant, document_id)
    return DocumentReply(
        document_id=one.document_id,
        path=one.path,
        title=one.title,
        date=one.date,
        language=one.language,
        sha256=one.sha256,
        bytes=one.bytes,
        source_state=assistant.retriever.source_state(document_id),
        index_id=assistant.retriever.index_id,
        text=one.text,
        sections=one.sections,
    )


def media_type_shown(source: Path) -> str | None:
    """Return the type a browser may show a file as; None where it may only save it."""
    if source.suffix.lower() == ".pdf":
        return "application/pdf"
    if source.suffix.lower() not in PLAIN_TEXT_SUFFIXES:
        return None
    try:
        source.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "text/plain; charset=utf-8"
