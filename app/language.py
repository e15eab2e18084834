"""What is known about English, Russian and Kazakh: word lists, stems, numbers, names.

The word lists are data (``app/languages``). Everything is folded (``index.fold``), so that a
Kazakh question typed on a Russian keyboard matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

import Stemmer
from pydantic import Field, field_validator
from rapidfuzz.distance import DamerauLevenshtein, Levenshtein
from rapidfuzz.fuzz import ratio

from app.types import CourtesyKind, Language, QuestionKind
from index import Frozen, Word, fold, words

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru", "kk")
Measure: TypeAlias = Literal["money", "area", "percent", "duration", "length", "extent"]
"""In order of precedence; an extent ("how long") is a length or a duration."""
NAME_RATIO: Final = 85.0
"""Similarity from which two names in different scripts are taken for one, 0…100.

Measured beside the table of letters: 27 of 28 names found at 85; at 80 common words match too.
"""

NAME_LETTERS_MIN: Final = 5
"""Shorter names are told apart by their endings."""


class DocumentWords(Frozen):
    """How a language names a document ("in the 2024 report") and a day ("as of March 2023").

    ``nouns`` are what documents are called, by what they mean in any language; ``subjects`` too,
    but they are as often what a document is about. A document's name follows a cue, or one of the
    ``light_cues``, which mean other things as well; or it stands before one of ``cues_after``, or
    ends in one of ``endings_after``. ``joints`` are small words inside a name, ``generic`` words
    of a name that tell no document from another.
    """

    nouns: dict[str, frozenset[str]]
    subjects: dict[str, frozenset[str]]
    cues: tuple[str, ...]
    light_cues: tuple[str, ...]
    cues_after: tuple[str, ...]
    endings_after: tuple[str, ...]
    joints: frozenset[str]
    asking_verbs: frozenset[str]
    telling_verbs: frozenset[str]
    latest: frozenset[str]
    generic: frozenset[str]
    as_of: tuple[re.Pattern[str], ...]

    @field_validator("nouns", "subjects", mode="before")
    @classmethod
    def _split_each(cls, value: dict[str, str]) -> dict[str, frozenset[str]]:
        return {meaning: frozenset(fold(forms).split()) for meaning, forms in value.items()}

    @field_validator("joints", "asking_verbs", "telling_verbs", "latest", "generic", mode="before")
    @classmethod
    def _split(cls, value: str) -> frozenset[str]:
        return frozenset(fold(value).split())

    @field_validator("endings_after", mode="before")
    @classmethod
    def _split_in_order(cls, value: str) -> tuple[str, ...]:
        return tuple(fold(value).split())

    @field_validator("cues", "light_cues", "cues_after", mode="before")
    @classmethod
    def _longest_first(cls, value: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(map(fold, value), key=len, reverse=True))

    @field_validator("as_of", mode="before")
    @classmethod
    def _compile(cls, value: Iterable[str]) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_fold_pattern(pattern)) for pattern in value)


class Lexicon(Frozen):
    """The word lists of one language; patterns are folded regular expressions."""

    function_words: frozenset[str]
    question_words: frozenset[str]
    pronouns: frozenset[str]
    possessives: frozenset[str]
    """Those of the pronouns that say whose, where the language marks it on the noun's place."""
    plural_pronouns: frozenset[str]
    """Those of the pronouns that often stand for nobody named before ("what do they grow?")."""
    auxiliaries: frozenset[str]
    """Verbs that follow a question word ("when did", "who is")."""
    impersonal: tuple[re.Pattern[str], ...]
    """Where a pronoun stands for nothing ("does it take", "is it true")."""
    whole_collection: tuple[re.Pattern[str], ...]
    """How the documents themselves are named ("these documents")."""
    determiners: frozenset[str]
    """Words that open a phrase for a thing; empty for a language without articles."""
    verdict_words: frozenset[str]
    """Words that ask for a verdict ("allowed", "enough"): what answers may say the opposite."""
    conjunctions: frozenset[str]
    """Words that join the items of a list in a sentence."""
    side_joints: tuple[frozenset[str], ...]
    """Words that join the two sides of a comparison, those that say it most surely first."""
    than: frozenset[str]
    """Those of them that stand after how the sides differ, not after the first of them."""
    comparatives: re.Pattern[str]
    """Words that say how the sides of a comparison differ ("busier"), which documents don't say."""
    followup_openings: tuple[str, ...]
    year_before: re.Pattern[str]
    year_after: re.Pattern[str]
    kinds: dict[QuestionKind, tuple[re.Pattern[str], ...]]
    approvals: tuple[re.Pattern[str], ...]
    """What is said in place of thanks ("great", "I see"), and as often opens something else."""
    courtesies: dict[CourtesyKind, tuple[re.Pattern[str], ...]]
    preambles: tuple[re.Pattern[str], ...]
    """What may precede a question and is no part of it ("could you tell me", "I wonder")."""
    respelled: tuple[tuple[re.Pattern[str], str], ...]
    """How small words are misspelt that no rule of letters would mend ("dose the ferry …"); a
    pattern's only group is what is replaced, or else the whole.
    """
    orders: tuple[re.Pattern[str], ...]
    number_words: dict[str, int]
    time_words: frozenset[str]
    hedges: tuple[str, ...]
    opposites: dict[str, tuple[frozenset[str], frozenset[str]]]
    measures: dict[Measure, tuple[tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]]]
    """For each measure, how it is asked for, and what a text has that gives it."""
    months: tuple[frozenset[str], ...] = Field(min_length=12, max_length=12)
    magnitudes: dict[str, int]
    light_words: frozenset[str]
    """Words that a sentence may have or lack and say the same."""
    document_words: DocumentWords

    @field_validator(
        "function_words",
        "question_words",
        "pronouns",
        "possessives",
        "plural_pronouns",
        "auxiliaries",
        "determiners",
        "verdict_words",
        "conjunctions",
        "than",
        "time_words",
        "light_words",
        mode="before",
    )
    @classmethod
    def _split(cls, value: str) -> frozenset[str]:
        return frozenset(fold(value).split())

    @field_validator("followup_openings", "hedges", mode="before")
    @classmethod
    def _longest_first(cls, value: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(map(fold, value), key=len, reverse=True))

    @field_validator("months", "side_joints", mode="before")
    @classmethod
    def _split_each(cls, value: Iterable[str]) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(fold(forms).split()) for forms in value)

    @field_validator("number_words", "magnitudes", mode="before")
    @classmethod
    def _fold_keys(cls, value: dict[str, int]) -> dict[str, int]:
        return {fold(word): number for word, number in value.items()}

    @field_validator("opposites", mode="before")
    @classmethod
    def _split_pairs(
        cls, value: dict[str, tuple[str, str]]
    ) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        return {
            name: (frozenset(fold(one).split()), frozenset(fold(other).split()))
            for name, (one, other) in value.items()
        }

    @field_validator("measures", mode="before")
    @classmethod
    def _compile_measures(cls, value: dict[str, dict[str, list[str]]]) -> dict[str, object]:
        return {
            name: tuple(
                tuple(re.compile(_fold_pattern(pattern)) for pattern in patterns[side])
                for side in ("asked", "given")
            )
            for name, patterns in value.items()
        }

    @field_validator("year_before", "year_after", mode="before")
    @classmethod
    def _compile_one(cls, value: str) -> re.Pattern[str]:
        return re.compile(_fold_pattern(value))

    @field_validator("respelled", mode="before")
    @classmethod
    def _compile_first(cls, value: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(_fold_pattern(one)), meant) for one, meant in value.items())

    @field_validator("orders", "preambles", "impersonal", "whole_collection", mode="before")
    @classmethod
    def _compile(cls, value: Iterable[str]) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_fold_pattern(pattern)) for pattern in value)

    @field_validator("courtesies", mode="before")
    @classmethod
    def _compile_whole_words(
        cls, value: dict[str, list[str]]
    ) -> dict[str, tuple[re.Pattern[str], ...]]:
        return {name: _compiled_whole(patterns) for name, patterns in value.items()}

    @field_validator("approvals", mode="before")
    @classmethod
    def _compile_whole(cls, value: Iterable[str]) -> tuple[re.Pattern[str], ...]:
        return _compiled_whole(value)

    @field_validator("kinds", mode="before")
    @classmethod
    def _compile_groups(cls, value: dict[str, list[str]]) -> dict[str, tuple[re.Pattern[str], ...]]:
        return {
            name: tuple(re.compile(_fold_pattern(pattern)) for pattern in patterns)
            for name, patterns in value.items()
        }


