"""What is read off a question's words alone: the bare text, and the words that carry it."""

from __future__ import annotations

import re
from typing import Final

from app.language import stems
from app.lexicon import Lexicon
from app.types import Term
from index import fold, words

_AFTER_STOP: Final = re.compile(r"(?:[?!:\u2026]|\w{5}\.)$")
"""After this a capital says nothing; "Dr." ends no sentence."""
TITLE_WORDS_MIN: Final = 2


def bare_text(text: str) -> str:
    """Return a text folded, with neither punctuation at its ends nor doubled spaces."""
    return " ".join(re.sub(r"[!?.,;:()\"\u2026]+", " ", fold(text)).split())


def content_terms(text: str, lists: Lexicon) -> tuple[Term, ...]:
    """Return the words that carry a question, in order, each once."""
    shouting = sum(map(str.isupper, text)) > sum(map(str.islower, text)) or _is_title(text, lists)
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
        before = text[: word.start].rstrip(" \"'«“„([")
        first = not before or _AFTER_STOP.search(before) is not None
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


def _is_title(text: str, lists: Lexicon) -> bool:
    """Say whether a text is written as a heading is, its small words capitalised too."""
    small = [word for word in words(text) if word.folded in lists.function_words][1:]
    return len(small) >= TITLE_WORDS_MIN and all(text[word.start].isupper() for word in small)
