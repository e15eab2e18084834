"""What an assistant has open: an index, the models, and what is known about both."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Final

from app.answering import compose, compose_curated, compose_disagreement, introduce
from app.calibration import Calibration
from app.catalogue import Catalogue
from app.citing import cite
from app.collection import Collection
from app.confirming import confirm
from app.curated import Curated
from app.curated_file import CuratedEntry
from app.disagreeing import find_disagreement
from app.errors import QuestionRefused
from app.found import Found
from app.lexicon import LANGUAGES, lexicon
from app.naming import Naming, name_documents
from app.querying import heard_before, understand
from app.rendering import Frame
from app.settings import Settings
from app.speller import Speller
from app.stopwatch import Stopwatch
from app.templates import templates
from app.types import Citation, Draft, Language, Query, Quoted, Reply, Searched, Term, Verdict
from app.vocabulary import Vocabulary
from app.weigher import Weigher
from index import Passage, Retriever, SpanReader

LOGGER: Final = logging.getLogger(__name__)

PASSAGES_RANKED: Final = 24
"""Passages that sentences are chosen from; the reader reads the first few of them."""
ANTECEDENT_CHARACTERS: Final = 60
"""A longer answer to the question before isn't what "it" stands for."""
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

    def understand(
        self,
        question: str,
        history: Sequence[str],
        language: Language | None,
        antecedent: str | None = None,
        reading: int = 0,
    ) -> Query:
        """Return what a question asks for, read with the collection's own words in mind."""
        query = understand(
            question,
            history=history,
            language=language,
            vocabulary=self.spelling,
            characters_max=self.settings.question_characters_max,
            antecedent=antecedent,
            reading=reading,
        )
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

    def other_readings(
        self,
        query: Query,
        history: Sequence[str],
        language: Language | None,
        earlier_answer: str | None,
    ) -> list[Query]:
        """Return the other ways to read a follow-up: put together differently with the question
        before, or with that one's answer in its pronoun's place; last, as it stands.
        """
        others = [
            self.understand(query.question, history, language, reading=number)
            for number in range(1, query.readings)
        ]
        if query.refers_back and earlier_answer and len(earlier_answer) <= ANTECEDENT_CHARACTERS:
            others.append(
                self.understand(query.question, history, language, antecedent=earlier_answer)
            )
        known = {query.standalone_question}
        once = [one for one in others if one.standalone_question not in known]
        return sorted(once, key=lambda one: one.stands_alone)

    def beyond(self, found: Found, earlier: Reply) -> Found | None:
        """Return what else answers a follow-up whose best evidence is the earlier answer again: the
        sentence around it, if it tells of both or why, or, where another thing is named, the next
        best evidence. None where nothing does.
        """
        if found.is_curated or not found.evidence:
            return None
        if found.tells_of_both(earlier) or found.tells_why(earlier):
            whole = (found.evidence[0].model_copy(update={"span": None}),)
            verdict = self.weigher.weigh_read(found.read, whole)
            if verdict.reason is None:
                return found._replace(verdict=verdict, evidence=whole)
        if found.verdict.reason is not None:
            return None
        rest = found.of_the_rest(earlier)
        verdict = self.weigher.weigh_read(found.read, rest)
        return None if verdict.reason else found._replace(verdict=verdict, evidence=rest)

    def in_what_was_shown(self, query: Query, earlier: Reply) -> Found | None:
        """Return what the passages that the earlier answer is from say to a follow-up as it was
        typed, where it asks for a figure, a time or a person. Half the threshold suffices there:
        what a conversation is about is answered more often where it was spoken of than elsewhere.
        """
        documents = frozenset(one.document_id for one in earlier.citations)
        if query.kind not in ("when", "how_much", "who") or not documents:
            return None
        found = self.retriever.search(
            query.sought, PASSAGES_RANKED, documents=documents, others=query.translations
        )
        shown = [one for one in found if _is_cited(one.passage, earlier.citations)]
        evidence = self.weigher.read(query, shown)
        read = Found(query, self.weigher.weigh_read(query, ()), evidence, tuple(shown), read=query)
        for one in evidence:
            verdict = self.weigher.weigh_near(query, one)
            if verdict.reason is None:
                tried = read._replace(verdict=verdict, evidence=(one,))
                return tried if tried.answers_beyond(earlier) else None
        return None

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


def _is_cited(passage: Passage, citations: Sequence[Citation]) -> bool:
    return any(
        one.document_id == passage.document_id
        and one.start < passage.end
        and passage.start < one.end
        for one in citations
    )
