"""What is read off a question's words alone: the bare text, and the words that carry it."""

from __future__ import annotations

import re

from app.language import Lexicon, stems
from app.types import Term
from index import fold, words


def bare_text(text: str) -> str:
    """Return a text folded, with neither punctuation at its ends nor doubled spaces."""
    return " ".join(re.sub(r"[!?.,;:()\"\u2026]+", " ", fold(text)).split())


def content_terms(text: str, lists: Lexicon) -> tuple[Term, ...]:
    """Return the words that carry a question, in order, each once."""
    shouting = sum(map(str.isupper, text)) > sum(map(str.islower, text))
    terms: dict[str, Term] = {}
    for word in words(text):
        if (
            word.folded in lists.function_words
            or word.folded in lists.question_words
            or word.folded in lists.number_words
        ):
            continue
        bare = word.folded.removesuffix("'s")
        if len(bare) < 2 and not bare.isdigit():
            continue
        written = text[word.start : word.end]
        first = not text[: word.start].strip(" \"'«“„([")
        is_name = (
            written[:1].isupper()
            and not shouting
            and (not first or written[1:2].isupper())
            and bare not in lists.time_words
        )
        term = Term(
            text=written,
            folded=bare,
            stems=stems(bare),
            is_name=is_name,
            is_number=bare[:1].isdigit(),
        )
        terms.setdefault(term.stems[0], term)
    return tuple(terms.values())
