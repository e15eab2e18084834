"""Runs the prepared graphs: the only module that knows onnxruntime and tokenizers.

The encoder and the reader share one tokenizer and one token table, a memory-mapped file of which
only the rows in use become resident. Texts run through a graph one at a time: the int8 graphs scale
their activations over the whole batch, so that a text's vector would depend on its neighbours, and
a batch is hardly cheaper (0.37 against 0.34 ms a token on one AVX2 core).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from index.errors import ModelMissing
from index.models import (
    DEFAULT_ENCODER,
    PREPARE_COMMAND,
    EncoderFacts,
    ModelsManifest,
    damaged_files,
    read_manifest,
)
from index.types import Vectors

TokenIds: TypeAlias = NDArray[np.int64]
"""Token ids of one text, shape ``(tokens,)``."""

TokenOffsets: TypeAlias = NDArray[np.int32]
"""Where each token stands in its text, shape ``(tokens, 2)``, in code points."""

TokenScores: TypeAlias = NDArray[np.float32]
"""One score a token, shape ``(tokens,)``."""

READER_TOKENS_MAX = 512
QUESTION_TOKENS_MAX = 64


@dataclass(frozen=True)
class TokenLogits:
    """What the reader says about one context.

    ``start`` and ``end`` hold a logit for each token of the context, -inf where an answer may not
    begin or end; ``null`` is the score of "the context doesn't say"; ``offsets`` are code points
    into the context.
    """

    start: TokenScores
    end: TokenScores
    null: float
    offsets: TokenOffsets


class TokenTable:
    """The vocabulary's embeddings, looked up row by row in a memory-mapped file."""

    def __init__(self, path: Path) -> None:
        self._rows = np.load(path, mmap_mode="r", allow_pickle=False)

    @property
    def dimension(self) -> int:
        return int(self._rows.shape[1])

    def __getitem__(self, ids: TokenIds) -> NDArray[np.float32]:
        """Return the rows of these ids, shape ``(tokens, dimension)``, as float32."""
        return np.asarray(self._rows[ids], dtype=np.float32)


class _Pieces:
    """A tokenizer with its special tokens taken apart, so that pairs are put together here."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        single = self._tokenizer.encode("", add_special_tokens=True).ids
        self.before = single[:1]
        self.after = single[1:]

    def ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def pieces(self, text: str) -> tuple[list[int], TokenOffsets]:
        """Return the ids and the offsets of a text's tokens, without the space before a word."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
        for row in offsets:
            while row[0] < row[1] and text[row[0]].isspace():
                row[0] += 1
        return list(encoding.ids), offsets

    def lengths(self, texts: Sequence[str]) -> tuple[int, ...]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return tuple(len(encoding) for encoding in encodings)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises classes of its own that share no base
        raise ModelMissing(f"{path} can't be opened ({error}); run `{PREPARE_COMMAND}`") from error


