"""One question, all its steps in order: the file to read first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache

from app.answering import compose_parts, quote_nearest
from app.asked_together import questions_in
from app.calibration import load_calibration
from app.curated_file import CuratedUnusable, read_curated
from app.found import Found
from app.opened import Opened
from app.rendering import render_abstention, render_answer, render_courtesy
from app.settings import READER_FILE, READER_HIDDEN, Settings
from app.stopwatch import Announce, Stopwatch
from app.suggesting import suggest
from app.templates import templates
from app.types import Language, Query, Reply
from index import Models, Retriever

LOGGER = logging.getLogger(__name__)

NEAREST_MAX = 3
"""Passages shown when the documents don't answer."""
ANSWERS_KEPT = 4_096
"""Suggestions of which it is remembered whether they are answered."""

REPLIES_KEPT = 256
"""Replies to earlier turns that are remembered, as each further turn asks for them."""


class Assistant:
    """Answers questions about one version of one index; safe to share between threads."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.retriever = opened.retriever
        self.title = opened.title
        self._answers = lru_cache(maxsize=ANSWERS_KEPT)(self._is_answered)
        self._earlier = lru_cache(maxsize=REPLIES_KEPT)(self._reply_before)

    @classmethod
    def open(cls, settings: Settings, models: Models | None = None) -> Assistant:
        """Open the index and the models that the settings name, or take models already open.

        Raises IndexMissing, IndexBroken or ModelMissing, each with the command that helps, or
        CuratedUnusable.
        """
        models = models or Models.open(settings.models_folder)
        models.warm_up()  # the vocabulary loads on a thread while the index and the reader open
        return cls.over(settings, Retriever.open(settings.index_folder, models))

    @classmethod
    def over(cls, settings: Settings, retriever: Retriever) -> Assistant:
        """Take an index that is open, published or not; raises CuratedUnusable."""
        entries = read_curated(settings.curated_file) if settings.curated_file else ()
        reader = retriever.models.reader(READER_FILE, READER_HIDDEN)
        return cls(Opened(settings, retriever, reader, load_calibration(), entries))

    def reopened(self) -> Assistant:
        """Open the version of the index that is current now, on what can stay open.

        The curated answers are read anew; where that fails, those of before are kept.
        """
        retriever, opened = self.retriever.reopened(), self.opened
        same = retriever.models is self.retriever.models
        reader = opened.reader if same else retriever.models.reader(READER_FILE, READER_HIDDEN)
        entries = opened.entries
        try:
            if opened.settings.curated_file is not None:
                entries = read_curated(opened.settings.curated_file)
        except CuratedUnusable as error:
            LOGGER.warning("%s; the curated answers of before are kept.", error)
        return Assistant(Opened(opened.settings, retriever, reader, opened.known, entries))

    def ask(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        language: Language | None = None,
        documents: Sequence[str] | None = None,
        announce: Announce | None = None,
    ) -> Reply:
        """Answer a question in the documents' own words, or say that they don't answer it.

        ``history`` is the earlier questions, oldest first; ``documents`` restricts the collection;
        ``announce`` is told each step as it begins.
        Raises QuestionRefused where the question is empty, too long, or about unknown documents.
        """
        reply = self._reply(question, history, language, documents, announce)
        shown = reply.citations or reply.nearest
        seen = " ".join([question, *history, *(h for one in shown for h in one.heading_path)])
        near = [one.document_id for one in shown] or list(documents or ())
        watch = Stopwatch()
        suggestions = self._topics(reply.language, near, seen, documents)
        watch.lap("suggestions")
        return reply.model_copy(
            update={"suggestions": suggestions, "milliseconds": watch.after(reply.milliseconds)}
        )

    def _reply(
        self,
        question: str,
        history: Sequence[str],
        language: Language | None,
        documents: Sequence[str] | None,
        announce: Announce | None = None,
    ) -> Reply:
        opened, watch = self.opened, Stopwatch(announce)
        watch.begin("understanding")
        chosen = opened.chosen(documents)
        history = opened.heard_before(history)
        query = opened.understand(question, history, language)
        watch.lap("query")
        texts = templates(query.language)
        if query.courtesy is not None:
            return render_courtesy(opened.frame(query, chosen), opened.courtesy(query), watch)
        asked = self._find_parts(query, history, documents, watch)
        if not asked:
            found = self._find(query, history, language, documents, watch)
            query, asked = found.query, [(found.query.standalone_question, found)]
        answered = [found for _, found in asked if found.verdict.reason is None]
        frame = opened.frame(query, chosen)
        watch.begin("composing")
        if not answered:
            found = asked[0][1]
            nearest = [opened.cite(one) for one in quote_nearest(found.evidence, NEAREST_MAX)]
            named = opened.denial(found)
            return render_abstention(frame, found.verdict, nearest, texts, watch, named=named)
        drafts = [opened.draft(found) if found in answered else None for _, found in asked]
        draft = drafts[0]
        if len(asked) > 1 or draft is None:
            parts = [part for part, _ in asked]
            draft = compose_parts(query, list(zip(parts, drafts, strict=True)), texts)
        citations = [opened.cite(quoted) for quoted in draft.quotes]
        watch.lap("answer")
        probability = min(found.verdict.probability for found in answered)
        curated = any(found.is_curated for found in answered)
        return render_answer(frame, draft, citations, probability, texts, watch, curated=curated)

    def _find(
        self,
        query: Query,
        history: Sequence[str],
        language: Language | None,
        documents: Sequence[str] | None,
        watch: Stopwatch,
    ) -> Found:
        """Return what is found for a question; a follow-up is tried in all its readings, and the
        best that says more than the answer before is taken.
        """
        opened = self.opened
        chosen = opened.chosen(documents)
        found = opened.find(query, chosen, watch)
        follows_up = query.refers_back or query.names_another
        if not follows_up and not (query.may_refer and found.verdict.reason is not None):
            return found
        among = None if documents is None else tuple(documents)
        earlier = self._earlier(tuple(history), language, among)
        new = [found] if self._says_more(found, history, language, among) else []
        tried = [found]
        for other in opened.other_readings(query, history, language, earlier.short_answer):
            if new and other.stands_alone and len(other.terms) < 2:
                break  # it follows up
            tried.append(opened.find(other, chosen, watch))
            follows = not other.stands_alone or tried[-1].follows(earlier)
            if follows and self._says_more(tried[-1], history, language, among):
                new.append(tried[-1])
        if not new:
            new = [one for each in tried if (one := opened.beyond(each, earlier)) is not None]
        if not new:
            typed = opened.understand(query.question, (), query.language)
            said = opened.in_what_was_shown(typed, earlier)
            new = [said._replace(query=query)] if said is not None else []
        if new:
            return max(new, key=lambda one: one.worth)
        return found if found.verdict.reason is not None else found.as_refused()

    def _says_more(
        self,
        found: Found,
        history: Sequence[str],
        language: Language | None,
        among: tuple[str, ...] | None,
    ) -> bool:
        """Say whether a reading of a follow-up has an answer that isn't given again: not that of
        the turn before, nor that of another whose question it has in it.
        """
        standalone = found.query.standalone_question
        return all(
            found.answers_beyond(self._earlier(tuple(history[: at + 1]), language, among))
            for at in reversed(range(len(history)))
            if at == len(history) - 1
            or (history[at] in standalone and history[at].strip(" ?") != standalone.strip(" ?"))
        )

    def _reply_before(
        self,
        turns: tuple[str, ...],
        language: Language | None,
        documents: tuple[str, ...] | None,
    ) -> Reply:
        return self._reply(turns[-1], turns[:-1], language, documents)

    def _find_parts(
        self,
        query: Query,
        history: Sequence[str],
        documents: Sequence[str] | None,
        watch: Stopwatch,
    ) -> list[tuple[str, Found]]:
        """Return the questions that are asked together, each with what is found for it, a later one
        read as a follow-up; nothing where only one is asked, none of several is answered, or an
        operator chose what answers them together.
        """
        follows = query.refers_back or query.names_another
        parts = questions_in(query.question if follows else query.standalone_question)
        if not parts or self.opened.curated.find(query, self.opened.chosen(documents)) is not None:
            return []
        asked = []
        before = tuple(history)
        for part in parts:
            read = self.opened.understand(part, before, query.language)
            asked.append((part, self._find(read, before, query.language, documents, watch)))
            before = (*before, part)
        return asked if any(found.verdict.reason is None for _, found in asked) else []

    def starters(self, language: Language) -> tuple[str, ...]:
        """Return up to three questions to begin with, each one known to be answered."""
        overview = templates(language)["overview_question"]
        opening = (overview,) if self._answers(overview, language, None) else ()
        return (*opening, *self._topics(language, near=(), seen=""))[:3]

    def _topics(
        self,
        language: Language,
        near: Sequence[str],
        seen: str,
        documents: Sequence[str] | None = None,
    ) -> tuple[str, ...]:
        among = None if documents is None else tuple(sorted(set(documents)))
        return suggest(
            [one for one in self.opened.headings if among is None or one[0] in among],
            near=near,
            seen=seen,
            question=lambda topic: templates(language)["topic_question"].format(topic=topic),
            answers=lambda question: self._answers(question, language, among),
        )

    def _is_answered(
        self, question: str, language: Language, documents: tuple[str, ...] | None
    ) -> bool:
        return self._reply(question, (), language, documents).kind == "answer"
