"""What a quote of a passage takes along, so that it can be read on its own."""

from __future__ import annotations

from collections.abc import Sequence

from app.language import detect_language
from app.lexicon import lexicon
from index import Passage, fold, words


def quote_around(passage: Passage, span: tuple[int, int]) -> tuple[int, int]:
    """Return the whole sentences of a passage that a span touches, as offsets into the document.

    A sentence that opens with a pronoun brings the one before it, so that a quote says what it is
    about. A table row is quoted without the bars at its ends.
    """
    text = passage.text
    touched = [
        at
        for at, sentence in enumerate(passage.sentences)
        if sentence.start < span[1] and span[0] < sentence.end
    ]
    first, last = (touched[0], touched[-1]) if touched else (0, len(passage.sentences) - 1)
    if (
        first > 0
        and passage.kind == "prose"
        and _opens_with_pronoun(text[passage.sentences[first].start - passage.start :])
    ):
        first -= 1
    start, end = passage.sentences[first].start, passage.sentences[last].end
    if passage.kind == "table":
        row = text[start - passage.start : end - passage.start]
        start += len(row) - len(row.lstrip(" |\t"))
        end -= len(row) - len(row.rstrip(" |\t\r\n"))
    return start, end


def _opens_with_pronoun(sentence: str) -> bool:
    opening = next(words(sentence[:40]), None)
    return opening is not None and opening.folded in lexicon(detect_language(sentence)).pronouns


def text_of(passage: Passage, span: tuple[int, int]) -> str:
    """Return what stands between two offsets into a passage's document."""
    return passage.text[span[0] - passage.start : span[1] - passage.start]


def tells_why(quote: str) -> bool:
    """Say whether a quote has a word that gives a reason ("because", "so that")."""
    return lexicon(detect_language(quote)).causes.search(fold(quote)) is not None


def with_place(passage: Passage, without: Sequence[tuple[int, int]] = ()) -> str:
    """Return a passage's text after what stands over it: headings, a table's header, a lead-in;
    ``without`` some stretches of the text, by their offsets into the document.
    """
    over = (passage.context_line, passage.table_header, passage.lead_in)
    left, done = [], passage.start
    for start, end in sorted(without):
        left.append(text_of(passage, (done, max(done, start))))
        done = max(done, end)
    return " ".join([*over, *left, text_of(passage, (done, passage.end))])