def _compiled_whole(patterns: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"(?:{_fold_pattern(one)})(?!\w)") for one in patterns)


def _fold_pattern(pattern: str) -> str:
    """Fold a regular expression's letters; its escapes stay as they are."""
    return re.sub(r"\\.|[^\\]+", lambda m: m[0] if m[0][0] == "\\" else fold(m[0]), pattern)


@cache
def lexicon(language: Language) -> Lexicon:
    """Return the word lists of a language, read once."""
    file = Path(__file__).parent / "languages" / f"{language}.json"
    return Lexicon.model_validate_json(file.read_text(encoding="utf-8"))


Side: TypeAlias = Callable[[str], bool]
"""A test of a folded word: does it say this side of a pair of opposites?"""


@cache
def opposites() -> tuple[tuple[Side, Side], ...]:
    """Return the pairs of opposites ("rise" and its like, "fall" and its like) of all languages,
    so that a question in one language meets a quote in another.
    """
    sides: dict[str, tuple[set[str], set[str]]] = {}
    for language in LANGUAGES:
        for name, (one, other) in lexicon(language).opposites.items():
            ones, others = sides.setdefault(name, (set(), set()))
            ones.update(one)
            others.update(other)
    return tuple((one.__contains__, other.__contains__) for one, other in sides.values())


