"""How right readings are: SQuAD's measures, at a threshold under which nothing is answered."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from app.training.questions import Question
from app.training.reading import Reading

Summary: TypeAlias = dict[str, Any]
"""Figures by name, as they are written to the report."""


def normalised(text: str) -> str:
    """Normalise an answer as the SQuAD evaluation does: case, punctuation, articles, spaces."""
    kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def exact_match(answer: str, expected: Sequence[str]) -> float:
    """Return 1 when the answer is one of those expected, but for what normalising removes."""
    return float(any(normalised(answer) == normalised(each) for each in expected))


def token_f1(answer: str, expected: Sequence[str]) -> float:
    """Return the overlap in words with the best fitting answer (Rajpurkar et al. 2016)."""
    best = 0.0
    words = Counter(normalised(answer).split())
    for each in expected:
        right = Counter(normalised(each).split())
        shared = (words & right).total()
        if shared:
            best = max(best, 2 * shared / (words.total() + right.total()))
    return best


@dataclass(frozen=True)
class Scored:
    """One reading beside what was expected; ``touches`` when it overlaps a right answer."""

    score: float
    answerable: bool
    exact: float
    f1: float
    touches: bool


def score_reading(question: Question, reading: Reading) -> Scored:
    """Compare a reading with the answers of its question."""
    expected = [answer.text for answer in question.answers]
    end = reading.start + len(reading.text)
    return Scored(
        score=reading.score,
        answerable=bool(expected),
        exact=exact_match(reading.text, expected),
        f1=token_f1(reading.text, expected),
        touches=any(each.start < end and reading.start < each.end for each in question.answers),
    )


def figures_at(scored: Sequence[Scored], threshold: float) -> dict[str, float]:
    """Return the SQuAD 2.0 measures when everything that scores under ``threshold`` is refused."""
    answered = [each for each in scored if each.score >= threshold]
    refused_rightly = sum(not each.answerable for each in scored if each.score < threshold)
    answerable = sum(each.answerable for each in scored)
    figures = {
        "f1": (sum(each.f1 for each in answered) + refused_rightly) / len(scored),
        "exact": (sum(each.exact for each in answered) + refused_rightly) / len(scored),
        "threshold": threshold,
    }
    if answerable:
        figures["answered_of_answerable"] = sum(each.answerable for each in answered) / answerable
    if answerable < len(scored):
        figures["refused_of_unanswerable"] = refused_rightly / (len(scored) - answerable)
    return {name: round(value, 4) for name, value in figures.items()}


def best_threshold(scored: Sequence[Scored]) -> float:
    """Return the threshold with the highest F1, half way between the scores that it separates."""
    ordered = sorted(scored, key=lambda each: -each.score)
    total = best = float(sum(not each.answerable for each in ordered))
    answered = 0
    for number, each in enumerate(ordered, start=1):
        total += each.f1 - (not each.answerable)
        if total > best:
            best, answered = total, number
    above = ordered[answered - 1].score if answered else ordered[0].score + 1.0
    below = ordered[answered].score if answered < len(ordered) else above - 1.0
    return (above + below) / 2


def area_under_curve(scored: Sequence[Scored]) -> float:
    """Return the chance that an answerable question outscores an unanswerable one, ties half."""
    answerable = np.array([each.score for each in scored if each.answerable])
    unanswerable = np.sort([each.score for each in scored if not each.answerable])
    below = np.searchsorted(unanswerable, answerable, side="left")
    not_above = np.searchsorted(unanswerable, answerable, side="right")
    return float((below + not_above).mean() / 2 / len(unanswerable))


def summarise(scored: Sequence[Scored], threshold: float) -> Summary:
    """Return every figure that one set of questions gives."""
    answerable = [each for each in scored if each.answerable]
    summary: Summary = {
        "questions": len(scored),
        "answerable": len(answerable),
        "at_threshold": figures_at(scored, threshold),
        "answerable_only_never_refusing": {
            "f1": round(sum(each.f1 for each in answerable) / len(answerable), 4),
            "exact": round(sum(each.exact for each in answerable) / len(answerable), 4),
            "span_touches_answer": round(
                sum(each.touches for each in answerable) / len(answerable), 4
            ),
        },
    }
    if len(answerable) < len(scored):
        summary["at_best_threshold"] = figures_at(scored, best_threshold(scored))
        summary["auc"] = round(area_under_curve(scored), 4)
    return summary
