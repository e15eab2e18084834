"""What the documents of a collection are called: titles, file names, years and days, by word."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from app.language import stems
from app.lexicon import LANGUAGES, lexicon
from app.types import Language
from index import DocumentSummary, fold, words

YEAR: Final = re.compile(r"(?:1[89]|20)\d\d")
_DAY = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?")


class Day(NamedTuple):
    """A day, a month or a year: what isn't known is None."""

    year: int
    month: int | None = None
    day: int | None = None

    def holds(self, other: Day) -> bool:
        """Say whether another day lies in this one, as far as this one says."""
        return all(mine is None or mine == its for mine, its in zip(self, other, strict=True))


class Catalogue:
    """The documents' names, looked up by their words; built once for each version of the index."""

    def __init__(
        self, summaries: Iterable[DocumentSummary], languages: Mapping[str, Language]
    ) -> None:
        self.languages = languages
        self._by_stem: dict[str, set[str]] = defaultdict(set)
        self._by_meaning: dict[str, set[str]] = defaultdict(set)
        self._by_year: dict[str, set[str]] = defaultdict(set)
        self._by_file: dict[str, set[str]] = defaultdict(set)
        self.titles: dict[str, str] = {}
        self.days: dict[str, Day] = {}
        self.names: dict[str, frozenset[str]] = {}
        """The words of each document's title that tell it from others, each as its first stem."""
        for summary in summaries:
            document_id = summary.document_id
            name = PurePosixPath(summary.path).name
            self.titles[document_id] = summary.title
            self._by_file[fold(name)].add(document_id)
            found = _DAY.match(summary.date or "")
            if found:
                year, month, day = (int(part) if part else None for part in found.groups())
                assert year is not None
                self.days[document_id] = Day(year, month, day)
            for word in words(f"{summary.title} {PurePosixPath(name).stem}"):
                if YEAR.fullmatch(word.folded):
                    self._by_year[word.folded].add(document_id)
                for meaning in meanings(word.folded):
                    self._by_meaning[meaning].add(document_id)
                for stem in stems(word.folded):
                    self._by_stem[stem].add(document_id)
            self.names[document_id] = frozenset(
                stems(word.folded)[0] for word in words(summary.title) if _tells(word.folded)
            )

    def named(self, word: str) -> set[str]:
        """Return the documents in whose name a folded word stands, in whatever form."""
        return set().union(*(self._by_stem.get(stem, ()) for stem in stems(word)))

    def meaning(self, meaning: str) -> set[str]:
        """Return the documents that are called a report, a review …, in whatever language."""
        return self._by_meaning.get(meaning, set())

    def of_year(self, year: str) -> set[str]:
        """Return the documents with a year in their name."""
        return self._by_year.get(year, set())

    def dated(self, day: Day) -> set[str]:
        """Return the documents of a day, a month or a year, by their own date."""
        return {one for one, dated in self.days.items() if day.holds(dated)}

    def files(self) -> Mapping[str, set[str]]:
        """Return the documents by folded file name."""
        return self._by_file


def _tells(word: str) -> bool:
    """Say whether a word of a title tells documents apart: no small word, no year."""
    return not YEAR.fullmatch(word) and not any(
        word in lexicon(language).function_words
        or word in lexicon(language).time_words
        or word in lexicon(language).document_words.generic
        for language in LANGUAGES
    )


@cache
def _meanings(*, certain: bool) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for language in LANGUAGES:
        known = lexicon(language).document_words
        for meaning, forms in (known.nouns if certain else known.subjects).items():
            for form in forms:
                for stem in stems(form):
                    found[stem].add(meaning)
    return {stem: frozenset(each) for stem, each in found.items()}


def meanings(word: str, *, certain: bool | None = None) -> frozenset[str]:
    """Return what kind of document a folded word names ("отчёте" → report); ``certain`` keeps to
    the words that mean nothing but a document, or to the others.
    """
    kinds = (True, False) if certain is None else (certain,)
    return frozenset().union(
        *(_meanings(certain=kind).get(stem, frozenset()) for kind in kinds for stem in stems(word))
    )
