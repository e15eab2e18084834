"""Answers that an operator chose: found for a question by meaning, given in the documents' words.

A question is answered so only where it means the same: the encoder finds the nearest wording, and
the words have to bear it out, for vectors are near as soon as the subject is ("How many people …",
"How many households …").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.curated_file import CuratedEntry, CuratedSpan
from app.language import same_name
from app.lexicon import opposites
from app.mentions import Mentions
from app.types import Query, Quoted
from index import Document, Retriever, words

SAME_LANGUAGE_COSINE: Final = 0.94
OTHER_LANGUAGE_COSINE: Final = 0.90
"""From these cosines on a question is taken for a curated one, if its words bear it out; the
second where an entry has no wording in the question's language.

Each question of the development sets put to the others, those with the same evidence as the
wordings of one entry: no question met another's entry; the nearest that did not had .928 and .884.
Of 34 questions with a wording of theirs in their own language 2 met it, of 37 without one 7.
`pytest tests/app/test_curated.py` repeats it.
"""

QUOTES_CHARACTERS_MAX: Final = 800
"""All the quotes of an entry, so that its answer keeps to the limit of the Reply contract."""


class CuratedAnswer(NamedTuple):
    """An entry as the index has it: its wordings, understood, and the stretches that answer."""

    line: int
    wordings: tuple[Query, ...]
    quotes: tuple[Quoted, ...]


class Curated:
    """The curated answers of one version of an index; never changes once it is open."""

    def __init__(
        self,
        entries: Sequence[CuratedEntry],
        retriever: Retriever,
        understand: Callable[[str], Query],
    ) -> None:
        """Look up every entry; what isn't in the documents is left out and said in ``problems``."""
        self._encode = retriever.encoder.encode_queries
        self.problems: list[str] = []
        self._answers: list[CuratedAnswer] = []
        for number, entry in enumerate(entries, 1):
            found = find_spans(entry, retriever)
            if isinstance(found, str):
                self.problems.append(f"entry {number}, line {entry.line}: {found}")
                continue
            wordings = tuple(understand(question) for question in entry.questions)
            self._answers.append(CuratedAnswer(entry.line, wordings, found))
        asked = [wording.standalone_question for one in self._answers for wording in one.wordings]
        self._vectors = self._encode(asked) if asked else None

    def find(self, query: Query, chosen: frozenset[str] | None) -> CuratedAnswer | None:
        """Return the answer chosen for a question, None where there is none, or where it quotes a
        document that isn't among those chosen.
        """
        if self._vectors is None or query.is_order or query.courtesy is not None:
            return None
        cosines = iter((self._vectors @ self._encode([query.standalone_question])[0]).tolist())
        best: tuple[float, CuratedAnswer] | None = None
        for answer in self._answers:
            near = [(next(cosines), wording) for wording in answer.wordings]
            if chosen is not None and not {one.document_id for one in answer.quotes} <= chosen:
                continue
            cosine = nearness(query, near)
            if cosine is not None and (best is None or cosine > best[0]):
                best = cosine, answer
        return best[1] if best else None


def nearness(query: Query, near: Sequence[tuple[float, Query]]) -> float | None:
    """Return the cosine of the wording that means the same as a question, None where none does.

    ``near`` are the wordings of one entry with their cosines.
    """
    own = [wording for _, wording in near if wording.language == query.language]
    threshold = SAME_LANGUAGE_COSINE if own else OTHER_LANGUAGE_COSINE
    return max(
        (
            cosine
            for cosine, wording in near
            if cosine >= threshold
            and (not own or wording.language == query.language)
            and _asks_the_same(query, wording, own)
        ),
        default=None,
    )


def _asks_the_same(query: Query, wording: Query, own: Sequence[Query]) -> bool:
    """Say whether a question asks for the same kind of thing, of the same names and numbers, with
    nothing turned into its opposite, and, in one language, without a word that no wording has, or
    lacking one that all have.
    """
    if query.kind != wording.kind or query.numbers != wording.numbers:
        return False
    aside, other = ({one.stems for one in each.set_aside} for each in (query, wording))
    if aside != other:
        return False
    if not (_names_in(query, wording) and _names_in(wording, query)) or _opposed(query, wording):
        return False
    if not own:
        return True
    said = Mentions(query.standalone_question)
    known = [Mentions(one.standalone_question) for one in own]
    return all(any(one.worth(term) > 0 for one in known) for term in query.terms) and all(
        said.worth(term) > 0 or any(one.worth(term) <= 0 for one in known) for term in wording.terms
    )


def _names_in(one: Query, other: Query) -> bool:
    known = [word.folded.removesuffix("'s") for word in words(other.standalone_question)]
    return all(
        any(same_name(term.folded, word) for word in known) for term in one.terms if term.is_name
    )


def _opposed(one: Query, other: Query) -> bool:
    first, second = (
        [word.folded for word in words(each.standalone_question)] for each in (one, other)
    )
    return any(
        any(map(side, first))
        and not any(map(back, first))
        and any(map(back, second))
        and not any(map(side, second))
        for pair in opposites().values()
        for side, back in (pair, pair[::-1])
    )


def find_spans(entry: CuratedEntry, retriever: Retriever) -> tuple[Quoted, ...] | str:
    """Return where an entry's stretches stand in the index, or what is wrong with one of them."""
    by_path = {summary.path: summary.document_id for summary in retriever.documents()}
    quotes: list[Quoted] = []
    for number, span in enumerate(entry.answer, 1):
        if span.document not in by_path:
            return f"no document has the path {span.document!r}"
        document = retriever.document(by_path[span.document])
        place = _find_span(span, document)
        if isinstance(place, str):
            return f"{span.document}: {place}"
        quotes.append(
            Quoted(
                number=number,
                document_id=document.document_id,
                heading_path=_heading_path(document, place[0]),
                start=place[0],
                end=place[1],
            )
        )
    characters = sum(quoted.end - quoted.start for quoted in quotes)
    if characters > QUOTES_CHARACTERS_MAX:
        return f"its quotes have {characters} characters, at most {QUOTES_CHARACTERS_MAX} are shown"
    return tuple(quotes)


def _find_span(span: CuratedSpan, document: Document) -> tuple[int, int] | str:
    if span.start is not None and span.end is not None:
        if span.end > len(document.text) or not document.text[span.start : span.end].strip():
            return f"there are no words from {span.start} to {span.end}"
        return span.start, span.end
    assert span.quote is not None
    # Blanks and line ends are the file's own: YAML joins lines.
    pattern = r"\s+".join(map(re.escape, span.quote.split()))
    found = [match.span() for match in re.finditer(pattern, document.text)] if pattern else []
    if len(found) != 1:
        times = f"stands there {len(found)} times" if found else "isn't there"
        shown = span.quote if len(span.quote) <= 60 else f"{span.quote[:59]}…"
        return f"the quote {shown!r} {times}; it has to stand there once"
    return found[0]


def _heading_path(document: Document, start: int) -> tuple[str, ...]:
    """Return the headings that a place stands under, the innermost last."""
    over = [one for one in document.sections if one.start <= start < one.end]
    return max(over, key=lambda one: one.start).heading_path if over else ()
