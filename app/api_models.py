"""What the HTTP API and the MCP tools take and give, with an example of each."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ConfigDict, Field

from app.storing import Verdict
from app.types import Language, SourceState, Text
from index import DocumentSummary, Frozen, Section

COMMENT_CHARACTERS_MAX: Final = 2_000

_DOCUMENT_ID: Final = "framework-2026-2031-fa90b3cb"
_INDEX_ID: Final = "0d8b42cd341a6c7f"
_QUOTE: Final = "The new partnership framework could provide up to $1 billion in annual financing."
_TITLE: Final = "The partnership framework for 2026–2031"

_SHA256: Final = "311b515b2ecf9653dd365ca69c89e3d4e30c311bd984b3ad2e1965912d9d2e6d"

CITATION_EXAMPLE: Final[dict[str, Any]] = {
    "number": 1,
    "document_id": _DOCUMENT_ID,
    "title": _TITLE,
    "path": "framework-2026-2031.md",
    "date": None,
    "heading_path": ["Financing"],
    "page": None,
    "sheet": None,
    "row": None,
    "sha256": _SHA256,
    "start": 601,
    "end": 601 + len(_QUOTE),
    "quote": _QUOTE,
    "link": f"/api/documents/{_DOCUMENT_ID}/source#:~:text=The%20new%20partnership%20framework",
    "source_state": "unchanged",
}

REPLY_EXAMPLE: Final[dict[str, Any]] = {
    "id": "5f0f6d1e2b8c4f5f9f0d3b1c7a6e4d21",
    "kind": "answer",
    "question": "How much could the new framework provide a year?",
    "standalone_question": "How much could the new framework provide a year?",
    "language": "en",
    "text": f"up to $1 billion [1]\n“{_QUOTE}” [1]",
    "markdown": "**up to \\$1 billion** \\[1\\]\n\n> “"
    + _QUOTE.replace("$", "\\$").replace(".", "\\.")
    + "” \\[1\\]",
    "short_answer": "up to $1 billion",
    "confidence": 0.91,
    "citations": [CITATION_EXAMPLE],
    "reason": None,
    "missing_terms": [],
    "searched": {"documents": 4, "passages": 33},
    "nearest": [],
    "suggestions": ["What do the documents say about “National priorities”?"],
    "answer_id": "0c5f2b7e9d314a86",
    "index_id": _INDEX_ID,
    "curated": False,
    "milliseconds": {
        "query": 1.9,
        "retrieval": 8.4,
        "evidence": 71.0,
        "answer": 0.4,
        "total": 82.3,
    },
}

ABSTENTION_EXAMPLE: Final[dict[str, Any]] = {
    **REPLY_EXAMPLE,
    "kind": "abstention",
    "question": "What is the GDP of Kazakhstan?",
    "standalone_question": "What is the GDP of Kazakhstan?",
    "text": "The documents don't say. They don't mention “GDP”.",
    "markdown": "The documents don't say\\. They don't mention “GDP”\\.",
    "short_answer": None,
    "confidence": 0.04,
    "citations": [],
    "reason": "not_stated",
    "missing_terms": ["GDP"],
    "nearest": [CITATION_EXAMPLE],
    "suggestions": [],
}

EVENTS_EXAMPLE: Final = (
    'event: step\ndata: {"step": "waiting"}\n\n'
    'event: step\ndata: {"step": "searching"}\n\n'
    'event: reply\ndata: {"id": "5f0f6d1e2b8c4f5f9f0d3b1c7a6e4d21", "kind": "answer", …}\n\n'
)


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [example]})


class AskRequest(Frozen):
    """A question; ``history`` is the earlier questions, ``documents`` restricts to those ids."""

    model_config = _example(
        {
            "question": "And how much a year?",
            "history": ["What did Kazakhstan and the World Bank Group discuss?"],
            "language": "en",
            "documents": [_DOCUMENT_ID],
        }
    )

    question: Text = Field(description="What to ask; its length is limited by the operator")
    history: tuple[Text, ...] = Field(
        default=(), max_length=100, description="The earlier questions, oldest first"
    )
    language: Language | None = Field(
        default=None, description="Language of the reply; by default that of the question"
    )
    documents: tuple[Text, ...] | None = Field(
        default=None,
        min_length=1,
        description="Answer from these documents alone, by document_id; left out, from all",
    )


class SearchQuery(Frozen):
    """What to search for, and how many passages to return."""

    q: Text = Field(min_length=1, description="What to search for", examples=["annual financing"])
    k: int = Field(default=10, ge=1, le=50, description="How many passages to return")


class DocumentQuery(Frozen):
    """Which document to read."""

    document_id: Text = Field(description="As listed among the documents")


class NoParameters(Frozen):
    """The query of a route that takes none."""


class FeedbackRequest(Frozen):
    """What a reader says of the reply with this ``answer_id``."""

    model_config = _example(
        {
            "answer_id": REPLY_EXAMPLE["answer_id"],
            "verdict": "wrong_evidence",
            "comment": "That sentence is about another year.",
        }
    )

    answer_id: Text = Field(min_length=1, max_length=64)
    verdict: Verdict
    comment: Text | None = Field(default=None, max_length=COMMENT_CHARACTERS_MAX)


class FeedbackReply(Frozen):
    """The feedback was stored."""

    model_config = _example({"status": "stored"})

    status: str


class FoundPassage(Frozen):
    """A ranked passage; ``start`` and ``end`` are code points of the document's text."""

    model_config = _example(
        {
            "rank": 1,
            "score": 0.97,
            "dense": 0.88,
            "sparse": 11.2,
            "document_id": _DOCUMENT_ID,
            "heading_path": [_TITLE, "Financing"],
            "start": 601,
            "end": 601 + len(_QUOTE),
            "text": _QUOTE,
        }
    )

    rank: int
    score: float
    dense: float
    sparse: float
    document_id: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    text: str


