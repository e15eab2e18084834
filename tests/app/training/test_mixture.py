from __future__ import annotations

from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

from app.training.encoding import Example
from app.training.mixture import GROUPED, MIX, Mixture
from tests.app.training.conftest import MILL, PORT, neighbours_of


def read(data: Path, seed: int = 1) -> Mixture:
    return Mixture.read(data, seed, neighbours_of(data), data / "written.jsonl")


def flat(groups: list[list[Example]]) -> list[Example]:
    return [example for group in groups for example in group]


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
    drawn = Counter(example.source for example in flat(read(data).pool(0, tokenizer)))
    for source in MIX:
        if source.unanswerable_made:
            assert 0 < drawn[source.name] <= source.examples
        else:
            assert drawn[source.name] == source.examples
    for source in GROUPED:
        assert drawn[f"g-{source.name}"] == source.examples
        assert source.file is None or drawn[f"n-{source.name}"] > 0


def test_what_is_made_unanswerable_has_no_answer(data: Path, tokenizer: Tokenizer) -> None:
    drawn = flat(read(data).pool(0, tokenizer))
    made = [each for each in drawn if each.source.startswith(("made-", "n-"))]
    assert made
    assert all((example.start, example.end) == (0, 0) for example in made)


def test_beside_a_question_stand_passages_that_lack_its_answer(data: Path) -> None:
    near = neighbours_of(data)
    (question,) = [one for one in read(data).rows["squad"] if one.question.startswith("What did")]
    assert question.context == PORT
    assert near.of("squad", question) == [MILL]
    (owner,) = [one for one in read(data).rows["squad"] if "last owner" in one.question]
    assert near.of("squad", owner) == [PORT]


def test_neighbours_come_back_as_they_were_saved(data: Path, tmp_path: Path) -> None:
    near = neighbours_of(data)
    near.save(tmp_path / "neighbours.json")
    assert type(near).load(tmp_path / "neighbours.json") == near


def test_only_written_questions_that_train_are_drawn(data: Path) -> None:
    written = [question.question for question in read(data).rows["written"]]
    assert sorted(written) == [
        "When did the mill burn?", "Whose mill was it?", "Диірмен қайда тұрды?",
    ]  # fmt: skip
