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
from typing import Final, get_args

from app.lexicon import LANGUAGES, Measure, lexicon
from app.types import Language
from index import fold, words

_WORDS_AROUND: Final = 2
"""Words beside a span that may hold its unit or currency."""
_CHARACTERS_AROUND: Final = 60


def measure_asked(question: str, language: Language) -> Measure | None:
    """Return the measure that a question asks for, or None."""
    folded = fold(question)
    known = lexicon(language).measures
    return next(
        (
            name
            for name in get_args(Measure)
            if any(pattern.search(folded) for pattern in known.get(name, ((), ()))[0])
        ),
        None,
    )


def gives_measure(measure: Measure, text: str, span: tuple[int, int]) -> bool:
    """Say whether a span of a text, with the words beside it, gives a measure."""
    before = [word.start for word in words(text[: span[0]])][-_WORDS_AROUND:]
    after = [word.end for word in words(text[span[1] : span[1] + _CHARACTERS_AROUND])]
    # A currency sign stands before the number that the first word is, a percent sign after it.
    start = max(0, (before[0] if before else span[0]) - 1)
    end = span[1] + max(after[:_WORDS_AROUND], default=0) + 1
    return _given(measure).search(fold(text[start:end])) is not None


@cache
def _given(measure: Measure) -> re.Pattern[str]:
    names: tuple[Measure, ...] = ("length", "duration") if measure == "extent" else (measure,)
    patterns = [
        pattern.pattern
        for language in LANGUAGES
        for name in names
        for pattern in lexicon(language).measures.get(name, ((), ()))[1]
    ]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