class Encoder:
    """Turns texts into unit vectors, one text at a time on one thread; safe to share."""

    def __init__(self, facts: EncoderFacts, pieces: _Pieces, table: TokenTable, graph: Path) -> None:
        self.facts = facts
        self._pieces = pieces
        self._table = table
        self._session = _session(graph)

    @classmethod
    def open(cls, models_folder: Path) -> Encoder:
        """Open the encoder that ``models.json`` names."""
        return Models.open(models_folder).encoder

    @classmethod
    def of_folder(cls, folder: Path, facts: EncoderFacts) -> Encoder:
        """Open an encoder's own folder, outside any manifest."""
        pieces, table = _Pieces(folder / "tokenizer.json"), TokenTable(folder / "token_table.npy")
        return cls(facts, pieces, table, folder / "body.onnx")

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def dimension(self) -> int:
        return self.facts.dimension

    @property
    def sha256(self) -> str:
        return self.facts.sha256

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode questions, with the prefix that the encoder was trained to see before them."""
        return self._encode([self.facts.query_prefix + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Encode passages, with the prefix that the encoder was trained to see before them."""
        return self._encode([self.facts.passage_prefix + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Return how many tokens each text has, without special tokens and prefixes."""
        return self._pieces.lengths(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        room = self.facts.tokens_max - len(self._pieces.before) - len(self._pieces.after)
        for row, text in enumerate(texts):
            ids = self._pieces.before + self._pieces.ids(text)[:room] + self._pieces.after
            hidden = self._session.run(
                ["last_hidden_state"],
                {
                    "inputs_embeds": self._table[np.array(ids)][None],
                    "attention_mask": np.ones((1, len(ids)), np.int64),
                },
            )[0][0]
            vector = hidden[0] if self.facts.pooling == "cls" else hidden.mean(axis=0)
            vectors[row] = vector / max(float(np.linalg.norm(vector)), 1e-12)
        return vectors


class SpanReader:
    """Scores where in each context the answer to a question begins and ends; safe to share."""

    def __init__(self, pieces: _Pieces, table: TokenTable, graph: Path) -> None:
        self._pieces = pieces
        self._table = table
        self._session = _session(graph)

    @classmethod
    def open(cls, models_folder: Path, reader_file: Path) -> SpanReader:
        """Open a reader on a models folder of its own; ``Models.reader`` shares what is open."""
        return Models.open(models_folder).reader(reader_file)

    def read(
        self, question: str, contexts: Sequence[str], first_characters: Sequence[int]
    ) -> tuple[TokenLogits, ...]:
        """Read each context; no answer begins before its ``first_characters``.

        The input is ``<s> question </s></s> context </s>``; a question is cut at 64 tokens, a
        context where the whole has 512.
        """
        before, after = self._pieces.before, self._pieces.after
        head = before + self._pieces.ids(question)[:QUESTION_TOKENS_MAX] + after + after
        room = READER_TOKENS_MAX - len(head) - len(after)
        readings = []
        for context, first_character in zip(contexts, first_characters, strict=True):
            ids, offsets = self._pieces.pieces(context)
            ids, offsets = ids[:room], offsets[:room]
            tokens = np.array(head + ids + after)
            start, end = self._session.run(
                ["start_logits", "end_logits"],
                {
                    "inputs_embeds": self._table[tokens][None],
                    "attention_mask": np.ones((1, len(tokens)), np.int64),
                },
            )
            span = slice(len(head), len(head) + len(ids))
            allowed = (offsets[:, 0] >= first_character) & (offsets[:, 1] > offsets[:, 0])
            readings.append(
                TokenLogits(
                    start=np.where(allowed, start[0, span], -np.inf).astype(np.float32),
                    end=np.where(allowed, end[0, span], -np.inf).astype(np.float32),
                    null=float(start[0, 0] + end[0, 0]),
                    offsets=offsets,
                )
            )
        return tuple(readings)


class Models:
    """The opened models folder: each tokenizer and token table is loaded once and shared."""

    def __init__(self, folder: Path, manifest: ModelsManifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[_Pieces, TokenTable]] = {}

    @classmethod
    def open(cls, models_folder: Path) -> Models:
        """Read the manifest and look at every file; raise ModelMissing, naming what is wrong."""
        manifest = read_manifest(models_folder)
        damaged = damaged_files(models_folder, manifest)
        if damaged:
            raise ModelMissing(
                f"{models_folder / damaged[0]} is missing or damaged; run `{PREPARE_COMMAND}`"
            )
        return cls(models_folder, manifest)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder in use."""
        facts = self.manifest.facts(self.manifest.encoder)
        pieces, table = self._shared(facts)
        return Encoder(facts, pieces, table, self.folder / facts.folder / "body.onnx")

    def reader(self, reader_file: Path) -> SpanReader:
        """Open a reader's graph on the tokenizer and the token table of its body."""
        if not reader_file.is_file():
            raise ModelMissing(
                f"the reader {reader_file} is missing; restore it with `git checkout -- app/reader`"
            )
        return SpanReader(*self._shared(self.manifest.facts(DEFAULT_ENCODER)), reader_file)

    def _shared(self, facts: EncoderFacts) -> tuple[_Pieces, TokenTable]:
        with self._lock:
            if facts.folder not in self._opened:
                folder = self.folder / facts.folder
                self._opened[facts.folder] = (
                    _Pieces(folder / "tokenizer.json"),
                    TokenTable(folder / "token_table.npy"),
                )
            return self._opened[facts.folder]


def quantise(source: Path, target: Path) -> None:
    """Write an int8 copy of a graph: a scale for each column, and 7-bit weights.

    Processors without VNNI add two products of 8 bits in 16 and saturate; with 7 bits they can't.
    Measured on AVX2 with 262 texts in three languages: cosine to float32 .9965 mean, .9929 least
    with 7 bits, against .9961 and .9922 with 8.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    settings: dict[str, Any] = {"weight_type": QuantType.QInt8, "per_channel": True}
    quantize_dynamic(source, target, reduce_range=True, **settings)
