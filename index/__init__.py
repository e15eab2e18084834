"""Documents in, ranked passages out.

reading → chunking → embedding → dense (FAISS) + sparse (BM25) → store; ``builder`` writes an index,
``retriever`` asks it. ``app`` uses the names listed here and nothing else of this package.

The names that bring a heavy library with them are imported when they are first used, so that the
child process that parses a file, or a script that only checks one, doesn't load them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from index.duplicates import find_same_words
from index.errors import (
    BuildInProgress,
    DocumentsUnnamed,
    IndexBroken,
    IndexingError,
    IndexMissing,
    ModelMissing,
    NothingToIndex,
    UnreadableDocument,
    VersionRefused,
)
from index.types import (
    Block,
    BuildReport,
    Document,
    DocumentSummary,
    Frozen,
    Passage,
    Place,
    RankedPassage,
    Section,
    Sentence,
    SkippedFile,
    UnreadableFile,
)
from index.words import Word, fold, words

if TYPE_CHECKING:
    from index.blocks import item_start
    from index.builder import build_index
    from index.exporting import export_graph, export_int8
    from index.inference import Encoder, Models, SpanReader, TokenLogits
    from index.limits import ReadingLimits
    from index.models import verify_models
    from index.reading import extract
    from index.retriever import Retriever
    from index.sentences import split_sentences
    from index.versions import rollback, verify_index

_HOMES = {
    "item_start": "index.blocks",
    "build_index": "index.builder",
    "export_graph": "index.exporting",
    "export_int8": "index.exporting",
    "Encoder": "index.inference",
    "Models": "index.inference",
    "SpanReader": "index.inference",
    "TokenLogits": "index.inference",
    "ReadingLimits": "index.limits",
    "verify_models": "index.models",
    "extract": "index.reading",
    "Retriever": "index.retriever",
    "split_sentences": "index.sentences",
    "rollback": "index.versions",
    "verify_index": "index.versions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


__all__ = [
    "Block",
    "BuildInProgress",
    "BuildReport",
    "Document",
    "DocumentSummary",
    "DocumentsUnnamed",
    "Encoder",
    "Frozen",
    "IndexBroken",
    "IndexMissing",
    "IndexingError",
    "ModelMissing",
    "Models",
    "NothingToIndex",
    "Passage",
    "Place",
    "RankedPassage",
    "ReadingLimits",
    "Retriever",
    "Section",
    "Sentence",
    "SkippedFile",
    "SpanReader",
    "TokenLogits",
    "UnreadableDocument",
    "UnreadableFile",
    "VersionRefused",
    "Word",
    "build_index",
    "export_graph",
    "export_int8",
    "extract",
    "find_same_words",
    "fold",
    "item_start",
    "rollback",
    "split_sentences",
    "verify_index",
    "verify_models",
    "words",
]
