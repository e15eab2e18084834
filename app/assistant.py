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
from app.replies_kept import RepliesKept
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


class Assistant:
    """Answers questions about one version of one index; safe to share between threads."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.retriever = opened.retriever
        self.title = opened.title
        self._answers = lru_cache(maxsize=ANSWERS_KEPT)(self._is_answered)
        self._kept = RepliesKept()

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
        before = opened.heard_before(history)
        query = opened.understand(question, before, language)
        watch.lap("query")
        if query.courtesy is not None:
            return render_courtesy(opened.frame(query, chosen), opened.courtesy(query), watch)
        asked = self._find_parts(query, before, documents, watch)
        if not asked:
            earlier = None
            if query.may_refer:
                kept = self._kept.find(history, language, documents)
                earlier = kept or self.reply_before(before, language, documents)
            found = self._find(query, before, earlier, language, documents, watch)
            query, asked = found.query, [(found.query.standalone_question, found)]
        reply = self._render(query, asked, chosen, watch)
        if not query.is_order:
            self._kept.keep([*history, question], language, documents, reply)
        return reply

    def _render(
        self,
        query: Query,
        asked: Sequence[tuple[str, Found]],
        chosen: frozenset[str] | None,
        watch: Stopwatch,
    ) -> Reply:
        opened, texts = self.opened, templates(query.language)
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
        earlier: Reply | None,
        language: Language | None,
        documents: Sequence[str] | None,
        watch: Stopwatch,
    ) -> Found:
        """Return what is found for a question; one that may go on about the turn before, which
        ``earlier`` replied to, is tried in all its readings, and answered by the one that is most
        probably meant.
        """
        opened = self.opened
        found = opened.find(query, opened.chosen(documents), watch)
        if earlier is None or found.is_curated:
            return found
        tried = self.read_on(query, found, history, earlier, language, documents, watch)
        curated = next((one for one in tried if one.is_curated), None)
        if curated is not None:
            return curated
        answered = opened.weigh_turn(query, tried, earlier)
        best = max(answered, key=lambda one: one.probability, default=None)
        return found if best is None else best.judged(opened.turns_threshold)

    def read_on(
        self,
        query: Query,
        found: Found,
        history: Sequence[str],
        earlier: Reply,
        language: Language | None,
        documents: Sequence[str] | None,
        watch: Stopwatch,
    ) -> list[Found]:
        """Return what is found for each reading of a question that may go on about the turn
        before, ``found`` for the likeliest by its words.
        """
        chosen = self.opened.chosen(documents)
        others = self.opened.other_readings(query, history, language, earlier)
        return [found, *(self.opened.find(one, chosen, watch) for one in others)]

    def reply_before(
        self,
        turns: Sequence[str],
        language: Language | None = None,
        documents: Sequence[str] | None = None,
    ) -> Reply:
        """Return the reply to the last of some turns that were heard."""
        kept = self._kept.find(turns, language, documents)
        return kept or self._reply(turns[-1], turns[:-1], language, documents)

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
            earlier = None
            if read.may_refer:
                earlier = self.reply_before(before, query.language, documents)
            found = self._find(read, before, earlier, query.language, documents, watch)
            asked.append((part, found))
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
