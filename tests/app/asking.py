"""Questions understood as the program understands them, over a vocabulary of a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from app.language import stems
from app.querying import heard_before, understand
from app.speller import Speller
from app.types import Language, Query

CHARACTERS_MAX = 500


def understood(
    question: str,
    history: Sequence[str] = (),
    *,
    language: Language | None = None,
    known_words: Mapping[str, int] = MappingProxyType({}),
    is_word: Callable[[str], bool] = lambda word: True,
    spelled_out: Callable[[str], str | None] = lambda written: None,
    antecedent: str | None = None,
    reading: int = 0,
) -> Query:
    """Return what a question asks for of a collection that has ``known_words``."""
    stemmed = {one for word in known_words for one in stems(word)}
    vocabulary = Speller(known_words, stemmed, is_word, spelled_out)
    return understand(
        question,
        history=heard_before(history, vocabulary, CHARACTERS_MAX),
        language=language,
        vocabulary=vocabulary,
        characters_max=CHARACTERS_MAX,
        antecedent=antecedent,
        reading=reading,
    )
