"""Where two documents give different figures for one question, both are the answer.

Told from two different facts by what the sentences speak of: the same unit, every word of the
question in both, no name in one that the other, its headings or the question lacks, and no two
years of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.catalogue import YEAR
from app.figures import Figure, read_figure
from app.language import same_name
from app.lexicon import LANGUAGES, lexicon
from app.mentions import Mentions
from app.types import Evidence, Query, Term
from index import Passage, words

COVERAGE_LOST_MAX: Final = 0.1
"""Share of the question's words, by weight, that evidence may lack and the best has."""
DIFFERING_MAX: Final = 3
"""Figures shown, each from another document."""


def find_disagreement(
    query: Query,
    evidence: Sequence[Evidence],
    *,
    threshold: float,
    rarity: Callable[[Term], float],
    dates: Mapping[str, str | None],
) -> tuple[Evidence, ...]:
    """Return the evidence of different documents that gives different figures, the newest first,
    or nothing where the best evidence stands alone.

    ``evidence`` is in the order of its probability; ``dates`` are the documents' in the order of
    ISO 8601, and one without a date comes last. Evidence has to be as probable as an answer is.
    """
    if not evidence or evidence[0].span is None:
        return ()
    best = evidence[0]
    figure = _figure(best)
    is_date = query.kind == "when"
    if figure is None or _other_year(query, best):
        return ()
    known = {
        at: given
        for at, one in enumerate(evidence)
        if (given := figure if one is best else _figure(one)) is not None
        and (one is best or given.comparable(figure, is_date=is_date))
        and not _other_year(query, one)
        and (one is best or _speak_of_the_same(query, best, one, rarity))
    }
    differing, figures = [best], [figure]
    for at, given in known.items():
        one = evidence[at]
        if (
            len(differing) < DIFFERING_MAX
            and one.passage.document_id not in {each.passage.document_id for each in differing}
            and all(given.differs(other, is_date=is_date) for other in figures)
            and one.probability >= threshold
        ):
            differing.append(one)
            figures.append(given)
    if len(differing) == 1:
        return ()
    differing.sort(key=lambda one: dates.get(one.passage.document_id) or "", reverse=True)
    return tuple(differing)


def _figure(evidence: Evidence) -> Figure | None:
    if evidence.span is None:
        return None
    start, end = (place - evidence.passage.start for place in evidence.span)
    return read_figure(evidence.passage.text, (start, end))


def _speak_of_the_same(
    query: Query,
    best: Evidence,
    other: Evidence,
    rarity: Callable[[Term], float],
) -> bool:
    first, second = (Mentions(_place(one.passage) + " " + _quote(one)) for one in (best, other))
    terms = [term for term in query.terms if not term.is_number]
    if second.coverage(terms, rarity) < first.coverage(terms, rarity) - COVERAGE_LOST_MAX:
        return False
    asked = _names(query.standalone_question)
    for one, another in ((best, other), (other, best)):
        known = (
            asked
            | _names(_quote(another))
            | {word.folded for word in words(_place(another.passage))}
        )
        if any(not any(same_name(name, word) for word in known) for name in _names(_quote(one))):
            return False
    years = [_years(one) for one in (best, other)]
    return not all(years) or not years[0].isdisjoint(years[1])


def _other_year(query: Query, evidence: Evidence) -> bool:
    """Say whether the question is about a year that neither quote nor headings have."""
    asked = {number for number in query.numbers if YEAR.fullmatch(number)}
    text = _place(evidence.passage) + " " + _quote(evidence)
    return not asked <= {word.folded for word in words(text)}


def _years(evidence: Evidence) -> set[str]:
    """Return the years of a quote outside the answer itself: when what it says was so."""
    assert evidence.span is not None
    passage, span = evidence.passage, evidence.span
    start, end = evidence.quote
    around = passage.text[start - passage.start : max(start, span[0]) - passage.start]
    around += " " + passage.text[min(end, span[1]) - passage.start : end - passage.start]
    return {word.folded for word in words(around) if YEAR.fullmatch(word.folded)}


def _names(text: str) -> set[str]:
    """Return the capitalised words of a text that don't open a sentence and are no months."""
    found = set()
    previous = 0
    for word in words(text):
        opens = not previous or any(sign in text[previous : word.start] for sign in ".!?:\n")
        if (
            text[word.start].isupper()
            and not opens
            and not any(word.folded in lexicon(language).time_words for language in LANGUAGES)
        ):
            found.add(word.folded.removesuffix("'s"))
        previous = word.end
    return found


def _place(passage: Passage) -> str:
    return f"{passage.context_line} {passage.table_header}"


def _quote(evidence: Evidence) -> str:
    passage = evidence.passage
    start, end = evidence.quote
    return passage.text[start - passage.start : end - passage.start]
