"""What was found for a question: the verdict, the evidence, and how the question was taken."""

from __future__ import annotations

from typing import NamedTuple

from app.content_words import bare_text, content_terms
from app.curated import CuratedAnswer
from app.enumerations import asked_for
from app.figures import counts
from app.language import detect_language, numbers, stems
from app.lexicon import lexicon
from app.mentions import Mentions
from app.naming import Naming
from app.quotes import tells_why, text_of
from app.types import Evidence, Query, Reply, Term, Verdict
from index import RankedPassage, words


class Found(NamedTuple):
    """A question, the verdict on it, the evidence, the best first, and the passages looked at.

    ``naming`` is what documents the question names, if any; ``read`` is the question without that;
    ``curated`` is the answer that an operator chose, if any.
    """

    query: Query
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    ranked: tuple[RankedPassage, ...]
    read: Query
    naming: Naming | None = None
    curated: CuratedAnswer | None = None

    @property
    def is_curated(self) -> bool:
        """Whether an operator chose the answer."""
        return self.curated is not None

    def answers_beyond(self, earlier: Reply) -> bool:
        """Say whether this is an answer, and not the earlier answer again.

        Whether something is so, what it is, and what else is said about it, may be told by the same
        words, as long as the follow-up names no other thing; so may what somebody does after who
        that is. And a part of a long answer may answer something else, unless it is asked what else
        there is.
        """
        if self.verdict.reason is not None or not self.evidence:
            return self.verdict.reason is None
        best, said = self.evidence[0], earlier.short_answer
        quoted = any(
            one.document_id == best.passage.document_id
            and one.start < best.quote[1]
            and best.quote[0] < one.end
            for one in earlier.citations
        )
        if not self.query.names_another and (
            (best.span is None and (self.query.kind != "list" or best.passage.kind != "prose"))
            or self.query.kind in ("yes_no", "definition")
        ):
            return True
        if best.span is None or said is None:
            listed = asked_for(self.query, best)
            start, end = listed.span if listed else best.quote
            again = [o for o in earlier.citations if o.document_id == best.passage.document_id]
            if listed and sum(o.end - o.start for o in again) < (end - start) / 2:
                return True  # most of the list wasn't shown
            if best.span is None or listed:  # what is shown may be more, or less, than was chosen
                return all(o.end <= start or end <= o.start for o in again)
            return all((o.start, o.end) != (start, end) for o in again)
        first, last = (at - best.passage.start for at in best.span)
        span = best.passage.text[first:last]
        more = lexicon(self.query.language).more_words
        asks_for_more = any(word.folded in more for word in words(self.query.question))
        if self.query.kind == "fact" and _asks_who_one_is(earlier) and _says(span, said):
            return True
        if self.names_what_was_asked(earlier, span):
            return False
        most = asks_for_more or len(span) > len(said) / 2  # a part may answer something else
        return not _says(span, said) and not (quoted and most and _says(said, span))

    def names_what_was_asked(self, earlier: Reply, span: str) -> bool:
        """Say whether a span has no words but those that the question before named already ("Why
        was the firm barred?", "For which contract?"), which may still say who, or which of two.
        """
        if self.query.kind in ("who", "comparison") or counts(span):
            return False
        lists = lexicon(detect_language(span))
        asked = {word.folded for word in words(earlier.standalone_question)}
        said = content_terms(f". {span}", lists)
        return bool(said) and all(one.folded in asked and not one.is_number for one in said)

    def of_the_rest(self, earlier: Reply) -> tuple[Evidence, ...]:
        """Return the evidence that isn't the earlier answer again, where the best is that, as far
        as the follow-up names another thing, or the evidence has all words that are new in it.
        """
        best = self.evidence[0]
        if best.span is None:
            return ()
        new = self._new_terms(earlier)

        def is_meant(one: Evidence) -> bool:
            said = Mentions(text_of(one.passage, one.quote))
            return self.query.names_another or (bool(new) and all(map(said.worth, new)))

        return tuple(
            one
            for one in self.evidence[1:]
            if one.quote != best.quote
            and is_meant(one)
            and self._replace(evidence=(one,)).answers_beyond(earlier)
        )

    def _new_terms(self, earlier: Reply) -> list[Term]:
        known = {stem for w in words(earlier.standalone_question) for stem in stems(w.folded)}
        return [one for one in self.query.terms if known.isdisjoint(one.stems)]

    def tells_of_both(self, earlier: Reply) -> bool:
        """Say whether the sentence that the earlier answer stands in tells of what a follow-up
        names too ("travel time was cut by two-thirds, and transport costs by 35%"): it has all the
        words that are new, and another figure.
        """
        best, said = self.evidence[0], earlier.short_answer
        new = self._new_terms(earlier)
        if best.span is None or said is None or not (self.query.names_another and new):
            return False
        quote = text_of(best.passage, best.quote)
        mentions = Mentions(quote)
        figures = counts(said)
        return bool(figures and counts(quote) - figures) and all(mentions.worth(one) for one in new)

    def tells_why(self, earlier: Reply) -> bool:
        """Say whether a follow-up asks why, as the question before didn't, and the sentence that
        the earlier answer stands in has a word that gives a reason.
        """
        best = self.evidence[0]
        if best.span is None or self.query.kind != "reason" or not earlier.citations:
            return False
        why = lexicon(earlier.language).kinds["reason"]
        if any(pattern.search(bare_text(earlier.standalone_question)) for pattern in why):
            return False
        return tells_why(text_of(best.passage, best.quote))

    def follows(self, earlier: Reply) -> bool:
        """Say whether a question that was typed after another, and is taken as it stands, is
        answered from the documents shown before, or by a passage in its language that says all
        its words.
        """
        if not self.evidence:
            return True
        shown = {one.document_id for one in earlier.citations or earlier.nearest}
        best = self.evidence[0]
        says_all = not (best.features.unsaid or best.features.foreign)
        return best.passage.document_id in shown or says_all

    def as_refused(self) -> Found:
        """Return this with the verdict that the documents don't say it."""
        verdict = Verdict(
            evidence=(),
            reason="not_stated",
            missing_terms=(),
            probability=self.verdict.probability,
        )
        return self._replace(verdict=verdict)

    @property
    def worth(self) -> tuple[bool, float]:
        """What the better of two readings of a question has more of."""
        return self.verdict.reason is None, self.verdict.probability

    def states(self, phrase: str) -> bool:
        """Say whether the best evidence, or a heading over it, has the numbers of a phrase."""
        best = self.evidence[0]
        start, end = (place - best.passage.start for place in best.quote)
        said = (best.passage.context_line, best.passage.table_header, best.passage.text[start:end])
        return numbers(phrase) <= numbers(" ".join(said))


def _asks_who_one_is(earlier: Reply) -> bool:
    """Say whether a question before is answered by whatever is said of a name ("Who is Ida?")."""
    lists = lexicon(earlier.language)
    plain = bare_text(earlier.standalone_question)
    terms = content_terms(earlier.standalone_question, lists)
    return (
        bool(terms)
        and all(one.is_name for one in terms)
        and any(
            pattern.search(plain) for pattern in (*lists.kinds["who"], *lists.kinds["definition"])
        )
    )


def _says(text: str, phrase: str) -> bool:
    """Say whether the words of a phrase stand in a text in a row: "2" isn't said by "2012"."""
    said, wanted = ([word.folded for word in words(one)] for one in (text, phrase))
    return any(said[at : at + len(wanted)] == wanted for at in range(len(said) - len(wanted) + 1))
