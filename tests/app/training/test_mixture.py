from __future__ import annotations

from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

from app.training.mixture import MIX, POOL_EXAMPLES, Mixture


def read(data: Path, seed: int = 1) -> Mixture:
    return Mixture.read(data, seed, data / "written.jsonl")


def test_what_is_drawn_depends_on_the_seed_and_the_position_alone(
    data: Path, tokenizer: Tokenizer
) -> None:
    mixture = read(data)
    later = mixture.pool(3, tokenizer)
    mixture.pool(0, tokenizer)
    assert mixture.pool(3, tokenizer) == later == read(data).pool(3, tokenizer)
    assert mixture.pool(2, tokenizer) != later
    assert read(data, seed=2).pool(3, tokenizer) != later


def test_a_pool_holds_the_shares_of_the_mix(data: Path, tokenizer: Tokenizer) -> None:
    drawn = Counter(example.source for example in read(data).pool(0, tokenizer))
    made = [source.name for source in MIX if source.unanswerable_made]
    for source in MIX:
        if source.unanswerable_made:
            assert 0 < drawn[source.name] <= source.examples
        else:
            assert drawn[source.name] == source.examples
    assert made
    assert sum(source.examples for source in MIX) == POOL_EXAMPLES


def test_what_is_made_unanswerable_has_no_answer(data: Path, tokenizer: Tokenizer) -> None:
    made = [each for each in read(data).pool(0, tokenizer) if each.source.startswith("made-")]
    assert made
    assert all((example.start, example.end) == (0, 0) for example in made)


def test_only_written_questions_that_train_are_drawn(data: Path) -> None:
    written = [question.question for question in read(data).rows["written"]]
    assert sorted(written) == [
        "When did the mill burn?", "Whose mill was it?", "Диірмен қайда тұрды?",
    ]  # fmt: skip
