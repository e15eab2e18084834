"""Words that say the same in English, Russian and Kazakh, and the forms that a text has them in.

``languages/thesaurus.tsv`` has a line for each meaning, with its words in the three languages; a
word of several meanings stands in several lines. English and Russian words are found by their
stems. A Kazakh word is found without any chain of suffixes that leaves a word of the file, however
short: where no words are known a stemmer has to stop at four letters (``app.language.stems``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from app.language import is_cyrillic, russian_stems, stems
from app.types import Language
from index import fold

THESAURUS_FILE: Final = Path(__file__).parent / "languages" / "thesaurus.tsv"
COLUMNS: Final[tuple[Language, ...]] = ("en", "ru", "kk")
BETWEEN: Final = ", "
NOUN_LETTERS_MIN: Final = 2
VERB_LETTERS_MIN: Final = 3
"""Of a Kazakh stem. Most of two letters open other words too ("ал-у", to take, "алма", apple)."""
ENDING_LETTERS_MAX: Final = 14
"""Of what follows a Kazakh stem. A chain of suffixes can be cut in many ways, and one that fails is
tried in all of them: a document mustn't hold a word that takes for ever."""
SURE_LETTERS: Final = 4
"""Of several that a Kazakh word may come from, those so long are all meant, of shorter ones the
longest ("қабылданған": қабылдану, қабылдау)."""
OPENING_LETTERS: Final = 3
"""Words with as many first letters in common are stemmed together."""
CHANGED_LETTERS: Final = 2
"""Last letters of a stem that a form of it may lack ("dying" of "die", "rising" of "rize")."""

_PARTICIPLE: Final = re.compile(r"(?:енн|ен|анн|ан|янн|ян|ивш|вш|ющ|ущ|ящ|ащ|ем|им|т)$")
"""What a Russian participle has between its verb's stem and its ending."""
_NOUN_SUFFIXES: Final = (
    "лар лер дар дер тар тер ым им ын ин ы и сы си мыз миз ныз низ нын нин дын дин тын тин га"
    " ге ка ке на не а е ны ни ды ди ты ти да де та те нда нде дан ден тан тен нан нен мен бен пен"
    " лы ли сыз сиз гы ги кы ки дагы деги тагы теги лык лик дык дик тык тик дай дей тай тей шы ши"
).split()
_VERB_SUFFIXES: Final = (
    "ган ген кан кен ады еди йды йди ар ер ып ип са се у ю ма ме ба бе па пе атын етин йтын"
    " йтин мак мек бак бек пак пек гали гели кали кели ушы уши ыл ил ыс ис дыр дир тыр тир гыз"
    " гиз кыз киз мын мин сын син уи уы"
).split()
_AFTER_VOWEL: Final = "млнпрсйшк"
"""Suffixes of one letter, which only follow a vowel."""
_VOWELS: Final = "аеиоуыэюя"
_HARD: Final = {"г": "к", "б": "п"}
"""What a Kazakh stem's last letter is by itself ("кітап"), by what it is before a vowel."""


def _chain(suffixes: Iterable[str]) -> re.Pattern[str]:
    longest_first = "|".join(sorted(suffixes, key=len, reverse=True))
    return re.compile(f"(?:{longest_first}|(?<=[{_VOWELS}])[{_AFTER_VOWEL}])*")


_AFTER_NOUN: Final = _chain(_NOUN_SUFFIXES)
_AFTER_VERB: Final = _chain([*_NOUN_SUFFIXES, *_VERB_SUFFIXES])
_SUFFIXES: Final = tuple({*_NOUN_SUFFIXES, *_VERB_SUFFIXES})


class _Stemmed:
    """Words found by their stem.

    Stemming all of them takes seconds; a stem is looked for among those that begin as it does, and
    these are stemmed the first time.
    """

    def __init__(self, words: Iterable[str], stem: Callable[[Sequence[str]], list[str]]) -> None:
        self._words = sorted(words)
        self._stem = stem
        self._by_opening: dict[str, dict[str, list[str]]] = {}

    def of(self, stem: str) -> Sequence[str]:
        """Return the words with a stem."""
        opening = stem[: min(OPENING_LETTERS, max(1, len(stem) - CHANGED_LETTERS))]
        found = self._by_opening.get(opening)
        if found is None:
            found = defaultdict(list)
            near = list(self.beginning(opening))
            for one, word in zip(self._stem(near), near, strict=True):
                found[one].append(word)
            self._by_opening[opening] = found
        return found.get(stem, ())

    def beginning(self, opening: str) -> Iterator[str]:
        """Yield the words that begin so, in their order."""
        at = bisect_left(self._words, opening)
        while at < len(self._words) and self._words[at].startswith(opening):
            yield self._words[at]
            at += 1


