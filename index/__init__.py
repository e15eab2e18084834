"""Documents in, ranked passages out.

reading → chunking → embedding → dense (FAISS) + sparse (BM25) → store; ``builder`` writes an index,
``retriever`` asks it. ``app`` uses the names listed here and nothing else of this package.
"""

from index.errors import (
    BuildInProgress,
    IndexBroken,
    IndexingError,
    IndexMissing,
    ModelMissing,
    NothingToIndex,
    UnreadableDocument,
)
from index.types import (
    BuildReport,
    Document,
    DocumentSummary,
    Frozen,
    Passage,
    RankedPassage,
    Section,
    Sentence,
)

__all__ = [
    "BuildInProgress",
    "BuildReport",
    "Document",
    "DocumentSummary",
    "Frozen",
    "IndexBroken",
    "IndexMissing",
    "IndexingError",
    "ModelMissing",
    "NothingToIndex",
    "Passage",
    "RankedPassage",
    "Section",
    "Sentence",
    "UnreadableDocument",
]
