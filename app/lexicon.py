"""The word lists of English, Russian and Kazakh, which are data (``app/languages``), all folded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import Field, field_validator

from app.types import CourtesyKind, Language, QuestionKind
from index import Frozen, fold

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ru", "kk")
Measure: TypeAlias = Literal["money", "area", "percent", "duration", "length", "extent"]
"""In order of precedence; an extent ("how long") is a length or a duration."""

_GAP: Final = re.compile(r"\.[*+]|(?:^|[( |]|\\b)\\w|\[\^")
"""In a pattern, what stands for any words; after letters it only stands for an ending."""


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


class MeasureWords(Frozen):
    """How a measure is asked for, what a text has that gives it, and the comparatives of it; what
    is ``implied`` gives it with a bare number.
    """

    asked: tuple[re.Pattern[str], ...]
    given: tuple[re.Pattern[str], ...]
    compared: tuple[re.Pattern[str], ...] = ()
    implied: tuple[re.Pattern[str], ...] = ()

    @field_validator("asked", "given", "compared", "implied", mode="before")
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
    person_pronouns: frozenset[str]
    """Those of the pronouns that stand for a person only, where the language has such."""
    auxiliaries: frozenset[str]
    """Verbs that follow a question word ("when did", "who is")."""
    noun_askers: frozenset[str]
    """Words that ask which, or how many, of what the next word names; empty, as are the next two,
    for a language whose verb stands anywhere."""
    doing: frozenset[str]
    """Those of the auxiliaries after whose subject a verb's plain form stands."""
    participle: re.Pattern[str]
    """The form of a verb that stands after a subject and the other auxiliaries."""
    impersonal: tuple[re.Pattern[str], ...]
    """Where a pronoun stands for nothing ("does it take", "is it true")."""
    whole_collection: tuple[re.Pattern[str], ...]
    """How the documents themselves are named ("these documents")."""
    determiners: frozenset[str]
    """Words that open a phrase for a thing; empty for a language without articles."""
    demonstratives: frozenset[str]
    """Those of the pronouns that stand before what they point at as well ("this firm")."""
    prepositions: frozenset[str]
    """Words before a noun that say what part it plays; empty for a language with none."""
    placeholders: frozenset[str]
    """Words that stand for the noun after a demonstrative ("that one")."""
    remainders: frozenset[str]
    """Words for what is left of something spoken of before ("the rest")."""
    causes: re.Pattern[str]
    """Words after or before which a reason stands."""
    more_words: frozenset[str]
    """Words that ask, after an answer, for something beside it ("what else")."""
    exclusions: tuple[re.Pattern[str], ...]
    """Words that set aside what stands beside them ("besides")."""
    exclusions_follow: bool
    """Whether they stand after it, as in Kazakh."""
    verdict_words: frozenset[str]
    """Words that ask for a verdict ("allowed", "enough"): what answers may say the opposite."""
    conjunctions: frozenset[str]
    """Words that join the items of a list in a sentence."""
    side_joints: tuple[frozenset[str], ...]
    """Words that join the two sides of a comparison, those that say it most surely first."""
    than: frozenset[str]
    """Those of them that stand after how the sides differ, not after the first of them."""
    compares: re.Pattern[str]
    """Words after which one thing is compared "with" another, or differs "from" it."""
    comparatives: re.Pattern[str]
    """Words that say how the sides of a comparison differ ("busier"), which documents don't say."""
    asking_words: dict[str, str]
    """Words that say what kind of answer is wanted, to be known when misspelt: as written, by the
    folded form."""
    question_joints: frozenset[str]
    """Words that join two questions."""
    followup_openings: tuple[str, ...]
    """How a follow-up opens that only names another thing ("what about", "no, I mean")."""
    followup_closings: frozenset[str]
    """Words that end one, as in Kazakh ("ше")."""
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
    negations: frozenset[str]
    """Words that deny what follows them."""
    negation_limits: frozenset[str]
    """Words that make of a denial a statement ("not until May", "not only")."""
    successions: tuple[re.Pattern[str], ...]
    """Verbs that say that one takes another's place."""
    subordinations: tuple[re.Pattern[str], ...]
    """Verbs that say that one reports to another."""
    year_bounds: frozenset[str]
    """Words that make of a year the beginning or the end of a time."""
    currencies: dict[str, re.Pattern[str]]
    fractions: re.Pattern[str]
    """Parts of a whole in words ("two-thirds"), which are figures without a digit."""
    counting: tuple[re.Pattern[str], ...]
    """How a number is asked for, whatever is counted."""
    measures: dict[Measure, MeasureWords]
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
        "person_pronouns",
        "auxiliaries",
        "demonstratives",
        "placeholders",
        "prepositions",
        "followup_closings",
        "remainders",
        "more_words",
        "noun_askers",
        "doing",
        "determiners",
        "verdict_words",
        "conjunctions",
        "than",
        "question_joints",
        "time_words",
        "negations",
        "negation_limits",
        "year_bounds",
        "light_words",
        mode="before",
    )
    @classmethod
    def _split(cls, value: str) -> frozenset[str]:
        return frozenset(fold(value).split())

    @field_validator("asking_words", mode="before")
    @classmethod
    def _by_folded(cls, value: str) -> dict[str, str]:
        return {fold(word): word for word in value.split()}

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

    @field_validator(
        "year_before",
        "year_after",
        "compares",
        "comparatives",
        "fractions",
        "participle",
        "causes",
        mode="before",
    )
    @classmethod
    def _compile_one(cls, value: str) -> re.Pattern[str]:
        return re.compile(_fold_pattern(value))

    @field_validator("respelled", mode="before")
    @classmethod
    def _compile_first(cls, value: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple((re.compile(_fold_pattern(one)), meant) for one, meant in value.items())

    @field_validator("currencies", mode="before")
    @classmethod
    def _compile_named(cls, value: dict[str, str]) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(_fold_pattern(pattern)) for name, pattern in value.items()}

    @field_validator(
        "exclusions",
        "orders",
        "preambles",
        "impersonal",
        "whole_collection",
        "successions",
        "subordinations",
        "counting",
        mode="before",
    )
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
def has_gap(pattern: str) -> bool:
    """Say whether a pattern can match any words, what it only looks at left aside."""
    depths = list[int]()  # of the groups that are open, how many look ahead or behind
    matched = ""
    at = 0
    while at < len(pattern):
        step = 2 if pattern[at] == "\\" else 1
        if pattern[at] == "(":
            looks = re.match(r"\(\?<?[=!]", pattern[at:]) is not None
            depths.append((depths[-1] if depths else 0) + looks)
        if not (depths and depths[-1]):
            matched += pattern[at : at + step]
        if pattern[at] == ")" and depths:
            depths.pop()
        at += step
    return _GAP.search(matched) is not None


@cache
def lexicon(language: Language) -> Lexicon:
    """Return the word lists of a language, read once."""
    file = Path(__file__).parent / "languages" / f"{language}.json"
    return Lexicon.model_validate_json(file.read_text(encoding="utf-8"))


Side: TypeAlias = Callable[[str], bool]
"""A test of a folded word: does it say this side of a pair of opposites?"""


@cache
def opposites() -> dict[str, tuple[Side, Side]]:
    """Return the pairs of opposites ("rise" and its like, "fall" and its like) of all languages,
    so that a question in one language meets a quote in another.
    """
    sides: dict[str, tuple[set[str], set[str]]] = {}
    for language in LANGUAGES:
        for name, (one, other) in lexicon(language).opposites.items():
            ones, others = sides.setdefault(name, (set(), set()))
            ones.update(one)
            others.update(other)
    return {name: (one.__contains__, other.__contains__) for name, (one, other) in sides.items()}
