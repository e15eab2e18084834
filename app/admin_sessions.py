"""Who is signed in to the admin page: kept in this process, gone when it ends.

The cookie holds a random token. A form holds a token made from it (signed double submit, OWASP
Cross-Site Request Forgery Prevention), another one each time, since replies are compressed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from app.rates import FAILED_LOGINS_PER_MINUTE, Rate

SESSION_SECONDS: Final = 8 * 3_600
"""How long a session lasts, however busy."""

IDLE_SECONDS: Final = 1_800
"""How long it lasts without a request."""

SESSIONS_MAX: Final = 32
"""Sessions at once; the one that was idle longest gives way."""


class TooManyLogins(Exception):
    """Too many wrong passwords came from a caller, which may try again after ``retry_after`` s."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class _Session(NamedTuple):
    began: float
    used: float


class Sessions:
    """The sessions of one server."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._password = password.encode()
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._open: dict[bytes, _Session] = {}
        self._failed = Rate(FAILED_LOGINS_PER_MINUTE)

    @staticmethod
    def new_token() -> str:
        """Return a token for a visitor's cookie; it signs nobody in."""
        return secrets.token_urlsafe(32)

    def sign_in(self, password: str, caller: str) -> str | None:
        """Return the token of a new session, None where the password is wrong.

        Raises TooManyLogins, also for the right password.
        """
        if self._failed.is_spent(caller):
            raise TooManyLogins(self._failed.retry_after(caller))
        if not hmac.compare_digest(password.encode(), self._password):
            self._failed.take(caller)
            return None
        self._forget_ended()
        while len(self._open) >= SESSIONS_MAX:
            del self._open[min(self._open, key=lambda key: self._open[key].used)]
        token = self.new_token()
        now = self._clock()
        self._open[_key(token)] = _Session(now, now)
        return token

    def is_signed_in(self, token: str) -> bool:
        """Say whether a token's session is open; it counts as used."""
        self._forget_ended()
        session = self._open.get(_key(token))
        if session is None:
            return False
        self._open[_key(token)] = session._replace(used=self._clock())
        return True

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._open.pop(_key(token), None)

    def form_token(self, token: str) -> str:
        """Return what a form of the visitor with this token has to bring along."""
        nonce = secrets.token_hex(16)
        return f"{nonce}{self._signature(nonce, token)}"

    def is_form_token(self, given: str, token: str) -> bool:
        """Say whether a form was made for the visitor with this token."""
        expected = self._signature(given[:32], token)
        return bool(token) and hmac.compare_digest(given[32:].encode(), expected.encode())

    def _signature(self, nonce: str, token: str) -> str:
        return hmac.new(self._secret, f"{nonce} {token}".encode(), hashlib.sha256).hexdigest()

    def _forget_ended(self) -> None:
        now = self._clock()
        for key, session in list(self._open.items()):
            if now - session.began >= SESSION_SECONDS or now - session.used >= IDLE_SECONDS:
                del self._open[key]


def _key(token: str) -> bytes:
    """Return what a session is found by: no comparison of tokens tells how far one is right."""
    return hashlib.sha256(token.encode()).digest()
