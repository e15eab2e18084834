"""What an assistant has open: an index, the models, and what is known about both."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Final

from app.answering import compose, compose_curated, compose_disagreement, introduce
from app.calibration import Calibration, load_calibration
from app.catalogue import Catalogue
from app.citing import cite
from app.collection import Collection
from app.confirming import confirm
from app.curated import Curated
from app.curated_file import CuratedEntry
from app.disagreeing import find_disagreement
from app.errors import QuestionRefused
from app.following_up import Spoken
from app.found import Found
from app.lexicon import LANGUAGES, lexicon
from app.naming import Naming, name_documents
from app.querying import heard_before, understand, understand_otherwise
from app.rendering import Frame
from app.settings import Settings
from app.speller import Speller
from app.stopwatch import Stopwatch
from app.templates import templates
from app.turns import FOLLOW_UPS_FILE, Turn, Weighed
from app.types import Citation, Draft, Language, Query, Quoted, Reply, Searched, Term, Verdict
from app.vocabulary import Vocabulary
from app.weigher import Weigher
from index import Retriever, SpanReader

LOGGER: Final = logging.getLogger(__name__)

PASSAGES_RANKED: Final = 24
"""Passages that sentences are chosen from; the reader reads the first few of them."""
TITLES_MAX: Final = 6
"""Documents that are named where a reader asks what can be asked."""


class Opened:
    """One version of an index with the models that read it; never changes once it is open."""

    def __init__(
        self,
        settings: Settings,
        retriever: Retriever,
        reader: SpanReader,
        known: Calibration,
        entries: Sequence[CuratedEntry] = (),
    ) -> None:
        self.settings = settings
        self.retriever = retriever
        self.reader = reader
        self.known = known
        self.turns_known = load_calibration(FOLLOW_UPS_FILE)
        self.collection = Collection(retriever)
        self.catalogue = Catalogue(retriever.documents(), self.collection.languages)
        self.documents = {one.document_id: (one.title, one.date) for one in retriever.documents()}
        self.weigher = Weigher(settings, retriever, reader, known, self.collection, self.catalogue)
        self.entries = entries
        self.curated = Curated(entries, retriever, lambda asked: self.understand(asked, (), None))
        for problem in self.curated.problems:
            LOGGER.warning("%s: %s; it is left out.", settings.curated_file, problem)

    @cached_property
    def title(self) -> str:
        """The collection's title: the operator's setting, or the only document's own title, or
        the titles of the first documents.
        """
        titles = [summary.title for summary in self.retriever.documents()]
        return self.settings.collection_title or ", ".join(titles[:2])

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The collection's words that mean something, by what they mean."""
        known, vectors = self.retriever.word_vectors()
        meaning = [
            at
            for at, word in enumerate(known)
            if not any(word in lexicon(language).function_words for language in LANGUAGES)
        ]
        return Vocabulary(
            [known[at] for at in meaning], vectors[meaning], self.retriever.encoder.encode_queries
        )

    def chosen(self, documents: Sequence[str] | None) -> frozenset[str] | None:
        """Return the ids a question is restricted to; raise QuestionRefused for an unknown one."""
        if documents is None:
            return None
        unknown = sorted(set(documents) - set(self.collection.languages))
        if unknown:
            raise QuestionRefused(
                "unknown_document",
                f"No document has the id {unknown[0]!r}; GET /api/documents lists them.",
            )
        return frozenset(documents)

    def _is_word(self, folded: str) -> bool:
        """Say whether a folded word is right as it is: it has a piece of its own in the
        vocabulary of the encoder, which was cut from text in a hundred languages.
        """
        return self.retriever.encoder.count_tokens([folded])[0] == 1

    def cite(self, quoted: Quoted) -> Citation:
        """Return the citation of a stretch of a document, with what became of its file since."""
        return cite(
            quoted,
            document=self.retriever.document(quoted.document_id),
            place=self.retriever.place(quoted.document_id, quoted.start),
            source_state=self.retriever.source_state(quoted.document_id),
        )

    def frame(self, query: Query, chosen: frozenset[str] | None) -> Frame:
        """Return what every reply to a question says beside its answer."""
        summaries = [
            summary
            for summary in self.retriever.documents()
            if chosen is None or summary.document_id in chosen
        ]
        return Frame(
            query=query,
            index_id=self.retriever.index_id,
            documents=chosen,
            answer_risk=self.settings.answer_risk,
            searched=Searched(
                documents=len(summaries), passages=sum(summary.passages for summary in summaries)
            ),
        )

    def courtesy(self, query: Query) -> str:
        """Return what is said to a greeting and the like."""
        assert query.courtesy is not None
        titles = [summary.title for summary in self.retriever.documents()]
        shown = "; ".join(titles[:TITLES_MAX]) + ("; …" if len(titles) > TITLES_MAX else "")
        return templates(query.language)[query.courtesy].format(
            title=self.title, documents=len(titles), titles=shown
        )

    @cached_property
    def headings(self) -> tuple[tuple[str, str], ...]:
        """Return each document's own headings, with the document's id."""
        found: dict[tuple[str, str], None] = {}
        for summary in self.retriever.documents():
            for section in self.retriever.document(summary.document_id).sections:
                heading = section.heading_path[-1] if section.heading_path else ""
                if heading and heading != summary.title:
                    found[summary.document_id, heading] = None
        return tuple(found)

    @cached_property
    def spelling(self) -> Speller:
        """Return the collection's words as a speller knows them."""
        known = self.collection
        return Speller(known.known_words, known.stems, self._is_word, known.spelled_out)

    def heard_before(self, history: Sequence[str]) -> tuple[str, ...]:
        """Return the earlier questions that a follow-up can be about, put right: of the last few
        turns, those that ask something.
        """
        last = history[max(0, len(history) - self.settings.history_turns_max) :]
        return heard_before(last, self.spelling, self.settings.question_characters_max)

    def understand(self, question: str, history: Sequence[str], language: Language | None) -> Query:
        """Return what a question asks for, read with the collection's own words in mind."""
        query = understand(
            question,
            history=history,
            language=language,
            vocabulary=self.spelling,
            characters_max=self.settings.question_characters_max,
        )
        return self._with_own_words(query)

    def other_readings(
        self, query: Query, history: Sequence[str], language: Language | None, earlier: Reply
    ) -> list[Query]:
        """Return the other ways to read a question that may go on about the turn before."""
        shown = earlier.citations or earlier.nearest
        path = shown[0].heading_path if shown else ()
        others = understand_otherwise(
            query.question,
            history=history,
            language=language,
            vocabulary=self.spelling,
            characters_max=self.settings.question_characters_max,
            spoken=Spoken(
                earlier.standalone_question, earlier.short_answer, path[-1] if path else None
            ),
        )
        return [self._with_own_words(one) for one in others]

    def _with_own_words(self, query: Query) -> Query:
        """Return a query whose terms have what the collection may say for them."""
        met = {term.folded: self._met(term, query.language) for term in query.terms}
        sides = query.sides and tuple(
            tuple(met.get(term.folded, term) for term in side) for side in query.sides
        )
        aside = tuple(self._met(term, query.language) for term in query.set_aside)
        changed = {"terms": tuple(met.values()), "sides": sides, "set_aside": aside}
        return query.model_copy(update=changed)

    def _met(self, term: Term, language: Language) -> Term:
        """Return a term with what the collection may say for it."""
        if term.is_number:
            return term
        translations = self.collection.translations(term.folded, language)
        near = () if term.is_name else self.vocabulary.near(term.text.lower())
        return term.model_copy(update={"translations": translations, "near": near})

    def weigh_turn(self, query: Query, tried: Sequence[Found], earlier: Reply) -> list[Weighed]:
        """Weigh the readings of a follow-up that have an answer. Where it is the earlier answer
        again, what else answers the reading is weighed beside it. Where what was typed is said
        word for word, only what says all of that too is weighed ("When did the tunnel open?"
        isn't answered of the bridge that was spoken of).
        """
        turn = Turn(
            typed=self.understand(query.question, (), query.language),
            likeliest=query,
            earlier=earlier,
            spoken=self.understand(earlier.standalone_question, (), query.language).terms,
            rarity=self.collection.rarity,
        )
        answered = [one for one in tried if one.verdict.reason is None and one.verdict.evidence]
        if any(map(turn.says_what_was_typed, answered)):
            answered = [one for one in answered if turn.has_all_words(one)]
        weighed = []
        for found in answered:
            other = None if found.answers_beyond(earlier) else self._beyond(found, earlier)
            for one, is_next in ((found, False), (other, True)):
                if one is not None:
                    features = turn.features(one, is_next=is_next)
                    probability = self.turns_known.probability(features)
                    weighed.append(Weighed(one, features, probability))
        return weighed

    @property
    def turns_threshold(self) -> float:
        """The probability from which on answers to follow-ups keep to the operator's risk."""
        return self.turns_known.threshold(self.settings.answer_risk)

    def _beyond(self, found: Found, earlier: Reply) -> Found | None:
        """Return what else answers a follow-up whose best evidence is the earlier answer again: the
        sentence around it, if it tells of both or why, or, where another thing is named, the next
        best evidence. None where nothing does.
        """
        if found.tells_of_both(earlier) or found.tells_why(earlier):
            whole = (found.evidence[0].model_copy(update={"span": None}),)
            verdict = self.weigher.weigh_read(found.read, whole)
            if verdict.reason is None:
                return found._replace(verdict=verdict, evidence=whole)
        rest = found.of_the_rest(earlier)
        verdict = self.weigher.weigh_read(found.read, rest)
        return None if verdict.reason else found._replace(verdict=verdict, evidence=rest)

    def find(self, query: Query, chosen: frozenset[str] | None, watch: Stopwatch) -> Found:
        """Return the verdict on a question, and the evidence it was passed on, the best first."""
        answer = self.curated.find(query, chosen)
        if answer is not None:
            accepted = Verdict(evidence=(), reason=None, missing_terms=(), probability=1.0)
            return Found(query, accepted, (), (), read=query, curated=answer)
        naming = name_documents(query.standalone_question, query.language, self.catalogue, chosen)
        if naming is None:
            return self._find(query, chosen, watch)
        if naming.kind == "period":
            found = self._find(query, chosen, watch)
            if found.verdict.reason is None and found.states(naming.phrase):
                return found  # the period is part of the fact
        read = self._without_name(query, naming)
        query = query.model_copy(update={"kind": read.kind})
        inside = self._find(read, naming.documents, watch) if naming.documents else None
        if inside is not None and (
            inside.verdict.reason in (None, "unclear")
            or (naming.kind == "document" and inside.verdict.reason == "near_miss")
        ):
            return inside._replace(query=query, naming=naming)
        if naming.kind != "document":
            found = self._find(query, chosen, watch)
            return found._replace(naming=naming if naming.kind == "subject" else None)
        others = (chosen or frozenset(self.collection.languages)) - naming.documents
        found = self._find(read, others, watch)
        verdict = Verdict(evidence=(), reason="not_stated", missing_terms=(), probability=0.0)
        if inside is not None:
            verdict = inside.verdict.model_copy(update={"reason": "not_stated"})
        return found._replace(query=query, verdict=verdict, naming=naming)

    def _find(self, query: Query, chosen: frozenset[str] | None, watch: Stopwatch) -> Found:
        watch.begin("searching")
        ranked = self.retriever.search(
            query.sought, PASSAGES_RANKED, documents=chosen, others=query.translations
        )
        watch.lap("retrieval")
        watch.begin("reading")
        found = Found(query, *self.weigher.weigh(query, ranked, chosen), ranked=ranked, read=query)
        watch.lap("evidence")
        return found

    def _without_name(self, query: Query, naming: Naming) -> Query:
        """Return what is asked of the documents that a question names: what they say in brief
        where nothing else is left of it.
        """
        read = self.understand(naming.rest, (), query.language)
        if read.terms or read.kind != "fact":
            return read
        return self.understand(templates(query.language)["overview_question"], (), query.language)

    def draft(self, found: Found) -> Draft:
        """Return the answer that accepted evidence gives: where documents disagree, what each one
        says; where others say the same, all of them as sources.
        """
        texts = templates(found.query.language)
        if found.curated is not None:
            chosen = [
                (one, self.retriever.document(one.document_id).text[one.start : one.end])
                for one in found.curated.quotes
            ]
            return compose_curated(found.query, chosen, texts)
        differing = find_disagreement(
            found.read,
            found.evidence,
            threshold=self.weigher.threshold,
            rarity=self.collection.rarity,
            dates={one: date for one, (_, date) in self.documents.items()},
        )
        if differing:
            draft = compose_disagreement(found.query, differing, self.documents, texts)
        else:
            draft = compose(found.query, found.verdict.evidence, texts)
        draft = confirm(draft, found.ranked)
        if found.naming is None:
            return draft
        cited = {quoted.document_id for quoted in draft.quotes}
        inside = cited <= found.naming.documents
        titles = self._titles(cited if inside else found.naming.documents)
        name = "from_named" if inside else "elsewhere"
        return introduce(draft, texts[name].format(titles=titles))

    def denial(self, found: Found) -> str | None:
        """Return the sentence that says that the documents a question names don't answer it."""
        naming, texts = found.naming, templates(found.query.language)
        if naming is None or naming.kind != "document" or found.verdict.reason != "not_stated":
            return None
        if not naming.documents:
            return texts["no_such_document"].format(phrase=naming.phrase)
        return texts["not_in_named"].format(titles=self._titles(naming.documents))

    def _titles(self, documents: AbstractSet[str]) -> str:
        titles = [title for one, (title, _) in self.documents.items() if one in documents]
        return "; ".join(titles[:TITLES_MAX]) + ("; …" if len(titles) > TITLES_MAX else "")
