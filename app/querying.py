"""From what a reader typed to what is searched for.

Recognised here: the language, courtesies, orders that aren't questions, follow-ups (resolved
against the earlier questions), misspellings (forgiven against the collection's own words), the
kind of question, and the words that carry it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, cast, get_args

from rapidfuzz.distance import DamerauLevenshtein, Prefix

from app.content_words import bare_text, content_terms
from app.errors import QuestionRefused
from app.following_up import FollowUp, resolve
from app.language import (
    LANGUAGES,
    Lexicon,
    detect_language,
    is_cyrillic,
    lexicon,
    numbers,
    spelled_numbers,
    stems,
)
from app.types import CourtesyKind, Language, Query, QuestionKind, Term
from index import Word, fold, words

SPELLING_LETTERS_MIN: Final = 5
"""Shorter words have too many neighbours at one edit to be corrected."""
QUESTION_WORD_LETTERS_MIN: Final = 3
OPENING_WORDS: Final = 2
"""A question word stands among so many first words of a question ("In which year …")."""
COURTESY_WORDS_MORE: Final = 3
_COURTESIES: Final[Sequence[CourtesyKind]] = ("ability", "goodbye", "thanks", "greeting")
"""Of several in one text, the first of these is answered."""
_GAP: Final = re.compile(r"\.[*+]|(?:^|[( |]|\\b)\\w|\[\^")
"""In a pattern, what stands for any words; after letters it only stands for an ending."""


def understand(
    question: str,
    *,
    history: Sequence[str],
    language: Language | None,
    known_words: Mapping[str, int],
    is_word: Callable[[str], bool],
    spelled_out: Callable[[str], str | None],
    characters_max: int,
    antecedent: str | None = None,
    reading: int = 0,
) -> Query:
    """Return what a question asks for.

    ``known_words`` maps each folded word of the collection to the number of passages that have it;
    ``is_word`` knows words that are right as they are although no document has them;
    ``spelled_out`` returns what initials stand for in the collection, or None; ``antecedent``, if
    given, is what the question's pronoun stands for; ``reading`` chooses among the ways in which a
    follow-up can be put together with what it follows.

    Raises QuestionRefused where the question is empty or has more than ``characters_max``
    characters.
    """
    asked = " ".join(question.split())
    if not any(character.isalnum() for character in asked):
        raise QuestionRefused("empty_question", "The question is empty: type a few words.")
    if len(asked) > characters_max:
        raise QuestionRefused(
            "question_too_long",
            f"The question has {len(asked)} characters; the limit is {characters_max}. Shorten it.",
        )
    spoken = language or detect_language(asked)
    courtesy = None
    for tried in (spoken, *LANGUAGES):
        courtesy = _courtesy(asked, lexicon(tried), known_words)
        if courtesy is not None:
            spoken = language or tried
            break
    lists = lexicon(spoken)
    if courtesy is None:
        asked = _without_preamble(_without_greeting(asked, lists), lists)
    is_order = courtesy is None and any(p.search(fold(asked)) for p in lists.orders)

    read, corrections = _respell(asked, lists, known_words, is_word, spelled_out)
    follow_up = FollowUp.alone(read)
    if courtesy is None and not is_order:
        follow_up = resolve(read, history, lists)
    if antecedent is not None and follow_up.refers_back:
        follow_up = follow_up.about(antecedent, read, lists)
    standalone, says_kind = follow_up.readings[min(reading, len(follow_up.readings) - 1)]
    kind = _kind(bare_text(says_kind), content_terms(says_kind, lists), lists)
    terms = content_terms(_subject(standalone, kind, lists), lists)
    if kind == "yes_no":
        terms = tuple(one for one in terms if one.folded not in lists.verdict_words) or terms
    return Query(
        question=question,
        standalone_question=standalone,
        language=spoken,
        kind=kind,
        courtesy=courtesy,
        is_order=is_order,
        refers_back=follow_up.refers_back,
        names_another=follow_up.names_another,
        readings=len(follow_up.readings),
        corrections=corrections,
        terms=terms,
        numbers=numbers(standalone) | spelled_numbers(words(standalone), lists),
    )


def _courtesy(asked: str, lists: Lexicon, known_words: Mapping[str, int]) -> CourtesyKind | None:
    """Return what a text that is nothing but courtesies is ("ok thanks bye"), or None.

    A few words more that mean nothing to the collection ("thanks, was helpful") are let pass.
    """
    rest, said = bare_text(asked), set[CourtesyKind]()
    while rest:
        ends = {
            match.end(): kind
            for kind, patterns in lists.courtesies.items()
            for pattern in patterns
            if (match := pattern.match(rest))
        }
        if not ends or not max(ends):
            break
        said.add(ends[max(ends)])
        rest = rest[max(ends) :].strip()
    more = [word.folded for word in words(rest)]
    if more and (
        said.isdisjoint({"thanks", "goodbye"})
        or len(more) > COURTESY_WORDS_MORE
        or "?" in asked
        or any(word in lists.question_words for word in more)
        or any(word in known_words for word in more if word not in lists.function_words)
    ):
        return None
    return next((kind for kind in _COURTESIES if kind in said), None)


def _without_greeting(asked: str, lists: Lexicon) -> str:
    """Drop a greeting or thanks that precedes the question proper ("Hello! How many …?"), without
    a stop between them only where a question word follows.
    """
    folded = fold(asked)
    for kind in ("greeting", "thanks"):
        for pattern in lists.courtesies[kind]:
            opening = pattern.match(folded)
            if not opening or not opening.end():
                continue
            rest = asked[opening.end() :].lstrip(" ,!.-")
            stops = folded[opening.end() :].startswith((",", "!", ".", "-", " -"))
            if rest and (stops or _opens_with_question_word(rest, lists, 1)):
                return rest
    return asked


def _without_preamble(asked: str, lists: Lexicon) -> str:
    """Drop what precedes the question proper ("Could you tell me how many …") where what is left
    opens as a question does, or as one put as a request ("Can you list …").
    """
    rest = asked
    while True:
        folded = fold(rest)
        ends = (one.end() for pattern in lists.preambles if (one := pattern.match(folded)))
        end = max(ends, default=0)
        if not end:
            break
        rest = rest[end:].lstrip(" ,:;.!-\u2013\u2014")
        if _opens_with_question_word(rest, lists, OPENING_WORDS) or _opens_as_request(rest, lists):
            asked = rest
    return asked


def _opens_with_question_word(text: str, lists: Lexicon, count: int) -> bool:
    first = [word.folded for word in words(text)][:count]
    return any(word in lists.question_words for word in first)


def _opens_as_request(text: str, lists: Lexicon) -> bool:
    plain = bare_text(text)
    return any(
        pattern.pattern.startswith("^") and pattern.match(plain)
        for patterns in lists.kinds.values()
        for pattern in patterns
    )


def _kind(plain: str, terms: Sequence[Term], lists: Lexicon) -> QuestionKind:
    for kind in get_args(QuestionKind):
        if any(pattern.search(plain) for pattern in lists.kinds.get(kind, ())):
            return cast(QuestionKind, kind)
    asks = any(word.folded in lists.question_words for word in words(plain))
    # Keywords only ("irrigation canals"): whatever is said about them is wanted.
    return "fact" if asks or not terms else "topic"


def _subject(text: str, kind: QuestionKind, lists: Lexicon) -> str:
    """Return a question with the words that only say what kind it is ("summary", "how many years",
    "the reason") blanked out.

    A pattern with a gap for other words in it reaches over the subject and is left out.
    """
    for pattern in lists.kinds.get(kind, ()):
        if _has_gap(pattern.pattern):
            continue
        for match in pattern.finditer(fold(text)):
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return text


@cache
def _has_gap(pattern: str) -> bool:
    """Say whether a pattern can match any words, what it only looks at left aside."""
    depths = list[int]()  # of the groups that are open, how many look ahead or behind
    matched = ""
    at = 0
    while at < len(pattern):
        step = 2 if pattern[at] == "\\" else 1
        if pattern[at] == "(":
            looks = re.match(r"\(\?<?[=!]", pattern[at:]) is not None
            depths.append((depths[-1] if depths else 0) + looks)
        if not (depths and depths[-1]):
            matched += pattern[at : at + step]
        if pattern[at] == ")" and depths:
            depths.pop()
        at += step
    return _GAP.search(matched) is not None


def _respell(
    text: str,
    lists: Lexicon,
    known_words: Mapping[str, int],
    is_word: Callable[[str], bool],
    spelled_out: Callable[[str], str | None],
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a text with misspelt words and initials replaced by the collection's own words, and
    the replacements.

    A word is misspelt when neither the collection nor ``is_word`` has it and exactly one word of
    the collection (the most frequent among equals) lies within one edit, or two in a long word; a
    transposition is one edit.
    """
    text, mended = _mend(text, lists)
    replaced: list[tuple[str, str]] = []
    out = text
    found = list(words(text))
    asks = any(word.folded in lists.question_words for word in found)
    for word in reversed(found):
        bare = word.folded
        written = text[word.start : word.end]
        meant = None
        if not asks and word is found[0]:
            meant = _question_word(word, text, lists, known_words)
        if meant is not None:
            replaced.append((written, meant))
            out = out[: word.start] + meant + out[word.end :]
            continue
        full = None if bare in known_words or text.isupper() else spelled_out(written)
        if full is not None:
            replaced.append((written, full))
            out = out[: word.start] + full + out[word.end :]
            continue
        if (
            len(bare) < SPELLING_LETTERS_MIN
            or bare[:1].isdigit()
            or "'" in bare
            or bare in known_words
            or bare in lists.function_words
            or bare in lists.question_words
            or bare in lists.time_words
            or bare in lists.number_words
            or is_word(bare)
            or any(is_word(base) for base in _bases(bare))
        ):
            continue
        edits_max = 2 if len(bare) >= _two_edits_from(bare) else 1
        best: tuple[int, int, str] | None = None
        own = set(stems(bare))
        for known, count in known_words.items():
            if abs(len(known) - len(bare)) > edits_max or len(known) < SPELLING_LETTERS_MIN:
                continue
            if not own.isdisjoint(stems(known)):
                best = None
                break
            edits = DamerauLevenshtein.distance(bare, known, score_cutoff=edits_max)
            # A letter more or less in front makes another word ("bother" and "other").
            same_front = known[0] == bare[0] or (edits == 1 and len(known) == len(bare))
            # Two in the last letters make another form of it ("economist" and "economic").
            same_end = edits < 2 or Prefix.similarity(bare, known) < min(len(bare), len(known)) - 2
            if edits <= edits_max and same_front and same_end:
                candidate = (edits, -count, known)
                best = min(best, candidate) if best else candidate
        if best is not None:
            correction = best[2].capitalize() if written[:1].isupper() else best[2]
            replaced.append((written, correction))
            out = out[: word.start] + correction + out[word.end :]
    return out, (*mended, *reversed(replaced))


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


def _bases(bare: str) -> Iterator[str]:
    """Yield an English word without the ending that makes it a plural or a past."""
    if not is_cyrillic(bare):
        for ending in ("s", "es", "ed"):
            if bare.endswith(ending) and len(bare) - len(ending) >= SPELLING_LETTERS_MIN:
                yield bare.removesuffix(ending)


def _two_edits_from(bare: str) -> int:
    """Return from how many letters on a word may be two edits off. Russian and Kazakh words have
    many endings, so that two edits lead from one right word to another ("басқарады", "басталады").
    """
    return 11 if is_cyrillic(bare) else 8


def _question_word(
    word: Word, text: str, lists: Lexicon, known_words: Mapping[str, int]
) -> str | None:
    """Return the question word that a word of a question is one edit from ("wen did …"), where
    neither the collection nor the language's own small words have it.
    """
    bare = word.folded
    if (
        len(bare) < QUESTION_WORD_LETTERS_MIN
        or bare in known_words
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
                if not _has_gap(pattern.pattern) and (match := pattern.search(read))
            ),
            default=0,
        )

    # An added letter is likelier missing than a wrong one: "wen" is "when", not "who".
    return max(near, key=lambda one: (fits(one), len(one), one), default=None)
