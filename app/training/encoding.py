"""Encodes a question and its context as the token ids that the network takes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from app.training.questions import Question, preferred_answer

Floats: TypeAlias = NDArray[np.float32]
TokenIds: TypeAlias = NDArray[np.int64]
TokenRows: TypeAlias = NDArray[np.float16]

PADDING_TOKEN = 1
SEQUENCE_TOKENS_MAX = 320
"""Longer examples aren't trained on."""


@dataclass(frozen=True)
class Example:
    """One encoded example: token ids, and the tokens where the answer starts and ends (0: none)."""

    source: str
    tokens: tuple[int, ...]
    start: int
    end: int


def encode(question: Question, tokenizer: Tokenizer, source: str = "") -> Example | None:
    """Encode a pair and mark its answer's tokens; None when it is too long to hold them."""
    encoding = tokenizer.encode(question.question, question.context)
    if len(encoding.ids) > SEQUENCE_TOKENS_MAX:
        return None
    if not question.answers:
        return Example(source, tuple(encoding.ids), 0, 0)
    answer = preferred_answer(question.answers)
    inside = [
        number
        for number, (sequence, (start, end)) in enumerate(
            zip(encoding.sequence_ids, encoding.offsets, strict=True)
        )
        if sequence == 1 and start < answer.end and end > answer.start and start < end
    ]
    if not inside:
        return None
    return Example(source, tuple(encoding.ids), inside[0], inside[-1])


def batches(examples: list[Example], size: int, chance: random.Random) -> list[list[Example]]:
    """Cut a pool into batches of about equal length, in random order."""
    ordered = sorted(examples, key=lambda example: len(example.tokens))
    cut = [ordered[place : place + size] for place in range(0, len(ordered), size)]
    chance.shuffle(cut)
    return cut


def open_tokenizer(body: Path) -> Tokenizer:
    """Open the encoder's tokenizer."""
    return Tokenizer.from_file(str(body / "tokenizer.json"))


def token_table(body: Path) -> TokenRows:
    """Open the encoder's token table, a row for each token id."""
    table: TokenRows = np.load(body / "token_table.npy", mmap_mode="r", allow_pickle=False)
    return table


def padded(batch: Sequence[Example], table: TokenRows) -> tuple[Floats, TokenIds]:
    """Look up a batch's token embeddings, ``(batch, tokens, 384)``, and make its mask."""
    longest = max(len(example.tokens) for example in batch)
    ids = np.full((len(batch), longest), PADDING_TOKEN, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, example in enumerate(batch):
        ids[row, : len(example.tokens)] = example.tokens
        mask[row, : len(example.tokens)] = 1
    return table[ids].astype(np.float32), mask
