"""Sessions: a password opens one, guesses don't, time ends it, and a form is its visitor's own."""

from __future__ import annotations

import pytest

from app.admin_sessions import (
    IDLE_SECONDS,
    SESSION_SECONDS,
    SESSIONS_MAX,
    Sessions,
    TooManyLogins,
)

PASSWORD = "correct horse battery"  # a password of the tests alone


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def signed_in(sessions: Sessions) -> str:
    token = sessions.sign_in(PASSWORD, "127.0.0.1")
    assert token is not None
    return token


def test_the_password_alone_opens_a_session() -> None:
    sessions = Sessions(PASSWORD)
    assert sessions.is_signed_in(signed_in(sessions))
    for wrong in ("", PASSWORD[:-1], PASSWORD.upper(), f"{PASSWORD} ", "пароль"):
        assert sessions.sign_in(wrong, "192.0.2.1") is None
    assert not sessions.is_signed_in("")
    assert not sessions.is_signed_in(sessions.new_token())


def test_a_session_ends_when_it_is_ended_or_idle_or_old() -> None:
    clock = Clock()
    sessions = Sessions(PASSWORD, clock)
    ended, idle, busy = (signed_in(sessions) for _ in range(3))
    sessions.sign_out(ended)
    assert not sessions.is_signed_in(ended)
    while clock.now < SESSION_SECONDS - IDLE_SECONDS:
        clock.now += IDLE_SECONDS - 1
        assert sessions.is_signed_in(busy)
    assert not sessions.is_signed_in(idle)
    clock.now = SESSION_SECONDS
    assert not sessions.is_signed_in(busy)


def test_the_session_that_is_idle_longest_gives_way() -> None:
    clock = Clock()
    sessions = Sessions(PASSWORD, clock)
    tokens = []
    for _ in range(SESSIONS_MAX + 1):
        clock.now += 1
        tokens.append(signed_in(sessions))
    assert [sessions.is_signed_in(token) for token in tokens] == [False] + [True] * SESSIONS_MAX


def test_whoever_guesses_waits_and_nobody_else_does() -> None:
    sessions = Sessions(PASSWORD)
    for number in range(10):
        assert sessions.sign_in(f"guess {number}", "192.0.2.1") is None
    with pytest.raises(TooManyLogins) as raised:
        sessions.sign_in(PASSWORD, "192.0.2.1")
    assert 0 < raised.value.retry_after <= 60
    assert sessions.sign_in(PASSWORD, "192.0.2.2") is not None


def test_a_form_is_its_visitors_own_and_another_each_time() -> None:
    sessions, others = Sessions(PASSWORD), Sessions(PASSWORD)
    token = sessions.new_token()
    form = sessions.form_token(token)
    assert sessions.is_form_token(form, token)
    assert form != sessions.form_token(token)
    for wrong in ("", form[:-1], form[1:], f"{form}0", form.replace(form[0], "x"), "ё" * 96):
        assert not sessions.is_form_token(wrong, token)
    assert not sessions.is_form_token(form, sessions.new_token())
    assert not sessions.is_form_token(sessions.form_token(""), "")
    assert not others.is_form_token(form, token)
