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
    """One encoded example: token ids, the tokens where the answer starts and ends (0: none), and
    the first token of the context and the one after its last.
    """

    source: str
    tokens: tuple[int, ...]
    start: int
    end: int
    context: tuple[int, int]


Group: TypeAlias = Sequence[Example]
"""What is learned together: one example, or a question's passage, first, and others that don't
answer it."""


def encode(question: Question, tokenizer: Tokenizer, source: str = "") -> Example | None:
    """Encode a pair and mark its answer's tokens; None when it is too long to hold them."""
    encoding = tokenizer.encode(question.question, question.context)
    if len(encoding.ids) > SEQUENCE_TOKENS_MAX:
        return None
    placed = [number for number, one in enumerate(encoding.sequence_ids) if one == 1]
    context = (placed[0], placed[-1] + 1)
    if not question.answers:
        return Example(source, tuple(encoding.ids), 0, 0, context)
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
    return Example(source, tuple(encoding.ids), inside[0], inside[-1], context)


def batches(groups: Sequence[Group], size: int, chance: random.Random) -> list[list[Group]]:
    """Cut a pool into batches of about equal length and at most ``size`` examples (a larger group
    alone), in random order; a group stays together.
    """
    cut: list[list[Group]] = []
    room = 0
    for group in sorted(groups, key=lambda one: max(len(example.tokens) for example in one)):
        if not cut or room < len(group):
            cut.append([])
            room = size
        cut[-1].append(group)
        room -= len(group)
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


def candidates(batch: Sequence[Example], longest: int) -> NDArray[np.bool_]:
    """Return which tokens of a batch may start or end an answer, ``(batch, longest)``: those of the
    context, and the first, which says that there is none.

    The question's and the tokens between would only share what belongs to the first: the body
    gives all its special tokens about the same number.
    """
    may_be = np.zeros((len(batch), longest), dtype=np.bool_)
    may_be[:, 0] = True
    for row, example in enumerate(batch):
        may_be[row, slice(*example.context)] = True
    return may_be
