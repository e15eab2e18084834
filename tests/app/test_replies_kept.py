from __future__ import annotations

import pytest

from app import replies_kept
from app.assistant import Assistant
from app.found import Found
from app.replies_kept import RepliesKept
from app.stopwatch import Stopwatch
from app.types import Query
from tests.running import briefing_assistant

QUESTION = "How much annual financing could the new framework provide?"


def test_what_was_not_asked_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies_kept, "REPLIES_KEPT", 2)
    kept, reply = RepliesKept(), briefing_assistant().ask(QUESTION)
    kept.keep(["a"], None, None, reply)
    kept.keep(["b"], None, None, reply)
    assert kept.find(["a"], None, None) is reply
    kept.keep(["c"], None, None, reply)
    assert kept.find(["b"], None, None) is None
    assert kept.find(["a"], None, None) is reply


def test_a_reply_is_found_for_the_same_turns_language_and_documents_alone() -> None:
    kept, reply = RepliesKept(), briefing_assistant().ask(QUESTION)
    kept.keep(["a", "b"], "en", ["2", "1"], reply)
    assert kept.find(["a", "b"], "en", ["1", "2"]) is reply
    assert kept.find(["b"], "en", ["1", "2"]) is None
    assert kept.find(["a", "b"], None, ["1", "2"]) is None
    assert kept.find(["a", "b"], "en", None) is None


def test_a_long_conversation_answers_no_earlier_turn_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = briefing_assistant().opened
    assistant = Assistant(opened)
    turns = [QUESTION]
    for _ in range(opened.settings.history_turns_max + 2):
        assistant.ask("who said that?", history=turns)
        turns.append("who said that?")
    searched: list[str] = []
    find = opened.find

    def find_and_tell(query: Query, chosen: frozenset[str] | None, watch: Stopwatch) -> Found:
        searched.append(query.question)
        return find(query, chosen, watch)

    monkeypatch.setattr(opened, "find", find_and_tell)
    assistant.ask("and when?", history=turns)
    assert "and when?" in searched
    assert set(searched).isdisjoint(turns)
