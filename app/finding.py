"""From ranked passages to evidence: the reader's spans, and the sentences that hold them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from app.candidates import overlap
from app.glosses import glossed
from app.language import detect_language
from app.lexicon import lexicon
from app.mentions import Mentions
from app.quotes import quote_around, text_of, with_place
from app.types import Evidence, Features, Language, Query, Term
from index import Passage, RankedPassage, SpanReader, TokenLogits, fold

ANSWER_TOKENS_MAX: Final = 24
"""The longest span the reader was trained to give, in tokens."""
SENTENCES_MAX: Final = 3
"""Sentences of a passage that are taken for evidence, the best supported."""
SUPPORT_LOST_MAX: Final = 3.0
"""How far the reader may support one of them less than the best of its passage, in logits. With 3
of 3, about 1.5 sentences of a passage remain, and no more was right with all of them."""
FOREIGN_SIMILARITY: Final = 0.77
"""The mean cosine of a question and a quote in another language, over what is read for the
questions that calibrate; were it not taken off, the feature would only say which is foreign.
"""

PIECES_MAX: Final = {"list": 3, "overview": 3, "comparison": 2, "topic": 2, "yes_no": 2}
"""Pieces of evidence that are quoted together, by kind of question; of other kinds, one."""
PIECE_SHARE_MIN: Final = 0.6
"""How probable a further one has to be, as a share of the best one's probability. So read, 15
of 280 questions of these kinds had the right sentence second only, and 4 of 609 others."""


class _Sentence(NamedTuple):
    """What the reader makes of one sentence: its number in the passage, its support and its best
    span's margin in logits, the span in code points of the passage's text, and the means of the
    hidden states over the span and over the question, one after the other.
    """

    number: int
    support: float
    margin: float
    start: int
    end: int
    hidden: NDArray[np.float32]


def find_evidence(
    query: Query,
    ranked: Sequence[RankedPassage],
    *,
    reader: SpanReader,
    rarity: Callable[[Term], float],
    languages: Mapping[str, Language],
    similarities: Callable[[str, Sequence[str]], Sequence[float]],
    probability: Callable[[Features, NDArray[np.float32]], float],
) -> tuple[Evidence, ...]:
    """Return pieces of evidence, the most probable first: of each passage the sentences that the
    reader supports most.

    All passages are read in one call. ``rarity`` weighs a term's stems by how few passages have
    them, ``languages`` gives each document's language, ``similarities`` compares a question with
    texts, ``probability`` is the calibrated model.
    """
    if not ranked:
        return ()
    prefixes = [_prefix(candidate.passage) for candidate in ranked]

    def is_foreign(candidate: RankedPassage) -> bool:
        return languages[candidate.passage.document_id] != query.language

    logits = reader.read(
        [glossed(query, c.passage) if is_foreign(c) else query.standalone_question for c in ranked],
        [prefix + c.passage.text for prefix, c in zip(prefixes, ranked, strict=True)],
        [len(prefix) for prefix in prefixes],
    )
    supported = [
        (candidate, sentence)
        for candidate, found, prefix in zip(ranked, logits, prefixes, strict=True)
        for sentence in _best_sentences(found, candidate.passage, len(prefix))
    ]
    quotes = [
        quote_around(c.passage, (c.passage.start + one.start, c.passage.start + one.end))
        for c, one in supported
    ]
    foreign = [is_foreign(c) for c, _ in supported]
    said = [text_of(c.passage, quote) for (c, _), quote in zip(supported, quotes, strict=True)]
    similar = _similar(query, said, foreign, similarities)
    unsaid = {
        candidate.passage.passage_id: Mentions(with_place(candidate.passage)).unsaid(query.terms)
        for candidate in ranked
    }
    evidence = []
    for at, (candidate, sentence) in enumerate(supported):
        passage = candidate.passage
        features = Features(
            support=sentence.support,
            margin=max(0.0, sentence.margin),
            fused=candidate.score,
            dense=candidate.dense,
            sentence_coverage=Mentions(said[at]).coverage(query.terms, rarity),
            terms=math.log1p(len(query.terms)),
            opens=float(sentence.number == 0),
            similarity=similar[at],
            foreign=float(foreign[at]),
            untaught=float(foreign[at] and languages[passage.document_id] != "en"),
            unsaid=unsaid[passage.passage_id],
        )
        start, end = _whole_words(passage.text, sentence.start, sentence.end)
        start = _with_hedge(passage.text, start)
        evidence.append(
            Evidence(
                passage=passage,
                span=(passage.start + start, passage.start + end),
                quote=quotes[at],
                features=features,
                probability=probability(features, sentence.hidden),
                hidden=tuple(sentence.hidden.tolist()),
            )
        )
    return tuple(sorted(evidence, key=lambda one: -one.probability))


def pieces_quoted(
    query: Query,
    evidence: Sequence[Evidence],
    refuses: Callable[[Query, Sequence[Evidence]], bool],
) -> tuple[Evidence, ...]:
    """Return the pieces that an answer quotes: the best one, and, where several things are asked
    for or none is meant to be the answer, those that are nearly as probable and say something else.

    The best one alone has to be as probable as the operator wants answers to be. ``refuses`` says
    whether a piece is no answer however probable it is. Evidence that wasn't read is quoted as it
    was chosen.
    """
    best, *rest = evidence
    if best.span is None:
        return tuple(evidence)
    taken, said = [best], [Mentions(text_of(best.passage, best.quote))]
    for one in rest:
        if len(taken) == PIECES_MAX.get(query.kind, 1):
            break
        if one.probability < PIECE_SHARE_MIN * best.probability:
            break
        says = Mentions(text_of(one.passage, one.quote))
        known = any(overlap(one, other) for other in taken) or any(map(says.repeats, said))
        if not known and not refuses(query, [one]):
            taken.append(one)
            said.append(says)
    return tuple(taken)


def _similar(
    query: Query,
    quotes: Sequence[str],
    foreign: Sequence[bool],
    similarities: Callable[[str, Sequence[str]], Sequence[float]],
) -> list[float]:
    """Return how much more than usual the question is like each quote in a foreign language, 0 for
    others.
    """
    compared = list(dict.fromkeys(q for q, other in zip(quotes, foreign, strict=True) if other))
    known = similarities(query.standalone_question, compared) if compared else ()
    found = dict(zip(compared, known, strict=True))
    return [
        found[quote] - FOREIGN_SIMILARITY if other else 0.0
        for quote, other in zip(quotes, foreign, strict=True)
    ]


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span with the words that it cuts: tokens are parts of words, and a Kazakh ending is
    one of its own.
    """
    while start and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _with_hedge(text: str, start: int) -> int:
    """Return where a span begins with the words that limit it ("up to", "more than"): leaving them
    out of the short answer would say more than the document does.
    """
    before = fold(text[:start]).rstrip()
    for hedge in lexicon(detect_language(text)).hedges:
        if before.endswith(hedge) and not before[: -len(hedge)][-1:].isalnum():
            return len(before) - len(hedge)
    return start


