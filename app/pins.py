"""Pinned questions: answers that a new version of an index has to give as well.

One JSON object a line (``docs/manual/reports.md``), written from readers' thumbs-up, from the
answers that the operator chose, and by hand.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, ValidationError

from app.errors import AnsweringError, QuestionRefused
from app.stored import Asked, Given, QuoteOf, quotes_of
from app.types import Language, Reply
from index import Frozen, fold

Why: TypeAlias = Literal["refused", "source_gone", "changed"]


class PinsUnusable(AnsweringError):
    """The file of pinned questions can't be read, or a line of it is none."""


class ExpectedQuote(Frozen):
    """Words that have to be quoted, alone or within a longer quote, and whose words they are."""

    path: str = Field(min_length=1)
    quote: str = Field(min_length=1)


class Pin(Frozen):
    """A question, and what its answer has to quote.

    ``documents`` are the ids that the question is restricted to, None for all of them; where
    ``short_answer`` is given, it has to be the same as well; with ``enabled`` false nothing is
    asked, and the question isn't pinned anew.
    """

    question: str = Field(min_length=1)
    language: Language
    documents: tuple[str, ...] | None = None
    expected: tuple[ExpectedQuote, ...] = Field(min_length=1)
    short_answer: str | None = None
    enabled: bool = True

    @property
    def asked(self) -> Asked:
        documents = None if self.documents is None else tuple(sorted(self.documents))
        return Asked(fold(self.question), self.language, documents)


class BrokenPin(Frozen):
    """A pinned question that isn't answered as it was: what was expected, and what is said now."""

    question: str
    language: Language
    why: Why
    expected: tuple[ExpectedQuote, ...]
    expected_short_answer: str | None
    quotes: tuple[QuoteOf, ...]
    short_answer: str | None
    reason: str | None


def read_pins(file: Path, *, may_be_empty: bool = False) -> tuple[Pin, ...]:
    """Return the pinned questions of a file, blank lines left out; raises PinsUnusable, for a file
    without any as well unless it may be empty: nothing would be asked, and all would seem well.
    """
    try:
        lines = file.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise PinsUnusable(
            f"{file} can't be read as pinned questions: {error.strerror}; name a file as "
            "`python scripts/report.py --pin FILE` writes it."
        ) from error
    pins = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            pins.append(Pin.model_validate_json(line.decode()))
        except UnicodeDecodeError as error:
            raise PinsUnusable(f"{file}, line {number} is no UTF-8; write it anew.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise PinsUnusable(
                f"{file}, line {number} is no pinned question: "
                f"{f'{place}: ' if place else ''}{first['msg']}; docs/manual/reports.md says how "
                "one is written."
            ) from error
    if not pins and not may_be_empty:
        raise PinsUnusable(
            f"{file} holds no pinned question; `python scripts/report.py --pin {file}` adds those "
            "that readers found right."
        )
    return tuple(pins)


def pin_of(given: Given) -> Pin:
    """Return the pin that holds an answer, which quotes something, to what it quotes."""
    return Pin(
        question=given.question,
        language=given.language,
        documents=given.documents,
        expected=tuple(ExpectedQuote(path=one.path, quote=one.quote) for one in given.quotes),
        short_answer=given.short_answer,
    )


def pins_of_curated(questions: Iterable[str], ask: Callable[[str], Reply]) -> Iterator[Pin]:
    """Yield a pin for each of an operator's questions that is given the answer chosen for it."""
    for question in questions:
        reply = ask(question)
        if reply.curated:
            expected = (ExpectedQuote(path=q.path, quote=q.quote) for q in quotes_of(reply))
            yield Pin(question=question, language=reply.language, expected=tuple(expected))


def add_pins(file: Path, pins: Iterable[Pin]) -> tuple[int, int]:
    """Add the questions that aren't in a file yet to its end, and return how many were added and
    how many were there; what is there stays as it is. Raises PinsUnusable.
    """
    kept = read_pins(file, may_be_empty=True) if file.exists() else ()
    known = {pin.asked for pin in kept}
    lines = []
    for pin in pins:
        if pin.asked not in known:
            known.add(pin.asked)
            lines.append(pin.model_dump_json(exclude_defaults=True))
    if lines:
        before = file.read_text(encoding="utf-8") if kept or file.exists() else ""
        joint = "" if not before or before.endswith("\n") else "\n"
        temporary = file.with_name(f".{file.name}.new")
        try:
            with temporary.open("w", encoding="utf-8") as written:
                written.write(before + joint + "".join(f"{line}\n" for line in lines))
                written.flush()
                os.fsync(written.fileno())
            temporary.replace(file)
        except OSError as error:
            raise PinsUnusable(
                f"{file} can't be written: {error.strerror}; name another file."
            ) from error
    return len(lines), len(kept)


def check_pins(
    pins: Iterable[Pin], ask: Callable[[Pin], Reply], paths: frozenset[str]
) -> tuple[BrokenPin, ...]:
    """Return the pinned questions that aren't answered as they were.

    ``paths`` are those of the documents there are.
    """
    broken = (_broken(pin, ask, paths) for pin in pins if pin.enabled)
    return tuple(each for each in broken if each is not None)


def _broken(pin: Pin, ask: Callable[[Pin], Reply], paths: frozenset[str]) -> BrokenPin | None:
    reply: Reply | None
    try:
        reply = ask(pin)
        refusal: str | None = reply.reason
    except QuestionRefused as refused:
        reply, refusal = None, refused.message
    quotes = quotes_of(reply) if reply is not None else ()
    if reply is not None and _holds(pin, reply, quotes):
        return None
    why: Why = "changed"
    if any(expected.path not in paths for expected in pin.expected):
        why = "source_gone"
    elif not quotes:
        why = "refused"
    return BrokenPin(
        question=pin.question,
        language=pin.language,
        why=why,
        expected=pin.expected,
        expected_short_answer=pin.short_answer,
        quotes=quotes,
        short_answer=reply.short_answer if reply is not None else None,
        reason=refusal,
    )


def _holds(pin: Pin, reply: Reply, quotes: tuple[QuoteOf, ...]) -> bool:
    is_quoted = all(
        any(
            expected.path == given.path and _words(expected.quote) in _words(given.quote)
            for given in quotes
        )
        for expected in pin.expected
    )
    return is_quoted and pin.short_answer in {None, reply.short_answer}


def _words(text: str) -> str:
    return " ".join(text.split())
