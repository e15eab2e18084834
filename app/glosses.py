"""A question in another language than a passage, put in the passage's own words as far as it can be
told.

The reader was taught on few pairs of languages; a word that stands in both the question and the
passage is one that it needn't translate. Names are written as the passage writes them, other words
as the thesaurus has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rapidfuzz.fuzz import ratio

from app.language import is_cyrillic, romanise, same_name, stems
from app.lexicon import LANGUAGES, lexicon
from app.types import Query, Term
from index import Passage, words


def glossed(query: Query, passage: Passage) -> str:
    """Return the standalone question with each word that the passage, or a heading over it, says in
    another language put as it stands there.
    """
    said: dict[str, str] = {}
    for text in (passage.text, passage.table_header, passage.context_line):
        for word in words(text):
            folded = word.folded.removesuffix("'s")
            end = word.end - len(word.folded) + len(folded)
            said.setdefault(folded, text[word.start : end])
    own: dict[str, str] = {}
    for term in query.terms:
        found = _said_as(term, said)
        if found is not None:
            own.update(dict.fromkeys((term.folded, term.stems[0]), found))
    question = query.standalone_question
    put, done = [], 0
    for word in words(question):
        folded = word.folded.removesuffix("'s")
        found = own.get(folded) or own.get(stems(folded)[0])
        if found is not None and folded not in said:
            put += [question[done : word.start], found]
            done = word.end
    return "".join([*put, question[done:]])


def _said_as(term: Term, said: Mapping[str, str]) -> str | None:
    """Return the word of a passage that says a term, None where there is none. ``said`` has the
    passage's words by what they are folded to.

    A name is said by a word with a capital, the one that is spelled most like it or, where none is,
    one that means the same ("Всемирный банк" is the World Bank, Лев no lion). Of other words that
    mean the same the longest is taken, and what only has a capital may be a name where none does.
    """
    if term.is_number:
        return None
    same = [word for word in term.translations or () if word in said]
    if term.is_name:
        found = _spelled_like(term, said) or _longest(one for one in same if _is_capital(said[one]))
    else:
        found = _longest(same) or (_spelled_like(term, said) if term.may_be_name else None)
    return said[found] if found else None


def _spelled_like(term: Term, said: Mapping[str, str]) -> str | None:
    """Return the word with a capital that can be a name in the other script, None if none can."""
    cyrillic = is_cyrillic(term.folded)
    found = [
        word
        for word, written in said.items()
        if _is_capital(written)
        and is_cyrillic(word) != cyrillic
        and not any(word in lexicon(language).function_words for language in LANGUAGES)
        and same_name(term.folded, word)
    ]
    name = romanise(term.folded)
    return max(found, key=lambda word: (ratio(name, romanise(word)), word), default=None)


def _is_capital(written: str) -> bool:
    return written[:1].isupper()


def _longest(found: Iterable[str]) -> str | None:
    return max(found, key=lambda word: (len(word), word), default=None)
