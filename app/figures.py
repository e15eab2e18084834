"""What a stretch of text gives as a figure: numbers with their magnitude and unit, or a date.

Two figures are compared only where they are of one kind ("38 crowns", "41 crowns"); of two that
are one rounded ("1,200", "1,187"), or one more exact ("2024", "March 2024"), neither is wrong.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import cache
from typing import Final, NamedTuple

from app.catalogue import YEAR
from app.language import numbers, stems
from app.lexicon import LANGUAGES, lexicon
from app.measures import gives_measure
from index import fold, words

ROUNDING_SHARE_MAX: Final = 0.02
"""Two figures further apart than this, as a share, aren't one rounded to tens, hundreds, …"""
ROUNDED_FROM: Final = 100
"""Zeros at the end of a smaller whole number count as digits: 20 isn't 18 rounded."""
_CHARACTERS_AFTER: Final = 40
_FIGURE = re.compile(r"\d+(?:[ .,]\d+)*")
_CURRENCIES: Final = "$€£¥₸₽"


class Figure(NamedTuple):
    """The values of a stretch of text, the months in it, and what is counted.

    ``unit`` is "percent", a currency's sign, or the stems of the word after the figure.
    """

    values: frozenset[Decimal]
    months: frozenset[int]
    unit: frozenset[str]

    def comparable(self, other: Figure, *, is_date: bool) -> bool:
        """Say whether two figures are of one kind."""
        return is_date or self.unit == other.unit or not self.unit.isdisjoint(other.unit)

    def differs(self, other: Figure, *, is_date: bool) -> bool:
        """Say whether two figures of one kind can't both be right."""
        if is_date:
            one, two = (each.values | {Decimal(-m) for m in each.months} for each in (self, other))
            return not (one <= two or two <= one)
        return not any(_agree(one, two) for one in self.values for two in other.values)


def read_figure(text: str, span: tuple[int, int]) -> Figure | None:
    """Return the figure that a span of a text gives, None where it gives none."""
    said = fold(text)
    found = list(_FIGURE.finditer(said, *_around(said, span)))
    if not found:
        return None
    values: set[Decimal] = set()
    for match in found:
        scale = _magnitude(said[match.end() : match.end() + _CHARACTERS_AFTER])
        values.update(Decimal(number) * scale for number in numbers(match[0]))
    months = {
        number
        for word in words(text[span[0] : span[1]])
        for number, forms in enumerate(_months(), 1)
        if word.folded in forms or not forms.isdisjoint(stems(word.folded))
    }
    return Figure(frozenset(values), frozenset(months), _unit(text, found[0], found[-1]))


def quantities(text: str) -> frozenset[str]:
    """Return the numbers that a text gives in digits, each times the word for its magnitude: "25
    thousand" and "25,000" → ``25000``.
    """
    said = fold(text)
    found: set[str] = set()
    for match in _FIGURE.finditer(said):
        given = numbers(match[0])
        scale = _magnitude(said[match.end() : match.end() + _CHARACTERS_AFTER])
        if scale > 1 and len(given) == 1:
            given = numbers(f"{Decimal(next(iter(given))) * scale:f}")
        found |= given
    return frozenset(found)


def counts(text: str) -> frozenset[str]:
    """Return the quantities of a text that are no dates: no years, and no days beside a month; and
    the parts of a whole that it has in words.
    """
    found = list(words(text))
    months = frozenset().union(*_months())
    days = {
        other.folded
        for at, word in enumerate(found)
        if word.folded in months or not months.isdisjoint(stems(word.folded))
        for other in found[max(0, at - 1) : at + 2]
    }
    parts = {match[0] for one in LANGUAGES for match in lexicon(one).fractions.finditer(fold(text))}
    return frozenset(
        one for one in quantities(text) if one not in days and not YEAR.fullmatch(one)
    ) | frozenset(parts)


def month_words(text: str, *more: int | None) -> frozenset[str]:
    """Return all words for the months that a text names, and for some more of them by number."""
    named = {stem for word in words(text) for stem in (word.folded, *stems(word.folded))}
    return frozenset().union(
        *(
            forms
            for number, forms in enumerate(_months(), 1)
            if number in more or not forms.isdisjoint(named)
        )
    )


def dated_months(text: str) -> frozenset[int]:
    """Return the months of the dates in a text, 1…12: of those that stand beside a number ("12
    August", "May 2025"), for "may" is a verb as well.
    """
    found = list(words(text))
    return frozenset(
        number
        for at, word in enumerate(found)
        for number, forms in enumerate(_months(), 1)
        if not forms.isdisjoint({word.folded, *stems(word.folded)})
        and any(one.folded[:1].isdigit() for one in found[max(0, at - 1) : at + 2])
    )


def magnitudes_down(figure: str) -> frozenset[str]:
    """Return a number, and what of it stands before "thousand", "million" or in a table of such."""
    value = Decimal(figure)
    sizes = {1, *_magnitudes().values()}
    return frozenset().union(*(numbers(f"{value / size:f}") for size in sizes if value >= size))


def _around(said: str, span: tuple[int, int]) -> tuple[int, int]:
    """Return a span with the whole of a number that it cuts."""
    start, end = span
    for match in _FIGURE.finditer(said):
        if match.start() < start < match.end():
            start = match.start()
        if match.start() < end < match.end():
            end = match.end()
    return start, end


@cache
def _magnitudes() -> dict[str, int]:
    return {word: size for one in LANGUAGES for word, size in lexicon(one).magnitudes.items()}


@cache
def _months() -> tuple[frozenset[str], ...]:
    each = [lexicon(language).months for language in LANGUAGES]
    return tuple(frozenset().union(*forms) for forms in zip(*each, strict=True))


def _magnitude(after: str) -> int:
    word = next(words(after), None)
    if word is None or after[: word.start].strip():
        return 1
    return _magnitudes().get(word.folded, 1)


def _unit(text: str, first: re.Match[str], last: re.Match[str]) -> frozenset[str]:
    before, after = text[: first.start()].rstrip(), text[last.end() :][:_CHARACTERS_AFTER]
    if before[-1:] and before[-1] in _CURRENCIES:
        return frozenset(before[-1])
    following = [word.folded for word in words(after) if word.folded not in _magnitudes()][:2]
    if after.lstrip().startswith("%") or (
        following and gives_measure("percent", " ".join(following), (0, 0))
    ):
        return frozenset({"percent"})
    return frozenset(stems(following[0])) if following else frozenset()


def _agree(one: Decimal, other: Decimal) -> bool:
    """Say whether two values are the same, or one is the other rounded to its own digits."""
    if one == other:
        return True
    return any(_rounds_to(exact, rough) for exact, rough in ((one, other), (other, one)))


def _rounds_to(exact: Decimal, rough: Decimal) -> bool:
    """Say whether a value is another with no more digits than that one has."""
    place = rough.normalize().as_tuple().exponent if rough else 0
    assert isinstance(place, int)
    if place > 0 and (
        rough < ROUNDED_FROM or abs(exact - rough) > ROUNDING_SHARE_MAX * float(rough)
    ):
        place = 0
    step = Decimal(1).scaleb(place)
    return Decimal(math.floor(exact / step + Decimal("0.5"))) * step == rough
