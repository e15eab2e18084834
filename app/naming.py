"""Which documents a question names ("in the 2024 report", "as of March 2023"), and what it asks
of them.

A name is a run of words that stand in a document's title, file name or date, after or before the
words that point to a document in the question's language (``document_words`` in
``app/languages``). A year alone never names a document: it is part of what is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Final, Literal, TypeAlias

from app.catalogue import YEAR, Catalogue, Day, meanings
from app.language import stems
from app.lexicon import LANGUAGES, Lexicon, lexicon
from app.types import Language
from index import Frozen, Word, fold, words

NAME_WORDS_MIN: Final = 2
"""Without a word for a document ("report"), so many words of a title name one."""


_Kind: TypeAlias = Literal["document", "subject", "period"]


class Naming(Frozen):
    """What a question names: the documents, the words that name them, the question without these.

    ``documents`` is empty where a document of a series is named that isn't there. Only a
    "document" is named beyond doubt; a "subject" (a plan, a law) and a "period" may as well be
    part of the fact that is asked for.
    """

    kind: _Kind
    documents: frozenset[str]
    phrase: str
    rest: str


def name_documents(
    question: str, language: Language, catalogue: Catalogue, chosen: frozenset[str] | None
) -> Naming | None:
    """Return the documents that a question names among those chosen, or None where it names none.

    Naming all of them is naming none; naming one that isn't chosen is naming one that isn't there.
    """
    everything = frozenset(catalogue.titles) if chosen is None else chosen
    lists = lexicon(language)
    found = list(words(question))
    ways = (
        _by_file(question, lists, catalogue),
        *_by_name(question, found, language, catalogue),
        _by_period(question, lists, catalogue),
    )
    for naming in ways:
        if naming is None:
            continue
        documents = naming.documents & everything
        asks = any(map(str.isalnum, naming.rest))
        if not asks or documents == everything or not (documents or naming.kind == "document"):
            continue
        return naming.model_copy(update={"documents": documents})
    return None


def _by_file(question: str, lists: Lexicon, catalogue: Catalogue) -> Naming | None:
    """Return the document whose file name a question has, with its ending."""
    known = lists.document_words
    folded = fold(question)
    for name, documents in catalogue.files().items():
        match = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", folded)
        if match and "." in name:
            cues = "|".join(map(re.escape, (*known.cues, *known.light_cues)))
            cue = re.search(rf"(?:\b(?:{cues}) (?:the )?)?$", folded[: match.start()])
            start = cue.start() if cue and cues else match.start()
            return _naming(
                question, documents, (start, match.end()), question[slice(*match.span())]
            )
    return None


def _by_period(question: str, lists: Lexicon, catalogue: Catalogue) -> Naming | None:
    """Return the documents of the day, month or year as of which a question asks."""
    for pattern in lists.document_words.as_of:
        match = pattern.search(fold(question))
        if match is None:
            continue
        day = _day([word.folded for word in words(match[1])])
        if day is None:
            continue
        documents = catalogue.dated(day)
        if not documents and day.month is None:
            documents = catalogue.of_year(str(day.year))
        if documents:
            phrase = question[match.start(1) : match.end(1)]
            return _naming(question, documents, match.span(), phrase, kind="period")
    return None


def _by_name(
    question: str, found: Sequence[Word], language: Language, catalogue: Catalogue
) -> Iterator[Naming | None]:
    """Yield what each cue of a question points to, the cues that mean nothing else first."""
    known = lexicon(language).document_words
    folded = [word.folded for word in found]
    for cues, heavy in ((known.cues, True), (known.light_cues, False)):
        for at, length in _cues(folded, cues):
            yield _forward(question, found, at, at + length, language, catalogue, heavy=heavy)
    for at, length in _cues(folded, known.cues_after):
        yield _backward(question, found, at, at + length, language, catalogue, heavy=True)
    for at, word in enumerate(folded):
        if word in known.asking_verbs:
            yield _forward(
                question, found, at, at + 1, language, catalogue, heavy=False, tells=True
            )
        if known.endings_after and word.endswith(known.endings_after) and meanings(word):
            yield _backward(question, found, at + 1, at + 1, language, catalogue, heavy=False)


def _cues(folded: Sequence[str], cues: Sequence[str]) -> Iterator[tuple[int, int]]:
    for at in range(len(folded)):
        for cue in cues:
            parts = cue.split()
            if list(folded[at : at + len(parts)]) == parts:
                yield at, len(parts)
                break


def _forward(
    question: str,
    found: Sequence[Word],
    cue: int,
    first: int,
    language: Language,
    catalogue: Catalogue,
    *,
    heavy: bool,
    tells: bool = False,
) -> Naming | None:
    """Return what the words after a cue name; ``tells`` wants a verb of telling after them."""
    lists = lexicon(language)
    known = lists.document_words
    while first < len(found) and found[first].folded in lists.function_words:
        first += 1
    last = first
    while last < len(found) and _belongs(found[last].folded, lists, catalogue):
        if last > first and re.search(
            r"[,;:?!()]", question[found[last - 1].end : found[last].start]
        ):
            break
        last += 1
    for stop in range(last, first, -1):
        if found[stop - 1].folded in known.joints:
            continue
        if tells and not (stop < len(found) and found[stop].folded in known.telling_verbs):
            continue
        named = _match(found[first:stop], language, catalogue, heavy=heavy)
        if named is not None:
            span = (found[cue].start, found[stop if tells else stop - 1].end)
            phrase = question[found[first].start : found[stop - 1].end]
            return _naming(question, named[0], span, phrase, kind=named[1])
    return None


def _backward(
    question: str,
    found: Sequence[Word],
    last: int,
    cue_end: int,
    language: Language,
    catalogue: Catalogue,
    *,
    heavy: bool,
) -> Naming | None:
    """Return what the words before a cue, or up to an ending, name."""
    lists = lexicon(language)
    first = last
    while first > 0 and _belongs(found[first - 1].folded, lists, catalogue):
        first -= 1
    for begin in range(first, last):
        named = _match(found[begin:last], language, catalogue, heavy=heavy)
        if named is not None:
            span = (found[begin].start, found[cue_end - 1].end)
            phrase = question[found[begin].start : found[last - 1].end]
            return _naming(question, named[0], span, phrase, kind=named[1])
    return None


def _belongs(word: str, lists: Lexicon, catalogue: Catalogue) -> bool:
    """Say whether a word may stand in a document's name."""
    known = lists.document_words
    return bool(
        word in known.joints
        or word in known.generic
        or word in known.latest
        or word in lists.time_words
        or word.isdigit()
        or _month(word) is not None
        or meanings(word)
        or catalogue.named(word)
    )


