"""Questions that mean about the same come together; no chain of neighbours makes a group."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.grouping import ALIKE_COSINE_MIN, Vectors, group_alike
from index import Encoder
from tests.running import briefing_assistant

MEANINGS = Path(__file__).parent / "meanings.jsonl"


class Worded(NamedTuple):
    """A question and the name of what it means."""

    question: str
    language: str
    meaning: str
    part: str


def worded(part: str) -> list[Worded]:
    lines = MEANINGS.read_text(encoding="utf-8").splitlines()
    return [each for line in lines if (each := Worded(**json.loads(line))).part == part]


def unit(*angles: float) -> Vectors:
    return np.array([(np.cos(a), np.sin(a)) for a in np.radians(angles)], np.float32)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return briefing_assistant().retriever.encoder


def test_what_is_alike_comes_together_the_largest_group_first() -> None:
    assert group_alike(unit(90, 0, 3, 178, 1), cosine_min=0.9) == [[1, 2, 4], [0], [3]]
    assert group_alike(unit(0)) == [[0]]
    assert group_alike(np.empty((0, 2), np.float32)) == []


def test_no_chain_of_neighbours_makes_a_group() -> None:
    """Each is near to the next, and the first isn't near to the last: cos 40° is .77."""
    groups = group_alike(unit(*range(0, 41, 4)), cosine_min=float(np.cos(np.radians(20))))
    assert len(groups) > 1


@given(st.lists(st.floats(0, 360), min_size=2, max_size=30), st.floats(0.5, 0.99))
def test_any_two_of_a_group_are_alike_and_everyone_is_in_one(
    angles: list[float], cosine_min: float
) -> None:
    vectors = unit(*angles)
    groups = group_alike(vectors, cosine_min=cosine_min)
    assert sorted(row for group in groups for row in group) == list(range(len(angles)))
    for group in groups:
        for one, other in combinations(group, 2):
            assert float(vectors[one] @ vectors[other]) >= cosine_min - 1e-5


def pairs_right(questions: Sequence[Worded], groups: list[list[int]]) -> tuple[float, float]:
    """Of the pairs put together, the share that means the same; and of the pairs that mean the
    same, the share that is put together.
    """
    together = [pair for group in groups for pair in combinations(group, 2)]
    right = sum(questions[one].meaning == questions[two].meaning for one, two in together)
    sizes = Counter(each.meaning for each in questions).values()
    return right / len(together), right / sum(size * (size - 1) // 2 for size in sizes)


def test_questions_of_one_meaning_come_together_in_three_languages(encoder: Encoder) -> None:
    for part, precision_floor, recall_floor in (
        ("development", 0.9, 0.75),
        # 8-bit products are rounded otherwise by other processors: one finds .59, others over .6.
        ("set_aside", 0.7, 0.5),
    ):
        questions = worded(part)
        groups = group_alike(encoder.encode_alike([each.question for each in questions]))
        precision, recall = pairs_right(questions, groups)
        print(f"{part}: {len(questions)} questions in {len(groups)} groups at {ALIKE_COSINE_MIN}, "
              f"pairs right {precision:.2f}, found {recall:.2f}")  # fmt: skip
        assert precision >= precision_floor
        assert recall >= recall_floor


def test_each_meaning_is_worded_several_times_and_in_one_part() -> None:
    lines = [*worded("development"), *worded("set_aside")]
    assert len({each.question for each in lines}) == len(lines)
    assert min(Counter(each.meaning for each in lines).values()) >= 2
    assert len({(each.meaning, each.part) for each in lines}) == len({e.meaning for e in lines})
