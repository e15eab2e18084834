"""From stored replies and an index to what that index answers now, and what has become of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Literal, TypeAlias

from app.errors import QuestionRefused
from app.stored import Asked, Given, QuoteOf, quotes_of
from app.types import Language, Reply
from index import Frozen

REPLAYED_MAX: Final = 2_000
"""Different questions that are asked again, the newest: some minutes on two cores."""

Became: TypeAlias = Literal["now_answered", "changed", "lost", "unchanged"]


class Outcome(Frozen):
    """One question asked again; ``reason`` says why there is no answer now: that of an abstention,
    or the code of a refusal, such as "unknown_document" where its documents are gone.
    """

    became: Became
    question: str
    language: Language
    asked_at: datetime
    short_answer_before: str | None
    short_answer: str | None
    quotes_before: tuple[QuoteOf, ...]
    quotes: tuple[QuoteOf, ...]
    reason: str | None


class Replay(Frozen):
    """The stored questions asked again; ``left_out`` are those beyond the newest ``REPLAYED_MAX``.

    ``outcomes`` holds those that became something else; ``counts`` counts all.
    """

    index_id: str
    asked: int
    left_out: int
    counts: dict[Became, int]
    outcomes: tuple[Outcome, ...]


def to_replay(given: Iterable[Given], index_id: str) -> tuple[list[Given], int]:
    """Return one reply for each question, and how many questions are left out for their number.

    It is the newest that another index than the one with this id gave, so that a re-index is
    compared with what was answered before it; without such a one, the newest.
    """
    chosen: dict[Asked, Given] = {}
    left_out: set[Asked] = set()
    for each in given:
        asked = each.asked
        if asked not in chosen:
            if len(chosen) < REPLAYED_MAX:
                chosen[asked] = each
            else:
                left_out.add(asked)
        elif chosen[asked].index_id == index_id != each.index_id:
            chosen[asked] = each
    return list(chosen.values()), len(left_out)


def replay_one(given: Given, ask: Callable[[Given], Reply]) -> Outcome:
    """Ask one question again and compare: the quotes with their documents, and the short answer."""
    reply: Reply | None
    try:
        reply = ask(given)
        reason: str | None = reply.reason
    except QuestionRefused as refused:
        reply, reason = None, refused.code
    quotes = quotes_of(reply) if reply is not None else ()
    return Outcome(
        became=_became(given, reply, quotes),
        question=given.question,
        language=given.language,
        asked_at=given.asked_at,
        short_answer_before=given.short_answer,
        short_answer=reply.short_answer if reply is not None else None,
        quotes_before=given.quotes,
        quotes=quotes,
        reason=reason,
    )


def as_replay(outcomes: Iterable[Outcome], index_id: str, left_out: int) -> Replay:
    """Return the outcomes counted, what was lost first."""
    counts: dict[Became, int] = {"lost": 0, "changed": 0, "now_answered": 0, "unchanged": 0}
    order = list(counts)
    changed = []
    for outcome in outcomes:
        counts[outcome.became] += 1
        if outcome.became != "unchanged":
            changed.append(outcome)
    return Replay(
        index_id=index_id,
        asked=sum(counts.values()),
        left_out=left_out,
        counts=counts,
        outcomes=tuple(sorted(changed, key=lambda outcome: order.index(outcome.became))),
    )


def _became(given: Given, reply: Reply | None, quotes: tuple[QuoteOf, ...]) -> Became:
    answers = reply is not None and reply.kind == "answer"
    if given.kind != "answer":
        return "now_answered" if answers else "unchanged"
    if reply is None or not answers:
        return "lost"
    same = set(quotes) == set(given.quotes) and reply.short_answer == given.short_answer
    return "unchanged" if same else "changed"
