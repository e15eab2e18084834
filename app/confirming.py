"""What stands in several documents is answered once, with all its sources.

Word for word, or all but for words that say nothing ("a", "the", "was"): any other word, figure
or "not" that differs makes another statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from app.language import stems
from app.lexicon import LANGUAGES, lexicon
from app.types import Draft, Line, Quoted
from index import Passage, RankedPassage, find_same_words, words

SOURCES_MAX: Final = 4
"""Sources shown for one quote."""


def confirm(draft: Draft, ranked: Sequence[RankedPassage], *, words_min: int = 3) -> Draft:
    """Return an answer in which each quote that other documents say too has these as sources.

    ``ranked`` are the passages that the answer was looked for in. A quote of fewer words than
    ``words_min`` ("Yes.") says the same by chance.
    """
    known = {
        passage.passage_id: passage for one in ranked for passage in (one.passage, *one.repeated_by)
    }
    quotes = list(draft.quotes)
    also: dict[int, tuple[int, ...]] = {}
    for quoted in draft.quotes:
        text = _text_of(quoted, known.values())
        if text is None or sum(1 for _ in words(text)) < words_min:
            continue
        sources = {one.document_id for one in quotes}
        for passage in known.values():
            if (
                passage.document_id in sources
                or len(also.get(quoted.number, ())) >= SOURCES_MAX - 1
            ):
                continue
            place = _find(text, passage)
            if place is None:
                continue
            sources.add(passage.document_id)
            number = len(quotes) + 1
            quotes.append(
                Quoted(
                    number=number,
                    document_id=passage.document_id,
                    heading_path=passage.heading_path,
                    start=place[0],
                    end=place[1],
                )
            )
            also[quoted.number] = (*also.get(quoted.number, ()), number)
    lines = tuple(_with(line, also) for line in draft.lines)
    return draft.model_copy(update={"lines": lines, "quotes": tuple(quotes)})


def _with(line: Line, also: dict[int, tuple[int, ...]]) -> Line:
    others = [number for one in line.numbers for number in also.get(one, ())]
    return line.model_copy(update={"also": (*line.also, *others)}) if others else line


def _text_of(quoted: Quoted, passages: Iterable[Passage]) -> str | None:
    for passage in passages:
        if (
            passage.document_id == quoted.document_id
            and passage.start <= quoted.start
            and quoted.end <= passage.end
        ):
            return passage.text[quoted.start - passage.start : quoted.end - passage.start]
    return None


def _find(text: str, passage: Passage) -> tuple[int, int] | None:
    """Return where a passage says the same as a text, in whole sentences where it isn't word for
    word the same.
    """
    place = find_same_words(text, passage)
    if place is not None:
        return _with_last_sign(place, passage)
    wanted = _said(text)
    for first, opening in enumerate(passage.sentences):
        for last in passage.sentences[first:]:
            said = _said(passage.text[opening.start - passage.start : last.end - passage.start])
            if said == wanted:
                return opening.start, last.end
            if len(said) > len(wanted):
                break
    return None


def _with_last_sign(place: tuple[int, int], passage: Passage) -> tuple[int, int]:
    """Return a place with the full stop of the sentence that ends there."""
    for sentence in passage.sentences:
        rest = passage.text[place[1] - passage.start : sentence.end - passage.start]
        if place[1] <= sentence.end and not any(map(str.isalnum, rest)):
            return place[0], sentence.end
    return place


@cache
def _light() -> frozenset[str]:
    return frozenset().union(*(lexicon(language).light_words for language in LANGUAGES))


def _said(text: str) -> list[str]:
    return [stems(word.folded)[0] for word in words(text) if word.folded not in _light()]