class Thesaurus:
    """The lines of a thesaurus, found by their words."""

    def __init__(self, lines: Iterable[Sequence[str]]) -> None:
        """``lines`` have their words folded, by column, with ``BETWEEN`` between those of one."""
        self._lines = list(lines)
        self._found = cache(self._by_word)
        self._stemmed = cache(self._by_stem)

    def _by_word(self, language: Language) -> Mapping[str, Sequence[int]]:
        """Return the numbers of the lines that have each word of a language."""
        column = COLUMNS.index(language)
        found: dict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(self._lines):
            for word in line[column].split(BETWEEN):
                found[word].append(number)
                root = _kazakh_root(word) if language == "kk" else word
                if root != word:
                    found[root].append(number)
        return found

    def _by_stem(self, language: Language) -> _Stemmed:
        return _Stemmed(
            self._found(language), russian_stems if language == "ru" else _english_stems
        )

    def translations(self, folded: str, language: Language, to: Language) -> frozenset[str]:
        """Return the folded words of another language that stand in a line with a folded word."""
        column = COLUMNS.index(to)
        return frozenset(
            word
            for number in self._numbers(folded, language)
            for word in self._lines[number][column].split(BETWEEN)
        )

    def _numbers(self, folded: str, language: Language) -> Sequence[int]:
        known = self._found(language)
        if language == "kk":
            if folded in known:
                return known[folded]
            found = [key for key in _stripped(folded) if key in known]
            longest = max(map(len, found), default=0)
            keys = [key for key in found if len(key) >= min(longest, SURE_LETTERS)]
            return [number for key in keys for number in known[key]]
        stem = stems(folded)[0]
        keys = [folded, stem]
        if language == "ru":
            keys.append(_PARTICIPLE.sub("", stem) or stem)
        stemmed = self._stemmed(language)
        for key in keys:
            written = {key, *stemmed.of(key)} & known.keys()
            if written:
                return [number for word in written for number in known[word]]
        return []


class Forms:
    """The words of a collection, found by a word that they are forms of."""

    def __init__(self, known: Collection[str]) -> None:
        cyrillic = [word for word in known if is_cyrillic(word)]
        self._cyrillic = _Stemmed(cyrillic, russian_stems)
        self._latin = _Stemmed(set(known).difference(cyrillic), _english_stems)

    def of(self, folded: str, language: Language) -> frozenset[str]:
        """Return the collection's words that are forms of a folded word."""
        if language != "kk":
            stemmed = self._cyrillic if is_cyrillic(folded) else self._latin
            return frozenset(stemmed.of(stems(folded)[0]))
        root = _kazakh_root(folded)
        is_verb = root != folded
        if len(root) < (VERB_LETTERS_MIN if is_verb else NOUN_LETTERS_MIN):
            return frozenset([folded]) & frozenset(self._cyrillic.beginning(folded))
        chain = _AFTER_VERB if is_verb else _AFTER_NOUN
        roots = {root, *(root[:-1] + soft for soft, hard in _HARD.items() if root[-1] == hard)}
        return frozenset(
            word
            for one in roots
            for word in self._cyrillic.beginning(one)
            if len(word) - len(one) <= ENDING_LETTERS_MAX and chain.fullmatch(word, len(one))
        )


def _kazakh_root(folded: str) -> str:
    """Return what a Kazakh word is looked up by: a verb by its stem, without "-у"."""
    return folded[:-1] if len(folded) > NOUN_LETTERS_MIN and folded[-1] in "ую" else folded


def _english_stems(folded: Sequence[str]) -> list[str]:
    return [stems(word.removesuffix("'s"))[0] for word in folded]


def _stripped(folded: str) -> set[str]:
    """Return a Kazakh word without each chain of suffixes that it can be taken to have."""
    waiting, found = [folded], {folded}
    while waiting:
        word = waiting.pop()
        shorter = {word.removesuffix(suffix) for suffix in _SUFFIXES}
        if word[-1] in _AFTER_VOWEL and word[-2:-1] in _VOWELS and word[:-1]:
            shorter.add(word[:-1])
        new = {one for one in shorter if _may_be_stem(one, folded)} - found
        found |= new
        waiting += new
    return found | {one[:-1] + _HARD[one[-1]] for one in found if one[-1] in _HARD}


def _may_be_stem(stem: str, folded: str) -> bool:
    """Say whether a Kazakh word may come from a stem: of a noun's two letters, as a noun only."""
    if len(stem) == NOUN_LETTERS_MIN:
        return _AFTER_NOUN.fullmatch(folded[:ENDING_LETTERS_MAX], NOUN_LETTERS_MIN) is not None
    return len(stem) > NOUN_LETTERS_MIN


def translate(
    folded: str, language: Language, others: Iterable[Language], forms: Forms
) -> frozenset[str] | None:
    """Return the words of a collection that say in ``others`` what a folded word of ``language``
    says; None where the thesaurus doesn't have it.
    """
    said = {other: thesaurus().translations(folded, language, other) for other in others}
    if not any(said.values()):
        return None
    return frozenset(
        form
        for other, written in said.items()
        for word in written
        for form in forms.of(word, other)
    )


@cache
def thesaurus() -> Thesaurus:
    """Return the thesaurus that is shipped."""
    # Folded as a whole, which is soon done; a tab would become a space.
    lines = fold(THESAURUS_FILE.read_text(encoding="utf-8").replace("\t", "|")).splitlines()
    return Thesaurus([line.split("|") for line in lines])
