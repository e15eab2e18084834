"""Tokenizers: the only module of the index that knows tokenizers and sentencepiece."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

TokenOffsets: TypeAlias = NDArray[np.int32]
"""Where each token stands in its text, shape ``(tokens, 2)``, in code points."""

PIECES_NAME = "pieces.model"
COMMON_PIECES_NAME = "common-pieces.model"
PIECES_FACTS_NAME = "pieces.json"


class Pieces(Protocol):
    """A tokenizer with its special tokens taken apart, so that pairs are put together here.

    Blanks at the end of a text are no tokens.
    """

    before: list[int]
    after: list[int]

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text's tokens."""

    def pieces(self, text: str) -> tuple[list[int], TokenOffsets]:
        """Return the ids and the offsets of a text's tokens."""

    def lengths(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Return how many tokens each text has."""


class _SentencePieces:
    """The ids that the tokenizer's own file gives, from models that load faster and smaller.

    The pieces made of common characters alone (Latin, Cyrillic, punctuation) are a model of their
    own. A text that it covers without an unknown piece has the same segmentation in the whole
    vocabulary, because every piece that could match it is there; any other text waits for the
    whole. Texts that spell a special token out (``</s>``) stay texts.
    """

    def __init__(self, folder: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        self._open = SentencePieceProcessor
        self._whole_file = folder / PIECES_NAME
        self._common = self._open(model_file=str(folder / COMMON_PIECES_NAME), num_threads=1)
        described = json.loads((folder / PIECES_FACTS_NAME).read_bytes())
        self.before: list[int] = described["before"]
        self.after: list[int] = described["after"]
        self._ids: list[int] = described["common_ids"]
        self._unknown = self._common.unk_id()
        self._lock = threading.Lock()

    @cached_property
    def _whole(self) -> Any:
        return self._open(model_file=str(self._whole_file), num_threads=1)

    def ids(self, text: str) -> list[int]:
        words = text.rstrip()
        found = self._common.encode(words, return_type=int)
        if self._unknown in found:
            with self._lock:
                whole = self._whole
            return list(whole.encode(words, return_type=int))
        return [self._ids[number] for number in found]

    def pieces(self, text: str) -> tuple[list[int], TokenOffsets]:
        words = text.rstrip()
        mapping = self._common.encode(words, return_type="offset_mapping")
        if self._unknown in mapping["ids"]:
            with self._lock:
                whole = self._whole
            mapping = whole.encode(words, return_type="offset_mapping")
            return list(mapping["ids"]), _without_blanks(text, mapping["offsets"])
        ids = [self._ids[number] for number in mapping["ids"]]
        return ids, _without_blanks(text, mapping["offsets"])

    def lengths(self, texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(len(self.ids(text)) for text in texts)


class _HuggingFacePieces:
    """Any tokenizer.json."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        single = self._tokenizer.encode("", add_special_tokens=True).ids
        self.before = list(single[:1])
        self.after = list(single[1:])

    def ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text.rstrip(), add_special_tokens=False).ids)

    def pieces(self, text: str) -> tuple[list[int], TokenOffsets]:
        encoding = self._tokenizer.encode(text.rstrip(), add_special_tokens=False)
        return list(encoding.ids), _without_blanks(text, encoding.offsets)

    def lengths(self, texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(len(self.ids(text)) for text in texts)


def _without_blanks(text: str, spans: Sequence[tuple[int, int]]) -> TokenOffsets:
    """Return the spans without the blanks before a word, which its first token holds."""
    offsets = np.array(spans, dtype=np.int32).reshape(-1, 2)
    for row in offsets:
        while row[0] < row[1] and text[row[0]].isspace():
            row[0] += 1
    return offsets


def open_pieces(folder: Path) -> Pieces:
    """Open an encoder's tokenizer: its sentencepiece models where there are any."""
    if (folder / PIECES_FACTS_NAME).is_file() and find_spec("sentencepiece"):
        return _SentencePieces(folder)
    return _HuggingFacePieces(folder / "tokenizer.json")


def write_pieces(folder: Path, probes: Sequence[str]) -> bool:
    """Write a Unigram tokenizer as sentencepiece models beside it; say whether that was possible.

    The models are kept only if they give the same ids for all the probes.
    """
    described = json.loads((folder / "tokenizer.json").read_bytes())
    steps = described.get("normalizer") or {}
    charsmaps = [
        step["precompiled_charsmap"]
        for step in steps.get("normalizers", [steps])
        if step.get("type") == "Precompiled"
    ]
    is_unigram = described["model"].get("type") == "Unigram" and len(charsmaps) == 1
    if not is_unigram or not find_spec("sentencepiece"):
        return False
    vocabulary: list[tuple[str, float]] = described["model"]["vocab"]
    unknown: int = described["model"]["unk_id"]
    special = {token["id"] for token in described["added_tokens"]} | {unknown}
    common = [
        number
        for number, (words, _) in enumerate(vocabulary)
        if number in special or all(map(_is_common, words))
    ]
    charsmap = base64.b64decode(charsmaps[0])
    for name, kept in ((PIECES_NAME, range(len(vocabulary))), (COMMON_PIECES_NAME, common)):
        model = _piece_model(vocabulary, kept, unknown, special, charsmap)
        (folder / name).write_bytes(model)
    known = _HuggingFacePieces(folder / "tokenizer.json")
    facts = {"before": known.before, "after": known.after, "common_ids": common}
    (folder / PIECES_FACTS_NAME).write_text(json.dumps(facts), "utf-8")
    written = _SentencePieces(folder)
    if all(written.ids(probe) == known.ids(probe) for probe in probes):
        return True
    for name in (PIECES_NAME, COMMON_PIECES_NAME, PIECES_FACTS_NAME):
        (folder / name).unlink()
    return False


def _is_common(character: str) -> bool:
    """Say whether a character is Latin (with European accents), Cyrillic, or a plain sign."""
    return (
        character <= "\u017f"
        or "\u0400" <= character <= "\u052f"
        or "\u2000" <= character <= "\u22ff"
        or character == "\u2581"  # stands for a blank in the pieces
    )


def _piece_model(
    vocabulary: Sequence[tuple[str, float]],
    kept: Sequence[int],
    unknown: int,
    special: set[int],
    charsmap: bytes,
) -> bytes:
    from sentencepiece import sentencepiece_model_pb2

    described: Any = sentencepiece_model_pb2  # its classes are made when it is imported
    model = described.ModelProto()
    for number in kept:
        words, score = vocabulary[number]
        piece = model.pieces.add(piece=words, score=score)
        if number == unknown:
            piece.type = piece.UNKNOWN
        elif number in special:
            piece.type = piece.CONTROL
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.unk_id = list(kept).index(unknown)
    model.trainer_spec.unk_piece = vocabulary[unknown][0]
    model.normalizer_spec.name = "precompiled"
    model.normalizer_spec.precompiled_charsmap = charsmap
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = True
    model.normalizer_spec.escape_whitespaces = True
    return bytes(model.SerializeToString())
