"""The words of a collection with their vectors, so that a question's word can be met by another.

A word is encoded as a question is: over the words of a collection the nearest is a synonym or, from
another language, a translation. The most frequent words are kept; rarer ones have to be named.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from index.errors import IndexBroken
from index.types import Vector, Vectors
from index.words import words

VOCABULARY_MAX: Final = 4_000
"""Words with a vector; encoding one takes about a tenth of what a passage takes."""
WORD_LETTERS_MIN: Final = 3
WORDS_NAME: Final = "words.txt"
VECTORS_NAME: Final = "words.npy"
_ENCODED_AT_ONCE: Final = 64


class WordVectors(NamedTuple):
    """Folded words, and their unit vectors, ``(words, dimension)``."""

    words: tuple[str, ...]
    vectors: Vectors


def chosen_words(texts: Iterable[str]) -> dict[str, str]:
    """Return the words that most texts have, folded, each as it is written in lower case."""
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for text in texts:
        found = {word.folded: text[word.start : word.end].lower() for word in words(text)}
        for folded, spelled in found.items():
            if len(folded) >= WORD_LETTERS_MIN and folded.isalpha():
                counts[folded] += 1
                written.setdefault(folded, spelled)
    ordered = sorted(counts, key=lambda folded: (-counts[folded], folded))
    return {folded: written[folded] for folded in ordered[:VOCABULARY_MAX]}


def word_fingerprint(encoder_sha256: str, written: str) -> bytes:
    """Return what a word's vector is cached under; no passage has it."""
    return hashlib.sha256(f"{encoder_sha256}\nword {written}".encode()).digest()


def encode_words(
    missing: Mapping[bytes, str], encode: Callable[[str], Vector]
) -> Iterable[tuple[list[bytes], list[Vector]]]:
    """Encode words, a few at once on two threads, and yield them by their fingerprints."""
    fingerprints = list(missing)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for first in range(0, len(fingerprints), _ENCODED_AT_ONCE):
            few = fingerprints[first : first + _ENCODED_AT_ONCE]
            yield few, list(pool.map(lambda each: encode(missing[each]), few))


def write_words(folder: Path, found: WordVectors) -> None:
    """Write the words and their vectors into a version's folder."""
    (folder / WORDS_NAME).write_text("".join(f"{word}\n" for word in found.words), "utf-8")
    np.save(folder / VECTORS_NAME, found.vectors.astype(np.float16), allow_pickle=False)


def open_words(folder: Path) -> WordVectors:
    """Open what ``write_words`` wrote; raise IndexBroken where the two don't fit."""
    known = tuple((folder / WORDS_NAME).read_text("utf-8").split("\n")[:-1])
    vectors = np.load(folder / VECTORS_NAME, allow_pickle=False).astype(np.float32)
    if len(known) != len(vectors):
        raise IndexBroken(f"{folder} holds {len(known)} words and {len(vectors)} vectors of words")
    return WordVectors(known, vectors)
