"""What won't work, or opens more than was meant, though each setting by itself can be used.

``scripts/doctor.py`` shows it. Nothing here changes anything.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from app.curated import find_spans
from app.curated_file import read_curated
from app.origins import is_loopback
from app.settings import Settings, settings_file
from app.storing import MIGRATIONS
from index import ReadingLimits, Retriever

ANSWER_SECONDS_MAX: Final = 5.0
OTHERS: Final = 0o077
"""The rights of a file's group and of everybody."""


class Finding(NamedTuple):
    """Something to mend; ``is_fault`` where it doesn't work, else it may be what was meant."""

    about: str
    detail: str
    fix: str
    is_fault: bool = True


def check_setup(settings: Settings, limits: ReadingLimits) -> Iterator[Finding]:
    """Yield what is found, the faults and what may be meant."""
    yield from _check_port(settings)
    yield from _check_access(settings)
    yield from _check_storage(settings)
    yield from _check_recognition(limits)


def check_curated(file: Path, retriever: Retriever) -> Iterator[Finding]:
    """Yield the answers chosen by the operator that an index doesn't have; raises CuratedUnusable,
    IndexBroken.
    """
    for entry in read_curated(file):
        found = find_spans(entry, retriever)
        if isinstance(found, str):
            yield Finding(
                "curated answers",
                f"{file}, line {entry.line}, is left out: {found}",
                "mend the entry, or index the document with these words",
                is_fault=False,
            )


def _check_port(settings: Settings) -> Iterator[Finding]:
    """Look whether the address can be listened on; a server of ours on it is no fault."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            if not _is_ours(settings):
                yield Finding(
                    "port",
                    f"{place} is taken by another program",
                    f"stop that program (`ss -ltnp 'sport = :{settings.port}'` names it), or set "
                    "`port` to another number",
                )
        elif error.errno == errno.EACCES:
            yield Finding(
                "port",
                f"{place} is for the administrator alone",
                "set `port` to 1024 or more, and let a proxy listen on the other",
            )
        else:
            yield Finding(
                "port",
                f"{place} can't be listened on: {error.strerror or error}",
                "set `host` to an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them",
            )


def _is_ours(settings: Settings) -> bool:
    host = settings.host if is_loopback(settings.host) else "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(
            f"http://{shown}:{settings.port}/healthz", timeout=ANSWER_SECONDS_MAX
        ) as answer:
            return bool(json.load(answer) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def _check_access(settings: Settings) -> Iterator[Finding]:
    is_open = settings.password is None and settings.login_header is None
    if not is_loopback(settings.host) and is_open:
        yield Finding(
            "access",
            f"whoever reaches {settings.host} can ask and read every document",
            "set `password`, or let a proxy sign people in (docs/manual/security.md)",
            is_fault=False,
        )
    if not is_loopback(settings.host) and not settings.allowed_hosts:
        yield Finding(
            "access",
            "other machines are answered only where they ask for an address in numbers",
            'name the host under which it is reached: allowed_hosts = ["desk.example.org"]',
            is_fault=False,
        )
    everybody = [str(each) for each in settings.trusted_proxies if each.prefixlen == 0]
    if everybody:
        yield Finding(
            "access",
            f"trusted_proxies holds {everybody[0]}: anybody may say who asks"
            + (", and sign in as anybody" if settings.login_header else ""),
            "name the addresses of your proxies alone",
        )
    if settings.password is not None and settings.allowed_origins:
        yield Finding(
            "access",
            "browsers don't send the password from the pages of allowed_origins, so that no widget "
            "of theirs is answered",
            "take out `password` or `allowed_origins`, or serve both under one origin",
        )
    if settings.path_prefix and not settings.trusted_proxies:
        yield Finding(
            "access",
            f"there is a path_prefix, {settings.path_prefix}, and no proxy in trusted_proxies",
            'trusted_proxies = ["127.0.0.1"], where the proxy is on this machine',
            is_fault=False,
        )
    named = settings_file()
    has_password = settings.password is not None or settings.admin_password is not None
    if named and has_password and named.stat().st_mode & OTHERS:
        yield Finding(
            "access",
            f"others on this machine may read {named}, which goes with a password",
            f"chmod 600 {named}",
        )


def _check_storage(settings: Settings) -> Iterator[Finding]:
    file = settings.storage_file
    if settings.log_questions:
        yield Finding(
            "log",
            "each question is written into the log, where retention_days doesn't reach it",
            "set `log_questions` to false, unless readers know of it",
            is_fault=False,
        )
    if file is None and settings.admin_password is not None:
        yield Finding(
            "admin",
            "there is an admin page, and nothing is stored that it could show",
            "set `storage_file`, or take `admin_password` out",
            is_fault=False,
        )
    if file is None:
        return
    if "retention_days" not in settings.model_fields_set:
        yield Finding(
            "storage",
            f"questions are kept in {file}, and nobody chose for how long "
            f"({settings.retention_days} days unless set)",
            "set `retention_days`, and tell readers",
            is_fault=False,
        )
    if file.exists():
        yield from _check_storage_file(file)
    if not os.access(file.parent, os.W_OK | os.X_OK):
        yield Finding(
            "storage",
            f"{file.parent} " + ("can't be written" if file.parent.exists() else "doesn't exist"),
            f"make the folder of storage_file and give this user the right: mkdir -p {file.parent}",
        )


def _check_storage_file(file: Path) -> Iterator[Finding]:
    """Look into the file without writing to it."""
    fix = "restore it from a copy, or set `storage_file` to a new one"
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as storage:
            (version,) = storage.execute("PRAGMA user_version").fetchone()
            storage.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        yield Finding("storage", f"{file} can't be read ({error})", fix)
        return
    if version > len(MIGRATIONS):
        detail = f"a later version of the program wrote {file}"
        yield Finding("storage", detail, "install that version again, or set another storage_file")
    if not os.access(file, os.W_OK):
        yield Finding("storage", f"{file} can't be written", f"chown it to this user: {file}")
    elif file.stat().st_mode & OTHERS:
        detail = f"others on this machine may read {file}"
        yield Finding("storage", detail, f"chmod 600 {file}", is_fault=False)


def _check_recognition(limits: ReadingLimits) -> Iterator[Finding]:
    if not limits.ocr_languages:
        return
    program = shutil.which("tesseract")
    if program is None:
        yield Finding(
            "ocr",
            f"ocr_languages is {limits.ocr_languages}, and Tesseract isn't installed",
            "install it (on Debian: apt-get install tesseract-ocr), or take ocr_languages out",
        )
        return
    told = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False)
    missing = sorted(set(limits.ocr_languages.split("+")) - set(told.stdout.split()))
    if missing:
        yield Finding(
            "ocr",
            f"Tesseract doesn't know {', '.join(missing)} of ocr_languages",
            f"on Debian: apt-get install tesseract-ocr-{missing[0].replace('_', '-')}",
        )
