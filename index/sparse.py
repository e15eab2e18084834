"""BM25 over folded words and their stems: the only module that knows tantivy.

Words are folded as everywhere else (``index.words``), so a Kazakh word matches however it was
typed; stems are English for Latin letters and Russian for Cyrillic ones. A question is never read
as query syntax: each of its words becomes a term.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy

from index.dense import Hits
from index.errors import IndexBroken, IndexUnwritable
from index.manifest import rebuild_fix
from index.words import words

WRITER_BYTES = 64 * 2**20
QUERY_WORDS_MAX = 64


class SparseEntry(NamedTuple):
    """What the sparse index holds of a passage."""

    row: int
    document: int
    text: str


@cache
def _stemmer(language: str) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer(language)).build()


def stems(folded: Sequence[str]) -> list[str]:
    """Return the stem of each folded word, English or Russian by its script."""
    latin = _stemmer("english").analyze(" ".join(folded))
    cyrillic = _stemmer("russian").analyze(" ".join(folded))
    return [
        russian if "\u0400" <= word[0] <= "\u04ff" else english
        for word, english, russian in zip(folded, latin, cyrillic, strict=True)
    ]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=True, indexed=False, fast=True)
    builder.add_unsigned_field("document", stored=False, indexed=True)
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("stems", tokenizer_name="whitespace", index_option="freq")
    return builder.build()


class SparseIndex:
    """Passages by their words; safe to search from several threads."""

    def __init__(self, index: tantivy.Index) -> None:
        self._index = index
        self._schema = index.schema
        self._searcher = index.searcher()

    @classmethod
    def write(cls, entries: Iterable[SparseEntry], folder: Path) -> None:
        """Write the passages into a folder; raise IndexUnwritable."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _write(entries, folder)
        except (ValueError, OSError) as error:  # as tantivy passes on what the system says
            raise IndexUnwritable(folder, error) from error

    @classmethod
    def open(cls, folder: Path) -> SparseIndex:
        """Open the folder for searching; raise IndexBroken when it is no index."""
        try:
            index = tantivy.Index.open(str(folder))
            index.config_reader(reload_policy="Manual")
            index.reload()
            return cls(index)
        except (ValueError, OSError) as error:
            raise IndexBroken(f"{folder} can't be read", rebuild_fix(folder.parent)) from error

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def search(
        self,
        text: str,
        count: int,
        *,
        documents: Iterable[int] | None = None,
        others: Mapping[str, Collection[str]] | None = None,
    ) -> Hits:
        """Return the rows that match the text's words best, within ``documents`` if given.

        ``others`` are folded words that will do for a folded word of the text.
        """
        folded = list(dict.fromkeys(word.folded for word in words(text)))[:QUERY_WORDS_MAX]
        if not folded or not len(self):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        matches = [
            (
                tantivy.Occur.Should,
                tantivy.Query.disjunction_max_query(
                    [
                        tantivy.Query.term_query(self._schema, "words", word, "freq"),
                        tantivy.Query.term_query(self._schema, "stems", stem, "freq"),
                        *(
                            tantivy.Query.term_query(self._schema, "words", other, "freq")
                            for other in sorted((others or {}).get(word.removesuffix("'s"), ()))
                        ),
                    ]
                ),
            )
            for word, stem in zip(folded, stems(folded), strict=True)
        ]
        query = tantivy.Query.boolean_query(matches)
        if documents is not None:
            inside = tantivy.Query.term_set_query(self._schema, "document", list(documents))
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, query),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(inside, 0.0)),
                ]
            )
        hits = self._searcher.search(query, count, count=False).hits
        rows = [int(self._searcher.doc(address)["row"][0]) for _, address in hits]
        scores = [float(score) for score, _ in hits]
        return np.array(rows, np.int64), np.array(scores, np.float32)


def _write(entries: Iterable[SparseEntry], folder: Path) -> None:
    index = tantivy.Index(_schema(), path=str(folder))
    writer = index.writer(heap_size=WRITER_BYTES, num_threads=1)
    for entry in entries:
        folded = [word.folded for word in words(entry.text)]
        document = tantivy.Document()
        document.add_unsigned("row", entry.row)
        document.add_unsigned("document", entry.document)
        document.add_text("words", " ".join(folded))
        document.add_text("stems", " ".join(stems(folded)))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
