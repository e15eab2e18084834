"""The fixed mix of question sets that examples are drawn from.

Some are drawn alone, some as groups: a question's passage with others that retrieval would put
beside it. What is drawn depends on the seed and the position alone, so that a run that was killed
goes on where its checkpoint was.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.training.augmentation import (
    content_words,
    exchanged,
    in_two_languages,
    left_out,
    turned_round,
    typed_in_haste,
    window,
    window_under_heading,
    with_heading,
    without_answer_sentences,
)
from app.training.encoding import Example, encode
from app.training.neighbours import Neighbours
from app.training.questions import Question, read_questions
from app.training.written import WRITTEN_FILE, read_written

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Source:
    """How many examples of each pool come from a file, and how often its context stays whole.

    ``file`` is None for the questions that were written for this reader.
    """

    name: str
    file: str | None
    examples: int
    whole: float = 0.25
    unanswerable_made: bool = False  # draw answerable rows and make them unanswerable

    def article_of(self, question: Question) -> str:
        """Name the texts among which a question finds other paragraphs and other names."""
        return question.title or self.file or self.name


MIX = (
    Source("hand-written", "squad2-dev.train-part", 60, whole=0.45),
    Source("squad-dev", "squad1-dev.other13articles", 14),
    Source("search", "qed-train", 14),
    Source("periods", "timeqa", 12, whole=0.6),
    Source("swapped", "nq-swap.train-clean", 6),
    Source("news", "qamr", 4),
    Source("policies", "policyqa", 4),
    Source("other-paragraph", "derived-negatives", 8),
    Source("made-hand-written", "squad2-dev.train-part", 10, unanswerable_made=True),
    Source("made-written", None, 24, unanswerable_made=True),
    Source("made-squad", "squad-train-subset", 6, unanswerable_made=True),
)
GROUPED = (
    Source("written", None, 120, whole=0.5),
    Source("hand-written", "squad2-dev.train-part", 30, whole=0.2),
    Source("squad", "squad-train-subset", 22, whole=0.2),
    Source("squad-dev", "squad1-dev.other13articles", 8, whole=0.2),
)
"""Of these, whole groups are drawn."""
HEADING_SHARE = 0.25
TWO_LANGUAGES_SHARE = 0.06
HASTE_SHARE = 0.2
GROUP_HEADING_SHARE = 0.3
GROUP_TWO_LANGUAGES_SHARE = 0.04
OTHER_PASSAGES = 2
"""Passages beside a question's own."""
KIND_POWER = 0.6
"""A kind of question is drawn by its number to this power, so that rare kinds are learned too."""
ANSWERABLE_SHARE = 0.55
"""Within each kind, so that the kind doesn't tell whether there is an answer."""
OFTENER_MAX = 3.0
"""How much oftener than its number says a kind's answerable or other part is drawn."""
STEP = 7_919
"""A prime: steps of it go through a shuffled set in yet another order."""


def read_source(source: Source, data: Path, written: Path) -> list[Question]:
    """Read the questions of a source."""
    if source.file is None:
        return read_written(data, "train", written)
    return read_questions(data / f"{source.file}.jsonl.gz")


