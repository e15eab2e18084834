"""How right replies are: measures over questions whose answers are known.

Exact match and token F1 are SQuAD's (Rajpurkar et al. 2016), with Unicode words in place of ASCII
ones and no English articles dropped in other languages; risk and coverage are El-Yaniv and Wiener's
(2010): of the answers given from a confidence on, the share that is wrong, and the share of
questions answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from app.types import Language, Reply
from index import Frozen, words

_ARTICLES: Final = frozenset({"a", "an", "the"})


class Question(BaseModel):
    """A question with what a right reply holds; keys that measure nothing are left alone.

    ``evidence``: one of these strings stands in a citation's quote; ``evidence_all``: each of them
    stands in some quote; ``answers``: what the short answer may be.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    question: str
    language: Language
    history: tuple[str, ...] = ()
    kind: str
    answerable: bool
    answers: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    evidence_all: tuple[str, ...] = ()
    part: str = "development"


class Judged(Frozen):
    """One question's outcome; ``f1`` and ``exact`` are None where no short answer is expected."""

    id: str
    language: Language
    kind: str
    answerable: bool
    answered: bool
    right: bool
    exact: float | None
    f1: float | None
    citations: int
    citations_right: int
    confidence: float
    milliseconds: float


class RiskAtCoverage(Frozen):
    """At this confidence and above: the share of questions answered, and of answers wrong."""

    confidence: float
    coverage: float
    risk: float


class Measures(Frozen):
    """What a set of replies reaches; each share is of what its name says, None of nothing."""

    questions: int
    answerable: int
    answerable_right: float | None
    answerable_refused: float | None
    answerable_wrong: float | None
    unanswerable: int
    unanswerable_refused: float | None
    exact_match: float | None
    token_f1: float | None
    citation_precision: float | None
    by_language: dict[str, dict[str, float | None]]
    by_kind: dict[str, dict[str, float | None]]
    risk_coverage: tuple[RiskAtCoverage, ...]
    milliseconds_median: float
    milliseconds_p95: float
    milliseconds_max: float = Field(ge=0)


def judge_reply(question: Question, reply: Reply) -> Judged:
    """Return whether a reply is right.

    A courtesy is answered by a courtesy, an unanswerable question by an abstention, any other by
    citations that hold the evidence.
    """
    quotes = [_spaced(citation.quote) for citation in reply.citations]
    wanted = [_spaced(one) for one in question.evidence]
    wanted_all = [_spaced(one) for one in question.evidence_all]
    if question.kind == "courtesy":
        right = reply.kind == "courtesy"
    elif not question.answerable:
        right = reply.kind == "abstention"
    elif wanted_all:
        right = all(any(one in quote for quote in quotes) for one in wanted_all)
    else:
        right = any(one in quote for one in wanted for quote in quotes)
    exact = f1 = None
    if question.answers and not wanted_all and reply.kind == "answer":
        short = reply.short_answer or ""
        exact = float(any(_normal(short) == _normal(answer) for answer in question.answers))
        f1 = max(token_f1(short, answer) for answer in question.answers)
    supported = sum(any(one in quote for one in (*wanted, *wanted_all)) for quote in quotes)
    return Judged(
        id=question.id,
        language=question.language,
        kind=question.kind,
        answerable=question.answerable,
        answered=reply.kind == "answer",
        right=right,
        exact=exact,
        f1=f1,
        citations=len(quotes),
        citations_right=supported,
        confidence=reply.confidence or 0.0,
        milliseconds=reply.milliseconds["total"],
    )


def holds(text: str, wanted: Sequence[str]) -> bool:
    """Say whether one of some fragments stands in a text, however both are broken into lines."""
    return any(_spaced(one) in _spaced(text) for one in wanted)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _normal(text: str) -> list[str]:
    return [word.folded for word in words(text) if word.folded not in _ARTICLES]


def token_f1(given: str, expected: str) -> float:
    """Return the harmonic mean of precision and recall over words, 0…1."""
    one, other = _normal(given), _normal(expected)
    if not one or not other:
        return float(one == other)
    shared = sum((Counter(one) & Counter(other)).values())
    return 2.0 * shared / (len(one) + len(other))


def measure(judged: Sequence[Judged]) -> Measures:
    """Return the measures over judged replies; raise ValueError where there are none."""
    if not judged:
        raise ValueError("no questions to measure")
    answerable = [one for one in judged if one.answerable]
    unanswerable = [one for one in judged if not one.answerable]
    cited = sum(one.citations for one in answerable)
    times = sorted(one.milliseconds for one in judged)
    return Measures(
        questions=len(judged),
        answerable=len(answerable),
        answerable_right=_share(answerable, "right"),
        answerable_refused=_mean([float(not one.right and not one.answered) for one in answerable]),
        answerable_wrong=_mean([float(one.answered and not one.right) for one in answerable]),
        unanswerable=len(unanswerable),
        unanswerable_refused=_share(unanswerable, "right"),
        exact_match=_mean([one.exact for one in answerable if one.exact is not None]),
        token_f1=_mean([one.f1 for one in answerable if one.f1 is not None]),
        citation_precision=(
            sum(one.citations_right for one in answerable) / cited if cited else None
        ),
        by_language=_grouped(judged, "language"),
        by_kind=_grouped(judged, "kind"),
        risk_coverage=risk_coverage(judged),
        milliseconds_median=median(times),
        milliseconds_p95=quantiles(times, n=20)[-1] if len(times) > 1 else times[0],
        milliseconds_max=times[-1],
    )


def risk_coverage(judged: Sequence[Judged]) -> tuple[RiskAtCoverage, ...]:
    """Return risk and coverage of the answers given, from the most confident down."""
    answered = sorted((one for one in judged if one.answered), key=lambda one: -one.confidence)
    points: list[RiskAtCoverage] = []
    wrong = 0
    for count, one in enumerate(answered, 1):
        wrong += not one.right
        if count == len(answered) or answered[count].confidence < one.confidence:
            points.append(
                RiskAtCoverage(
                    confidence=one.confidence, coverage=count / len(judged), risk=wrong / count
                )
            )
    return tuple(points)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _share(judged: Sequence[Judged], name: str) -> float | None:
    return _mean([float(getattr(one, name)) for one in judged])


def _grouped(judged: Sequence[Judged], name: str) -> dict[str, dict[str, float | None]]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(getattr(one, name), []).append(one)
    return {
        group: {
            "answerable": float(sum(one.answerable for one in members)),
            "answerable_right": _share([one for one in members if one.answerable], "right"),
            "unanswerable": float(sum(not one.answerable for one in members)),
            "unanswerable_refused": _share([one for one in members if not one.answerable], "right"),
        }
        for group, members in sorted(groups.items())
    }
