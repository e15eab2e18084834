"""Where sentences begin and end, in English, Russian and Kazakh, with exact offsets.

sentencex proposes; what follows an abbreviation, an initial or a bare number is joined again. An
end that is missed makes a quote longer, an end that is wrong cuts a fact in two: in doubt, join.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import sentencex

from index.types import Sentence

KAZAKH_LETTERS = frozenset("әғқңөұүһіӘҒҚҢӨҰҮҺІ")

_ALWAYS_JOINED = frozenset(
    # English: titles, references, Latin
    "mr mrs ms dr prof gen col lt sgt capt rev hon messrs st mt ft nr vol vols fig figs pp par "
    "para art ch ed eds cf ca approx appr e.g i.e viz vs resp incl excl tel ext avg max min dept "
    # Russian
    "г гг в вв т.е т.к т.н т.ч т.о ул пр просп пл пер стр рис табл см ср напр п пп ст гл ред изд "
    "проф акад доц тов гр им ок прим млн млрд трлн тыс руб коп обл респ р-н чел зам зав нач "
    # Kazakh
    "ж жж ғ ғғ мыс қ көш к б бб т с сағ мин обл ауд млн млрд трлн мың тг теңге".split()
)
_JOINED_BEFORE_NUMBER = frozenset(
    "no nos № jan feb mar apr jun jul aug sep sept oct nov dec p sec para item art step".split()
)
_LAST_WORD = re.compile(r"([^\s(«\"“„'\[]+)\.[\"'”»)\]]*\s*\Z")
_INITIAL = re.compile(r"(?:^|[\s(«\"“„.\[])[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ]\.\s*\Z")
_BARE_NUMBER = re.compile(r"[\s(\[]*(?:\d{1,3}|[ivxIVX]{1,5}|[a-zа-я])[.)]\s*\Z")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_LINE_BREAK = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
TAIL_CHARACTERS = 40


def language_of(text: str) -> str:
    """Return kk, ru or en by the letters of a text."""
    if any(character in KAZAKH_LETTERS for character in text):
        return "kk"
    cyrillic = sum("\u0400" <= character <= "\u04ff" for character in text)
    return "ru" if 2 * cyrillic > sum(map(str.isalpha, text)) else "en"


def split_sentences(
    text: str, start: int, end: int, *, breaks: tuple[int, ...] = ()
) -> Iterator[Sentence]:
    """Yield the sentences of ``text[start:end]``; none runs across one of the ``breaks``.

    They are in order and hold every letter and digit of the span.
    """
    edges = (start, *(place for place in breaks if start < place < end), end)
    for left, right in pairwise(edges):
        yield from _split(text, left, right)


def _split(text: str, start: int, end: int) -> Iterator[Sentence]:
    span = text[start:end]
    flat = _LINE_BREAK.sub(" ", span)
    begin = 0
    place = 0
    parts = sentencex.segment(language_of(flat), flat)
    if "".join(parts) != flat:
        parts = [flat]
    for number, part in enumerate(parts):
        place += len(part)
        following = parts[number + 1] if number + 1 < len(parts) else ""
        tail = flat[max(begin, place - TAIL_CHARACTERS) : place]
        if following and _belongs_together(tail, following):
            continue
        if following and not _LETTER_OR_DIGIT.search(flat, begin, place):
            continue
        if not _LETTER_OR_DIGIT.search(flat, place):
            place = len(flat)
        piece = flat[begin:place]
        if _LETTER_OR_DIGIT.search(piece):
            yield Sentence(
                start=start + begin + len(piece) - len(piece.lstrip()),
                end=start + begin + len(piece.rstrip()),
            )
        begin = place
        if place == len(flat):
            return


def _belongs_together(before: str, after: str) -> bool:
    """Say whether a proposed end between two pieces is none."""
    first = after.lstrip("\"'“„«([—– \t")[:1]
    if first.islower():
        return True
    if not before.rstrip("\"'”»)] \t").endswith("."):
        return bool(_BARE_NUMBER.fullmatch(before))
    word = _LAST_WORD.search(before)
    if word is None:
        return False
    last = word.group(1).lower()
    if last in _ALWAYS_JOINED or (last in _JOINED_BEFORE_NUMBER and first.isdigit()):
        return True
    return bool(_INITIAL.search(before) or _BARE_NUMBER.fullmatch(before))
