from __future__ import annotations

from pathlib import Path

import pytest

from app.training.errors import WrongInput
from app.training.network import average_weights, build_network, load_start


def saved(folder: Path, seed: int) -> Path:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    folder.mkdir()
    save_file(build_network("eager").state_dict(), str(folder / "reader.safetensors"))
    return folder


def test_an_average_lies_halfway_and_can_be_started_from(tmp_path: Path) -> None:
    readers = [saved(tmp_path / "one", 1), saved(tmp_path / "other", 2)]
    assert average_weights(readers, tmp_path / "mean").parent == tmp_path / "mean"
    weights = []
    for folder in (*readers, tmp_path / "mean"):
        network = build_network("eager")
        load_start(network, folder)
        weights.append(network.state_dict()["body.encoder.layer.3.output.dense.weight"])
    one, other, mean = weights
    assert not one.equal(other)
    assert mean.allclose((one + other) / 2)


def test_what_is_no_reader_is_not_averaged(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    other = saved(tmp_path / "one", 1)
    (tmp_path / "empty").mkdir()
    save_file({"head.bias": build_network("eager").state_dict()["head.bias"]},
              str(tmp_path / "empty" / "reader.safetensors"))  # fmt: skip
    with pytest.raises(WrongInput):
        average_weights([other, tmp_path / "empty"], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
