"""What an operator is told: what readers could not find, found wrong, were shown, and waited for.

Composes stored and grouping into one report. The script and the admin page show the same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np

from app.grouping import Vectors, group_alike
from app.stored import CitedQuote, QuoteOf, Stored, Told, Unanswered, reading
from app.storing import Storage, written
from app.types import AbstentionReason, Language
from index import Encoder, Frozen, fold

DAYS_DEFAULT: Final = 30
DAYS_MAX: Final = 3_650
GROUPED_MAX: Final = 4_000
"""Different questions that are grouped, the newest; their distances take 64 MB."""
WORDINGS_SHOWN: Final = 8
COMMENTS_SHOWN: Final = 5
TERMS_SHOWN: Final = 5
CITED_SHOWN: Final = 25
ENCODED_AT_ONCE: Final = 64
"""Vectors that are kept together, so that a report that is broken off goes on from there."""

Name = TypeVar("Name", bound=str)
Percent: TypeAlias = Literal["50", "95", "99", "100"]
Trend: TypeAlias = Literal["new", "more", "fewer", "as_many"]


class Share(Frozen):
    """Questions (courtesies left out), and how many of them were answered."""

    questions: int
    answered: int

    @property
    def answered_share(self) -> float | None:
        return self.answered / self.questions if self.questions else None


class Figures(Frozen):
    """The figures of one period; ``milliseconds`` are percentiles (nearest rank), None where
    nothing was asked.
    """

    since: datetime
    until: datetime
    asked: Share
    by_language: dict[Language, Share]
    courtesies: int
    verdicts: dict[str, int]
    milliseconds: dict[Percent, float] | None


class Wording(Frozen):
    """How a question was put, and how often."""

    question: str
    language: Language
    count: int


class Group(Frozen):
    """Unanswered questions that mean about the same; ``id`` is that of one of the replies.

    ``count`` is how often they were asked in the period, ``before`` in the one before; the last
    ``open_count`` of them aren't marked as resolved. A group that was marked at ``resolved_at`` and
    has been asked again since is open again.
    """

    id: str
    question: str
    count: int
    before: int
    trend: Trend
    languages: dict[Language, int]
    reasons: dict[AbstentionReason, int]
    missing_terms: tuple[str, ...]
    wordings: tuple[Wording, ...]
    last_asked_at: datetime
    resolved_at: datetime | None
    open_count: int


class Complaint(Frozen):
    """What readers found wrong with the answer to a question; ``id`` is one of the feedbacks'."""

    id: int
    verdict: str
    question: str
    language: Language
    count: int
    comments: tuple[str, ...]
    quotes: tuple[QuoteOf, ...]
    last_given_at: datetime
    resolved_at: datetime | None


class Report(Frozen):
    """One report; ``ungrouped`` unanswered questions were left out for their number.

    ``stored_since`` is when the oldest reply that is kept was asked for: where the earlier period
    begins before it, that period is not whole.
    """

    made_at: datetime
    days: int
    stored_since: datetime | None
    now: Figures
    before: Figures
    unanswered: tuple[Group, ...]
    ungrouped: int
    complaints: tuple[Complaint, ...]
    resolved: tuple[Group, ...]
    resolved_complaints: tuple[Complaint, ...]
    cited: tuple[CitedQuote, ...]

    @property
    def earlier_is_whole(self) -> bool:
        return self.stored_since is not None and self.stored_since <= self.before.since


class Encode(Protocol):
    """Returns the vectors of questions, to be compared with each other."""

    def __call__(self, questions: Sequence[str]) -> Vectors: ...


class _Alike(NamedTuple):
    """What was asked in about the same meaning, the newest first."""

    asked: tuple[Unanswered, ...]