def _match(
    name: Sequence[Word], language: Language, catalogue: Catalogue, *, heavy: bool
) -> tuple[frozenset[str], _Kind] | None:
    """Return the documents that a run of words names, and how surely; none of them where only the
    year is another's; None where the run is no name.
    """
    folded = [word.folded for word in name]
    every = [lexicon(language) for language in LANGUAGES]
    kinds = {kind for word in folded for kind in meanings(word, certain=True)}
    subjects = {kind for word in folded for kind in meanings(word, certain=False)}
    day = _day(folded)
    years = [word for word in folded if YEAR.fullmatch(word)]
    latest = any(word in lists.document_words.latest for lists in every for word in folded)
    told = [
        word
        for word in folded
        if not word.isdigit()
        and not meanings(word)
        and not any(
            word in lists.document_words.joints
            or word in lists.document_words.generic
            or word in lists.document_words.latest
            or word in lists.time_words
            or word in lists.function_words
            for lists in every
        )
    ]
    wanted = [catalogue.named(word) for word in told]
    wanted += [catalogue.meaning(kind) for kind in (*kinds, *subjects)]
    if not wanted:
        return None
    series: set[str] = reduce(set.intersection, wanted)
    documents = series
    for year in years:
        documents = documents & catalogue.of_year(year)
    if day is not None and (not documents or day.month is not None):
        documents = series & catalogue.dated(day)
    if latest and documents:
        spoken = {one for one in documents if catalogue.languages[one] == language}
        documents = spoken or documents
        newest = max((catalogue.days.get(one, Day(0)) for one in documents), key=_order)
        documents = {one for one in documents if catalogue.days.get(one, Day(0)) == newest}
    if not documents:
        return (frozenset(), "document") if series and years and kinds else None
    said = {stems(word)[0] for word in folded}
    whole = any(catalogue.names[one] <= said for one in documents)
    if kinds:
        more = bool(told or years or day or latest or subjects) or len(documents) == 1
        return (frozenset(documents), "document") if heavy or more else None
    if (subjects and told) or (heavy and len(told) >= NAME_WORDS_MIN and len(documents) == 1):
        return frozenset(documents), "document" if heavy and whole else "subject"
    return None


def _order(day: Day) -> tuple[int, int, int]:
    return day.year, day.month or 0, day.day or 0


def _day(folded: Sequence[str]) -> Day | None:
    """Return the day, month or year that words give ("31 March 2023", "2023 жылғы наурыз")."""
    year = next((int(word) for word in folded if YEAR.fullmatch(word)), None)
    if year is None:
        return None
    month = next((month for word in folded if (month := _month(word)) is not None), None)
    day = next((int(word) for word in folded if word.isdigit() and 0 < int(word) <= 31), None)
    return Day(year, month, day if month is not None else None)


def _month(word: str) -> int | None:
    return next(
        (
            number
            for language in LANGUAGES
            for number, forms in enumerate(lexicon(language).months, 1)
            if word in forms or (language == "kk" and not forms.isdisjoint(stems(word)))
        ),
        None,
    )


def _naming(
    question: str,
    documents: set[str] | frozenset[str],
    span: tuple[int, int],
    phrase: str,
    *,
    kind: _Kind = "document",
) -> Naming:
    rest = _without(question, span)
    return Naming(kind=kind, documents=frozenset(documents), phrase=phrase, rest=rest)


def _without(question: str, span: tuple[int, int]) -> str:
    """Return a question without some of its words, and without the comma that parted them."""
    before, after = question[: span[0]].rstrip(" ,"), question[span[1] :].lstrip(" ,")
    rest = f"{before} {after}".strip()
    return re.sub(r"\s+([?!.,])", r"\1", rest[:1].upper() + rest[1:])