def _prefix(passage: Passage) -> str:
    """Return what the reader is told of a passage's place; no answer can lie in it."""
    lines = [passage.context_line, passage.table_header]
    return "".join(f"{line}\n" for line in lines if line)


def _best_sentences(logits: TokenLogits, passage: Passage, first_character: int) -> list[_Sentence]:
    """Return the sentences of a passage that the reader supports most, the best first.

    ``first_character`` is where the passage's text begins in what was read.
    """
    begins = logits.offsets[:, 0] - first_character + passage.start
    found = []
    for number, sentence in enumerate(passage.sentences):
        inside = np.flatnonzero((begins >= sentence.start) & (begins < sentence.end))
        ends = np.pad(logits.end[inside], (0, ANSWER_TOKENS_MAX - 1), constant_values=-np.inf)
        if not np.isfinite(ends).any():
            continue
        spans = logits.start[inside, None] + sliding_window_view(ends, ANSWER_TOKENS_MAX)
        first, length = divmod(int(np.argmax(spans)), ANSWER_TOKENS_MAX)
        of_span = logits.hidden[inside[first : first + length + 1]].mean(axis=0)
        found.append(
            _Sentence(
                number,
                support=float(np.logaddexp.reduce(spans, axis=None) - logits.null),
                margin=float(spans[first, length] - logits.null),
                start=int(logits.offsets[inside[first], 0]) - first_character,
                end=int(logits.offsets[inside[first + length], 1]) - first_character,
                hidden=np.concatenate([of_span, logits.question]),
            )
        )
    found.sort(key=lambda one: -one.support)
    return [
        one for one in found[:SENTENCES_MAX] if one.support >= found[0].support - SUPPORT_LOST_MAX
    ]
