"""Whether evidence may be given as an answer, and what is missing where it may not.

The program stays silent in three cases: the question names something (a name, a number, a year)
that no document mentions; the evidence says otherwise what the question takes for granted
(``app.premises``), gives a length where money is asked for, or one thing where a list is; the
calibrated probability is under the threshold that the operator chose as an error rate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from app.figures import magnitudes_down
from app.language import detect_language, is_cyrillic, numbers
from app.lexicon import Measure, lexicon
from app.measures import gives_measure, implies_measure, lacks_number, measure_asked
from app.premises import (
    contradicts,
    in_another_currency,
    in_another_month,
    in_another_year,
    is_denied,
)
from app.quotes import text_of, with_place
from app.relations import is_reversed
from app.types import Evidence, Query, Term, Verdict
from index import words

NEAR_MISS_SHARE: Final = 0.5
"""From this share of the threshold on, the closest passage is offered as a near miss."""
MISSING_TERMS_MAX: Final = 4
SAME_WORTH: Final = 0.9
"""A word of the documents that is worth this much of a question's word means the same."""
OF_WHAT: Final = frozenset({"of"})
"""English words after which a capital says of what something is; Russian and Kazakh have cases."""
FIGURE_WORDS_MAX: Final = 3
"""Words of a figure with what it counts ("1.9 million", "24 staff")."""
_YEARS: Final = re.compile(r"(?:1\d|20)\d\d\s?(?:[-\u2013\u2014]|\bto\b|\bпо\b)\s?(?:1\d|20)\d\d")
"""From one year to another, which is a duration ("2026–2031")."""
COUNT_MAX: Final = 10
"""A whole number up to this may count what is asked for ("three results") and needn't be stated."""


def judge(
    query: Query,
    evidence: Sequence[Evidence],
    *,
    threshold: float,
    mentions: Callable[[Term], bool],
    cyrillic_collection: bool,
    stated: frozenset[str],
    speaks_of: Callable[[Evidence, Term], bool],
    is_common: Callable[[Term], bool],
    years_around: Callable[[Evidence], frozenset[str]],
) -> Verdict:
    """Return whether the evidence, the most probable first, answers the question.

    ``mentions`` says whether any document has a term, ``stated`` holds the numbers that occur in
    any document, ``cyrillic_collection`` says whether any document is written in Cyrillic,
    ``speaks_of`` whether what stands around a piece of evidence speaks of a name,
    ``is_common`` whether the documents write a word small somewhere, and ``years_around`` gives the
    years that a piece of evidence may be about: those of its passage, its headings, its document.
    """
    best = evidence[0].probability if evidence else 0.0
    if query.is_order:
        return Verdict(evidence=(), reason="unclear", missing_terms=(), probability=0.0)
    foreign = bool(evidence) and bool(evidence[0].features.foreign)
    checkable = [
        term
        for term in query.terms
        if _is_checkable(term, foreign=foreign, cyrillic_collection=cyrillic_collection)
    ]
    absent = [term for term in checkable if not (term.is_number or mentions(term))]
    unmentioned = [term for term in absent if not term.near]  # one that means the same will do
    # What is only near (a highway, for a bridge) doesn't settle the question, and is told.
    told = [term for term in absent if not any(worth >= SAME_WORTH for _, worth in term.near)]
    figures = [
        figure
        for figure in sorted(query.numbers)
        if magnitudes_down(figure).isdisjoint(stated)
        and not (figure.isdigit() and int(figure) <= COUNT_MAX)
    ]
    missing = tuple(
        [term.text for term in told] + [_as_typed(query, figure) for figure in figures]
    )[:MISSING_TERMS_MAX]
    if not evidence:
        return Verdict(evidence=(), reason="nothing_found", missing_terms=missing, probability=0.0)
    if (
        figures
        or any(term.is_name for term in unmentioned)
        or _presumes_otherwise(query, evidence[0], years_around(evidence[0]))
        or _in_another_measure(query, evidence[0])
        or _names_one(query, evidence[0])
        or _gives_a_figure(query, evidence[0])
        or is_of_another(query, evidence, speaks_of, is_common)
    ):
        return Verdict(evidence=(), reason="not_stated", missing_terms=missing, probability=best)
    accepted = tuple(one for one in evidence if one.probability >= threshold)
    if accepted:
        return Verdict(evidence=accepted, reason=None, missing_terms=(), probability=best)
    near = best >= NEAR_MISS_SHARE * threshold and not (unmentioned or figures)
    return Verdict(
        evidence=(),
        reason="near_miss" if near else "not_stated",
        missing_terms=missing,
        probability=best,
    )


