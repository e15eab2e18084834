from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from app.training.errors import WrongInput
from app.training.network import build_network, load_start
from app.training.trainer import Outcome, train
from tests.app.training.conftest import ByLetters

Train = Callable[..., Outcome]


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """An untrained network, saved as a reader to start from."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    folder = tmp_path / "start"
    folder.mkdir()
    save_file(build_network("sdpa").state_dict(), str(folder / "reader.safetensors"))
    return folder


@pytest.fixture
def train_for(tmp_path: Path, data: Path, start: Path, tokenizer: Tokenizer) -> Train:
    """Train on the small files, two examples a step, up to a number of examples."""
    body = tmp_path / "body"
    body.mkdir()
    tokenizer.save(str(body / "tokenizer.json"))
    rows = np.random.default_rng(1).normal(size=(tokenizer.get_vocab_size(), 384))
    np.save(body / "token_table.npy", rows.astype(np.float16))

    def run(examples: int, *, resume: bool, interrupted: bool = False) -> Outcome:
        stop = threading.Event()
        if interrupted:
            stop.set()
        return train(
            data,
            start,
            tmp_path / "output",
            body=body,
            minutes=0,
            examples=examples,
            seed=1,
            rate=1e-4,
            batch_size=2,
            frozen_layers=11,
            average=0.9,
            threads=1,
            bfloat16=False,
            resume=resume,
            interrupted=stop,
            encoder=ByLetters,
            written=data / "written.jsonl",
        )

    return run


def test_a_resumed_run_goes_on_counting_where_it_stopped(train_for: Train) -> None:
    import torch

    first = train_for(4, resume=False)
    assert first.examples == 4
    second = train_for(8, resume=True)
    assert second.examples == 8
    saved = torch.load(second.checkpoint, weights_only=True)
    assert (saved["pool"], saved["batch"], saved["steps"]) == (0, 4, 4)
    assert saved["seconds"] == second.seconds > first.seconds


def test_an_interrupted_run_takes_no_further_step_and_writes_its_checkpoint(
    train_for: Train,
) -> None:
    outcome = train_for(4, resume=False, interrupted=True)
    assert outcome.examples == 0
    assert outcome.checkpoint.is_file()


def test_weights_of_another_network_are_refused(start: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(str(start / "reader.safetensors"))
    bias = weights.pop("body.encoder.layer.3.output.dense.bias")
    save_file({**weights, "body.layer.bias": bias}, str(start / "reader.safetensors"))
    with pytest.raises(WrongInput, match=r"body\.layer\.bias"):
        load_start(build_network("sdpa"), start)
