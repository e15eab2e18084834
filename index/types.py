"""What flows through the index: documents, passages, sentences and ranked passages.

Offsets are counts of Unicode code points into a document's extracted text, and
``document.text[passage.start:passage.end]`` is the passage. Python strings are indexed by
code point, so no conversion is needed here; a browser has to use code points as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Vector: TypeAlias = NDArray[np.float32]
"""One embedding, shape ``(dimension,)``, unit length, float32."""

Vectors: TypeAlias = NDArray[np.float32]
"""Embeddings, shape ``(texts, dimension)``, each row of unit length, float32."""

Offset: TypeAlias = Annotated[int, Field(ge=0)]


class Frozen(BaseModel):
    """The base of every value that flows: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Section(Frozen):
    """A heading and the part of the text under it, down to the next heading of its rank or above.

    ``start`` is where the heading line begins, ``end`` is where the section ends.
    ``heading_path`` names the headings from the outermost to this one.
    """

    start: Offset
    end: Offset
    heading_path: tuple[str, ...]


class Place(Frozen):
    """Where in its original the text from ``start`` on stands, up to the next place.

    ``page`` counts from 1 (of a presentation: the slide); ``row`` is the row of the sheet, or of
    the file of values, as a spreadsheet program numbers it.
    """

    start: Offset
    page: int | None = None
    sheet: str | None = None
    row: int | None = None


BlockKind: TypeAlias = Literal[
    "front_matter", "comment", "heading", "paragraph", "item", "header", "row", "code"
]


class Block(Frozen):
    """A heading, a paragraph, a list item, a line of a table: the pieces a document is made of.

    ``content_start`` is where the words begin, after a list marker. Items of one list, and lines of
    one table, share ``group``; ``header`` is a table's header or separator line. A heading has its
    ``level`` and its words without markup in ``label``. ``breaks`` are places where a line was
    ended on purpose, so that no sentence runs across them.
    """

    kind: BlockKind
    start: Offset
    end: Offset
    content_start: Offset
    group: int = 0
    level: int = 0
    label: str = ""
    breaks: tuple[Offset, ...] = ()


class Document(Frozen):
    """One source file as it was read.

    ``path`` is relative to the PATH the operator gave, with ``/``; ``document_id`` derives from it.
    A document inside an archive or a message has the path of that file and its own after it;
    ``file_id`` is the id of the file it came from. ``source``, ``sha256``, ``bytes`` and
    ``modified_ns`` are of that file, as it lies on the disk. ``text`` is the extracted text that
    every offset points into. ``blocks`` and ``places`` are there after reading; a document that
    comes out of an index has none (``Store.place`` and ``Store.places_of`` give the places).
    """

    document_id: str
    file_id: str
    path: str
    source: Path
    title: str
    date: str | None = None
    language: str | None = None
    sha256: str
    bytes: int
    modified_ns: int
    text: str
    sections: tuple[Section, ...] = ()
    blocks: tuple[Block, ...] = Field(default=(), repr=False)
    places: tuple[Place, ...] = Field(default=(), repr=False)


class Sentence(Frozen):
    """A sentence of a passage; offsets are into the document's text."""

    start: Offset
    end: Offset


class Passage(Frozen):
    """A run of whole sentences (or one table row, or list items) under one heading.

    ``text == document.text[start:end]``. ``embedded_text`` is what the encoder and the sparse index
    see: the title, the heading path, for a table row its header row, for a list that goes on from
    another passage the sentence that introduces it, and the text.
    """

    passage_id: int
    document_id: str
    start: Offset
    end: Offset
    text: str
    heading_path: tuple[str, ...] = ()
    kind: Literal["prose", "list", "table"] = "prose"
    table_header: str = ""
    lead_in: str = ""
    sentences: tuple[Sentence, ...] = Field(min_length=1)

    @property
    def context_line(self) -> str:
        """The line that says where the passage stands, shown to the encoder and the reader."""
        return " > ".join(part for part in self.heading_path if part)


class RankedPassage(Frozen):
    """A passage with the scores that ranked it.

    ``dense`` is the inner product of unit vectors, ``sparse`` the BM25 score (0 where the passage
    was not among the sparse results), ``score`` their fusion in 0…1; rank counts from 1.
    ``repeated_by`` are passages whose words all stand in this one; they have no rank of their own.
    """

    passage: Passage
    rank: int
    score: float
    dense: float
    sparse: float
    repeated_by: tuple[Passage, ...] = ()


class DocumentSummary(Frozen):
    """A document of the collection without its text."""

    document_id: str
    path: str
    title: str
    date: str | None
    language: str | None
    sha256: str
    characters: int
    passages: int


UnreadableReason: TypeAlias = Literal[
    "damaged", "encrypted", "empty", "not_text", "too_large", "timeout", "denied", "scanned",
    "wrong_type", "archive_bomb",
]  # fmt: skip
SkipReason: TypeAlias = Literal[
    "hidden", "temporary", "unsupported_type", "outside_folder", "duplicate_path", "too_deep",
    "bad_name", "index",
]  # fmt: skip


class UnreadableFile(Frozen):
    """A file that could not be read, with a reason for programs and a message for people.

    A document of which only some pages could not be read ("scanned") is named as well.
    """

    path: str
    reason: UnreadableReason
    message: str


class SkippedFile(Frozen):
    """A file left out on purpose."""

    path: str
    reason: SkipReason


class BuildReport(Frozen):
    """What a build did; ``scripts/build_index.py --json`` prints exactly this."""

    index_id: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    removed: tuple[str, ...]
    unreadable: tuple[UnreadableFile, ...]
    skipped: tuple[SkippedFile, ...]
    passages: int
    seconds: float
