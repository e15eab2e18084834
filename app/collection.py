"""What is known about a collection as a whole: its languages, its words and how rare they are."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from app.language import detect_language, is_cyrillic, numbers, same_name, spelled_numbers, stems
from app.lexicon import LANGUAGES, lexicon
from app.thesaurus import Forms, translate
from app.types import Language, Term
from index import Retriever, fold, words

INITIALS_CHARACTERS_MAX: Final = 2_000_000
"""How much text of a collection is searched for what initials stand for."""
PERVASIVE_SHARE: Final = 0.2
"""Share of the passages that name what a collection is about."""
RETURNS_MIN: Final = 3
FORMS_MAX: Final = 64
"""Words of a collection that are searched for a word of another language, the most frequent."""
_GROUPED_NUMBER = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+")
"""A number that no single word gives."""
_INITIALS = re.compile(r"\b[^\W\d_]{2,6}s?\b")
_BETWEEN_INITIALS = (
    r"(?:-[^\W\d_]+)?(?:\s+(?:and|of|the|for|in|on|и|по|в|на|де|da|de|la|мен|жане))*[\s-]+"
)


class Collection:
    """The words of an index, looked up by term; built once for each version of the index."""

    def __init__(self, retriever: Retriever) -> None:
        summaries = retriever.documents()
        self.known_words: Mapping[str, int] = retriever.terms()
        self._retriever = retriever
        self._passages_of = {summary.document_id: summary.passages for summary in summaries}
        self.passages = sum(self._passages_of.values())
        self.languages: dict[str, Language] = {}
        texts: list[str] = []
        grouped = set[str]()
        for summary in summaries:
            text = retriever.document(summary.document_id).text
            self.languages[summary.document_id] = next(
                (language for language in LANGUAGES if language == summary.language),
                detect_language(text[:2_000]),
            )
            grouped.update(*map(numbers, _GROUPED_NUMBER.findall(text)))
            if sum(map(len, texts)) < INITIALS_CHARACTERS_MAX:
                texts.append(text)
        self.has_cyrillic = any(language != "en" for language in self.languages.values())
        self.numbers: frozenset[str] = frozenset().union(
            (
                str(number)
                for language in LANGUAGES
                for word, number in lexicon(language).number_words.items()
                if word in self.known_words
            ),
            grouped,
            *(numbers(word) for word in self.known_words if word[:1].isdigit()),
            *map(numbers, texts),
            *(
                spelled_numbers(found, lexicon(language))
                for found in map(list, map(words, texts))
                for language in LANGUAGES
            ),
        )
        self.stems = Counter[str]()
        for word, count in self.known_words.items():
            for one in stems(word.removesuffix("'s")):
                self.stems[one] += count
        self._spoken = frozenset(self.languages.values())
        self._forms: Forms | None = None
        self._text = "\n\n".join(texts)[:INITIALS_CHARACTERS_MAX]
        self._folded_text = fold(self._text)
        self.spelled_out = lru_cache(maxsize=1_024)(self._spelled_out)
        self.translations = lru_cache(maxsize=4_096)(self._translations)
        self.mentions = lru_cache(maxsize=4_096)(self._mentions)
        self.writes_small = lru_cache(maxsize=4_096)(self._writes_small)

    def rarity(self, term: Term) -> float:
        """Return how much a word weighs, by its stems or what says it in another language:
        ln(1 + passages / passages that have it), as in inverse document frequency (Spärck Jones
        1972), with a half for one that none has.
        """
        found = max(self.stems[one] for one in term.stems)
        found = max([found, *(self.known_words.get(word, 0) for word in term.translations or ())])
        return math.log1p(max(1, self.passages) / max(0.5, found))

    def is_pervasive(self, term: Term) -> bool:
        """Say whether a name stands in so many passages that the collection is about it."""
        found = max(self.stems[one] for one in term.stems)
        return found >= PERVASIVE_SHARE * self.passages

    def _writes_small(self, term: Term) -> bool:
        """Say whether the documents write a word in small letters somewhere, so that it is no
        name.
        """
        return re.search(rf"\b{re.escape(term.text.lower())}\b", self._text) is not None

    def writes(self, name: Term, *, cyrillic: bool) -> bool:
        """Say whether a name stands somewhere in a script, letter for letter."""
        return any(
            same_name(name.folded, word)
            for word in self.known_words
            if is_cyrillic(word) == cyrillic and word[:1].isalpha()
        )

    def returns_to(self, term: Term, document_id: str) -> bool:
        """Say whether a document has a name again and again, so that it is about it."""
        folded = fold(self._retriever.document(document_id).text)
        passages = self._passages_of[document_id]
        return folded.count(term.folded) >= max(RETURNS_MIN, PERVASIVE_SHARE * passages)

    def _translations(self, folded: str, language: Language) -> frozenset[str] | None:
        """Return the words that say what a folded word of a question says, in the languages of
        the documents that the question isn't in; None where there are none or the word isn't known.
        """
        if not is_cyrillic(folded):
            language = "en"
        elif language == "en":
            language = "ru"
        others = self._spoken - {language}
        if not others:
            return None
        if self._forms is None:
            self._forms = Forms(self.known_words)
        found = translate(folded, language, others, self._forms)
        if found is None:
            return None
        forms = heapq.nsmallest(
            FORMS_MAX, found, key=lambda word: (-self.known_words.get(word, 0), word)
        )
        return frozenset({*forms, *(word.removesuffix("'s") for word in forms)})

    def _mentions(self, term: Term) -> bool:
        """Say whether any document has a term, or the name that its initials stand for."""
        if any(self.stems[one] for one in term.stems) or term.folded in self.known_words:
            return True
        if term.translations or self.spelled_out(term.text) is not None:
            return True
        return term.may_be_name and any(same_name(term.folded, word) for word in self.known_words)

    def _spelled_out(self, written: str) -> str | None:
        """Return the words of the collection that initials stand for ("SMEs" → "small and
        medium-sized enterprises"), or None; two letters only stand for capitalised words, and no
        letter for a function word.
        """
        letters = written.removesuffix("s")
        if not (_INITIALS.fullmatch(written) and letters.isupper() and len(letters) > 1):
            return None
        pattern = r"\b" + _BETWEEN_INITIALS.join(
            rf"({re.escape(letter)}[^\W\d_]+)" for letter in fold(letters)
        )
        for match in re.finditer(pattern, self._folded_text):
            if any(
                word in lexicon(language).function_words
                for word in match.groups()
                for language in LANGUAGES
            ):
                continue  # IFC is no "is free of charge"
            found = self._text[match.start() : match.end()]
            if len(letters) > 2 or all(
                part[:1].isupper() for part in found.split() if len(part) > 3
            ):
                return " ".join(found.split())
        return None
