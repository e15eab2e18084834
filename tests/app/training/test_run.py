from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.training.encoding import Example
from app.training.network import build_network
from app.training.run import Run, learning_rate, ranking_losses


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(1.0, progress / 100) for progress in range(101)]
    assert max(rates) == rates[3] == 1.0
    assert rates[-1] == 0.0
    assert rates[3:] == sorted(rates[3:], reverse=True)


def test_a_run_that_was_killed_goes_on_where_its_checkpoint_was(tmp_path: Path) -> None:
    import torch

    table = np.random.default_rng(1).normal(size=(40, 384)).astype(np.float16)
    batch = [[Example("", (0, 5, 1, 1, 7, 8, 1), 4, 5, (4, 6))]]

    def fresh() -> Run:
        torch.manual_seed(1)
        return Run(build_network("sdpa"), frozen_layers=11, average=0.9)

    whole = fresh()
    before = whole.network.state_dict()["body.encoder.layer.0.output.dense.bias"].clone()
    for _ in range(2):
        whole.step(batch, table, 1e-3)
    broken = fresh()
    broken.step(batch, table, 1e-3)
    broken.save(tmp_path / "checkpoint.pt")
    resumed = fresh()
    resumed.restore(tmp_path / "checkpoint.pt")
    resumed.step(batch, table, 1e-3)
    assert (resumed.seen, resumed.steps) == (whole.seen, whole.steps) == (2, 2)
    for name, parameter in whole.trained.items():
        assert torch.equal(parameter, resumed.trained[name])
        assert torch.equal(whole.averaged[name], resumed.averaged[name])
    after = whole.network.state_dict()["body.encoder.layer.0.output.dense.bias"]
    assert torch.equal(before, after)  # frozen


@pytest.mark.parametrize(
    ("margins", "first_is_right", "loss"),
    [
        ([2.0, -5.0], True, 0.127),
        ([2.0, -5.0], False, 2.127),
        ([-5.0, 2.0], True, 7.127),
        ([-5.0, -5.0], False, 0.013),
    ],
)
def test_a_group_is_ranked_by_its_margins(
    margins: list[float], first_is_right: bool, loss: float
) -> None:
    import torch

    start = 4 if first_is_right else 0
    first = Example("", (0, 5, 1, 1, 7, 8, 1), start, start, (4, 6))
    other = Example("", (0, 5, 1, 1, 7, 8, 1), 0, 0, (4, 6))
    found = ranking_losses([[first, other]], torch.tensor(margins))
    assert float(found.sum()) == pytest.approx(loss, abs=0.001)


def test_an_example_alone_has_nothing_to_be_ranked_against() -> None:
    import torch

    alone = Example("", (0, 5, 1, 1, 7, 8, 1), 4, 5, (4, 6))
    assert float(ranking_losses([[alone]], torch.tensor([3.0])).sum()) == 0.0