class SearchReply(Frozen):
    """The passages nearest to a query, best first."""

    query: str
    index_id: str = Field(examples=[_INDEX_ID])
    passages: tuple[FoundPassage, ...]


class DocumentsReply(Frozen):
    """The collection."""

    model_config = _example(
        {
            "title": "Kazakhstan and the World Bank Group",
            "index_id": _INDEX_ID,
            "documents": [
                {
                    "document_id": _DOCUMENT_ID,
                    "path": "framework-2026-2031.md",
                    "title": _TITLE,
                    "date": None,
                    "language": "en",
                    "sha256": _SHA256,
                    "characters": 2210,
                    "passages": 9,
                }
            ],
        }
    )

    title: str
    index_id: str
    documents: tuple[DocumentSummary, ...]


class DocumentReply(Frozen):
    """One document: its extracted text, into which every citation's offsets point."""

    model_config = _example(
        {
            "document_id": _DOCUMENT_ID,
            "path": "framework-2026-2031.md",
            "title": _TITLE,
            "date": None,
            "language": "en",
            "sha256": _SHA256,
            "bytes": 2231,
            "source_state": "unchanged",
            "index_id": _INDEX_ID,
            "text": f"# {_TITLE}\n\n{_QUOTE}\n",
            "sections": [{"start": 0, "end": 127, "heading_path": [_TITLE]}],
        }
    )

    document_id: str
    path: str
    title: str
    date: str | None
    language: str | None
    sha256: str
    bytes: int
    source_state: SourceState
    index_id: str
    text: str
    sections: tuple[Section, ...]


class HealthReply(Frozen):
    """The process answers."""

    model_config = _example({"status": "ok"})

    status: str


class ReadyReply(Frozen):
    """Questions are answered, from this index."""

    model_config = _example({"status": "ready", "index_id": _INDEX_ID, "documents": 4})

    status: str
    index_id: str
    documents: int
