"""What the storage holds, read for reports: figures, unanswered questions, feedback, citations.

Reading has a connection of its own that can't write, so that no reader of the chat waits for it.
Counting is left to SQLite, and replies are read one by one: a report on a year of them fits into a
few megabytes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from app.types import AbstentionReason, Language, Reply
from index import Frozen, fold

Row: TypeAlias = tuple[Any, ...]


class QuoteOf(Frozen):
    """A quote that was given as evidence, and the document it is from; further keys are ignored,
    so that what earlier versions stored can be read.
    """

    model_config = ConfigDict(extra="ignore")

    path: str
    quote: str


class CitedQuote(Frozen):
    """How often a quote was given as evidence."""

    path: str
    title: str
    heading_path: tuple[str, ...]
    page: int | None
    quote: str
    link: str
    count: int


class Unanswered(NamedTuple):
    """An abstention: what was asked, why there was no answer, when it was marked as resolved."""

    reply_id: str
    asked_at: datetime
    question: str
    language: Language
    reason: AbstentionReason
    missing_terms: tuple[str, ...]
    resolved_at: datetime | None


class Told(NamedTuple):
    """What a reader says of a reply, and what the reply was."""

    feedback_id: int
    given_at: datetime
    verdict: str
    comment: str | None
    question: str
    language: Language
    quotes: tuple[QuoteOf, ...]
    resolved_at: datetime | None


class Given(NamedTuple):
    """A stored reply as far as another reply to the same question is compared with it.

    ``documents`` are the ids that the question was restricted to, None for all of them.
    """

    reply_id: str
    asked_at: datetime
    question: str
    language: Language
    documents: tuple[str, ...] | None
    kind: str
    reason: AbstentionReason | None
    short_answer: str | None
    quotes: tuple[QuoteOf, ...]
    index_id: str

    @property
    def asked(self) -> Asked:
        return Asked(fold(self.question), self.language, self.documents)


class Asked(NamedTuple):
    """What makes two questions the same: the folded words, the language, the documents."""

    folded: str
    language: Language
    documents: tuple[str, ...] | None


QUOTES: Final = TypeAdapter(tuple[QuoteOf, ...])

_GIVEN: Final = (
    "replies.id, asked_at, standalone_question, language, documents, kind, reason, "
    "json_extract(reply, '$.short_answer'), json_extract(reply, '$.citations'), index_id"
)


class Stored:
    """The storage as one reading transaction shows it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def first_asked_at(self) -> datetime | None:
        """Return when the oldest reply that is kept was asked for."""
        ((first,),) = self._rows("SELECT min(asked_at) FROM replies")
        return None if first is None else datetime.fromisoformat(first)

    def counts(self, since: str, until: str) -> list[tuple[str, Language, int]]:
        """Return the number of replies of each kind in each language."""
        return list(
            self._rows(
                "SELECT kind, language, count(*) FROM replies "
                "WHERE asked_at >= ? AND asked_at < ? GROUP BY kind, language",
                since,
                until,
            )
        )

    def milliseconds(self, since: str, until: str) -> list[float]:
        """Return how long each reply took, in ascending order."""
        return [
            row[0]
            for row in self._rows(
                "SELECT milliseconds FROM replies WHERE asked_at >= ? AND asked_at < ? "
                "ORDER BY milliseconds",
                since,
                until,
            )
        ]

    def unanswered(self, since: str, until: str) -> Iterator[Unanswered]:
        """Yield the abstentions, the newest first."""
        for row in self._rows(
            "SELECT id, asked_at, standalone_question, language, reason, "
            "json_extract(reply, '$.missing_terms'), resolved_at FROM replies "
            "WHERE kind = 'abstention' AND asked_at >= ? AND asked_at <= ? "
            "ORDER BY asked_at DESC, id",
            since,
            until,
        ):
            reply_id, asked_at, question, language, reason, terms, resolved_at = row
            yield Unanswered(
                reply_id,
                datetime.fromisoformat(asked_at),
                question,
                language,
                reason,
                tuple(json.loads(terms or "[]")),
                _moment(resolved_at),
            )

    def verdicts(self, since: str, until: str) -> dict[str, int]:
        """Return how often each verdict was given."""
        return dict(
            self._rows(
                "SELECT verdict, count(*) FROM feedback WHERE given_at >= ? AND given_at < ? "
                "GROUP BY verdict ORDER BY verdict",
                since,
                until,
            )
        )

    def told(self, since: str, until: str) -> Iterator[Told]:
        """Yield what readers found wrong, the newest first."""
        for row in self._rows(
            "SELECT feedback.id, given_at, verdict, comment, standalone_question, language, "
            "json_extract(reply, '$.citations'), feedback.resolved_at "
            "FROM feedback JOIN replies ON reply_id = replies.id "
            "WHERE verdict != 'right' AND given_at >= ? AND given_at <= ? "
            "ORDER BY given_at DESC, feedback.id DESC",
            since,
            until,
        ):
            number, given_at, verdict, comment, question, language, citations, resolved_at = row
            yield Told(
                number,
                datetime.fromisoformat(given_at),
                verdict,
                comment,
                question,
                language,
                QUOTES.validate_json(citations),
                _moment(resolved_at),
            )

    def cited(self, since: str, until: str, count: int) -> tuple[CitedQuote, ...]:
        """Return the quotes that were given most often as evidence."""
        rows = self._rows(
            "SELECT json_extract(value, '$.path') AS path, max(json_extract(value, '$.title')), "
            "max(json_extract(value, '$.heading_path')), max(json_extract(value, '$.page')), "
            "json_extract(value, '$.quote') AS quote, max(json_extract(value, '$.link')), "
            "count(*) AS times "
            "FROM replies, json_each(reply, '$.citations') "
            "WHERE replies.kind = 'answer' AND asked_at >= ? AND asked_at < ? "
            "GROUP BY path, quote ORDER BY times DESC, path, quote LIMIT ?",
            since,
            until,
            count,
        )
        return tuple(
            CitedQuote(
                path=path,
                title=title,
                heading_path=tuple(json.loads(heading_path)),
                page=page,
                quote=quote,
                link=link,
                count=times,
            )
            for path, title, heading_path, page, quote, link, times in rows
        )

    def given(self) -> Iterator[Given]:
        """Yield every answer and abstention, the newest first."""
        rows = self._rows(
            f"SELECT {_GIVEN} FROM replies WHERE kind != 'courtesy' "  # noqa: S608  a constant
            "ORDER BY asked_at DESC, id"
        )
        yield from map(_given, rows)

    def liked(self) -> Iterator[Given]:
        """Yield every answer of which the last that a reader said is that it is right, the newest
        first.
        """
        rows = self._rows(
            f"SELECT {_GIVEN} FROM replies JOIN feedback AS said ON said.reply_id = replies.id "  # noqa: S608  a constant
            "WHERE kind = 'answer' AND said.verdict = 'right' AND said.id = "
            "(SELECT max(id) FROM feedback WHERE reply_id = replies.id) "
            "ORDER BY asked_at DESC, replies.id"
        )
        yield from map(_given, rows)

    def _rows(self, statement: str, *values: object) -> Iterable[Row]:
        return self._connection.execute(statement, values)


@contextmanager
def reading(file: Path) -> Iterator[Stored]:
    """Open a storage that is up to date for reading alone; raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        yield Stored(connection)


def quotes_of(reply: Reply) -> tuple[QuoteOf, ...]:
    """Return what a reply gives as evidence."""
    return tuple(QuoteOf(path=each.path, quote=each.quote) for each in reply.citations)


def _given(row: Row) -> Given:
    reply_id, asked_at, question, language, documents, kind, reason, short, citations, index = row
    return Given(
        reply_id,
        datetime.fromisoformat(asked_at),
        question,
        language,
        None if documents is None else tuple(json.loads(documents)),
        kind,
        reason,
        short,
        QUOTES.validate_json(citations),
        index,
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
