"""What each part of the program gives: the same questions answered with more and more of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.assistant import Assistant
from app.types import Evidence
from index import RankedPassage

PASSAGES_COMPARED = 100
"""Enough that the best passage by either score alone is among them."""

Holds = Callable[[str, int, int], bool]
"""Says whether a document's stretch, by id and offsets, holds what was asked for."""


class Case(NamedTuple):
    """A question; ``holds`` is None where the documents don't answer it."""

    question: str
    history: tuple[str, ...]
    holds: Holds | None


class Outcome(NamedTuple):
    """Of the answerable questions, the shares right and wrong; of the others, that refused."""

    variant: str
    right: float
    wrong: float
    refused: float


VARIANTS = (
    "dense retrieval, best passage",
    "sparse retrieval, best passage",
    "fused retrieval, best passage",
    "+ reader, widest margin over 0",
    "+ calibrated evidence",
    "+ checks, kinds, conversation (the program)",
)


def ablate(assistant: Assistant, cases: Sequence[Case]) -> list[Outcome]:
    """Answer every question in every variant; a passage or a quote that holds the answer is right.

    The first three never refuse, and what they give is a whole passage, which is easier to be
    right with than a sentence.
    """
    counts = {name: [0, 0, 0] for name in VARIANTS}
    for case in cases:
        for name, given in _answers(assistant, case).items():
            if case.holds is None:
                counts[name][2] += not given
            elif any(case.holds(*stretch) for stretch in given):
                counts[name][0] += 1
            else:
                counts[name][1] += bool(given)
    answerable = sum(case.holds is not None for case in cases)
    others = len(cases) - answerable
    return [
        Outcome(
            name,
            right / answerable if answerable else 0.0,
            wrong / answerable if answerable else 0.0,
            refused / others if others else 0.0,
        )
        for name, (right, wrong, refused) in counts.items()
    ]


Stretch = tuple[str, int, int]


def _answers(assistant: Assistant, case: Case) -> dict[str, list[Stretch]]:
    opened = assistant.opened
    query = opened.understand(case.question, opened.heard_before(case.history), None)
    ranked = assistant.retriever.search(
        query.standalone_question, PASSAGES_COMPARED, others=query.translations
    )
    evidence = opened.weigher.read(query, ranked[: opened.settings.passages_read])
    by_margin = max(evidence, key=lambda one: one.features.margin, default=None)
    calibrated = evidence[0] if evidence else None
    if calibrated is not None and calibrated.probability < opened.weigher.threshold:
        calibrated = None
    reply = assistant.ask(case.question, history=case.history)
    whole = [(one.document_id, one.start, one.end) for one in reply.citations]
    return dict(
        zip(
            VARIANTS,
            (
                _whole(max(ranked, key=lambda one: one.dense, default=None)),
                _whole(max(ranked, key=lambda one: one.sparse, default=None)),
                _whole(ranked[0] if ranked else None),
                _quote(by_margin if by_margin and by_margin.features.margin > 0 else None),
                _quote(calibrated),
                whole,
            ),
            strict=True,
        )
    )


def _whole(ranked: RankedPassage | None) -> list[Stretch]:
    if ranked is None:
        return []
    passage = ranked.passage
    return [(passage.document_id, passage.start, passage.end)]


def _quote(evidence: Evidence | None) -> list[Stretch]:
    return [(evidence.passage.document_id, *evidence.quote)] if evidence else []
