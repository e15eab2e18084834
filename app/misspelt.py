"""Misspelt words of a question, put right: by the collection's words, by those that only say what
kind of answer is wanted, and by the language's small ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein, Prefix

from app.lexicon import Lexicon, has_gap
from app.speller import Speller
from index import Word, fold, words

QUESTION_WORD_LETTERS_MIN: Final = 3
ASKING_WORD_LETTERS_MIN: Final = 5


def respell(
    text: str, lists: Lexicon, vocabulary: Speller
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a text with misspelt words and initials replaced by the collection's own words, and
    the replacements.
    """
    text, mended = _mend(text, lists)
    replaced: list[tuple[str, str]] = []
    out = text
    found = list(words(text))
    asks = any(word.folded in lists.question_words for word in found)
    for word in reversed(found):
        written = text[word.start : word.end]
        meant = None
        if not asks and word is found[0]:
            meant = _question_word(found, text, lists, vocabulary)
        if meant is None and word.folded not in vocabulary.counts and not text.isupper():
            meant = vocabulary.spelled_out(written)
        if (
            meant is None
            and not any(
                word.folded in known
                for known in (
                    lists.function_words,
                    lists.question_words,
                    lists.time_words,
                    lists.number_words,
                )
            )
            and not lists.comparatives.fullmatch(word.folded)
        ):
            meant = vocabulary.meant(word.folded)
            if meant is not None and written[:1].isupper():
                meant = meant.capitalize()
        if meant is not None:
            replaced.append((written, meant))
            out = out[: word.start] + meant + out[word.end :]
    return out, (*mended, *reversed(replaced))


def mend_asking_words(
    text: str, lists: Lexicon, vocabulary: Speller
) -> tuple[str, list[tuple[str, str]]]:
    """Return a text in which words that only say what kind of answer is wanted ("sumary") are
    mended, and the replacements: the collection needn't have such words.
    """
    replaced: list[tuple[str, str]] = []
    for word in reversed(list(words(text))):
        bare = word.folded
        if len(bare) < ASKING_WORD_LETTERS_MIN or bare in lists.asking_words:
            continue
        meant = next(
            (one for one in sorted(lists.asking_words) if _is_misspelt_for(bare, one)),
            None,
        )
        if (
            meant is None
            or bare in lists.question_words
            or vocabulary.knows(bare)
            or vocabulary.meant(bare) is not None  # "meating" is a meeting, where there is one
        ):
            continue
        written = text[word.start : word.end]
        if written[:1].isupper() and text[: word.start].strip():
            continue  # a name
        right = lists.asking_words[meant]
        right = right.capitalize() if written[:1].isupper() else right
        replaced.insert(0, (written, right))
        text = text[: word.start] + right + text[word.end :]
    return text, replaced


def _is_misspelt_for(bare: str, known: str) -> bool:
    """Say whether a word is one edit from another, and not in its last two letters, where it is
    another form of it, or another word ("pleas", "outlined", "почём").
    """
    return (
        bare[0] == known[0]
        and DamerauLevenshtein.distance(bare, known, score_cutoff=1) == 1
        and Prefix.similarity(bare, known) < min(len(bare), len(known)) - 2
    )


def _mend(text: str, lists: Lexicon) -> tuple[str, list[tuple[str, str]]]:
    """Return a text with its misspelt small words mended, and the replacements; that an apostrophe
    was left out isn't worth telling.
    """
    replaced: list[tuple[str, str]] = []
    for pattern, meant in lists.respelled:
        for match in reversed(list(pattern.finditer(fold(text)))):
            start, end = match.span(pattern.groups)
            written = text[start:end]
            right = meant.capitalize() if written[:1].isupper() else meant
            if fold(written) != fold(meant).replace("'", ""):
                replaced.append((written, right))
            text = text[:start] + right + text[end:]
    return text, replaced


def _question_word(
    found: Sequence[Word], text: str, lists: Lexicon, vocabulary: Speller
) -> str | None:
    """Return the question word that the first word of a question is one edit from, where neither
    the collection nor the language's own small words have it and what follows goes with it ("wen
    did …", "wat time …"; not "wheat harvest").
    """
    word, after = found[0], found[1].folded if len(found) > 1 else ""
    bare = word.folded
    if (
        len(bare) < QUESTION_WORD_LETTERS_MIN
        or bare in vocabulary.counts
        or bare in lists.function_words
        or bare in lists.time_words
    ):
        return None
    near = [one for one in lists.question_words if DamerauLevenshtein.distance(bare, one) == 1]

    def fits(one: str) -> int:
        """Return how many letters say what kind of question it is with this word ("how many")."""
        read = fold(text[: word.start] + one + text[word.end :])
        return max(
            (
                len(match[0])
                for patterns in lists.kinds.values()
                for pattern in patterns
                if not has_gap(pattern.pattern) and (match := pattern.search(read))
            ),
            default=0,
        )

    # An added letter is likelier missing than a wrong one: "wen" is "when", not "who".
    best = max(near, key=lambda one: (fits(one), len(one), one), default=None)
    if best is None:
        return None
    swapped = sorted(best) == sorted(bare)  # letters change places in no other word's favour
    goes = swapped or fits(best) > len(best) or after in lists.auxiliaries
    return best if goes else None
