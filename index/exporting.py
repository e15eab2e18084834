"""Exports a transformer as a graph that takes token embeddings in place of token ids.

The only module that traces torch models. The vocabulary stays outside, in the token table, so that
two graphs share it and each is small.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from index.inference import quantise

if TYPE_CHECKING:
    import torch

OPSET = 17
TRACED_TOKENS = 16


def export_graph(
    module: torch.nn.Module, hidden_size: int, outputs: tuple[str, ...], target: Path
) -> None:
    """Write ``module(inputs_embeds, attention_mask)`` in float32, batch and length free.

    The module has to compute attention eagerly: fused attention can't be traced.
    """
    import torch

    traced = (torch.randn(2, TRACED_TOKENS, hidden_size), torch.ones(2, TRACED_TOKENS).long())
    axes = {0: "batch", 1: "tokens"}
    names = ("inputs_embeds", "attention_mask", *outputs)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the tracer warns of branches that a bidirectional body
        torch.onnx.export(  # never takes, and of its own replacement, which needs another package
            module.eval(),
            traced,
            str(target),
            input_names=["inputs_embeds", "attention_mask"],
            output_names=list(outputs),
            dynamic_axes=dict.fromkeys(names, axes),
            opset_version=OPSET,
            dynamo=False,
        )


def export_int8(
    module: torch.nn.Module, hidden_size: int, outputs: tuple[str, ...], target: Path
) -> None:
    """Write the module as an int8 graph (see ``index.inference.quantise``)."""
    whole = target.with_suffix(".float32.onnx")
    export_graph(module, hidden_size, outputs, whole)
    try:
        quantise(whole, target)
    finally:
        whole.unlink()
