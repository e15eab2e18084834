"""From what a reader typed to what is searched for.

Recognised here: the language, courtesies, orders that aren't questions, follow-ups (resolved
against the earlier questions), misspellings (forgiven against the collection's own words), the
kind of question, and the words that carry it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast, get_args

from rapidfuzz.distance import DamerauLevenshtein

from app.errors import QuestionRefused
from app.language import LANGUAGES, Lexicon, detect_language, lexicon, numbers, stems
from app.types import CourtesyKind, Language, Query, QuestionKind, Term
from index import Word, fold, words

SPELLING_LETTERS_MIN: Final = 5
"""Shorter words have too many neighbours at one edit to be corrected."""
QUESTION_WORD_LETTERS_MIN: Final = 3
FOLLOWUP_TERMS_MAX: Final = 4
"""A question with more content words than this stands on its own unless it has a pronoun."""


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
) -> Query:
    """Return what a question asks for.

    ``known_words`` maps each folded word of the collection to the number of passages that have it;
    ``is_word`` knows words that are right as they are although no document has them;
    ``spelled_out`` returns what initials stand for in the collection, or None; ``antecedent``, if
    given, is what the question's pronoun stands for.

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
        courtesy = _courtesy(_bare(asked), lexicon(tried))
        if courtesy is not None:
            spoken = language or tried
            break
    lists = lexicon(spoken)
    if courtesy is None:
        asked = _without_greeting(asked, lists)
    is_order = courtesy is None and any(p.search(fold(asked)) for p in lists.orders)

    read, corrections = _respell(asked, lists, known_words, is_word, spelled_out)
    standalone, says_kind, refers_back = read, read, False
    if courtesy is None and not is_order:
        standalone, says_kind = _resolve(read, history, lists)
        refers_back = standalone != read and _pronoun(read, lists) is not None
    if refers_back and antecedent is not None:
        standalone = _with_antecedent(read, antecedent, lists)
    kind = _kind(_bare(says_kind), _terms(says_kind, lists), lists)
    return Query(
        question=question,
        standalone_question=standalone,
        language=spoken,
        kind=kind,
        courtesy=courtesy,
        is_order=is_order,
        refers_back=refers_back,
        corrections=corrections,
        terms=_terms(_subject(standalone, kind, lists), lists),
        numbers=_numbers(standalone, lists),
    )


def _bare(text: str) -> str:
    """Return a text folded, with neither punctuation at its ends nor doubled spaces."""
    return " ".join(re.sub(r"[!?.,;:()\"\u2026]+", " ", fold(text)).split())


def _courtesy(plain: str, lists: Lexicon) -> CourtesyKind | None:
    for kind, patterns in lists.courtesies.items():
        if any(pattern.fullmatch(plain) for pattern in patterns):
            return kind
    # "Hello, what can you do?": a greeting and another courtesy.
    for pattern in lists.courtesies["greeting"]:
        greeting = pattern.match(plain)
        if greeting and greeting.end() and plain[greeting.end() : greeting.end() + 1] == " ":
            rest = plain[greeting.end() :].strip()
            for kind, patterns in lists.courtesies.items():
                if any(pattern.fullmatch(rest) for pattern in patterns):
                    return kind
    return None


def _without_greeting(asked: str, lists: Lexicon) -> str:
    """Drop a greeting or thanks that precedes the question proper ("Hello! How many …?")."""
    folded = fold(asked)
    for kind in ("greeting", "thanks"):
        for pattern in lists.courtesies[kind]:
            opening = pattern.match(folded)
            if opening and opening.end() and folded[opening.end() :].startswith(tuple(",!.-")):
                rest = asked[opening.end() :].lstrip(" ,!.-")
                if rest:
                    return rest
    return asked


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
        if ".*" in pattern.pattern or r"\w" in pattern.pattern.replace(r"\w*", ""):
            continue
        for match in pattern.finditer(fold(text)):
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return text


def _terms(text: str, lists: Lexicon) -> tuple[Term, ...]:
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