_KAZAKH_LETTERS = frozenset("әғқңөұүһі")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")


def is_cyrillic(text: str) -> bool:
    """Say whether a text has a Cyrillic letter."""
    return _CYRILLIC.search(text) is not None


_KAZAKH_ENDINGS = re.compile(
    r"(?:лар|лер|дар|дер|тар|тер)(?:ды|ди|га|ге|да|де|дын|дин)?$|(?:нын|нин|дын|дин|тын|тин)$"
    r"|(?:га|ге|ка|ке)$|(?:ган|ген|кан|кен)$|(?:ады|еди|йды|йди)$"
)


def detect_language(text: str) -> Language:
    """Return the language of a short question: by script, Kazakh's own letters, function words.

    Latin script is taken for English; without any letter the answer is English too.
    """
    if not _CYRILLIC.search(text):
        return "en"
    found = [word.folded for word in words(text)]
    # A name in the other script doesn't change the language: the function words say it.
    if any(word in lexicon("en").function_words for word in found) and not any(
        word in lexicon(other).function_words for word in found for other in ("ru", "kk")
    ):
        return "en"
    # A Kazakh name in a Russian question is capitalised.
    if any(_KAZAKH_LETTERS & set(word) for word in text.split() if not word[:1].isupper()):
        return "kk"
    kazakh = sum(
        (word in lexicon("kk").function_words) - (word in lexicon("ru").function_words)
        for word in found
    )
    if kazakh:
        return "kk" if kazakh > 0 else "ru"
    if _KAZAKH_LETTERS & set(text.lower()):
        return "kk"
    endings = sum(len(word) > 4 and bool(_KAZAKH_ENDINGS.search(word)) for word in found)
    return "kk" if endings * 2 > len(found) else "ru"


_STEMMERS = {"en": Stemmer.Stemmer("english"), "ru": Stemmer.Stemmer("russian")}
_BRITISH = (
    (re.compile(r"is(e|ed|es|ing|ation|ations|er|ers)$"), r"iz\1"),
    (re.compile(r"(?<=[a-z]{2})our(s|ed|ing|able|al|)$"), r"or\1"),
    (re.compile(r"(?<=[a-z]{2})tre(s|)$"), r"ter\1"),
    (re.compile(r"ogue(s|)$"), r"og\1"),
    (re.compile(r"gramme(s|)$"), r"gram\1"),
    (re.compile(r"yse(d|s|)$"), r"yze\1"),
)
_KAZAKH_SUFFIXES = tuple(
    sorted(
        "лар лер дар дер тар тер нын нин дын дин тын тин га ге ка ке на не ды ди ты ти ны ни да де"
        " та те нда нде дан ден тан тен нан нен мен бен пен ы и сы си ым им ын ин мыз миз ныз низ"
        " лык лик дык дик тык тик лы ли ды ди ты ти гы ги дагы деги тагы теги лас лес дас дес"
        " ган ген кан кен ып ип ады еди йды йди у атын етин йтын йтин".split(),
        key=len,
        reverse=True,
    )
)


@lru_cache(maxsize=65_536)
def stems(word: str) -> tuple[str, ...]:
    """Return the stems of a folded word: Snowball's for English and Russian; for Kazakh, where no
    stemmer exists, the word without its chain of suffixes as far as four letters remain.

    A Cyrillic word may be of either language, so it has both stems; two words have one form in
    common where any of their stems agree.
    """
    if word[:1].isdigit():
        return (word,)
    if _CYRILLIC.match(word):
        kazakh = word
        while True:
            suffix = next(
                (s for s in _KAZAKH_SUFFIXES if kazakh.endswith(s) and len(kazakh) - len(s) >= 4),
                None,
            )
            if suffix is None:
                break
            kazakh = kazakh[: -len(suffix)]
        russian: str = _STEMMERS["ru"].stemWord(word)
        return (russian,) if russian == kazakh else (russian, kazakh)
    for pattern, replacement in _BRITISH:
        word, changed = pattern.subn(replacement, word)
        if changed:
            break
    return (_STEMMERS["en"].stemWord(word),)