def is_of_another(
    query: Query,
    evidence: Sequence[Evidence],
    speaks_of: Callable[[Evidence, Term], bool],
    is_common: Callable[[Term], bool],
) -> bool:
    """Say whether a question names somebody or something that the evidence isn't about: nothing of
    the name stands there ("the Minister of Energy"), though the documents speak of it elsewhere.

    A word that documents write small proves nothing, unless it says of what something is ("the
    Minister of Energy").
    """
    shown = evidence[:1] if evidence[0].span else evidence
    return any(
        not any(speaks_of(one, term) for one in shown for term in name)
        for name in _names(query.standalone_question, query.terms, is_common)
    )


def _is_checkable(term: Term, *, foreign: bool, cyrillic_collection: bool) -> bool:
    """Say whether it can be told that no document has a term: what it is in the language of
    ``foreign`` evidence is known, or it is in the language of the documents, or a name that is
    told across scripts.
    """
    if term.translations is not None and not term.is_name:  # many a name is a word as well
        return True
    if is_cyrillic(term.folded):
        return cyrillic_collection and not foreign
    return not foreign or term.is_name or term.is_number


def _names(
    question: str, terms: Sequence[Term], is_common: Callable[[Term], bool]
) -> list[list[Term]]:
    """Return the names in a question, each the words of it that stand together."""
    known = {term.text: term for term in terms if term.is_name}
    names: list[list[Term]] = []
    end = -2
    before = ""
    for word in words(question):
        term = known.get(question[word.start : word.end])
        of_what = before in OF_WHAT
        before = word.folded
        if term is None or (is_common(term) and not of_what):
            continue
        if names and word.start - end <= 2 and not question[end : word.start].strip(" .-–'"):
            names[-1].append(term)
        else:
            names.append([term])
        end = word.end
    return names


def _as_typed(query: Query, figure: str) -> str:
    """Return a number as the question has it (``1,200`` for 1200)."""
    typed = (term.text for term in query.terms if term.is_number)
    return next((text for text in typed if numbers(text) == {figure}), figure)


def _presumes_otherwise(query: Query, evidence: Evidence, years: frozenset[str]) -> bool:
    """Say whether a question takes for granted what the quote says otherwise."""
    quote, place = text_of(evidence.passage, evidence.quote), with_place(evidence.passage)
    return (
        contradicts(query, quote)
        or is_denied(query, quote)
        or is_reversed(query.standalone_question, quote)
        or in_another_year(query, quote, years)
        or in_another_month(query, quote, place)
        or in_another_currency(query, quote, place)
    )


def _names_one(query: Query, evidence: Evidence) -> bool:
    """Say whether a list is asked for and the answer names one thing only: it is no item of a list,
    and its sentences join nothing; or it only says how many there are.
    """
    passage = evidence.passage
    if query.kind != "list" or evidence.span is None or passage.kind == "list":
        return False
    quote, span = (
        passage.text[start - passage.start : end - passage.start]
        for start, end in (evidence.quote, evidence.span)
    )
    lists = lexicon(detect_language(quote))
    said = [word.folded for word in words(span)]
    if len(said) == 1 and (said[0].isdigit() or said[0] in lists.number_words):
        return True
    joined = any(sign in quote for sign in ",;:|") or len(numbers(span)) > 1  # "from 9 to 17"
    return not joined and not any(word.folded in lists.conjunctions for word in words(quote))


def _gives_a_figure(query: Query, evidence: Evidence) -> bool:
    """Say whether it is asked why, and the answer is a number with what it counts at most, or who,
    and it is nothing but a number.
    """
    if query.kind not in ("reason", "who") or evidence.span is None:
        return False
    span = text_of(evidence.passage, evidence.span)
    lists = lexicon(detect_language(span))
    said = [word.folded for word in words(span)]
    figures = [word for word in said if word[:1].isdigit() or word in lists.number_words]
    if query.kind == "who":
        return len(figures) == len(said)
    return len(said) <= FIGURE_WORDS_MAX and bool(figures)


def _in_another_measure(query: Query, evidence: Evidence) -> bool:
    """Say whether a measure is asked for (money) and the answer gives another (hectares), or a
    number and it gives none.
    """
    if evidence.span is None:
        return False
    span = text_of(evidence.passage, evidence.span)
    if query.kind == "how_much" and lacks_number(query.asking, query.language, span):
        return True
    measure = measure_asked(query.asking, query.language)
    if measure is None or (measure == "duration" and _YEARS.search(span)):
        return False
    passage = evidence.passage
    start, end = (place - passage.start for place in evidence.span)
    heading = f"{passage.context_line} {passage.table_header}"
    may_be: list[Measure] = [measure]
    if measure == "length":
        may_be.append("percent")  # "how high is inflation"
    return not any(
        gives_measure(one, passage.text, (start, end))
        or gives_measure(one, heading, (0, len(heading)))
        or implies_measure(one, passage.text, (start, end), f"{heading} {passage.lead_in}")
        for one in may_be
    )
