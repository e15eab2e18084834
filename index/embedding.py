"""Passages in, vectors out: the only module that knows sentence-transformers.

sentence-transformers is the door to any encoder an operator names, and the yardstick its exported
graph is held against. At indexing it runs a module of ours, whose forward pass is the graph.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from index.errors import ModelMissing
from index.inference import Encoder
from index.models import PREPARE_COMMAND
from index.types import Frozen, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH_TEXTS = 32
FEW_TEXTS = 128
"""Up to so many are given to the graph without sentence-transformers around it: importing that and
torch takes 5 s of a core, encoding these takes less."""


def embed_passages(encoder: Encoder, texts: Sequence[str]) -> Iterator[Vectors]:
    """Yield the vectors of the texts in their order, a batch at a time, each core on its own text.

    A vector does not depend on which texts stand beside it, nor on how many there are.
    """
    encode = _encode_plainly if len(texts) <= FEW_TEXTS else _encode_around
    yield from encode(encoder, texts)


def _encode_plainly(encoder: Encoder, texts: Sequence[str]) -> Iterator[Vectors]:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for first in range(0, len(texts), BATCH_TEXTS):
            batch = texts[first : first + BATCH_TEXTS]
            yield np.concatenate(
                list(pool.map(lambda text: encoder.encode_passages([text]), batch))
            )


def _encode_around(encoder: Encoder, texts: Sequence[str]) -> Iterator[Vectors]:
    model = _around(encoder)
    for first in range(0, len(texts), BATCH_TEXTS):
        vectors = model.encode(
            list(texts[first : first + BATCH_TEXTS]),
            batch_size=BATCH_TEXTS,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        yield np.asarray(vectors, np.float32)


def _around(encoder: Encoder) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    class GraphModule(torch.nn.Module):
        """The whole of an encoder, tokens to unit vector, in the place of a first module."""

        def __init__(self) -> None:
            super().__init__()
            self.pool = ThreadPoolExecutor(os.cpu_count() or 1)

        def preprocess(
            self, inputs: Sequence[str], prompt: str | None = None, **_: Any
        ) -> dict[str, list[str]]:
            return {"texts": [(prompt or "") + text for text in inputs]}

        def forward(self, features: dict[str, list[str]], **_: Any) -> dict[str, torch.Tensor]:
            rows = self.pool.map(lambda text: encoder.encode_passages([text]), features["texts"])
            return {"sentence_embedding": torch.from_numpy(np.concatenate(list(rows)))}

    return SentenceTransformer(modules=[GraphModule()], device="cpu")


class EncoderConfiguration(Frozen):
    """What a sentence-transformers model says about itself."""

    dimension: int
    tokens_max: int
    pooling: str
    query_prefix: str
    passage_prefix: str


def load_model(name_or_path: str) -> SentenceTransformer:
    """Load a sentence-transformers model with eager attention, which is what can be exported."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.set_verbosity_error()  # it reports a pooler that no encoder uses as missing
    logging.disable_progress_bar()
    try:
        return SentenceTransformer(
            name_or_path, device="cpu", model_kwargs={"attn_implementation": "eager"}
        )
    except (OSError, ValueError, ImportError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise ModelMissing(
            f"the encoder {name_or_path} can't be loaded ({first_line}); give the folder of a "
            f"sentence-transformers model: `{PREPARE_COMMAND} --encoder FOLDER`"
        ) from error


def configuration(model: SentenceTransformer) -> EncoderConfiguration:
    """Read pooling, prompts and lengths; raise ModelMissing for a model that can't be exported."""
    kinds = [type(module).__name__ for module in model]
    if kinds[:2] != ["Transformer", "Pooling"] or set(kinds[2:]) - {"Normalize"}:
        raise ModelMissing(
            f"an encoder made of {' + '.join(kinds)} can't be exported; choose one made of "
            "Transformer + Pooling (+ Normalize)"
        )
    pooling: Any = model[1]
    mode = pooling.pooling_mode
    mode = mode if isinstance(mode, str) else "+".join(mode)
    if mode not in ("mean", "cls") or not pooling.include_prompt:
        raise ModelMissing(
            f"an encoder with the pooling '{mode}' can't be exported; choose one with mean or cls "
            "pooling that includes the prompt"
        )
    prompts = {name: text or "" for name, text in model.prompts.items()}
    default = prompts.get(model.default_prompt_name or "", "")
    passage = next((prompts[n] for n in ("document", "passage", "corpus") if prompts.get(n)), "")
    position_limit = getattr(model[0].auto_model.config, "max_position_embeddings", 512)
    return EncoderConfiguration(
        dimension=int(model.get_embedding_dimension() or 0),
        tokens_max=min(int(model.max_seq_length or 512), int(position_limit), 512),
        pooling=mode,
        query_prefix=prompts.get("query") or default,
        passage_prefix=passage or default,
    )


def reference_vectors(model: SentenceTransformer, texts: Sequence[str]) -> Vectors:
    """Return the unit vectors that sentence-transformers itself gives, without any prompt."""
    vectors = model.encode(
        list(texts), prompt="", normalize_embeddings=True, show_progress_bar=False
    )
    return np.asarray(vectors, np.float32)
