"""What can go wrong with a question.

AnsweringError
├── QuestionRefused    the question can't be put: empty, too long, or about unknown documents
└── DeskBusy           more callers are waiting than the desk admits (app/desk.py)
"""

from __future__ import annotations

from typing import Literal, TypeAlias

RefusalCode: TypeAlias = Literal["empty_question", "question_too_long", "unknown_document"]


class AnsweringError(Exception):
    """The base of every error of this package."""


class QuestionRefused(AnsweringError):
    """The question can't be put; ``code`` is for programs, ``message`` is for people."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code: RefusalCode = code
        self.message = message
