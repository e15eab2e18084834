"""Who is whose successor, and who reports to whom: relations that a question may turn round.

"Who replaced Reke?" isn't answered by whom Reke replaced. Which side of the relation a name is on
is read off its place beside the verb, and in Russian and Kazakh off its case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from app.language import is_cyrillic, same_name, stems
from app.lexicon import LANGUAGES, lexicon
from index import Word, fold, words

PASSIVE_REACH: Final = 10
"""Characters between "was" and "replaced", beside a name's ("was Reke formally replaced")."""
_NOMINATIVE: Final = re.compile(r"[^аеёиоуыэюяь]$")
"""The end of a Russian man's name as a subject ("Дубравин")."""
_ACCUSATIVE: Final = re.compile(r"(?:у|ю)$")
"""The end of a Russian woman's name as an object ("Корчагову")."""
_RELATIVE: Final = re.compile(r"который|которая|которые|who|which|that")
_RELATIVE_OBJECT: Final = re.compile(r"которого|которую|которых|whom|кого")
_PASSIVE: Final = frozenset({"was", "were", "is", "are", "be", "been", "being"})
_DATIVE: Final = re.compile(r"(?:[уюе]|ой)$")
"""The end of a Russian name to which something is done ("Мамаршину")."""
_KAZAKH_DATIVE: Final = re.compile(r"[гк][ае]$")
"""The same of a Kazakh name ("Тоқбайға"), folded; "-на" is as often the end of the name itself."""
_KAZAKH_UNSURE: Final = re.compile(r"н[ае]$")
_KAZAKH_VERB: Final = re.compile(r"багын|есеп")
_PLACED: Final = frozenset({"in", "at", "of", "в", "на"})
"""Words before a name of a place, which is on no side of a relation."""


def is_reversed(asked: str, quote: str) -> bool:
    """Say whether a question is about a relation, and the quote says it the other way round: who is
    named in both is on one side of it in one and on the other in the other.
    """
    return _differs(asked, quote, _successions, _succeeds) or _differs(
        asked, quote, _subordinations, _reports
    )


def _differs(
    asked: str,
    quote: str,
    verbs_of: Callable[[str], list[re.Match[str]]],
    is_first: Callable[[str, Word], bool | None],
) -> bool:
    """Say whether a name is on the first side of a relation in one text and not in the other, and
    no name is on one side in both.
    """
    if not verbs_of(asked) or not verbs_of(quote):
        return False
    mismatched = False
    before = ""
    for word in words(quote):
        if not quote[word.start].isupper() or word.folded in _small_words() or before in _PLACED:
            before = word.folded
            continue
        before = word.folded
        for other in words(asked):
            if not _same_person(word.folded, other.folded):
                continue
            one, two = is_first(asked, other), is_first(quote, word)
            if one is None or two is None:
                continue
            if one == two:
                return False
            mismatched = True
    return mismatched


def _same_person(one: str, other: str) -> bool:
    return not set(stems(one)).isdisjoint(stems(other)) or same_name(one, other)


@cache
def _small_words() -> frozenset[str]:
    """Words that open a sentence with a capital and are no names ("The", "Он")."""
    known = [lexicon(language) for language in LANGUAGES]
    return frozenset().union(*(lists.function_words | lists.pronouns for lists in known))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    known = [lexicon(language) for language in LANGUAGES]
    groups = [
        [one.pattern for lists in known for one in lists.successions],
        [one.pattern for lists in known for one in lists.subordinations],
    ]
    first, second = (re.compile("|".join(f"(?:{one})" for one in found)) for found in groups)
    return first, second


def _successions(text: str) -> list[re.Match[str]]:
    return list(_patterns()[0].finditer(fold(text)))


def _subordinations(text: str) -> list[re.Match[str]]:
    return list(_patterns()[1].finditer(fold(text)))


def _nearest(verbs: list[re.Match[str]], name: Word) -> re.Match[str]:
    return min(verbs, key=lambda one: min(abs(one.start() - name.end), abs(name.start - one.end())))


def _reports(text: str, name: Word) -> bool | None:
    """Say whether a name is who reports in a text (not to whom), None where its words don't show.

    In English whoever reports stands before the verb, unless asked for ("to whom does Reke
    report?"), which leaves nobody after it; in Russian and Kazakh the other stands in the dative.
    """
    verb = _nearest(_subordinations(text), name)
    if not is_cyrillic(verb[0]):
        return name.start < verb.start()
    if not _KAZAKH_VERB.match(verb[0]):
        return not _DATIVE.search(name.folded)
    last = _last_of_name(text, name).folded
    return None if _KAZAKH_UNSURE.search(last) else not _KAZAKH_DATIVE.search(last)


def _last_of_name(text: str, name: Word) -> Word:
    """Return the last of the capitalised words that stand together from a name on: in Kazakh it
    alone takes the case.
    """
    last = name
    for word in words(text):
        if word.start == last.end + 1 and text[word.start].isupper():
            last = word
    return last


def _succeeds(text: str, name: Word) -> bool | None:
    """Say whether a name is who takes the place in a text (not whose place is taken), None where
    its words don't show.
    """
    verb = _nearest(_successions(text), name)
    before = name.start < verb.start()
    found = list(words(text))
    first = found[0].folded
    between = [
        one.folded
        for one in found
        if (name.end if before else verb.end()) <= one.start
        and one.end <= (verb.start() if before else name.start)
    ]
    if verb[0].startswith("орнына"):  # "Мольдың орнына": the name before it is whose place it is
        names = [text[one.start].isupper() for one in found if name.end <= one.start < verb.start()]
        return not (before and all(names))
    if is_cyrillic(verb[0]):
        if _RELATIVE_OBJECT.fullmatch(first):  # "Кого сменил Дубравин?"
            return True
        if first in ("кто", "кем"):
            return False
        if before and any(_RELATIVE_OBJECT.fullmatch(one) for one in between):
            return False
        if before and any(_RELATIVE.fullmatch(one) for one in between):
            return True
        if _NOMINATIVE.search(name.folded):
            return True
        if _ACCUSATIVE.search(name.folded) or not before:
            return False
        return None
    if before and any(_RELATIVE_OBJECT.fullmatch(one) for one in between):
        return False
    passive = any(
        one.folded in _PASSIVE and verb.start() - one.end <= PASSIVE_REACH + len(name.folded)
        for one in found
        if one.end <= verb.start()
    ) and not (before and any(_RELATIVE.fullmatch(one) for one in between[-1:]))
    return before != passive
