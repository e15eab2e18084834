"""The passages that retrieval would put beside a question's own: the nearest that don't answer it.

The program reads nine passages for a question, of which one answers it. A reader that has seen
questions with their own passage alone gives an answer in most of the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.training.questions import Question

Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

NEAREST: Final = 40
KEPT: Final = 16
AT_ONCE: Final = 64


class TextEncoder(Protocol):
    """What turns questions and passages into vectors that lie near where one answers the other."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, ``(texts, dimension)``."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, ``(texts, dimension)``."""
        ...


class Neighbours(NamedTuple):
    """Contexts, and for each question of a source the numbers of those near it, nearest first."""

    contexts: list[str]
    near: dict[str, dict[str, list[int]]]

    def of(self, source: str, question: Question) -> list[str]:
        """Return the contexts near a question, nearest first, without its own."""
        return [self.contexts[at] for at in self.near.get(source, {}).get(question.id, ())]

    def save(self, file: Path) -> None:
        """Write them; a kill while writing leaves what was there."""
        part = file.with_suffix(".part")
        part.write_text(json.dumps(self._asdict(), ensure_ascii=False), encoding="utf-8")
        part.replace(file)

    @classmethod
    def load(cls, file: Path) -> Neighbours:
        """Read what ``save`` wrote."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))


def find_neighbours(rows: Mapping[str, Sequence[Question]], encoder: TextEncoder) -> Neighbours:
    """Return, for the questions of each source, the nearest contexts of all sources in the language
    of their own that don't hold an answer's words.
    """
    contexts: dict[str, int] = {}
    languages: list[str] = []
    for question in (one for questions in rows.values() for one in questions):
        if question.context not in contexts:
            contexts[question.context] = len(contexts)
            languages.append(question.language)
    texts = list(contexts)
    lowered = [text.lower() for text in texts]
    passages = _encoded(encoder.encode_passages, texts)
    near: dict[str, dict[str, list[int]]] = {}
    for source, questions in rows.items():
        asked = _encoded(encoder.encode_queries, [one.question for one in questions])
        found = near.setdefault(source, {})
        for question, vector in zip(questions, asked, strict=True):
            own = contexts[question.context]
            answers = [answer.text.lower() for answer in question.answers]
            found[question.id] = [
                int(at)
                for at in np.argsort(-(passages @ vector))[:NEAREST]
                if at != own
                and languages[at] == languages[own]
                and not any(answer in lowered[at] for answer in answers)
            ][:KEPT]
    return Neighbours(texts, near)


def _encoded(encode: Encode, texts: Sequence[str]) -> NDArray[np.float32]:
    parts = (texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE))
    return np.concatenate([encode(part) for part in tqdm(list(parts), disable=None)])
