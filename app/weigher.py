"""What holds for a question: evidence is found in the ways that its kind allows, and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import takewhile
from typing import Final

from app.abstaining import NEAR_MISS_SHARE, is_of_another, judge
from app.calibration import Calibration
from app.catalogue import YEAR, Catalogue, meanings
from app.choosing import find_leads, find_section, find_sentences
from app.collection import Collection
from app.comparing import find_sides
from app.content_words import content_terms
from app.enumerating import find_enumeration, whole_table
from app.enumerations import asked_for, lead_of, others_of_list
from app.figures import counts, month_words
from app.finding import find_evidence, pieces_quoted
from app.language import detect_language, same_name
from app.lexicon import lexicon
from app.mentions import Mentions
from app.quotes import tells_why, text_of, with_place
from app.rounds import rounds
from app.settings import Settings
from app.types import Evidence, Query, Term, Verdict
from index import Passage, RankedPassage, Retriever, SpanReader, words

SENTENCES_COVERAGE_MIN: Final = 0.7
"""Share of a question's words, by weight, that chosen sentences must have to be an answer. Set by
looking at the development questions (``scripts/evaluate.py``), not fitted."""
SIDES_COVERAGE_MIN: Final = 0.5
"""The same of each side of a comparison, where both are spoken of."""
LEAD_COVERAGE_MIN: Final = 0.8
"""The same for what leads to a list, headings included."""
LEAD_SAYS_ALL: Final = 0.99
"""From this share on, the lead itself has every word of the question, and its list is the answer
whatever the reader finds elsewhere."""
TERMS_OF_LIST_MIN: Final = 2
"""Words of a question for a list that is answered by chosen sentences: one stands anywhere."""
NEVER: Final = 1.01
"""A probability that nothing reaches: what is read is only shown as what comes nearest."""
SENTENCES_MAX: Final = {"overview": 8, "comparison": 4, "topic": 3}
"""Sentences, paragraphs or lists quoted where no single span is the answer, by kind of question."""
DOCUMENTS_LED_MAX: Final = 6
"""Documents that an overview of a whole collection opens with."""
OPENING_PASSAGES: Final = 2
ANNOUNCED_LINES: Final = 3
SENTENCE_ENDS: Final = (".", "!", "?", ",", ";", ":", "…")


class Weigher:
    """Weighs evidence over one version of an index; never changes."""

    def __init__(
        self,
        settings: Settings,
        retriever: Retriever,
        reader: SpanReader,
        known: Calibration,
        collection: Collection,
        catalogue: Catalogue,
    ) -> None:
        self.settings = settings
        self.retriever = retriever
        self.reader = reader
        self.known = known
        self.collection = collection
        self.catalogue = catalogue

    def weigh(
        self, query: Query, ranked: Sequence[RankedPassage], chosen: frozenset[str] | None
    ) -> tuple[Verdict, tuple[Evidence, ...]]:
        """Judge the evidence for a question.

        A question that a span answers is read; one about a subject at large is answered by
        sentences; one for a list by a list that is announced so, and so is one for a fact where the
        list's lead has all its words. Where one way finds nothing that holds, the kinds that allow
        it try the others.
        """
        rarity = self.collection.rarity

        @cache
        def read() -> tuple[tuple[Evidence, ...], float]:
            return self._read_on(query, chosen)

        def choose() -> tuple[tuple[Evidence, ...], float]:
            least = SENTENCES_COVERAGE_MIN if query.sides is None else SIDES_COVERAGE_MIN
            found = self._choose_sentences(query, ranked, chosen)
            if query.kind == "who" and not (found and _has_name(found[0], query.terms)):
                least = NEVER
            if query.kind == "list" and len(query.terms) < TERMS_OF_LIST_MIN:
                least = NEVER
            return found, least

        @cache
        def enumerate_() -> tuple[tuple[Evidence, ...], float]:
            found = find_enumeration(
                query,
                ranked,
                rarity=rarity,
                languages=self.collection.languages,
                table=self._table,
            )
            return found, LEAD_COVERAGE_MIN

        def enumerate_what_is_asked() -> tuple[tuple[Evidence, ...], float]:
            evidence, least = enumerate_()
            asked = len(query.terms) > 1 and not query.set_aside
            lead = Mentions(lead_of(evidence[0]) if asked and evidence else "")
            return evidence if lead.coverage(query.terms, rarity) >= LEAD_SAYS_ALL else (), least

        def read_both() -> tuple[tuple[Evidence, ...], float]:
            evidence, threshold = read()
            if not (evidence and _has_two_figures(evidence[0])):
                return evidence, NEVER
            both = evidence[0].model_copy(update={"span": None})  # the figure of one says nothing
            return (both,), threshold

        def read_why() -> tuple[tuple[Evidence, ...], float]:
            evidence, threshold = read()
            if not (evidence and tells_why(text_of(evidence[0].passage, evidence[0].quote))):
                return evidence, NEVER
            return (evidence[0].model_copy(update={"span": None}),), threshold

        ways: list[Callable[[], tuple[tuple[Evidence, ...], float]]] = [read]
        only_names = bool(query.terms) and all(
            term.may_be_name and not self.collection.writes_small(term) for term in query.terms
        )
        if query.kind == "overview" and not query.terms:
            ways = [choose]
        elif query.sides is not None:
            ways = [choose, read_both]  # a span gives one side, unless its sentence gives both
        elif query.kind in ("overview", "topic", "comparison", "yes_no"):
            ways = [choose, read]
        elif (only_names and query.kind == "who") or query.kind in ("next", "definition"):
            ways = [read, choose]
        elif query.kind == "reason":
            ways = [read, read_why]
        if query.kind == "list":
            ways = [enumerate_, read, choose]
        elif query.kind in ("fact", "next", "topic"):
            ways = [enumerate_what_is_asked, *ways, enumerate_]
        elif query.kind == "who":
            ways = [*ways, enumerate_]
        told: tuple[Verdict, tuple[Evidence, ...]] | None = None
        for way in ways:
            evidence, threshold = way()
            verdict = self._judge(query, evidence, threshold)
            lists = way in (enumerate_, enumerate_what_is_asked)
            if not (told and told[1]) and not lists:  # a list tells of nothing nearest
                told = verdict, evidence
            if verdict.reason is None:
                return self._quoted(query, verdict, evidence), evidence
        assert told is not None
        return told

    def weigh_read(self, query: Query, evidence: Sequence[Evidence]) -> Verdict:
        """Judge evidence that was read, the most probable first."""
        verdict = self._judge(query, evidence, self.threshold)
        return verdict if verdict.reason else self._quoted(query, verdict, evidence)

    def weigh_near(self, query: Query, evidence: Evidence) -> Verdict:
        """Judge a piece of evidence that need only come near."""
        verdict = self._judge(query, (evidence,), NEAR_MISS_SHARE * self.threshold)
        return verdict if verdict.reason else self._quoted(query, verdict, (evidence,))

    def _quoted(self, query: Query, verdict: Verdict, evidence: Sequence[Evidence]) -> Verdict:
        return verdict.model_copy(update={"evidence": pieces_quoted(query, evidence, self.refuses)})

    def refuses(self, query: Query, evidence: Sequence[Evidence]) -> bool:
        """Say whether evidence is no answer however probable it is."""
        return self._judge(query, evidence, 0.0).reason is not None

    def _judge(self, query: Query, evidence: Sequence[Evidence], threshold: float) -> Verdict:
        return judge(
            query,
            evidence,
            threshold=threshold,
            mentions=self.collection.mentions,
            cyrillic_collection=self.collection.has_cyrillic,
            stated=self.collection.numbers,
            speaks_of=self._speaks_of,
            is_common=self.collection.writes_small,
            years_around=self._years_around,
        )

    def read(self, query: Query, ranked: Sequence[RankedPassage]) -> tuple[Evidence, ...]:
        """Return what the reader finds in passages, the most probable first."""
        return find_evidence(
            query,
            ranked,
            reader=self.reader,
            rarity=self.collection.rarity,
            languages=self.collection.languages,
            similarities=self._similarities,
            probability=self.known.probability,
        )

    def _read_on(
        self, query: Query, chosen: frozenset[str] | None
    ) -> tuple[tuple[Evidence, ...], float]:
        """Read a few passages, and more while nothing holds; return the evidence of all rounds, the
        most probable first, with the threshold that applies to it.
        """
        read: list[Evidence] = []
        for ranked in rounds(
            query, self.retriever, self.collection.languages, chosen, self.settings.passages_read
        ):
            evidence = self._asked_for(query, self.read(query, ranked))
            read.extend(evidence)
            if evidence and evidence[0].probability >= self.threshold:
                return evidence, self.threshold
        read.sort(key=lambda one: -one.probability)
        return tuple(read), self.threshold

    def _asked_for(self, query: Query, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """Return evidence without what the question sets aside, and without the items of lists and
        the rows of tables that are about another than it names, as others of the same are not. A
        span that names what is set aside with others comes after those that may be given and don't.
        """
        common = self.collection.writes_small

        def is_asked_for(one: Evidence) -> bool:
            if _says_nothing_but(one, query.set_aside):
                return False
            if one.passage.kind == "prose" or asked_for(query, one) is not None:
                return True
            return not is_of_another(query, [one], partial(self._speaks_of, apart=True), common)

        def is_after_others(one: Evidence) -> bool:
            span = text_of(one.passage, one.span) if one.span else ""
            names_aside = any(map(Mentions(span).worth, query.set_aside))
            return one.probability < self.threshold or names_aside

        return tuple(sorted(filter(is_asked_for, evidence), key=is_after_others))

    @property
    def threshold(self) -> float:
        """The probability from which on evidence that was read keeps to the operator's risk."""
        return self.known.threshold(self.settings.answer_risk)

    def _table(self, row: Passage) -> Passage | None:
        one = row.document_id
        text = self.retriever.document(one).text
        return whole_table(row, self.retriever.passages_of(one), text)

    def _speaks_of(self, evidence: Evidence, name: Term, *, apart: bool = False) -> bool:
        """Say whether the place where evidence stands speaks of a name: its passage with the
        headings over it, the passage before it, the document's opening, or the whole document or
        collection again and again, which then needn't repeat it. An item of a list, or a row of a
        table, can be taken ``apart`` from the others.

        In another language a name is translated as often as not: it has to stand there only where
        other passages of that script have it, letter for letter.
        """
        if self.collection.is_pervasive(name):
            return True
        passage = evidence.passage
        cyrillic = self.collection.languages[passage.document_id] != "en"
        if evidence.features.foreign and not self.collection.writes(name, cyrillic=cyrillic):
            return True
        around = self._apart(evidence) if apart else self._around(passage)
        if any(Mentions(text).speaks_of(name) for text in around):
            return True
        return self.collection.returns_to(name, passage.document_id)

    def _years_around(self, evidence: Evidence) -> frozenset[str]:
        """Return the years that stand where evidence does, or in its document's title or date."""
        one = evidence.passage.document_id
        day = self.catalogue.days.get(one)
        texts = [*self._around(evidence.passage), self.retriever.document(one).title]
        texts += [str(day.year)] if day else []
        return frozenset(match[0] for text in texts for match in YEAR.finditer(text))

    def _around(self, passage: Passage) -> list[str]:
        """Return a passage with the headings over it, the passage before it, and the document's
        opening.
        """
        near = list(self.retriever.opening(passage.document_id, OPENING_PASSAGES))
        if passage.passage_id > 0:
            before = self.retriever.passage(passage.passage_id - 1)
            near += [before] if before.document_id == passage.document_id else []
        return [with_place(passage), *(one.text for one in near)]

    def _apart(self, evidence: Evidence) -> list[str]:
        """Return what stands around evidence without the other items of its list and the other rows
        of its table: prose before it speaks of the whole.
        """
        passage = evidence.passage
        own = with_place(passage, without=others_of_list(passage, evidence.quote))
        first = passage.passage_id  # of the rows of its table
        before: Passage | None = None
        while first > 0 and (before is None or before.kind == "table" == passage.kind):
            first -= 1
            before = self.retriever.passage(first)
        near = [*self.retriever.opening(passage.document_id, OPENING_PASSAGES)]
        if before is not None and before.document_id == passage.document_id:
            near.append(before)
        return [own, *(one.text for one in near if one.kind == "prose")]

    def _announced(self, document_id: str) -> str:
        """Return what a document says of itself beside its headings: the lines before its first
        sentence ("Minutes of April 22"), and its date and theirs in all words for it.
        """
        opening = self.retriever.opening(document_id, 1)
        lines = opening[0].text.splitlines()[:ANNOUNCED_LINES] if opening else []
        first = " ".join(takewhile(lambda line: not line.rstrip().endswith(SENTENCE_ENDS), lines))
        day = self.catalogue.days.get(document_id)
        return " ".join([first, *month_words(first, day.month if day else None), str(day or "")])

    def _choose_sentences(
        self, query: Query, ranked: Sequence[RankedPassage], chosen: frozenset[str] | None
    ) -> tuple[Evidence, ...]:
        count = SENTENCES_MAX.get(query.kind, 1)
        if query.kind == "overview":
            section = find_section(
                query,
                ranked,
                announced=self._announced,
                passages_of=self.retriever.passages_of,
                rarity=self.collection.rarity,
                languages=self.collection.languages,
                sentences_max=count,
            )
            if section is not None:
                return section
            if all(meanings(term.folded, certain=True) for term in query.terms):
                return self._leads(chosen, count)  # "a summary of the report": of all there is
        if query.sides is not None:
            return find_sides(
                query,
                ranked,
                rarity=self.collection.rarity,
                languages=self.collection.languages,
                similarities=self._similarities,
            )
        return find_sentences(
            query,
            ranked,
            rarity=self.collection.rarity,
            languages=self.collection.languages,
            sentences_max=count,
        )

    def _leads(self, chosen: frozenset[str] | None, count: int) -> tuple[Evidence, ...]:
        documents = [
            summary.document_id
            for summary in self.retriever.documents()
            if chosen is None or summary.document_id in chosen
        ]
        led = [self.retriever.passages_of(one) for one in documents[:DOCUMENTS_LED_MAX]]
        return find_leads(led, sentences_max=count)

    def _similarities(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the encoder's cosine of a question and each text."""
        encoder = self.retriever.encoder
        vectors = encoder.encode_passages(texts) @ encoder.encode_queries([question])[0]
        return [float(cosine) for cosine in vectors]


def _says_nothing_but(evidence: Evidence, terms: Sequence[Term]) -> bool:
    """Say whether a span has no word that carries anything but those of some terms."""
    if not terms or evidence.span is None:
        return False
    span = text_of(evidence.passage, evidence.span)
    said = content_terms(f". {span}", lexicon(detect_language(span)))
    return bool(said) and all(any(Mentions(one.text).worth(term) for term in terms) for one in said)


def _has_two_figures(evidence: Evidence) -> bool:
    return len(counts(text_of(evidence.passage, evidence.quote))) > 1


def _has_name(evidence: Evidence, name: Sequence[Term]) -> bool:
    """Say whether a quote has a name, its words together ("Tobias Renner Okafor", asked for
    without the one between).
    """
    said = [word.folded for word in words(text_of(evidence.passage, evidence.quote))]
    places = [
        next((at for at, word in enumerate(said) if same_name(term.folded, word)), None)
        for term in name
    ]
    found = [at for at in places if at is not None]
    return len(found) == len(places) and max(found) - min(found) <= len(places) + 1
