"""What sort of thing a question wants (money, a length, a date), and whether a text has it.

The expected answer type is what a question classifier gives in the question answering of Li and
Roth (2002). Patterns are data of each language (``app/languages``); a text is looked through with
those of every language, for question and document may differ in theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, TypeAlias, get_args

from app.language import LANGUAGES, AnswerType, detect_language, lexicon
from app.types import Language
from index import fold, words

Fit: TypeAlias = Literal[-1, 0, 1]
_WORDS_AROUND: Final = 2
"""Words beside a span that may hold its unit or currency."""


@cache
def _given(answer_type: AnswerType) -> re.Pattern[str]:
    names: tuple[AnswerType, ...] = (
        ("length", "duration") if answer_type == "extent" else (answer_type,)
    )
    return _any_of(
        pattern
        for language in LANGUAGES
        for name in names
        for pattern in lexicon(language).answer_types.get(name, ((), ()))[1]
    )


def _any_of(patterns: Iterable[re.Pattern[str]]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern.pattern})" for pattern in patterns))


def expected_type(question: str, language: Language) -> AnswerType | None:
    """Return what sort of answer a question wants, or None where it doesn't say."""
    folded = fold(question)
    types = lexicon(language).answer_types
    return next(
        (
            name
            for name in get_args(AnswerType)
            if any(pattern.search(folded) for pattern in types.get(name, ((), ()))[0])
        ),
        None,
    )


def fit(answer_type: AnswerType | None, text: str, span: tuple[int, int]) -> Fit:
    """Say whether a span, with the words beside it, can be an answer of this type: 1 yes, -1 no,
    0 where no type is expected.
    """
    if answer_type is None:
        return 0
    if answer_type == "person":
        return 1 if any(word[:1].isupper() for word in text[span[0] : span[1]].split()) else -1
    around = _with_words_around(text, span)
    if answer_type == "number":
        return 1 if any(map(str.isdigit, around)) or _has_number_word(around) else -1
    return 1 if _given(answer_type).search(fold(around)) else -1


def _with_words_around(text: str, span: tuple[int, int]) -> str:
    before = [word.start for word in words(text[: span[0]])][-_WORDS_AROUND:]
    after = [word.end for word in words(text[span[1] : span[1] + 60])][:_WORDS_AROUND]
    # A currency sign stands before the number that the first word is.
    start = max(0, (before[0] if before else span[0]) - 1)
    return text[start : span[1] + (after[-1] if after else 0) + 1]


def _has_number_word(text: str) -> bool:
    known = lexicon(detect_language(text)).number_words
    return any(word.folded in known for word in words(text))
