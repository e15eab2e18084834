from __future__ import annotations

import random

import numpy as np
from tokenizers import Tokenizer

from app.training.encoding import Example, batches, candidates, encode, padded
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


def example(length: int, context: tuple[int, int] = (0, 0)) -> Example:
    return Example("", (0,) * length, 0, 0, context)


def test_batches_hold_every_example_once_and_neighbours_in_length() -> None:
    cut = batches([[example(length)] for length in (9, 3, 7, 1, 5)], 2, random.Random(1))
    lengths = sorted([len(one.tokens) for group in batch for one in group] for batch in cut)
    assert lengths == [[1, 3], [5, 7], [9]]


def test_a_group_stays_together_and_counts_as_many_as_it_has() -> None:
    groups = [[example(2), example(3), example(9)], [example(1)], [example(4), example(5)]]
    cut = batches(groups, 3, random.Random(1))
    assert sorted(len(batch) for batch in cut) == [1, 2]
    assert [one for batch in cut for one in batch if len(one) == 3] == [groups[0]]


def test_an_answer_may_lie_in_the_context_or_nowhere(tokenizer: Tokenizer) -> None:
    one = encode(asked("Who opened the port?"), tokenizer)
    assert one is not None
    (may_be,) = candidates([one], len(one.tokens) + 2)
    ends = [at for at, token in enumerate(one.tokens) if token == tokenizer.token_to_id("</s>")]
    assert may_be.nonzero()[0].tolist() == [0, *range(ends[1] + 1, ends[2])]


def test_the_mask_covers_each_example_and_no_padding() -> None:
    table = np.arange(12, dtype=np.float16).reshape(6, 2)
    batch = [Example("", (3, 4, 5), 0, 0, (1, 2)), Example("", (2,), 0, 0, (0, 1))]
    inputs, mask = padded(batch, table)
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert inputs[0].tolist() == [[6, 7], [8, 9], [10, 11]]
