"""Two questions in one message ("When did the tour start, and who paid for it?"), taken apart.

Only where each can stand alone, as far as their words tell: a part that loses its verb or its
antecedent is answered with something else, and whoever asks has to be told what wasn't answered.
"""

from __future__ import annotations

import re
from typing import Final

from app.content_words import content_terms
from app.language import detect_language
from app.lexicon import Lexicon, lexicon
from app.types import Language
from index import fold, words

QUESTIONS_MAX: Final = 3
WORDS_MIN: Final = 3
"""Words that a question has at least: "how and when was it built" asks about one thing."""
OPENING_WORDS: Final = 2
"""A question word stands among so many first words ("by whom"); a later one opens a clause."""
ASKED_WITHIN: Final = 4
"""The same of a sentence without a question mark, which may be a request ("Please tell me who")."""
TERMS_MIN: Final = 2
_SENTENCE_END: Final = re.compile(r"(?<=[?!])\s+|(?<=\w{4}\.)\s+")
_DETERMINERS: Final = frozenset({"which", "what", "how"})
"""English question words that a noun may follow, so that only an auxiliary tells of a verb."""
_ADVERBS: Final = frozenset({"when", "where", "why", "how", "which"})
"""English question words that open a clause as well."""
_RUSSIAN_SUBJECTS: Final = frozenset({"кто", "что"})
_RUSSIAN_VERB: Final = re.compile(r"\w{2,}(?:[лн][аои]?|[еиюуая]т|ены|ся|сь)$")
_KAZAKH_VERB: Final = re.compile(r"\w{2,}(?:[дт][ыи]|[гк][ае]н|[мбп][ае])$")


def questions_in(text: str) -> tuple[str, ...]:
    """Return the questions of a text that asks several, in order, or nothing where it asks one, or
    where something in it is no question, which belongs to one that is.
    """
    language = detect_language(text)
    lists = lexicon(language)
    sentences = [one for one in _SENTENCE_END.split(text) if content_terms(one, lists)]
    if not all(_asks(one, lists) and _is_no_statement(one, language) for one in sentences):
        return ()
    parts = [part for one in sentences for part in _joined(one, language)]
    return tuple(parts) if 1 < len(parts) <= QUESTIONS_MAX else ()


def _joined(text: str, language: Language) -> list[str]:
    """Return the questions that words like "and" join, or the text alone."""
    lists = lexicon(language)
    found = list(words(text))
    for at, word in enumerate(found[:-1]):
        if word.folded not in lists.question_joints:
            if text[word.end : found[at + 1].start].strip() != ",":
                continue
            # "When did it open, who designed it and what did it cost?": without "and" and a last
            # part, what follows a comma may be a clause (", who designed it").
            rest = text[found[at + 1].start :]
            opens = found[at + 1].folded in lists.question_words
            others = _joined(rest, language) if opens else []
            first = text[: word.end]
            whole = _asks(first, lists) and _is_whole(first, language)
            if len(others) > 1 and whole and not _may_be_clause(others[0], lists):
                return [f"{first}?", *others]
            continue
        start = at
        while start and found[start - 1].folded in lists.question_joints:
            start -= 1  # "and also", "а также"
        first, second = text[: found[start].start].rstrip(" ,;"), text[word.end :].lstrip()
        opens = found[at + 1].folded in lists.question_words or language == "kk"
        if opens and _asks(first, lists) and _asks(second, lists) and _is_whole(first, language):
            return [f"{first}?", *_joined(second, language)]
    return [text]


def _asks(text: str, lists: Lexicon) -> bool:
    said = [word.folded for word in words(text)]
    if len(said) < WORDS_MIN:
        return False
    about = content_terms(text, lists) or not lists.pronouns.isdisjoint(said)
    asks = not lists.question_words.isdisjoint(said) or said[0] in lists.auxiliaries
    return bool(about) and asks


def _is_no_statement(sentence: str, language: Language) -> bool:
    """Say whether a sentence ends in a question mark or opens as a question or a request for one
    does ("Tell me who runs the port."): a later question word opens a clause ("My father, who was
    a member, died."). In Kazakh it stands anywhere.
    """
    if sentence.rstrip().endswith("?") or language == "kk":
        return True
    lists = lexicon(language)
    asking = sentence[next(words(sentence)).start :]
    clause = [word.folded for word in words(asking.partition(",")[0])]
    is_request = any(one.match(fold(asking)) for one in lists.preambles)
    opening = clause if is_request else clause[:ASKED_WITHIN]
    return not lists.question_words.isdisjoint(opening) or clause[0] in lists.auxiliaries


def _may_be_clause(text: str, lists: Lexicon) -> bool:
    """Say whether what looks like a question may say when or where something holds ("when paid in
    cash"): it has no auxiliary, in a language that would.
    """
    said = [word.folded for word in words(text)]
    return bool(lists.noun_askers) and lists.auxiliaries.isdisjoint(said) and said[0] in _ADVERBS


def _is_whole(text: str, language: Language) -> bool:
    """Say whether the first of two parts can stand alone: it has a verb, as far as its words tell
    ("how many schools", of "how many schools and how many clinics were built", has none), and one
    question word ("the policy on when", "the village where he lived").
    """
    lists = lexicon(language)
    said = [word.folded for word in words(text)]
    if language == "kk":  # whose verb stands last, and whose question words stand anywhere
        return said[-1] in lists.question_words or _KAZAKH_VERB.search(said[-1]) is not None
    later = said[OPENING_WORDS:]
    if not lists.question_words.isdisjoint(later) or any(w.startswith("котор") for w in later):
        return False
    if not lists.auxiliaries.isdisjoint(said):
        return True
    terms = content_terms(text, lists)
    if language == "ru":
        if said[0] in _RUSSIAN_SUBJECTS and said[1] != "из":
            return bool(terms)  # "Кто такой Михнев", "кто министр": the verb is left out
        return any(_RUSSIAN_VERB.search(term.folded) for term in terms[1:])
    spoken_of = len(terms) + (not lists.pronouns.isdisjoint(said))
    return spoken_of >= TERMS_MIN and _DETERMINERS.isdisjoint(said[:OPENING_WORDS])
