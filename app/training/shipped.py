"""Reads the weights of a shipped reader back from its int8 graph, to go on training from them.

Checkpoints aren't shipped, and a graph holds all that is needed: a weight is its int8 value times
its column's scale, divided again by what smoothing (``index.exporting.smooth``) multiplied it by.
What int8 rounded away (7 bits, about a hundredth of a column's largest weight) is learned again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def shipped_weights(graph: Path) -> dict[str, torch.Tensor]:
    """Return the float32 weights of a ``reader.onnx`` under the network's own names."""
    import onnx.numpy_helper
    import torch

    model = onnx.load(str(graph))
    held = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    weights: dict[str, np.ndarray] = {}
    for name, values in held.items():
        if name.startswith(("body.", "head.")) and name.endswith((".weight", ".bias")):
            weights[name.replace(".linear.", ".")] = values
        elif name.endswith(".weight_quantized"):  # positions and segments, one scale each
            table = name.removesuffix("_quantized")
            zero = held[f"{table}_zero_point"].astype(np.float32)
            weights[table] = (values.astype(np.float32) - zero) * held[f"{table}_scale"]
    for node in model.graph.node:
        if node.op_type != "DynamicQuantizeMatMul":
            continue
        values, scale, zero = (held[name] for name in node.input[1:4])
        layer = node.name.strip("/").removesuffix("/linear/MatMul_quant").replace("/", ".")
        smoothed = (values.astype(np.float32) - zero.astype(np.float32)) * scale
        weights[f"{layer}.weight"] = (smoothed * held[f"{layer}.inverse"][:, None]).T
    return {
        name: torch.from_numpy(np.array(values, np.float32)) for name, values in weights.items()
    }
