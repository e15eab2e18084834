"""Replies as the assistant gives them, for tests of what becomes of them when they are stored."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import Any

from app.api_models import ABSTENTION_EXAMPLE, REPLY_EXAMPLE
from app.types import REPLY, Reply

_NUMBERS = count(1)


def _reply(example: dict[str, Any], question: str, changes: dict[str, Any]) -> Reply:
    asked = {
        "id": f"{next(_NUMBERS):032x}",
        "question": question,
        "standalone_question": question,
        "answer_id": hashlib.sha256(question.encode()).hexdigest()[:16],
    }
    return REPLY.validate_python({**example, **asked, **changes}, strict=False)


def answer(
    question: str, *quotes: str, path: str = "a.md", short_answer: str | None = None, **changes: Any
) -> Reply:
    """An answer that quotes these words of one document."""
    citation = REPLY_EXAMPLE["citations"][0]
    citations = [
        {
            **citation,
            "number": number,
            "path": path,
            "quote": quote,
            "start": 100 * number,
            "end": 100 * number + len(quote),
        }
        for number, quote in enumerate(quotes or ("The words.",), start=1)
    ]
    changes = {"citations": citations, "short_answer": short_answer, **changes}
    return _reply(REPLY_EXAMPLE, question, changes)


def abstention(question: str, **changes: Any) -> Reply:
    """A reply that the documents don't say."""
    return _reply(ABSTENTION_EXAMPLE, question, {"missing_terms": [], **changes})


def took(milliseconds: float) -> dict[str, float]:
    """How long a reply took, as it says so itself."""
    return {"total": milliseconds}
