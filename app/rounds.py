"""Which passages are read for a question: a few at first, and more where they don't answer it.

Reading is what a question costs, and most are answered by the first few passages. Documents in the
question's language come first, then those of each other language, searched on their own: a question
in English lies nearer to every passage in English than to a better one in Russian (language bias,
Roy et al. 2020), and the calibration knows collections of one language each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from app.types import Language, Query
from index import RankedPassage, Retriever

FURTHER_PASSAGES: Final = 4
"""Passages read in each later round."""


def rounds(
    query: Query,
    retriever: Retriever,
    languages: Mapping[str, Language],
    chosen: frozenset[str] | None,
    first: int,
) -> Iterator[Sequence[RankedPassage]]:
    """Yield what is read in each round, the most promising first.

    ``languages`` gives each document's language, ``chosen`` the documents a question is restricted
    to, ``first`` how many passages the first round has.
    """
    groups: dict[Language, set[str]] = {}
    sizes: Counter[Language] = Counter()
    for summary in retriever.documents():
        one = summary.document_id
        if chosen is None or one in chosen:
            groups.setdefault(languages[one], set()).add(one)
            sizes[languages[one]] += summary.passages
    # The question's own language, then the one that most of the collection is written in.
    order = sorted(groups, key=lambda one: (one != query.language, -sizes[one], one))
    for place, language in enumerate(order):
        count = first if place == 0 else FURTHER_PASSAGES
        documents = chosen if len(order) == 1 else frozenset(groups[language])
        ranked = retriever.search(
            query.sought,
            first + FURTHER_PASSAGES,
            documents=documents,
            others=query.translations,
        )
        yield ranked[:count]
        if place == 0:
            later = ranked[count:]
    if order:
        yield later
