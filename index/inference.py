"""Runs the prepared graphs: the only module that knows onnxruntime.

The encoder and the reader share one tokenizer and one token table, a memory-mapped file of which
only the rows in use become resident. Texts run through a graph one at a time: the int8 graphs scale
their activations over the whole batch, so that a text's vector would depend on its neighbours, and
a batch is hardly cheaper (0.37 against 0.34 ms a token on one AVX2 core).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Since 1.29 it reports to its makers unless this is set when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as pybind_state

from index.errors import ModelMissing
from index.models import (
    DEFAULT_ENCODER,
    PREPARE_COMMAND,
    EncoderFacts,
    ModelsManifest,
    damaged_files,
    read_manifest,
)
from index.pieces import Pieces, TokenOffsets, open_pieces
from index.types import Vectors

TokenIds: TypeAlias = NDArray[np.int64]
"""Token ids of one text, shape ``(tokens,)``."""

TokenScores: TypeAlias = NDArray[np.float32]
"""One score a token, shape ``(tokens,)``."""

READER_TOKENS_MAX = 512
QUESTION_TOKENS_MAX = 64
READING_THREADS = min(2, os.cpu_count() or 1)
"""Contexts read at once. onnxruntime leaves Python's lock, so a second core halves the wait; each
context still runs on one thread, for two that share one spin on a busy machine."""
NAME_BYTES_MAX = 122
"""Of a tensor, such that no message around its name has more than 127."""


@dataclass(frozen=True)
class TokenLogits:
    """What the reader says about one context.

    ``start`` and ``end`` hold a logit for each token of the context, -inf where an answer may not
    begin or end; ``null`` is the score of "the context doesn't say"; ``offsets`` are code points
    into the context. ``hidden`` holds each token's state in the layer that was asked for, shape
    ``(tokens, width)``, and ``question`` the mean state of the question's tokens there, as they
    were read beside this context, shape ``(width,)``; the width is 0 where no layer was asked for.
    """

    start: TokenScores
    end: TokenScores
    null: float
    offsets: TokenOffsets
    hidden: NDArray[np.float32]
    question: NDArray[np.float32]


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


_GRAPH_ERRORS = (
    pybind_state.Fail,
    pybind_state.InvalidArgument,
    pybind_state.InvalidGraph,
    pybind_state.InvalidProtobuf,
    pybind_state.NoSuchFile,
    pybind_state.NotImplemented,
    pybind_state.RuntimeException,
)
"""What onnxruntime raises on a file that it can't run; they share no base of their own."""


