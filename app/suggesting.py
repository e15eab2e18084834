"""Questions to ask next, each one known to be answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from index import fold

SUGGESTIONS_MAX: Final = 3
TRIES_MAX: Final = 6
"""Questions tried for one reply: each costs an answer the first time it comes up."""


def suggest(
    headings: Sequence[tuple[str, str]],
    *,
    near: Sequence[str],
    seen: str,
    question: Callable[[str], str],
    answers: Callable[[str], bool],
) -> tuple[str, ...]:
    """Return up to three questions about headings of the collection.

    ``headings`` pairs a document's id with a heading. Those of the documents in ``near`` come
    first, then one of each other document in turn; a heading that stands in the text ``seen`` is
    left out. ``question`` makes a question of a heading; ``answers`` says whether the program
    itself answers it: a question that it doesn't answer is never suggested.
    """
    turns: dict[str, int] = {}
    ordered: list[tuple[bool, int, str]] = []
    for document_id, heading in headings:
        turn = turns[document_id] = turns.get(document_id, 0) + 1
        ordered.append((document_id not in near, turn, heading))
    folded = fold(seen)
    suggested: list[str] = []
    unseen = [
        heading
        for _, _, heading in sorted(ordered, key=lambda one: one[:2])
        if fold(heading) not in folded
    ]
    for candidate in list(dict.fromkeys(map(question, unseen)))[:TRIES_MAX]:
        if answers(candidate):
            suggested.append(candidate)
        if len(suggested) == SUGGESTIONS_MAX:
            break
    return tuple(suggested)
