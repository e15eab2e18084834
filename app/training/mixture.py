"""The fixed mix of question sets that examples are drawn from.

What is drawn depends on the seed and the position alone, so that a run that was killed goes on
where its checkpoint was.
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
    turned_round,
    window,
    with_heading,
    without_answer_sentences,
)
from app.training.encoding import Example, encode
from app.training.questions import Question, read_questions
from app.training.written import WRITTEN_FILE, read_written

if TYPE_CHECKING:
    from tokenizers import Tokenizer

POOL_EXAMPLES = 640
"""One pool is drawn, sorted by length and cut into batches."""


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
    Source("hand-written", "squad2-dev.train-part", 100, whole=0.45),
    Source("written", None, 380, whole=1.0),
    Source("squad", "squad-train-subset", 50),
    Source("squad-dev", "squad1-dev.other13articles", 24),
    Source("search", "qed-train", 16),
    Source("periods", "timeqa", 12, whole=0.6),
    Source("swapped", "nq-swap.train-clean", 6),
    Source("news", "qamr", 4),
    Source("policies", "policyqa", 4),
    Source("other-paragraph", "derived-negatives", 12),
    Source("made-hand-written", "squad2-dev.train-part", 8, unanswerable_made=True),
    Source("made-written", None, 16, unanswerable_made=True),
    Source("made-squad", "squad-train-subset", 8, unanswerable_made=True),
)
assert sum(source.examples for source in MIX) == POOL_EXAMPLES
HEADING_SHARE = 0.25
TWO_LANGUAGES_SHARE = 0.06


@dataclass(frozen=True)
class Mixture:
    """The question sets of the mix, in a shuffled order that only the seed decides."""

    seed: int
    rows: dict[str, list[Question]]
    contexts_by_article: dict[str, list[str]]

    @staticmethod
    def read(data: Path, seed: int, written: Path = WRITTEN_FILE) -> Mixture:
        """Read every file of the mix."""
        rows: dict[str, list[Question]] = {}
        contexts: dict[str, set[str]] = {}
        for source in MIX:
            if source.file is None:
                questions = read_written(data, "train", written)
            else:
                questions = read_questions(data / f"{source.file}.jsonl.gz")
            for question in questions:
                contexts.setdefault(source.article_of(question), set()).add(question.context)
            if source.unanswerable_made:
                questions = [question for question in questions if question.answers]
            random.Random(f"{seed} {source.name}").shuffle(questions)
            rows[source.name] = questions
        return Mixture(seed, rows, {name: sorted(texts) for name, texts in contexts.items()})

    def pool(self, number: int, tokenizer: Tokenizer) -> list[Example]:
        """Draw the examples of one pool."""
        examples = []
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
                    examples.append(example)
        return examples

    def shaped(self, question: Question, source: Source, chance: random.Random) -> Question:
        """Cut a context to run-time length, mostly, and give some a heading line."""
        whole = chance.random() < source.whole
        characters = 1150 if whole else chance.randint(330, 620)
        question = window(question, characters, chance)
        if chance.random() < TWO_LANGUAGES_SHARE:
            question = in_two_languages(question, chance)
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
