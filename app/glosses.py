"""A question in another language than a passage, put in the passage's own words as far as it can be
told.

The reader was taught on few pairs of languages; a word that stands in both the question and the
passage is one that it needn't translate. Names are written as the passage writes them, other words
as the thesaurus has them.
"""

from __future__ import annotations

from app.language import is_cyrillic, same_name
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
            said.setdefault(folded, text[word.start : word.start + len(folded)])
    by_term = {term.folded: _said_as(term, said) for term in query.terms if not term.is_number}
    question = query.standalone_question
    put, done = [], 0
    for word in words(question):
        own = by_term.get(word.folded)
        if own is not None:
            put += [question[done : word.start], own]
            done = word.end
    return "".join([*put, question[done:]])


def _said_as(term: Term, said: dict[str, str]) -> str | None:
    """Return the word of a passage that says a term, the longest of several; None where there is
    none. ``said`` has the passage's words by what they are folded to.
    """
    own = None
    if term.may_be_name:  # many a name is a word as well
        cyrillic = is_cyrillic(term.folded)
        own = next(
            (
                word
                for word in said
                if is_cyrillic(word) != cyrillic
                and word[:1].isalpha()
                and same_name(term.folded, word)
            ),
            None,
        )
    if own is None:
        own = max(
            (one for one in term.translations or () if one in said), key=_length, default=None
        )
    return said[own] if own is not None else None


def _length(word: str) -> tuple[int, str]:
    return len(word), word
