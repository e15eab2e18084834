"""What the models folder holds: which encoder is in use, what it is made of, every file's SHA-256.

``scripts/prepare_models.py`` writes ``models.json``; everything that opens a model reads it first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from index.errors import ModelMissing
from index.types import Frozen

MANIFEST_NAME = "models.json"
DEFAULT_ENCODER = "e5-small"
"""The encoder that is prepared always: the reader's body shares its tokenizer and token table."""

PREPARE_COMMAND = "python scripts/prepare_models.py"


class ModelFile(Frozen):
    """One prepared file; ``path`` is relative to the models folder, with ``/``."""

    path: str
    sha256: str
    bytes: int
    modified_ns: int


class EncoderFacts(Frozen):
    """What has to be known to run an encoder's graph as sentence-transformers would run it.

    ``sha256`` is of the source weights, the tokenizer and the recipe that made the graph, so it is
    the same on every machine that prepared the same encoder.
    """

    name: str
    folder: str
    dimension: int = Field(ge=1)
    tokens_max: int = Field(ge=8)
    pooling: Literal["mean", "cls"]
    query_prefix: str
    passage_prefix: str
    graph: Literal["int8", "float32"]
    sha256: str


class ModelsManifest(Frozen):
    """The contents of ``models.json``; ``encoder`` names the one that indexes and searches use."""

    version: Literal[1] = 1
    encoder: str
    encoders: tuple[EncoderFacts, ...]
    files: tuple[ModelFile, ...]

    def facts(self, name: str) -> EncoderFacts:
        """Return what is known about the encoder of that name; raise ModelMissing without one."""
        for facts in self.encoders:
            if facts.name == name:
                return facts
        raise ModelMissing(
            f"the encoder {name} has not been prepared", f"run `{PREPARE_COMMAND} --encoder {name}`"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(models_folder: Path) -> ModelsManifest:
    """Read ``models.json``; raise ModelMissing when it is absent or can't be understood."""
    path = models_folder / MANIFEST_NAME
    try:
        return ModelsManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelMissing(
            f"there are no prepared models at {models_folder}", f"run `{PREPARE_COMMAND}`"
        ) from None
    except (ValidationError, OSError) as error:
        raise ModelMissing(
            f"{path} can't be read ({type(error).__name__})", f"run `{PREPARE_COMMAND}`"
        ) from error


def damaged_files(
    models_folder: Path, manifest: ModelsManifest, *, in_full: bool = False
) -> tuple[str, ...]:
    """Return the files that are missing or differ from their SHA-256.

    A file whose size and modification time are the recorded ones counts as whole; ``in_full``
    hashes every file all the same.
    """
    damaged = []
    for entry in manifest.files:
        path = models_folder / entry.path
        try:
            state = path.stat()
        except OSError:
            damaged.append(entry.path)
            continue
        touched = (state.st_size, state.st_mtime_ns) != (entry.bytes, entry.modified_ns)
        if state.st_size != entry.bytes or (
            (in_full or touched) and sha256_of(path) != entry.sha256
        ):
            damaged.append(entry.path)
    return tuple(damaged)


def verify_models(models_folder: Path) -> tuple[str, ...]:
    """Hash every prepared file and return those that are missing or damaged."""
    return damaged_files(models_folder, read_manifest(models_folder), in_full=True)
