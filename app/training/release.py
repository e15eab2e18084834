"""Writes a trained reader as the application opens it: an int8 graph and a card beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.training.encoding import SEQUENCE_TOKENS_MAX, open_tokenizer, padded, token_table
from app.training.mixture import Mixture
from app.training.neighbours import Neighbours
from app.training.network import HIDDEN_SIZE, build_network, load_weights
from app.training.reading import ANSWER_TOKENS_MAX
from app.training.written import WRITTEN_FILE
from index import export_graph, export_int8

if TYPE_CHECKING:
    import torch

OUTPUTS: Final = ("start_logits", "end_logits")
TYPICAL_EVERY: Final = 8
"""Of a pool's examples, every eighth is enough to see how large activations get."""


def typical_inputs(data: Path, body: Path, written: Path = WRITTEN_FILE) -> list[torch.Tensor]:
    """Return the token embeddings of examples of the mix, from which int8 scales are chosen."""
    import torch

    tokenizer = open_tokenizer(body)
    alone = Neighbours([], {})
    groups = Mixture.read(data, 0, alone, written).pool(0, tokenizer)
    examples = [example for group in groups for example in group][::TYPICAL_EVERY]
    table = token_table(body)
    return [torch.from_numpy(padded([example], table)[0]) for example in examples]


def release(
    checkpoint: Path,
    weights: str,
    to: Path,
    *,
    typical: list[torch.Tensor],
    full: Path | None,
    threshold: float,
    trained_from: str,
    version: str,
) -> dict[str, Any]:
    """Write ``reader.onnx`` (int8, body only) and ``reader.json``, whose content is returned.

    ``weights`` are the checkpoint's "averaged" or "last" ones; ``full`` is where the float32 graph
    is written as well.
    """
    network = build_network("eager")
    load_weights(network, checkpoint, weights)
    to.mkdir(parents=True, exist_ok=True)
    graph = to / "reader.onnx"
    export_int8(network, HIDDEN_SIZE, OUTPUTS, graph, typical)
    if full:
        export_graph(network, HIDDEN_SIZE, OUTPUTS, full)
    card = {
        "sha256": hashlib.sha256(graph.read_bytes()).hexdigest(),
        "sequence_tokens_max": SEQUENCE_TOKENS_MAX,
        "answer_tokens_max": ANSWER_TOKENS_MAX,
        "null_threshold": threshold,
        "trained_from": trained_from,
        "version": version,
    }
    (to / "reader.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card
