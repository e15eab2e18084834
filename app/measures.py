"""Which measure a question asks for (money, a length, a duration), and whether a text gives it.

The length of the bridge is no answer where its price is asked for. The expected answer type is what
the question classifiers of Li and Roth (2002) give; only measures are told here, for they can be
told for certain: of 41 answers to questions for money in the training sets all were, of 40 to
questions for a length 34. Patterns are data of each language (``app/languages``); a text is looked
through with those of every language, for question and document may differ in theirs.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, cast, get_args

from app.language import stems
from app.lexicon import LANGUAGES, Measure, lexicon
from app.types import Language
from index import fold, words

_WORDS_AROUND: Final = 2
"""Words beside a span that may hold its unit or currency."""
_CHARACTERS_AROUND: Final = 60
_BARE_NUMBER: Final = re.compile(r"\d[\d .,\u00a0\u202f]*")


def measure_asked(question: str, language: Language) -> Measure | None:
    """Return the measure that a question asks for, or None."""
    asked = _asked(question, language, compares=False)
    return asked[0] if asked else None


def measure_compared(question: str, language: Language) -> tuple[Measure, frozenset[str]] | None:
    """Return the measure by which a question compares, and the words that say so; those that say
    what is more so ("cheaper") ask elsewhere for what is so.
    """
    return _asked(question, language, compares=True)


def _asked(
    question: str, language: Language, *, compares: bool
) -> tuple[Measure, frozenset[str]] | None:
    folded = fold(question)
    for name in get_args(Measure):
        known = lexicon(language).measures.get(name)
        for pattern in (*known.asked, *(known.compared if compares else ())) if known else ():
            match = pattern.search(folded)
            if match:
                return cast(Measure, name), frozenset(word.folded for word in words(match[0]))
    return None


def gives_measure(measure: Measure, text: str, span: tuple[int, int]) -> bool:
    """Say whether a span of a text, with the words beside it, gives a measure."""
    before = [word.start for word in words(text[: span[0]])][-_WORDS_AROUND:]
    after = [word.end for word in words(text[span[1] : span[1] + _CHARACTERS_AROUND])]
    # A currency sign stands before the number that the first word is, a percent sign after it.
    start = max(0, (before[0] if before else span[0]) - 1)
    end = span[1] + max(after[:_WORDS_AROUND], default=0) + 1
    return _given(measure).search(fold(text[start:end])) is not None


def lacks_number(question: str, language: Language, span: str) -> bool:
    """Say whether a number is asked for ("how many"), and a span gives none: no digit, no number
    in words, no share ("half of them"), and not that it is free.
    """
    if not any(pattern.search(fold(question)) for pattern in lexicon(language).counting):
        return False
    said = {form for word in words(span) for form in (word.folded, *stems(word.folded))}
    whole = (0, len(span))
    return not (
        any(map(str.isdigit, span))
        or not said.isdisjoint(_number_words())
        or gives_measure("percent", span, whole)
        or gives_measure("money", span, whole)
    )


@cache
def _number_words() -> frozenset[str]:
    """Return the words for numbers of all languages, for none and for large ones too."""
    known = [lexicon(language) for language in LANGUAGES]
    found = {word for one in known for word in (*one.number_words, *one.magnitudes, *one.negations)}
    return frozenset(form for word in found for form in (word, *stems(word)))


def implies_measure(measure: Measure, text: str, span: tuple[int, int], around: str) -> bool:
    """Say whether a span is a bare number, without a word for what is counted, in a text that says
    by another word what it must be ("a licence costs 5,500", in a list of fees).
    """
    if not _BARE_NUMBER.fullmatch(text[span[0] : span[1]].strip()):
        return False
    line = text[span[1] : span[1] + _CHARACTERS_AROUND].split("\n", maxsplit=1)[0]
    after = next(iter(words(line)), None)
    known = [lexicon(language) for language in LANGUAGES]
    if (
        after is not None
        and not line[: after.start].strip(" *")  # a word comes next, no sign
        and not any(after.folded in lists.function_words for lists in known)
    ):
        return False
    said = fold(f"{around} {text}")
    return any(
        pattern.search(said)
        for lists in known
        if measure in lists.measures
        for pattern in lists.measures[measure].implied
    )


@cache
def _given(measure: Measure) -> re.Pattern[str]:
    names: tuple[Measure, ...] = ("length", "duration") if measure == "extent" else (measure,)
    patterns = [
        pattern.pattern
        for language in LANGUAGES
        for name in names
        if name in lexicon(language).measures
        for pattern in lexicon(language).measures[name].given
    ]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
