"""What is known about English, Russian and Kazakh beside their word lists: stems, numbers, names.

Everything is folded (``index.fold``), so that a
Kazakh question typed on a Russian keyboard matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import Stemmer
from rapidfuzz.distance import DamerauLevenshtein, Levenshtein
from rapidfuzz.fuzz import ratio

from app.lexicon import Lexicon, lexicon
from app.types import Language
from index import Word, fold, words

NAME_RATIO: Final = 85.0
"""Similarity from which two names in different scripts are taken for one, 0…100.

Measured beside the table of letters: 27 of 28 names found at 85; at 80 common words match too.
"""

NAME_LETTERS_MIN: Final = 5
"""Shorter names are told apart by their endings."""


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
_MAY_BE_BRITISH = re.compile(
    r"(?:is(?:e|ed|es|ing|ations?|ers?)|our(?:s|ed|ing|able|al|)|(?:tre|ogue|gramme)s?|yse[ds]?)$"
)
"""Most words are not, and six patterns take as long as the stemmer."""
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
    if _MAY_BE_BRITISH.search(word):
        for pattern, replacement in _BRITISH:
            word, changed = pattern.subn(replacement, word)
            if changed:
                break
    return (_STEMMERS["en"].stemWord(word),)


def russian_stems(folded: Sequence[str]) -> list[str]:
    """Return Snowball's Russian stem of each folded word, a fifth of the time of ``stems``."""
    found: list[str] = _STEMMERS["ru"].stemWords(folded)
    return found


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