def _numbers(text: str, lists: Lexicon) -> frozenset[str]:
    """Return the numbers of a text, those in words included ("forty-two" → 42).

    A word for one is left out: it is a pronoun as often as a number.
    """
    spelled: list[int] = []
    before = 0
    for word in words(text):
        number = lists.number_words.get(word.folded, 0)
        if spelled and before >= 20 and before % 10 == 0 and 0 < number < 10:
            spelled[-1] += number
        elif number > 1:
            spelled.append(number)
        before = number
    return numbers(text) | frozenset(map(str, spelled))


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
    the collection (the most frequent among equals) lies within one edit, or two from eight letters
    on; a transposition is one edit.
    """
    replaced: list[tuple[str, str]] = []
    out = text
    found = list(words(text))
    asks = any(word.folded in lists.question_words for word in found)
    for word in reversed(found):
        bare = word.folded
        written = text[word.start : word.end]
        meant = None if asks or word is not found[0] else _question_word(bare, lists, known_words)
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
        ):
            continue
        edits_max = 2 if len(bare) >= 8 else 1
        best: tuple[int, int, str] | None = None
        own = set(stems(bare))
        for known, count in known_words.items():
            if abs(len(known) - len(bare)) > edits_max or len(known) < SPELLING_LETTERS_MIN:
                continue
            if not own.isdisjoint(stems(known)):
                best = None
                break
            edits = DamerauLevenshtein.distance(bare, known, score_cutoff=edits_max)
            if edits <= edits_max and (known[0] == bare[0] or edits == 1):
                candidate = (edits, -count, known)
                best = min(best, candidate) if best else candidate
        if best is not None:
            correction = best[2].capitalize() if written[:1].isupper() else best[2]
            replaced.append((written, correction))
            out = out[: word.start] + correction + out[word.end :]
    return out, tuple(reversed(replaced))


def _question_word(bare: str, lists: Lexicon, known_words: Mapping[str, int]) -> str | None:
    """Return the question word that a question's first word is one edit from ("wen did …"), where
    neither the collection nor the language's own small words have it.
    """
    if (
        len(bare) < QUESTION_WORD_LETTERS_MIN
        or bare in known_words
        or bare in lists.function_words
        or bare in lists.time_words
    ):
        return None
    near = [one for one in lists.question_words if DamerauLevenshtein.distance(bare, one) == 1]
    # An added letter is likelier missing than a wrong one: "wen" is "when", not "who".
    return max(near, key=lambda one: (len(one), one), default=None)


def _resolve(read: str, history: Sequence[str], lists: Lexicon) -> tuple[str, str]:
    """Return a question that stands on its own, and the question that says what kind it is.

    A follow-up that only names another thing ("And the bridge?") takes the place of the thing of
    the same form in the earlier question; where there is none, and where a pronoun refers back
    ("how long is it?"), both questions are put together and read as one. Any other question is
    left alone, so that a change of subject isn't dragged along.
    """
    history = [earlier for earlier in history if any(map(str.isalnum, earlier))]
    if not history:
        return read, read
    folded = _bare(read)
    terms = _terms(read, lists)
    found = [word.folded for word in words(read)]
    opening = next(
        (o for o in lists.followup_openings if folded == o or folded.startswith(o + " ")), None
    )
    asks = any(word in lists.question_words for word in found)
    has_pronoun = _pronoun(read, lists) is not None
    has_name = any(term.is_name for term in terms)
    short = len(terms) <= FOLLOWUP_TERMS_MAX
    elliptic = short and not asks and (opening is not None or len(terms) <= 1)
    refers = short and has_pronoun and not has_name
    bare_question = asks and len(terms) <= 1 and not has_name
    opens = short and asks and opening is not None and not has_name
    if not (elliptic or refers or bare_question or opens):
        return read, read
    earlier, earlier_kind = _resolve(" ".join(history[-1].split()), history[:-1], lists)
    if elliptic and not has_pronoun:
        named = read[_opening_characters(read, opening or "") :].strip(" ,?.!")
        replaced = _in_place(earlier, named, lists)
        if replaced is not None:
            return replaced, replaced
    joined = f"{earlier} {read}" if earlier.endswith(("?", ".", "!")) else f"{earlier}? {read}"
    return joined, read if asks else earlier_kind


def _pronoun(read: str, lists: Lexicon) -> Word | None:
    return next((word for word in words(read) if word.folded in lists.pronouns), None)


def _with_antecedent(read: str, antecedent: str, lists: Lexicon) -> str:
    """Return a follow-up with its first pronoun replaced by what it stands for."""
    pronoun = _pronoun(read, lists)
    assert pronoun is not None
    possessive = "'s" if pronoun.folded in lists.possessives else ""
    return f"{read[: pronoun.start]}{antecedent}{possessive}{read[pronoun.end :]}"


def _opening_characters(read: str, opening: str) -> int:
    """Return how many characters of a follow-up its opening ("And what about") takes."""
    count = len(opening.split())
    found = list(words(read))
    return found[count - 1].end if 0 < count <= len(found) else 0


_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b(?:[-\u2013](?:1[0-9]|20)\d\d\b)?")


def _in_place(earlier: str, named: str, lists: Lexicon) -> str | None:
    """Return the earlier question about ``named`` instead, or None where nothing can be replaced.

    Replaced is what has the same form and stands last: a year by a year, a name by a name, else
    the words from a determiner or preposition that opens ``named`` up to the next function word.
    """
    opening = next(words(named), None)
    if opening is None:
        return None
    if _YEAR.search(named):
        years = list(_YEAR.finditer(earlier))
        new = _YEAR.search(named)
        if years and new:
            return earlier[: years[-1].start()] + new[0] + earlier[years[-1].end() :]
        return None
    new_terms = _terms(f". {named}", lists)
    spans: list[tuple[int, int]] = []
    if new_terms and all(term.is_name for term in new_terms):
        names = {t.folded for t in _terms(earlier, lists) if t.is_name}
        spans = _runs(earlier, lambda word: word in names)
    elif opening.folded in lists.function_words:
        found = list(words(earlier))
        for at, word in enumerate(found):
            if word.folded != opening.folded:
                continue
            stop = at + 1
            while stop < len(found) and found[stop].folded in lists.function_words:
                stop += 1
            while stop < len(found) and found[stop].folded not in lists.function_words:
                stop += 1
            if found[stop - 1].folded not in lists.function_words:
                spans.append((word.start, found[stop - 1].end))
    if not spans:
        return None
    start, end = spans[-1]
    return earlier[:start] + named + earlier[end:]


def _runs(text: str, wanted: Callable[[str], bool]) -> list[tuple[int, int]]:
    """Return the spans of the longest runs of neighbouring words that are wanted."""
    spans: list[tuple[int, int]] = []
    for word in words(text):
        if not wanted(word.folded.removesuffix("'s")):
            continue
        if spans and not text[spans[-1][1] : word.start].strip(" -\u2013"):
            spans[-1] = (spans[-1][0], word.end)
        else:
            spans.append((word.start, word.end))
    return spans
