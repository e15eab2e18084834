"""What can't be used of a request is told in one plain sentence, with its key."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.api_models import AskRequest, FeedbackRequest, SearchQuery
from app.chat_completions import CompletionRequest
from app.error_replies import what_is_invalid

HALF = "it holds half a character: a lone surrogate, or bytes that are no UTF-8"
MODEL = {"model": "briefing-desk"}


@pytest.mark.parametrize(
    ("takes", "given", "sentence"),
    [
        (SearchQuery, {"q": ""}, '"q" can\'t be used: it is empty.'),
        (SearchQuery, {}, '"q" is missing.'),
        (SearchQuery, {"q": "a", "k": "0"}, '"k" can\'t be used: it has to be at least 1.'),
        (SearchQuery, {"q": "a", "k": "51"}, '"k" can\'t be used: it has to be at most 50.'),
        (SearchQuery, {"q": "a", "k": "x"}, '"k" can\'t be used: it has to be a whole number.'),
        (SearchQuery, {"q": "a", "x": "1"}, '"x" is not known here; leave it out.'),
        (AskRequest, {"question": 7}, '"question" can\'t be used: it has to be a text.'),
        (AskRequest, {"question": "\ud800"}, f'"question" can\'t be used: {HALF}.'),
        (
            AskRequest,
            {"question": "a", "history": ["b", "\ud800"]},
            f'"history.1" can\'t be used: {HALF}.',
        ),
        (
            AskRequest,
            {"question": "a", "history": "b"},
            '"history" can\'t be used: it has to be a list.',
        ),
        (
            AskRequest,
            {"question": "a", "history": ["b"] * 101},
            '"history" can\'t be used: it is longer than 100.',
        ),
        (
            AskRequest,
            {"question": "a", "language": "de"},
            "\"language\" can't be used: it has to be 'en', 'ru' or 'kk'.",
        ),
        (
            AskRequest,
            {"question": "a", "documents": []},
            '"documents" can\'t be used: it is empty.',
        ),
        (
            FeedbackRequest,
            {"answer_id": "a", "verdict": "right", "comment": "a" * 2_001},
            '"comment" can\'t be used: it is longer than 2000.',
        ),
        (CompletionRequest, {**MODEL, "messages": []}, '"messages" can\'t be used: it is empty.'),
        (
            CompletionRequest,
            {**MODEL, "messages": [7]},
            '"messages.0" can\'t be used: it has to be a JSON object.',
        ),
        (
            CompletionRequest,
            {**MODEL, "messages": [{"role": "user", "content": "\ud800"}]},
            f'"messages.0.content" can\'t be used: {HALF}.',
        ),
        (
            CompletionRequest,
            {**MODEL, "messages": [{"role": "user", "content": "a"}], "stream": "b"},
            '"stream" can\'t be used: it has to be true or false.',
        ),
    ],
)
def test_what_is_invalid_is_said_in_plain_words(
    takes: type[BaseModel], given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        takes.model_validate(given)
    assert what_is_invalid(refused.value.errors()[0]) == sentence
