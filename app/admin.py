"""The admin page: for the operator who set a password for it, and nobody else.

Where ``admin_password`` isn't set, none of its addresses exists.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import parse_qsl

from fastapi import FastAPI, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.admin_page import POLICY, Notice, admin_html, login_html
from app.admin_replay import BackgroundReplay
from app.admin_sessions import SESSION_SECONDS, Sessions, TooManyLogins
from app.desk import Desk
from app.error_replies import Problem, error_reply
from app.origins import is_same_site
from app.rates import caller_of
from app.report import (
    DAYS_DEFAULT,
    DAYS_MAX,
    Report,
    encoding,
    make_report,
    mark_complaint,
    mark_group,
)
from app.report_csv import as_csv
from app.storing import Storage

LOGGER = logging.getLogger("briefing_desk")

COOKIE: Final = "briefing_desk_admin"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 10

PRIVATE: Final = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}

Days: TypeAlias = Annotated[int, Query(ge=1, le=DAYS_MAX)]
Form: TypeAlias = Mapping[str, str]


def add_admin(app: FastAPI, desk: Desk) -> None:
    """Put the admin page on the application, where the operator has set a password for it."""
    if desk.settings.admin_password is None:
        return
    admin = _Admin(desk, desk.settings.admin_password.get_secret_value())

    @app.get("/admin", include_in_schema=False)
    async def page(
        request: Request, days: Days = DAYS_DEFAULT, done: Notice | None = None
    ) -> Response:
        if not admin.is_signed_in(request):
            return admin.login(request, "signed_out" if done == "signed_out" else None)
        return await admin.page(request, days, done)

    @app.post("/admin", include_in_schema=False)
    async def act(request: Request) -> Response:
        return await admin.act(request)

    @app.get("/admin/report.csv", include_in_schema=False)
    async def as_table(request: Request, days: Days = DAYS_DEFAULT) -> Response:
        # The mark at the beginning tells a spreadsheet that this is UTF-8.
        return await admin.export(
            request, days, "text/csv; charset=utf-8", lambda report: "\ufeff" + as_csv(report)
        )

    @app.get("/admin/report.json", include_in_schema=False)
    async def as_json(request: Request, days: Days = DAYS_DEFAULT) -> Response:
        return await admin.export(request, days, "application/json", Report.model_dump_json)


class _Admin:
    """What an operator sees and does; one report at a time is made, so that readers can ask on."""

    def __init__(self, desk: Desk, password: str) -> None:
        self.desk = desk
        self.sessions = Sessions(password)
        self.replay = BackgroundReplay(desk)
        self._one_at_a_time = asyncio.Lock()

    def is_signed_in(self, request: Request) -> bool:
        return self.sessions.is_signed_in(_token(request))

    def login(
        self,
        request: Request,
        notice: Notice | None = None,
        *,
        status: int = 200,
        retry_after: int | None = None,
    ) -> Response:
        """Return the page to sign in on; a visitor without a cookie gets one."""
        token = _token(request) or self.sessions.new_token()
        html = login_html(self.sessions.form_token(token), notice, retry_after)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        response = HTMLResponse(html, status, headers | PRIVATE)
        _set_cookie(response, request, token)
        return response

    async def page(self, request: Request, days: int, notice: Notice | None = None) -> Response:
        storage = self.desk.storage
        html = admin_html(
            self.sessions.form_token(_token(request)),
            notice,
            days=days,
            report=None if storage is None else await self._report(storage, days),
            replay=self.replay.state(),
            index_id=self.desk.assistant.retriever.index_id,
        )
        return HTMLResponse(html, headers=PRIVATE)

    async def export(self, request: Request, days: int, media_type: str, write: Any) -> Response:
        """Return a report as a file; without a session, as if it weren't there."""
        storage = self.desk.storage
        if not self.is_signed_in(request):
            return error_reply(Problem("login_required", "Sign in at /admin first."), request.scope)
        if storage is None:
            return error_reply(Problem("storage_off", "Nothing is stored here."), request.scope)
        report = await self._report(storage, days)
        name = f"report-{report.made_at:%Y-%m-%d}.{request.url.path.rpartition('.')[2]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(write(report), headers=headers | PRIVATE, media_type=media_type)

    async def act(self, request: Request) -> Response:
        """Do what a form asks for; whatever isn't in order does nothing."""
        origin = request.headers.get("origin")
        if origin is not None and not is_same_site(origin, request.headers.get("host", "")):
            return error_reply(
                Problem("origin_not_allowed", "Pages of other origins may do nothing here."),
                request.scope,
            )
        form = await _form(request)
        if form is None or not self.sessions.is_form_token(
            form.get("form_token", ""), _token(request)
        ):
            return self._refuse(request, "invalid_request")
        if form.get("action") == "sign_in":
            return self._sign_in(request, form.get("password", ""))
        if not self.is_signed_in(request):
            return self._refuse(request, "login_required")
        return await self._do(request, form)

    async def _do(self, request: Request, form: Form) -> Response:
        days = _number(form.get("days"), DAYS_MAX) or DAYS_DEFAULT
        storage = self.desk.storage
        match form.get("action"):
            case "sign_out":
                self.sessions.sign_out(_token(request))
                return _away(request, days, "signed_out")
            case "replay" if storage is not None:
                self.replay.begin(storage)
                return _away(request, days, "replay_began", "#replay")
            case "resolve" | "reopen" as action if storage is not None:
                resolved_at = datetime.now(UTC) if action == "resolve" else None
                is_there = await self._mark(storage, form, days, resolved_at)
                done: Notice = "resolved" if action == "resolve" else "reopened"
                return _away(request, days, done if is_there else "gone")
        return self._refuse(request, "invalid_request")

    async def _mark(
        self, storage: Storage, form: Form, days: int, resolved_at: datetime | None
    ) -> bool:
        try:
            made_at = datetime.fromisoformat(form.get("made_at", ""))
        except ValueError:
            return False
        if made_at.tzinfo is None:
            return False
        complaint = _number(form.get("complaint"), 2**63 - 1)
        async with self._one_at_a_time:
            if complaint is not None:
                return await asyncio.to_thread(
                    mark_complaint,
                    storage,
                    complaint,
                    days=days,
                    made_at=made_at,
                    resolved_at=resolved_at,
                )
            return await asyncio.to_thread(
                mark_group,
                storage,
                encoding(storage, self.desk.assistant.retriever.encoder),
                form.get("group", ""),
                days=days,
                made_at=made_at,
                resolved_at=resolved_at,
            )

    async def _report(self, storage: Storage, days: int) -> Report:
        encode = encoding(storage, self.desk.assistant.retriever.encoder)
        async with self._one_at_a_time:
            return await asyncio.to_thread(
                make_report, storage, encode, days=days, now=datetime.now(UTC)
            )

    def _sign_in(self, request: Request, password: str) -> Response:
        caller = caller_of(request.client.host if request.client else "")
        state = request.scope["state"]
        try:
            token = self.sessions.sign_in(password, caller)
        except TooManyLogins as refused:
            state["error_code"] = "too_many_logins"
            return self.login(
                request, "too_many_logins", status=429, retry_after=refused.retry_after
            )
        if token is None:
            LOGGER.warning("Somebody gave a wrong password for the admin page.")
            state["error_code"] = "login_required"
            return self.login(request, "wrong_password", status=403)
        LOGGER.info("Somebody signed in to the admin page.")
        response = _away(request, DAYS_DEFAULT)
        _set_cookie(response, request, token)
        return response

    def _refuse(self, request: Request, code: str) -> Response:
        """Say that nothing was done: beside the form to sign in with, or to whoever is signed in on
        a page of its own.
        """
        request.scope["state"]["error_code"] = code
        if not self.is_signed_in(request):
            notice: Notice = "not_signed_in" if code == "login_required" else "bad_form"
            return self.login(request, notice, status=403)
        return _away(request, DAYS_DEFAULT, "bad_form")


def _token(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def _set_cookie(response: Response, request: Request, token: str) -> None:
    """Set the cookie, for the admin page alone; where TLS was used, for TLS alone."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=SESSION_SECONDS,
        path=f"{request.scope.get('root_path', '')}/admin",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _away(
    request: Request, days: int, done: Notice | None = None, fragment: str = ""
) -> RedirectResponse:
    """Lead back to the page, so that going back or reloading sends no form again."""
    said = "" if done is None else f"&done={done}"
    address = f"{request.scope.get('root_path', '')}/admin?days={days}{said}{fragment}"
    return RedirectResponse(address, 303, PRIVATE)


async def _form(request: Request) -> Form | None:
    """Return the fields of a form, None for what is none."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM_TYPE:
        return None
    body = await request.body()
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        return None
    return dict(fields)


def _number(text: str | None, largest: int) -> int | None:
    """Return a whole number from 1 on, None for anything else."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    return int(text) if 1 <= int(text) <= largest else None
