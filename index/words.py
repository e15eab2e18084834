"""Words as matching sees them: folded, one for one, so that offsets survive.

``fold`` keeps the length of a text: every character becomes exactly one. Kazakh is often typed on a
Russian keyboard, without its own letters, so those fold to the letters people type instead. Dashes,
quotes and spaces of every kind fold to the plain ones. Folding is for matching only; a quote is
always the document's own text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
        **dict.fromkeys("‘’‚‛′´`ʼ＇", "'"),
        **dict.fromkeys("“”„‟«»″＂", '"'),
        **dict.fromkeys(
            "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
            "\u200a\u202f\u205f\u3000\t",
            " ",
        ),
        **dict(zip("қғңөұүіәһёъ", "кгноууиахеь", strict=True)),
    }
)
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[^\W_]+")


class Word(NamedTuple):
    """A folded word and its span in the text it came from, in code points."""

    folded: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    lowered = character.lower()
    plain = unicodedata.normalize("NFKD", lowered) if ord(character) > 127 else lowered
    if "\u0400" <= character <= "\u04ff":  # й must not lose its breve, nor ї its dots
        plain = lowered
    kept = next((part for part in plain if not unicodedata.combining(part)), " ")
    return kept.translate(_PLAIN)


def fold(text: str) -> str:
    """Return the text lowered and without marks; ``len(fold(text)) == len(text)``."""
    return "".join(map(_fold_character, text.translate(_PLAIN)))


def words(text: str) -> Iterator[Word]:
    """Yield the folded words of a text: runs of letters (joined by '), and numbers.

    A number keeps its inner points and commas: ``4.2`` and ``1,200`` are one word each.
    """
    for match in _WORD.finditer(fold(text)):
        yield Word(match.group(), match.start(), match.end())
