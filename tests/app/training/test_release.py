from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from app.settings import Settings
from app.training.encoding import open_tokenizer, token_table
from app.training.network import build_network, load_start
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
    for parameter in network.parameters():  # biases that are all 0 would be left out of the graph
        parameter.data += 0.02 * torch.randn_like(parameter)
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
    (logits,) = SpanReader.open(models, graph).read([question], [context], [0])
    encoded = open_tokenizer(body).encode(question, context)
    rows = torch.from_numpy(token_table(body)[encoded.ids][None].astype(np.float32))
    with torch.inference_mode():
        start, _ = network(rows, torch.ones(rows.shape[:2], dtype=torch.long))
    inside = [at for at, number in enumerate(encoded.sequence_ids) if number == 1]
    assert np.corrcoef(start[0, inside].numpy(), logits.start)[0, 1] > 0.9

    # What was released can be trained on: its weights come back to within the 7 bits they had.
    again = build_network("eager").eval()
    load_start(again, tmp_path / "to")
    with torch.inference_mode():
        start_again, _ = again(rows, torch.ones(rows.shape[:2], dtype=torch.long))
    assert np.corrcoef(start[0].numpy(), start_again[0].numpy())[0, 1] > 0.99
    for name, tensor in network.state_dict().items():
        if not name.startswith("body.embeddings.word_embeddings."):
            lost = again.state_dict()[name] - tensor
            assert lost.norm() <= 0.05 * tensor.norm(), name
