"""Who may ask where the operator sets a password, or lets a proxy sign people in."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from app.error_replies import Problem
from app.origins import host_of, is_loopback
from app.rates import FAILED_LOGINS_PER_MINUTE, Rate, caller_of
from app.settings import Settings

CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Briefing Desk", charset="UTF-8"'}
"""Makes a browser ask for the password (RFC 7617); any user name will do."""

FORWARDING_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""What a proxy adds: a request with one of these may come from anywhere."""


class Credentials:
    """Checks what a request brings along against the settings."""

    def __init__(self, settings: Settings) -> None:
        password = settings.password
        self.password = None if password is None else password.get_secret_value().encode()
        self.login_header = settings.login_header
        self.challenge = CHALLENGE if password is not None else None
        self._failed = Rate(FAILED_LOGINS_PER_MINUTE)

    def problem(self, scope: Scope, *, is_for_operators: bool) -> Problem | None:
        """Return why a request may not go on, None where it may.

        What is for operators is answered on the machine itself and to whoever has the password.
        """
        if self.password is not None:
            wrong = self._check_password(scope)
            if wrong is None:
                return None
            if not (is_for_operators and is_local(scope)) and not self._is_signed_in(scope):
                return wrong
        elif self.login_header is not None and not self._is_signed_in(scope):
            return Problem("login_required", "Sign in at the proxy before this server first.")
        if is_for_operators and not is_local(scope):
            return Problem(
                "local_only",
                "This address is answered on the machine itself, or to whoever has the password.",
            )
        return None

    def _check_password(self, scope: Scope) -> Problem | None:
        assert self.password is not None
        authorization = Headers(scope=scope).get("authorization")
        if authorization is None:
            return Problem("login_required", "Give the password of this server.")
        caller = caller_of((scope.get("client") or ("",))[0])
        if self._failed.is_spent(caller):
            return Problem(
                "too_many_logins",
                "Too many wrong passwords came from you; wait a minute.",
                self._failed.retry_after(caller),
            )
        if not hmac.compare_digest(_password_of(authorization), self.password):
            self._failed.take(caller)
            return Problem("login_required", "That is not the password of this server.")
        return None

    def _is_signed_in(self, scope: Scope) -> bool:
        if self.login_header is None or not scope["state"].get("through_proxy"):
            return False
        return bool(Headers(scope=scope).get(self.login_header, "").strip())


def is_local(scope: Scope) -> bool:
    """Say whether a request comes from this machine, with no proxy between."""
    headers = Headers(scope=scope)
    return (
        is_loopback((scope.get("client") or (None,))[0])
        and is_loopback(host_of(headers.get("host", "")))
        and not any(name in headers for name in FORWARDING_HEADERS)
    )


def _password_of(authorization: str) -> bytes:
    """Return the password of a Basic header, or the token of a Bearer header."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    try:
        return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