def _session(path: Path, hidden: str | None = None) -> onnxruntime.InferenceSession:
    """Open a graph; ``hidden`` names a tensor inside it that becomes one more output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        graph = str(path) if hidden is None else path.read_bytes() + _output(hidden)
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (*_GRAPH_ERRORS, OSError) as error:
        raise ModelMissing(f"{path} can't be opened ({error}); run `{PREPARE_COMMAND}`") from error
    # Bytes that it was opened from it keeps, to open itself again on another processor.
    session._model_bytes = None  # noqa: SLF001  22 MB, and there is no public way
    return session


def _output(name: str) -> bytes:
    """Return a model that has nothing but an output, in ONNX's protobuf.

    Messages written one after the other are read as one, with the repeated fields of both
    (protobuf's encoding guide, "Last One Wins"): the graph gets the output without being rewritten.
    Lengths are written in one byte.
    """
    message = name.encode()
    assert len(message) < NAME_BYTES_MAX
    for field in (1, 12, 7):  # ValueInfoProto.name, GraphProto.output, ModelProto.graph
        message = bytes([field << 3 | 2, len(message)]) + message
    return message


class Encoder:
    """Turns texts into unit vectors, one text at a time on one thread; safe to share."""

    def __init__(self, facts: EncoderFacts, pieces: Pieces, table: TokenTable, graph: Path) -> None:
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
        pieces, table = open_pieces(folder), TokenTable(folder / "token_table.npy")
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

    def encode_alike(self, texts: Sequence[str]) -> Vectors:
        """Encode texts of one kind, to be compared with each other, without any prefix."""
        return self._encode(texts)

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

    def __init__(
        self,
        pieces: Pieces,
        table: TokenTable,
        session: onnxruntime.InferenceSession,
        hidden: str | None = None,
    ) -> None:
        self._pieces = pieces
        self._table = table
        self._session = session
        self._outputs = ["start_logits", "end_logits", *([hidden] if hidden else [])]
        self._threads = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="reading")

    @classmethod
    def open(cls, models_folder: Path, reader_file: Path) -> SpanReader:
        """Open a reader on a models folder of its own; ``Models.reader`` shares what is open."""
        return Models.open(models_folder).reader(reader_file)

    def read(
        self, questions: Sequence[str], contexts: Sequence[str], first_characters: Sequence[int]
    ) -> tuple[TokenLogits, ...]:
        """Read each context for the question that stands beside it; no answer begins before its
        ``first_characters``.

        The input is ``<s> question </s></s> context </s>``; a question is cut at 64 tokens, a
        context where the whole has 512. Raises ValueError where there aren't as many of each.
        """
        if not len(questions) == len(contexts) == len(first_characters):
            raise ValueError(
                f"{len(questions)} questions, {len(contexts)} contexts and"
                f" {len(first_characters)} beginnings: there have to be as many of each"
            )
        return tuple(self._threads.map(self._read_one, questions, contexts, first_characters))

    def _read_one(self, question: str, context: str, first_character: int) -> TokenLogits:
        before, after = self._pieces.before, self._pieces.after
        asked = self._pieces.ids(question)[:QUESTION_TOKENS_MAX]
        head = before + asked + after + after
        ids, offsets = self._pieces.pieces(context)
        room = READER_TOKENS_MAX - len(head) - len(after)
        ids, offsets = ids[:room], offsets[:room]
        tokens = np.array(head + ids + after)
        start, end, *hidden = self._session.run(
            self._outputs,
            {
                "inputs_embeds": self._table[tokens][None],
                "attention_mask": np.ones((1, len(tokens)), np.int64),
            },
        )
        states = hidden[0][0] if hidden else np.empty((len(tokens), 0), np.float32)
        span = slice(len(head), len(head) + len(ids))
        allowed = (offsets[:, 0] >= first_character) & (offsets[:, 1] > offsets[:, 0])
        return TokenLogits(
            start=np.where(allowed, start[0, span], -np.inf).astype(np.float32),
            end=np.where(allowed, end[0, span], -np.inf).astype(np.float32),
            null=float(start[0, 0] + end[0, 0]),
            offsets=offsets,
            hidden=states[span],
            # One of no tokens lends the state of what closes it: a mean of nothing is none.
            question=states[len(before) : len(before) + max(1, len(asked))].mean(axis=0),
        )


class Models:
    """The opened models folder: each tokenizer and token table is loaded once and shared."""

    def __init__(self, folder: Path, manifest: ModelsManifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = threading.Lock()
        self._encoder_lock = threading.Lock()
        self._opened: dict[str, tuple[Pieces, TokenTable]] = {}
        self._graphs: dict[tuple[Path, str | None], Future[onnxruntime.InferenceSession]] = {}

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

    def warm_up(self, reader_file: Path | None = None, hidden: str | None = None) -> None:
        """Begin to open the encoder, and a reader's graph, while other things are imported.

        The threads are no daemons: a process that ended while one was inside native code would
        abort.
        """
        threading.Thread(target=lambda: self.encoder).start()
        if reader_file is not None and reader_file.is_file():
            pool = ThreadPoolExecutor(1)
            self._graphs[reader_file, hidden] = pool.submit(_session, reader_file, hidden)
            pool.shutdown(wait=False)

    @property
    def encoder(self) -> Encoder:
        """The encoder in use."""
        with self._encoder_lock:
            return self._encoder

    @cached_property
    def _encoder(self) -> Encoder:
        facts = self.manifest.facts(self.manifest.encoder)
        pieces, table = self._shared(facts)
        return Encoder(facts, pieces, table, self.folder / facts.folder / "body.onnx")

    def reader(self, reader_file: Path, hidden: str | None = None) -> SpanReader:
        """Open a reader's graph on the tokenizer and the token table of its body.

        ``hidden`` names the tensor in it that ``TokenLogits.hidden`` is taken from.
        """
        if not reader_file.is_file():
            raise ModelMissing(
                f"the reader {reader_file} is missing; restore it with `git checkout -- app/reader`"
            )
        begun = self._graphs.pop((reader_file, hidden), None)
        pieces, table = self._shared(self.manifest.facts(DEFAULT_ENCODER))
        session = begun.result() if begun else _session(reader_file, hidden)
        return SpanReader(pieces, table, session, hidden)

    def _shared(self, facts: EncoderFacts) -> tuple[Pieces, TokenTable]:
        with self._lock:
            if facts.folder not in self._opened:
                folder = self.folder / facts.folder
                table = TokenTable(folder / "token_table.npy")
                self._opened[facts.folder] = (open_pieces(folder), table)
            return self._opened[facts.folder]


def quantise(source: Path, target: Path) -> None:
    """Write an int8 copy of a graph: a scale for each column, and 7-bit weights.

    The graph's nodes are fused beforehand, which leaves a third of the time it takes to open.
    Processors without VNNI add two products of 8 bits in 16 and saturate; with 7 bits they can't.
    Measured on AVX2 with 262 texts in three languages: cosine to float32 .9965 mean, .9929 least
    with 7 bits, against .9961 and .9922 with 8.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    rough = target.with_suffix(".rough.onnx")
    settings: dict[str, Any] = {"weight_type": QuantType.QInt8, "per_channel": True}
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises a shape inference that changes nothing here
    try:
        quantize_dynamic(source, rough, reduce_range=True, **settings)
        options = onnxruntime.SessionOptions()
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.graph_optimization_level = level
        options.optimized_model_filepath = str(target)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(str(rough), options, providers=["CPUExecutionProvider"])
    finally:
        rough.unlink(missing_ok=True)
        logging.disable(before)