_LATIN = str.maketrans(
    {
        "а": "a",
        "б": "b",
        "в": "v",
        "г": "g",
        "д": "d",
        "е": "e",
        "ж": "zh",
        "з": "z",
        "и": "i",
        "й": "i",
        "к": "k",
        "л": "l",
        "м": "m",
        "н": "n",
        "о": "o",
        "п": "p",
        "р": "r",
        "с": "s",
        "т": "t",
        "у": "u",
        "ф": "f",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ь": "",
        "ы": "y",
        "э": "e",
        "ю": "yu",
        "я": "ya",
    }
)


@lru_cache(maxsize=65_536)
def romanise(word: str) -> str:
    """Return a folded word in Latin letters, by a table of letters."""
    return word.translate(_LATIN)


_CASE_ENDINGS = re.compile(
    r"(?:а|у|е|и|ы|я|ю|ой|ою|ей|ом|ем|ым|ого|ому|ов|ев|ам|ах|ами|ью"
    r"|[нтд]ын|[нтд]ин|[гк]а|[гк]е|на|не|[дтн]ы|[дтн]и|[дт]а|[дт]е|[дтн]ан|[дтн]ен|[мбп]ен)"
)


def same_name(one: str, other: str) -> bool:
    """Say whether two folded words can be one name, whatever script and case ending each has.

    Of two in one script nothing but an ending may differ: Niger isn't Nigeria misspelt.
    """
    if one == other:
        return True
    if is_cyrillic(one) == is_cyrillic(other):
        return _same_but_for_ending(one, other)
    first, second = romanise(one), romanise(other)
    if ratio(first, second) >= NAME_RATIO:
        return True
    # A case ending lengthens one side only: compare the beginnings too.
    short, long = sorted((first, second), key=len)
    return (
        len(short) >= NAME_LETTERS_MIN
        and len(long) - len(short) <= 3
        and Levenshtein.distance(short, long[: len(short)]) <= (1 if len(short) >= 6 else 0)
    )


def _same_but_for_ending(one: str, other: str) -> bool:
    if not is_cyrillic(one):
        return one.removesuffix("'s") == other.removesuffix("'s")
    if not set(stems(one)).isdisjoint(stems(other)):
        return True
    short, long = sorted((one, other), key=len)
    return (
        len(short) >= NAME_LETTERS_MIN
        and long.startswith(short)
        and _CASE_ENDINGS.fullmatch(long[len(short) :]) is not None
    )


WORD_LETTERS_MIN: Final = 5


@lru_cache(maxsize=65_536)
def same_word(one: str, other: str) -> bool:
    """Say whether one folded word may be the other misspelt: one edit from five letters on, two
    from eight on, the same first letter; a transposition is one edit.
    """
    if one[0] != other[0] or min(len(one), len(other)) < WORD_LETTERS_MIN:
        return False
    edits = 2 if min(len(one), len(other)) >= 8 else 1
    return DamerauLevenshtein.distance(one, other, score_cutoff=edits) <= edits


_THOUSANDS = re.compile(r"(?<=\d)[ ,](?=\d{3}(?:\D|$))")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?:\D|$))")


def numbers(text: str) -> frozenset[str]:
    """Return the numbers a text gives in digits, as plain decimals: ``1,200`` → ``1200``,
    ``4,2`` → ``4.2``.
    """
    plain = _DECIMAL_COMMA.sub(".", _THOUSANDS.sub("", fold(text)))
    return frozenset(
        number.rstrip("0").rstrip(".") if "." in number else number.lstrip("0") or "0"
        for number in _NUMBER.findall(plain)
    )


def spelled_numbers(found: Iterable[Word], lists: Lexicon) -> frozenset[str]:
    """Return the numbers that words spell ("forty-two" → ``42``, "two hundred" → ``200``, "two
    thousand" → ``2000``).

    A word for one is left out: it is a pronoun as often as a number.
    """
    spelled: list[int] = []
    before = 0
    for word in found:
        if before >= 100 and word.folded in lists.conjunctions:
            continue  # "two hundred and fifty"
        if before and spelled and word.folded in lists.magnitudes:
            spelled[-1] *= lists.magnitudes[word.folded]
            before = 0
            continue
        number = lists.number_words.get(word.folded, 0)
        tens = before >= 20 and before % 10 == 0 and number < 10
        hundreds = before >= 100 and before % 100 == 0 and number < 100
        if spelled and number and (tens or hundreds):
            spelled[-1] += number
            number = spelled[-1]
        elif spelled and 1 < before < 10 and number == 100:
            spelled[-1] *= number
            number = spelled[-1]
        elif number > 1:
            spelled.append(number)
        before = number
    return frozenset(map(str, spelled))
