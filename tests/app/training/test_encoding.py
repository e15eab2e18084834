from __future__ import annotations

import random

import numpy as np
from tokenizers import Tokenizer

from app.training.encoding import Example, batches, encode, padded
from tests.app.training.conftest import PORT, asked


def test_the_marked_tokens_are_those_of_the_answer(tokenizer: Tokenizer) -> None:
    example = encode(asked("Who opened the port?", "Anna Reed"), tokenizer)
    assert example is not None
    marked = example.tokens[example.start : example.end + 1]
    assert [tokenizer.id_to_token(token) for token in marked] == ["Anna", "Reed"]


def test_no_answer_is_marked_at_the_first_token(tokenizer: Tokenizer) -> None:
    example = encode(asked("Who opened the port?"), tokenizer)
    assert example is not None
    assert (example.start, example.end) == (0, 0)


def test_an_answer_that_the_question_repeats_is_marked_in_the_context(
    tokenizer: Tokenizer,
) -> None:
    example = encode(asked("Who opened the port?", "opened"), tokenizer)
    assert example is not None
    assert example.start > example.tokens.index(tokenizer.token_to_id("</s>"))


def test_an_example_longer_than_the_reader_takes_is_left_out(tokenizer: Tokenizer) -> None:
    assert encode(asked("Who?", context=PORT * 30), tokenizer) is None


def test_batches_hold_every_example_once_and_neighbours_in_length() -> None:
    examples = [Example("", (0,) * length, 0, 0) for length in (9, 3, 7, 1, 5)]
    cut = batches(examples, 2, random.Random(1))
    lengths = sorted([len(example.tokens) for example in batch] for batch in cut)
    assert lengths == [[1, 3], [5, 7], [9]]


def test_the_mask_covers_each_example_and_no_padding() -> None:
    table = np.arange(12, dtype=np.float16).reshape(6, 2)
    batch = [Example("", (3, 4, 5), 0, 0), Example("", (2,), 0, 0)]
    inputs, mask = padded(batch, table)
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert inputs[0].tolist() == [[6, 7], [8, 9], [10, 11]]
