"""Reads the 4-bit weights that the pinned encoder package carries, with NumPy alone.

The file begins with ``E5S1``; a header gives the sizes of the model, then come the tokenizer's
pieces (unused here), a directory of named tensors, and the tensors. A 4-bit tensor is a run of
blocks of 32 weights: a float16 scale, then 16 bytes whose low halves are the first sixteen weights
and whose high halves are the other sixteen, each stored as weight / scale + 8.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelMissing
from index.types import Frozen

Weights: TypeAlias = dict[str, NDArray[np.float32]]
"""Tensors by the names Hugging Face gives them in a BertModel."""

MAGIC = b"E5S1"
BLOCK_WEIGHTS = 32
BLOCK_BYTES = 18
MATRICES = (
    ("q", "attention.self.query"),
    ("k", "attention.self.key"),
    ("v", "attention.self.value"),
    ("ao", "attention.output.dense"),
    ("fi", "intermediate.dense"),
    ("fo", "output.dense"),
)
NORMS = (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm"))


class BertShape(Frozen):
    """The sizes of a BertModel, as its configuration names them."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float
    pad_token_id: int


class _Cursor:
    """Reads little-endian numbers one after the other."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.position = len(MAGIC)

    def numbers(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def integer(self, layout: str) -> int:
        return int(self.numbers(layout)[0])

    def skip(self, length: int) -> None:
        self.position += length

    def text(self, length: int) -> str:
        self.position += length
        return bytes(self.data[self.position - length : self.position]).decode()


def read_quantised(path: Path) -> tuple[BertShape, Weights]:
    """Read a 4-bit file into float32 tensors; raise ModelMissing when it isn't one."""
    data = memoryview(path.read_bytes())
    if bytes(data[:4]) != MAGIC:
        raise ModelMissing(f"{path} is not a 4-bit encoder file (it doesn't begin with E5S1)")
    cursor = _Cursor(data)
    cursor.integer("I")
    hidden, layers, heads, inner, vocabulary, positions, types = (
        int(n) for n in cursor.numbers("7i")
    )
    epsilon = float(cursor.numbers("f")[0])
    cursor.integer("i")
    pieces, _, _, padding, _ = (int(n) for n in cursor.numbers("5i"))
    piece_bytes = cursor.integer("Q") + (pieces + 1) * 4 + pieces * 4
    cursor.skip(piece_bytes)
    cursor.integer("i")
    cursor.skip(cursor.integer("I"))
    places: dict[str, tuple[int, int]] = {}
    for _ in range(cursor.integer("i")):
        name = cursor.text(cursor.integer("H"))
        _, _, offset, length = (int(n) for n in cursor.numbers("BIQQ"))
        places[name] = (offset, length)

    def floats(name: str, *shape: int) -> NDArray[np.float32]:
        offset, _ = places[name]
        return np.frombuffer(data, "<f4", int(np.prod(shape)), offset).reshape(shape).copy()

    def four_bits(name: str, *shape: int) -> NDArray[np.float32]:
        offset, _ = places[name]
        count = int(np.prod(shape)) // BLOCK_WEIGHTS
        blocks = np.frombuffer(data, np.uint8, count * BLOCK_BYTES, offset)
        blocks = blocks.reshape(count, BLOCK_BYTES)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
        return ((halves.astype(np.float32) - 8.0) * scales).reshape(shape)

    types = max(types, 1)
    type_rows = floats("emb.type", places["emb.type"][1] // (4 * hidden), hidden)
    type_table = np.zeros((types, hidden), np.float32)
    type_table[: len(type_rows)] = type_rows[:types]
    weights: Weights = {
        "embeddings.word_embeddings.weight": four_bits("emb.word", vocabulary, hidden),
        "embeddings.position_embeddings.weight": floats("emb.pos", positions, hidden),
        "embeddings.token_type_embeddings.weight": type_table,
        "embeddings.LayerNorm.weight": floats("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": floats("emb.ln.b", hidden),
    }
    shapes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        for short, name in MATRICES:
            rows, columns = shapes.get(short, (hidden, hidden))
            weights[f"{prefix}{name}.weight"] = four_bits(f"l{layer}.{short}.w", rows, columns)
            weights[f"{prefix}{name}.bias"] = floats(f"l{layer}.{short}.b", rows)
        for short, name in NORMS:
            weights[f"{prefix}{name}.weight"] = floats(f"l{layer}.{short}.w", hidden)
            weights[f"{prefix}{name}.bias"] = floats(f"l{layer}.{short}.b", hidden)
    shape = BertShape(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        vocab_size=vocabulary,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=float(f"{epsilon:.3g}"),
        pad_token_id=padding,
    )
    return shape, weights
