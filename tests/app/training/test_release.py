from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from app.settings import Settings
from app.training.encoding import open_tokenizer, token_table
from app.training.network import build_network
from app.training.release import release, typical_inputs
from index import SpanReader


def test_a_released_reader_is_opened_by_the_application_and_scores_as_the_network_does(
    tmp_path: Path, data: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    models = Settings().models_folder
    body = models / "e5-small"
    torch.manual_seed(1)
    network = build_network("eager").eval()
    save_file(network.state_dict(), str(tmp_path / "reader.safetensors"))
    typical = typical_inputs(data, body, data / "written.jsonl")
    card = release(
        tmp_path,
        "averaged",
        tmp_path / "to",
        typical=typical[:4],
        full=None,
        threshold=1.5,
        trained_from="nothing",
        version="0",
    )
    graph = tmp_path / "to" / "reader.onnx"
    assert json.loads((tmp_path / "to" / "reader.json").read_text(encoding="utf-8")) == card
    assert card["sha256"] == hashlib.sha256(graph.read_bytes()).hexdigest()
    assert (card["null_threshold"], card["trained_from"], card["version"]) == (1.5, "nothing", "0")
    question, context = "Who opened the port?", "Anna Reed opened the port in 1901."
    (logits,) = SpanReader.open(models, graph).read(question, [context], [0])
    encoded = open_tokenizer(body).encode(question, context)
    rows = torch.from_numpy(token_table(body)[encoded.ids][None].astype(np.float32))
    with torch.inference_mode():
        start, _ = network(rows, torch.ones(rows.shape[:2], dtype=torch.long))
    inside = [at for at, number in enumerate(encoded.sequence_ids) if number == 1]
    assert np.corrcoef(start[0, inside].numpy(), logits.start)[0, 1] > 0.9