def encoding(storage: Storage, encoder: Encoder) -> Encode:
    """Return what encodes questions, and keeps the vectors in the storage."""

    def encode(questions: Sequence[str]) -> Vectors:
        kept = storage.vectors(encoder.sha256, questions)
        missing = [question for question in dict.fromkeys(questions) if question not in kept]
        for first in range(0, len(missing), ENCODED_AT_ONCE):
            few = missing[first : first + ENCODED_AT_ONCE]
            encoded = encoder.encode_alike(few)
            fresh = {one: row.tobytes() for one, row in zip(few, encoded, strict=True)}
            storage.keep_vectors(encoder.sha256, fresh)
            kept |= fresh
        rows = [np.frombuffer(kept[question], np.float32) for question in questions]
        return np.array(rows, np.float32).reshape(len(rows), encoder.dimension)

    return encode


def make_report(storage: Storage, encode: Encode, *, days: int, now: datetime) -> Report:
    """Return the report on the ``days`` before ``now`` beside as many before them."""
    now = _as_stored(now)
    since = now - timedelta(days=days)
    with reading(storage.file) as stored:
        groups, ungrouped = _groups(stored, encode, days, now)
        shown = [_group(group, since) for group in groups if group.asked[0].asked_at >= since]
        complaints = _complaints(stored.told(written(since), written(now)))
        return Report(
            made_at=now,
            days=days,
            stored_since=stored.first_asked_at(),
            now=_figures(stored, since, now),
            before=_figures(stored, since - timedelta(days=days), since),
            unanswered=_sorted(group for group in shown if group.open_count),
            ungrouped=ungrouped,
            complaints=tuple(one for one in complaints if one.resolved_at is None),
            resolved=_sorted(group for group in shown if not group.open_count),
            resolved_complaints=tuple(one for one in complaints if one.resolved_at is not None),
            cited=stored.cited(written(since), written(now), CITED_SHOWN),
        )


def mark_group(
    storage: Storage,
    encode: Encode,
    group_id: str,
    *,
    days: int,
    made_at: datetime,
    resolved_at: datetime | None,
) -> bool:
    """Mark a group of the report made at a moment as resolved, with None as open again; say
    whether there is such a group. What is asked after that report stays open.
    """
    made_at = _as_stored(made_at)
    with reading(storage.file) as stored:
        groups, _ = _groups(stored, encode, days, made_at)
        questions = {
            asked.question
            for group in groups
            if any(asked.reply_id == group_id for asked in group.asked)
            for asked in group.asked
        }
    storage.mark_questions(questions, until=made_at, resolved_at=resolved_at)
    return bool(questions)


def mark_complaint(
    storage: Storage,
    feedback_id: int,
    *,
    days: int,
    made_at: datetime,
    resolved_at: datetime | None,
) -> bool:
    """Mark what a report lists as found wrong as resolved, with None as open again; say whether it
    is there.
    """
    made_at = _as_stored(made_at)
    with reading(storage.file) as stored:
        told = list(stored.told(written(made_at - timedelta(days=days)), written(made_at)))
    marked = [each for each in told if each.feedback_id == feedback_id]
    keys = {_complaint_key(each) for each in marked}
    ids = [each.feedback_id for each in told if _complaint_key(each) in keys]
    storage.mark_feedback(ids, resolved_at=resolved_at)
    return bool(marked)


