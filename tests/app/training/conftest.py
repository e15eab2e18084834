"""Small texts to ask about, question files made of them, and a tokenizer of whole words."""

from __future__ import annotations

import gzip
import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from app.training.mixture import GROUPED, MIX, read_source
from app.training.neighbours import Neighbours, find_neighbours
from app.training.questions import Question, Span

PORT = (
    "Anna Reed opened the port in 1901. It cost 40 million crowns. "
    "Boris Lund closed it in 1955. The harbour town has 9,000 people."
)
MILL = (
    "The mill of Olsen was built in 1820. It ground rye until 1911. "
    "Its last owner was Carl Olsen. Today it holds a museum with 300 tools."
)
MILL_SENTENCES = {
    "en": ("Olsen built the mill. ", "It burned in 1911."),
    "ru": ("Ольсен построил мельницу.", " Она сгорела в 1911 году."),
    "kk": ("Ольсен диірмен салды.", "Ол 1911 жылы өртенді."),
}
WRITTEN = (
    {
        "file": "ntrex", "ids": [4, 5], "language": "ru", "part": "train",
        "questions": [
            {
                "language": "en", "kind": "when",
                "question": "When did the mill burn?", "start": 40, "end": 44,
            },
            {
                "language": "kk", "kind": "where",
                "question": "Диірмен қайда тұрды?", "start": None, "end": None,
            },
        ],
    },
    {
        "file": "squad-train-subset", "ids": ["2"], "language": "en", "part": "train",
        "questions": [
            {
                "language": "en", "kind": "who",
                "question": "Whose mill was it?", "start": 12, "end": 17,
            },
        ],
    },
    {
        "file": "ntrex", "ids": [4, 5], "language": "en", "part": "calibrate",
        "questions": [
            {
                "language": "ru", "kind": "who",
                "question": "Кто построил мельницу?", "start": 0, "end": 5,
            },
        ],
    },
)  # fmt: skip


def asked(question: str, answer: str | None = None, context: str = PORT) -> Question:
    answers = () if answer is None else (Span(answer, context.index(answer)),)
    return Question("1", question, context, answers)


def assert_answers_are_in_the_text(question: Question) -> None:
    for answer in question.answers:
        assert question.context[answer.start : answer.end] == answer.text


def row(number: str, question: str, answer: str | None, context: str = PORT) -> dict[str, Any]:
    answers = [] if answer is None else [{"text": answer, "start": context.index(answer)}]
    return {"id": number, "question": question, "context": context, "answers": answers}


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)


def write_measuring_files(folder: Path) -> None:
    """Write a small file for each set that measures, and for the one that calibrates."""
    rows = [
        {**row("1", "Who opened the port?", "Anna Reed"), "language": "en"},
        {**row("2", "Who painted the port?", None), "language": "en"},
        {**row("1", "Кто открыл порт?", "Anna Reed"), "language": "ru"},
        {**row("2", "Кто покрасил порт?", None), "language": "ru"},
    ]
    for name in (
        "squad2-dev.calibrate", "squad2-dev.heldout-half", "xquad.heldout", "measure-nyt-3000",
        "clapnq", "kazqad", "tatqa",
    ):  # fmt: skip
        write_rows(folder / f"{name}.jsonl.gz", rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a small file for each that the mix reads, and `written.jsonl`."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        row("1", "Who opened the port in 1901?", "Anna Reed"),
        row("2", "Who was the last owner of the mill?", "Carl Olsen", MILL),
        row("3", "What did the port cost?", "40 million crowns"),
        row("4", "Who painted the port?", None),
    ]
    for name in {source.file for source in (*MIX, *GROUPED) if source.file}:
        write_rows(folder / f"{name}.jsonl.gz", rows)
    sentences = [
        {"id": number, **{name: texts[at] for name, texts in MILL_SENTENCES.items()}}
        for at, number in enumerate((4, 5))
    ]
    write_rows(folder / "ntrex.jsonl.gz", sentences)
    write_rows(folder / "written.jsonl", WRITTEN)
    return folder


@pytest.fixture
def tokenizer() -> Tokenizer:
    """A tokenizer of whole words that puts pairs together as the reader's own does."""
    text = f"{PORT} Who opened the port? When Port > Port"
    words = {word for word, _ in pre_tokenizers.Whitespace().pre_tokenize_str(text)}
    marks = ["<s>", "</s>", "<unk>"]
    vocabulary = {word: number for number, word in enumerate([*marks, *sorted(words)])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 1)],
    )
    return made


class ByLetters:
    """Vectors of how often each letter stands in a text: a rough measure of what is near."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [[text.lower().count(letter) for letter in string.ascii_lowercase] for text in texts]
        counted = np.array(rows, np.float32) + 0.1
        return np.asarray(counted / np.linalg.norm(counted, axis=1, keepdims=True), np.float32)

    encode_passages = encode_queries


def neighbours_of(data: Path) -> Neighbours:
    rows = {one.name: read_source(one, data, data / "written.jsonl") for one in GROUPED}
    return find_neighbours(rows, ByLetters())
