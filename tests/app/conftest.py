from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import REPOSITORY, Settings
from app.types import Evidence, Features
from index import Passage, Sentence, build_index

MakePassage = Callable[..., Passage]
MakeEvidence = Callable[..., Evidence]


@pytest.fixture(scope="session")
def waterworks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of documents that disagree; whoever changes it builds their own."""
    folder = tmp_path_factory.mktemp("waterworks") / "index"
    sources = REPOSITORY / "tests" / "collections" / "waterworks"
    build_index([sources], folder, Settings().models_folder)
    return folder


@pytest.fixture
def features() -> Features:
    """The features of a good piece of evidence in the question's own language."""
    return Features(
        support=3.5,
        margin=3.0,
        fused=0.5,
        dense=0.8,
        sentence_coverage=1.0,
        terms=1.4,
        opens=1.0,
        similarity=0.0,
        foreign=0.0,
        untaught=0.0,
        unsaid=0.0,
    )


@pytest.fixture
def passage() -> MakePassage:
    """Make a passage of sentences that stand at ``start`` in their document, a space between, or,
    of a list, the marker of an item.
    """

    def make(
        *sentences: str,
        start: int = 0,
        kind: str = "prose",
        document_id: str = "report",
        heading_path: tuple[str, ...] = ("Report", "Bridge"),
    ) -> Passage:
        joint = "\n- " if kind == "list" else " "
        spans, at = [], start
        for sentence in sentences:
            spans.append(Sentence(start=at, end=at + len(sentence)))
            at += len(sentence) + len(joint)
        text = joint.join(sentences)
        return Passage(
            passage_id=1,
            document_id=document_id,
            start=start,
            end=start + len(text),
            text=text,
            heading_path=heading_path,
            kind=kind,  # type: ignore[arg-type]
            sentences=tuple(spans),
        )

    return make


@pytest.fixture
def evidence(features: Features) -> MakeEvidence:
    """Make evidence for a span of a passage, given as text, quoted with its whole passage."""

    def make(passage: Passage, span: str | None = None, *, probability: float = 0.9) -> Evidence:
        found = None
        if span is not None:
            at = passage.start + passage.text.index(span)
            found = (at, at + len(span))
        return Evidence(
            passage=passage,
            span=found,
            quote=(passage.start, passage.end),
            features=features,
            probability=probability,
        )

    return make