def percentile(ascending: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile: the least value that ``percent`` % don't exceed."""
    return ascending[max(1, math.ceil(percent / 100 * len(ascending))) - 1]


def _as_stored(moment: datetime) -> datetime:
    return datetime.fromisoformat(written(moment)).astimezone(UTC)


def _figures(stored: Stored, since: datetime, until: datetime) -> Figures:
    span = written(since), written(until)
    kinds: Counter[str] = Counter()
    by_language: dict[Language, Counter[str]] = {}
    for kind, language, count in stored.counts(*span):
        kinds[kind] += count
        if kind != "courtesy":
            by_language.setdefault(language, Counter())[kind] += count
    took = stored.milliseconds(*span)
    return Figures(
        since=since,
        until=until,
        asked=_share(kinds),
        by_language={language: _share(by_language[language]) for language in sorted(by_language)},
        courtesies=kinds["courtesy"],
        verdicts=stored.verdicts(*span),
        milliseconds={
            "50": percentile(took, 50),
            "95": percentile(took, 95),
            "99": percentile(took, 99),
            "100": took[-1],
        }
        if took
        else None,
    )


def _share(kinds: Counter[str]) -> Share:
    return Share(questions=kinds["answer"] + kinds["abstention"], answered=kinds["answer"])


def _groups(stored: Stored, encode: Encode, days: int, now: datetime) -> tuple[list[_Alike], int]:
    """Return the unanswered questions of both periods in groups; what comes out is the same for
    the same period, whatever was marked, so that a group of a report can be found again.
    """
    by_question: dict[str, list[Unanswered]] = {}
    left_out = 0
    for asked in stored.unanswered(written(now - timedelta(days=2 * days)), written(now)):
        key = fold(asked.question)
        if key in by_question or len(by_question) < GROUPED_MAX:
            by_question.setdefault(key, []).append(asked)
        else:
            left_out += 1
    together = list(by_question.values())
    vectors = encode([same[0].question for same in together])
    groups = [
        _Alike(tuple(sorted(
            (asked for row in rows for asked in together[row]),
            key=lambda asked: (asked.asked_at, asked.reply_id),
            reverse=True,
        )))
        for rows in group_alike(vectors)
    ]  # fmt: skip
    return groups, left_out


def _group(alike: _Alike, since: datetime) -> Group:
    lately = [asked for asked in alike.asked if asked.asked_at >= since]
    spelled: dict[tuple[str, Language], list[Unanswered]] = {}
    for asked in lately:
        spelled.setdefault((fold(asked.question), asked.language), []).append(asked)
    wordings = sorted(spelled.values(), key=len, reverse=True)
    before = len(alike.asked) - len(lately)
    marks = [asked.resolved_at for asked in alike.asked if asked.resolved_at is not None]
    terms = Counter(term for asked in lately for term in asked.missing_terms)
    return Group(
        id=lately[0].reply_id,
        question=wordings[0][0].question,
        count=len(lately),
        before=before,
        trend=_trend(len(lately), before),
        languages=_counted(asked.language for asked in lately),
        reasons=_counted(asked.reason for asked in lately),
        missing_terms=tuple(term for term, _ in terms.most_common(TERMS_SHOWN)),
        wordings=tuple(
            Wording(question=same[0].question, language=same[0].language, count=len(same))
            for same in wordings[:WORDINGS_SHOWN]
        ),
        last_asked_at=lately[0].asked_at,
        resolved_at=max(marks, default=None),
        open_count=sum(asked.resolved_at is None for asked in lately),
    )


def _trend(count: int, before: int) -> Trend:
    if not before:
        return "new"
    return "as_many" if count == before else "more" if count > before else "fewer"


def _counted(names: Iterable[Name]) -> dict[Name, int]:
    return dict(Counter(names).most_common())


def _sorted(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(
        sorted(
            groups,
            key=lambda group: (group.count, group.last_asked_at, group.id),
            reverse=True,
        )
    )


def _complaint_key(told: Told) -> tuple[str, str, bool]:
    return fold(told.question), told.verdict, told.resolved_at is None


def _complaints(told: Iterable[Told]) -> list[Complaint]:
    """Return what was found wrong by question and verdict, the most frequent first; what was said
    after an operator had marked it stands apart.
    """
    by_key: dict[tuple[str, str, bool], list[Told]] = {}
    for each in told:
        by_key.setdefault(_complaint_key(each), []).append(each)
    complaints = [
        Complaint(
            id=same[0].feedback_id,
            verdict=same[0].verdict,
            question=same[0].question,
            language=same[0].language,
            count=len(same),
            comments=tuple(each.comment for each in same if each.comment)[:COMMENTS_SHOWN],
            quotes=same[0].quotes,
            last_given_at=same[0].given_at,
            resolved_at=same[0].resolved_at,
        )
        for same in by_key.values()
    ]
    return sorted(complaints, key=lambda one: (-one.count, -one.id))
