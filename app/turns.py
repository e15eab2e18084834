"""Which reading of a follow-up is answered.

Each reading is searched and read for as a question of its own, and those with an answer are
weighed: how sure the answer is, whether it comes from where the turn before was answered, whether
it speaks of what the follow-up names and of what was spoken of, how the reading was made. The
weights lie in ``follow_ups.json``; ``scripts/calibrate_follow_ups.py`` fits them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from app.abstaining import NEAR_MISS_SHARE
from app.found import Found
from app.mentions import Mentions
from app.quotes import text_of, with_place
from app.types import Query, Reply, Term, TurnFeatures

FOLLOW_UPS_FILE: Final = Path(__file__).parent / "follow_ups.json"
ALL_SAID: Final = 0.99
PROBABILITY_MIN: Final = 0.01
"""Logits are taken of probabilities no nearer to 0, nor to 1."""
CHOSEN_PROBABILITY_MAX: Final = 0.9
"""Sentences that were chosen for their words have the share of them in place of a probability, and
no more than this."""


class Weighed(NamedTuple):
    """A reading's answer, and how probably it is what was asked for."""

    found: Found
    features: TurnFeatures
    probability: float

    def judged(self, threshold: float) -> Found:
        """Return the answer where it is probable enough, or that it isn't given."""
        verdict = self.found.verdict.model_copy(update={"probability": self.probability})
        found = self.found._replace(verdict=verdict)
        if self.probability >= threshold:
            return found
        return found.as_refused(near=self.probability >= NEAR_MISS_SHARE * threshold)


class Turn(NamedTuple):
    """A follow-up as it was typed and as its words alone suggest, and the reply to the turn before
    with the terms of what that was about; ``rarity`` weighs a term.
    """

    typed: Query
    likeliest: Query
    earlier: Reply
    spoken: Sequence[Term]
    rarity: Callable[[Term], float]

    def says_what_was_typed(self, found: Found) -> bool:
        """Say whether a question is answered as it was typed, by a quote in its language that says
        all its words, of which there are several.
        """
        best = found.verdict.evidence[0]
        if found.query.way != "typed" or best.features.foreign or len(self.typed.terms) < 2:
            return False
        said = Mentions(text_of(best.passage, best.quote))
        return said.coverage(self.typed.terms, self.rarity) >= ALL_SAID

    def has_all_words(self, found: Found) -> bool:
        """Say whether an answer stands where all words of the question as typed are said."""
        said = Mentions(with_place(found.verdict.evidence[0].passage))
        return said.coverage(self.typed.terms, self.rarity) >= ALL_SAID

    def features(self, found: Found, *, is_next: bool) -> TurnFeatures:
        """Return what the probability that a reading's answer is what was asked for is computed
        from; ``is_next`` where the best evidence was the answer before, and this is the next.
        """
        likeliest, earlier, own = self.likeliest, self.earlier, self.typed.terms
        best = found.verdict.evidence[0]
        shown = {one.document_id for one in earlier.citations or earlier.nearest}
        said = Mentions(text_of(best.passage, best.quote))
        place = with_place(best.passage)
        around = Mentions(place)
        known = {stem for term in self.spoken for stem in term.stems}
        new = [term for term in own if known.isdisjoint(term.stems)]
        is_typed = float(found.query.way == "typed")
        refers = float(likeliest.refers_back or likeliest.names_another)
        passage, quote = best.passage, best.quote
        same_passage = float(_is_cited(passage.document_id, passage.start, passage.end, earlier))
        spoken = self.spoken

        def share(said: Mentions, terms: Sequence[Term]) -> float:
            return said.coverage(terms, self.rarity) if terms else 1.0

        answer = earlier.short_answer
        return TurnFeatures(
            evidence=_logit(
                best.probability
                if best.span is not None
                else min(CHOSEN_PROBABILITY_MAX, found.verdict.probability)
            ),
            support=best.features.support if best.span is not None else 0.0,
            dense=best.features.dense,
            foreign=best.features.foreign,
            unsaid=best.features.unsaid,
            same_document=float(passage.document_id in shown),
            same_passage=same_passage,
            same_quote=float(_is_cited(passage.document_id, *quote, earlier)),
            own_said=share(around, own),
            spoken_said=share(around, spoken),
            new_said=share(around, new),
            own_quoted=share(said, own),
            spoken_quoted=share(said, spoken),
            new_quoted=share(said, new),
            answer_said=float(answer is not None and answer.lower() in place.lower()),
            repeats=float(not found.answers_beyond(earlier)),
            next_best=float(is_next),
            likeliest=float(found.query.standalone_question == likeliest.standalone_question),
            typed=is_typed,
            of_answer=float(found.query.way == "answer"),
            of_subject=float(found.query.way == "subject"),
            of_heading=float(found.query.way == "heading"),
            typed_refers=is_typed * refers,
            typed_terms=is_typed * math.log1p(len(own)),
            typed_spoken_said=is_typed * share(around, spoken),
            typed_same_passage=is_typed * same_passage,
            yes_no=float(likeliest.kind == "yes_no"),
            refers=refers,
            names_another=float(likeliest.names_another),
            terms=math.log1p(len(own)),
            earlier_answered=float(earlier.kind == "answer"),
        )


def _is_cited(document_id: str, start: int, end: int, reply: Reply) -> bool:
    """Say whether a reply cites a part of a stretch of a document."""
    return any(
        one.document_id == document_id and one.start < end and start < one.end
        for one in reply.citations
    )


def _logit(probability: float) -> float:
    kept = min(max(probability, PROBABILITY_MIN), 1.0 - PROBABILITY_MIN)
    return math.log(kept / (1.0 - kept))