@dataclass(frozen=True)
class Mixture:
    """The question sets of the mix, in a shuffled order that only the seed decides."""

    seed: int
    rows: dict[str, list[Question]]
    contexts_by_article: dict[str, list[str]]
    by_kind: dict[tuple[str, bool], list[Question]]
    neighbours: Neighbours

    @staticmethod
    def read(
        data: Path, seed: int, neighbours: Neighbours, written: Path = WRITTEN_FILE
    ) -> Mixture:
        """Read every file of the mix."""
        rows: dict[str, list[Question]] = {}
        contexts: dict[str, set[str]] = {}
        for source in (*MIX, *GROUPED):
            questions = read_source(source, data, written)
            for question in questions:
                contexts.setdefault(source.article_of(question), set()).add(question.context)
            if source.unanswerable_made:
                questions = [question for question in questions if question.answers]
            random.Random(f"{seed} {source.name}").shuffle(questions)
            rows[source.name] = questions
        by_kind: dict[tuple[str, bool], list[Question]] = {}
        for question in rows["written"]:
            by_kind.setdefault((question.kind, bool(question.answers)), []).append(question)
        articles = {name: sorted(texts) for name, texts in contexts.items()}
        return Mixture(seed, rows, articles, by_kind, neighbours)

    def pool(self, number: int, tokenizer: Tokenizer) -> list[list[Example]]:
        """Draw the groups of one pool; an example that is drawn alone is a group of one."""
        groups: list[list[Example]] = []
        for source in MIX:
            rows = self.rows[source.name]
            if not rows:
                continue
            for place in range(number * source.examples, (number + 1) * source.examples):
                chance = random.Random(f"{self.seed} {source.name} {place}")
                question: Question | None = rows[place % len(rows)]
                assert question is not None
                if source.unanswerable_made:
                    question = self.made_unanswerable(question, source, chance)
                if question is None:
                    continue
                example = encode(self.shaped(question, source, chance), tokenizer, source.name)
                if example is not None:
                    groups.append([example])
        for source in GROUPED:
            rows = self.rows[source.name]
            for place in range(number * source.examples, (number + 1) * source.examples):
                chance = random.Random(f"{self.seed} g {source.name} {place}")
                if source.file is None:
                    drawn = self.drawn_by_kind(chance)
                else:
                    drawn = rows[(place * STEP + 13) % len(rows)]
                passages = self.group(drawn, source, chance)
                names = [f"g-{source.name}", *[f"n-{source.name}"] * (len(passages) - 1)]
                encoded = [
                    encode(one, tokenizer, name) for one, name in zip(passages, names, strict=True)
                ]
                if encoded[0] is not None:
                    groups.append([one for one in encoded if one is not None])
        return groups

    def drawn_by_kind(self, chance: random.Random) -> Question:
        """Draw a written question: first its kind, then whether it has an answer, then which."""
        kinds = sorted({kind for kind, _ in self.by_kind})
        counts = {
            kind: [len(self.by_kind.get((kind, has), ())) for has in (True, False)]
            for kind in kinds
        }
        weights = [sum(counts[kind]) ** KIND_POWER for kind in kinds]
        kind = chance.choices(kinds, weights)[0]
        answerable, others = counts[kind]
        if answerable and others:
            all_of_it = answerable + others
            share = max(ANSWERABLE_SHARE, 1 - OFTENER_MAX * others / all_of_it)
            share = min(share, OFTENER_MAX * answerable / all_of_it)
        else:
            share = float(answerable > 0)
        return chance.choice(self.by_kind[kind, chance.random() < share])

    def group(self, question: Question, source: Source, chance: random.Random) -> list[Question]:
        """Return a question of its own passage, and of a few others that don't answer it: what a
        window left out of its own, and the nearest to the question.
        """
        whole = chance.random() < source.whole
        characters = 1150 if whole else chance.randint(260, 560)
        if chance.random() < GROUP_TWO_LANGUAGES_SHARE:
            question = in_two_languages(question, chance)
        if chance.random() < HASTE_SHARE:
            question = typed_in_haste(question, chance)
        own = window_under_heading(question, characters, chance)
        left = left_out(question, own.context)
        near = self.neighbours.of(source.name, question)
        near = near[1:12] if source.file is None else near[:10]
        chance.shuffle(near)
        others = [*([left] if left else []), *near][:OTHER_PASSAGES]
        headed = chance.random() < GROUP_HEADING_SHARE
        passages = [with_heading(own, chance) if headed else own]
        for context in others:
            other = replace(question, context=context, answers=())
            other = window_under_heading(other, characters, chance)
            passages.append(with_heading(other, chance) if headed else other)
        return passages

    def shaped(self, question: Question, source: Source, chance: random.Random) -> Question:
        """Cut a context to run-time length, mostly, and give some a heading line."""
        whole = chance.random() < source.whole
        characters = 1150 if whole else chance.randint(330, 620)
        question = window(question, characters, chance)
        if chance.random() < TWO_LANGUAGES_SHARE:
            question = in_two_languages(question, chance)
        if chance.random() < HASTE_SHARE:
            question = typed_in_haste(question, chance)
        return with_heading(question, chance) if chance.random() < HEADING_SHARE else question

    def made_unanswerable(
        self, question: Question, source: Source, chance: random.Random
    ) -> Question | None:
        """Turn an answerable question into one that its context does not answer."""
        siblings = self.contexts_by_article[source.article_of(question)]
        elsewhere = chance.choice(siblings)
        way = chance.random()
        if way < 0.15:
            made = turned_round(question, chance)
            if made is not None:
                return made
        if way < 0.60:
            made = exchanged(question, elsewhere, chance)
            if made is not None:
                return made
        if way < 0.80:
            made = without_answer_sentences(question)
            if made is not None:
                return made
        return self.on_other_paragraph(question, siblings, chance)

    @staticmethod
    def on_other_paragraph(
        question: Question, siblings: Sequence[str], chance: random.Random
    ) -> Question | None:
        """Ask a question of the paragraph of the same article that looks most like answering it."""
        texts = [answer.text.lower() for answer in question.answers]
        words = content_words(question.question)
        candidates = [
            (len(words & content_words(context)), context)
            for context in chance.sample(siblings, min(8, len(siblings)))
            if context != question.context and not any(text in context.lower() for text in texts)
        ]
        if not candidates:
            return None
        return replace(question, context=max(candidates)[1], answers=())
