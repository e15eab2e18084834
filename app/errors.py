"""What can go wrong with a question.

AnsweringError
├── QuestionRefused    the question can't be put: empty, too long, or about unknown documents
├── NotAdmitted        the question may be put again, later
│   ├── DeskBusy           more callers are waiting than the desk admits
│   └── TooManyQuestions   this caller asked more often than it may
├── RequestRefused     the request names no question, or a model that isn't here
└── FeedbackRefused    nothing is stored here, or no such answer was given
"""

from __future__ import annotations

from typing import Literal, TypeAlias

RefusalCode: TypeAlias = Literal["empty_question", "question_too_long", "unknown_document"]
RequestRefusalCode: TypeAlias = Literal["invalid_request", "model_not_found"]
FeedbackRefusalCode: TypeAlias = Literal["storage_off", "unknown_answer"]


class AnsweringError(Exception):
    """The base of every error of this package."""


class QuestionRefused(AnsweringError):
    """The question can't be put; ``code`` is for programs, ``message`` is for people."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code: RefusalCode = code
        self.message = message


class NotAdmitted(AnsweringError):
    """The question may be put again after ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class DeskBusy(NotAdmitted):
    """More callers are waiting than the desk admits."""


class TooManyQuestions(NotAdmitted):
    """This caller asked more often than it may."""


class RequestRefused(AnsweringError):
    """The request names no question, or a model that isn't here."""

    def __init__(self, code: RequestRefusalCode, message: str) -> None:
        super().__init__(message)
        self.code: RequestRefusalCode = code
        self.message = message


class FeedbackRefused(AnsweringError):
    """The feedback can't be taken; ``code`` is for programs, ``message`` is for people."""

    def __init__(self, code: FeedbackRefusalCode, message: str) -> None:
        super().__init__(message)
        self.code: FeedbackRefusalCode = code
        self.message = message
