"""The admin page as HTML. The only home of Jinja: whatever is put in is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.bubble import shown
from app.replaying import Replay
from app.report import Report
from index import Frozen

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""The page has no script at all."""

DAYS_OFFERED: Final = (7, 30, 90, 365)

OUTCOMES_SHOWN: Final = 200

Notice: TypeAlias = Literal[
    "signed_out",
    "wrong_password",
    "too_many_logins",
    "not_signed_in",
    "bad_form",
    "resolved",
    "reopened",
    "gone",
    "replay_began",
]


class ReplayState(Frozen):
    """How far the stored questions have been asked again; ``replay`` is the last that was whole."""

    is_running: bool = False
    has_failed: bool = False
    done: int = 0
    total: int = 0
    finished_at: datetime | None = None
    replay: Replay | None = None


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def login_html(form_token: str, notice: Notice | None, retry_after: int | None = None) -> str:
    """Return the page on which an operator signs in."""
    return _ENVIRONMENT.get_template("admin_login.html").render(
        form_token=form_token, notice=notice, retry_after=retry_after
    )


def admin_html(
    form_token: str,
    notice: Notice | None,
    *,
    days: int,
    report: Report | None,
    replay: ReplayState,
    index_id: str,
) -> str:
    """Return the page with a report, or without one (nothing is stored) what to set."""
    return _ENVIRONMENT.get_template("admin.html").render(
        form_token=form_token,
        notice=notice,
        days=days,
        days_offered=sorted({*DAYS_OFFERED, days}),
        report=report,
        replay=replay,
        index_id=index_id,
        outcomes_shown=OUTCOMES_SHOWN,
    )


def _utc(moment: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    return moment.astimezone(UTC).strftime(form)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


# What ``shown`` returns is escaped already; the templates say so where they use it.
_ENVIRONMENT.filters.update(shown=shown, utc=_utc, percent=_percent)
