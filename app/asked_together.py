"""Two questions in one message ("When did the tour start, and who paid for it?"), taken apart."""

from __future__ import annotations

import re
from typing import Final

from app.content_words import content_terms
from app.language import detect_language
from app.lexicon import Lexicon
from index import fold, words

QUESTIONS_MAX: Final = 3
WORDS_MIN: Final = 3
"""Words that a question has at least: "how and when was it built" asks about one thing."""
TERMS_MIN: Final = 2
_ENDED: Final = re.compile(r"(?<=\?)\s+")


def questions_in(text: str, lists: Lexicon) -> tuple[str, ...]:
    """Return the questions of a text that asks several, in order, or nothing where it asks one."""
    asked = [one for one in _ENDED.split(text) if _asks(one, lists)]
    if len(asked) < len([one for one in _ENDED.split(text) if content_terms(one, lists)]):
        return ()  # something that is no question belongs to one that is
    parts = [part for one in asked for part in _joined(one, lists)]
    return tuple(parts) if 1 < len(parts) <= QUESTIONS_MAX else ()


def _joined(text: str, lists: Lexicon) -> list[str]:
    """Return the two questions that a word joins, or the text alone."""
    found = list(words(text))
    for at, word in enumerate(found):
        if word.folded not in lists.question_joints:
            continue
        first, second = text[: word.start].rstrip(" ,;"), text[word.end :].lstrip()
        both_ask = _asks(second, lists) and _asks(first, lists)
        opens = both_ask and found[at + 1].folded in lists.question_words
        in_place = detect_language(text) == "kk"  # whose question words stand anywhere
        if both_ask and (opens or in_place) and _is_whole(first, second, lists):
            return [f"{first}?", second]
    return [text]


def _asks(text: str, lists: Lexicon) -> bool:
    said = [word.folded for word in words(text)]
    if len(said) < WORDS_MIN:
        return False
    about = content_terms(text, lists) or not lists.pronouns.isdisjoint(said)
    asks = not lists.question_words.isdisjoint(said) or said[0] in lists.auxiliaries
    return bool(about) and asks


def _is_whole(first: str, second: str, lists: Lexicon) -> bool:
    """Say whether the first of two parts can stand alone ("how many schools", of "how many schools
    and how many clinics were built", can't): it has a verb, as far as its words tell, or the second
    has a pronoun for what it asked about.
    """
    said = {word.folded for word in words(first)}
    return (
        not lists.auxiliaries.isdisjoint(said)
        or len(content_terms(first, lists)) >= TERMS_MIN
        or not lists.pronouns.isdisjoint(word.folded for word in words(fold(second)))
    )
