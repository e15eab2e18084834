"""Train the extractive reader, export it, measure it.

    python scripts/train_reader.py train --data DIR --start DIR --output DIR --minutes 100
    python scripts/train_reader.py export --checkpoint DIR/checkpoint.pt
    python scripts/train_reader.py measure --data DIR --json FILE

The reader is the e5-small body with two numbers for each token (start, end); its first token stands
for "the text doesn't say". Examples are drawn from a fixed mix of question sets, many made harder
on the way: cut to the length of a passage, given a heading line, or asked so that their passage no
longer answers them. What is drawn depends on the seed and the position alone, so that a run that
was killed goes on where its checkpoint was. The model card is docs/manual/reader.md.
Exit codes: 0 done, 1 interrupted (the checkpoint is written), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import random
import re
import signal
import string
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tqdm import tqdm

from index import SpanReader
from index.exporting import export_graph, export_int8

if TYPE_CHECKING:
    import torch

Floats: TypeAlias = NDArray[np.float32]
TokenIds: TypeAlias = NDArray[np.int64]
TokenRows: TypeAlias = NDArray[np.float16]
Summary: TypeAlias = dict[str, Any]
"""Figures by name, as they are written to the report."""

REPOSITORY = Path(__file__).resolve().parent.parent
ENCODER_FOLDER = REPOSITORY / "var" / "models" / "e5-small"
HIDDEN_SIZE = 384
PADDING_TOKEN = 1
SEQUENCE_TOKENS_MAX = 320
"""Longer examples aren't trained on."""
ANSWER_TOKENS_MAX = 24
PIECE_CHARACTERS = 1600
"""The measuring sets hold contexts of up to 4,000 characters; the reader takes 512 tokens."""
POOL_EXAMPLES = 640
"""One pool is drawn, sorted by length and cut into batches."""
TYPICAL_EVERY = 8
"""Of a pool's examples, every eighth is enough to see how large activations get."""
CHECKPOINT_SECONDS = 300.0
LOG_SECONDS = 60.0
COUNTERS = ("pool", "batch", "seen", "steps", "seconds")


# ── questions ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Span:
    """A piece of text and where it starts, in code points."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Question:
    """One question on one context; no answers means that the context does not say."""

    id: str
    question: str
    context: str
    answers: tuple[Span, ...]
    title: str = ""


def read_questions(path: Path, language: str | None = None) -> list[Question]:
    """Read a gzipped file of questions, one a line, or those of one language."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if language:
        rows = [row for row in rows if row["language"] == language]
    return [
        Question(
            id=str(row["id"]),
            question=row["question"].strip(),
            context=row["context"],
            answers=tuple(Span(answer["text"], answer["start"]) for answer in row["answers"]),
            title=str(row.get("title") or "").replace("_", " "),
        )
        for row in rows
    ]


def read_translations(path: Path) -> dict[str, str]:
    """Read JSON lines `{"id", "language", "question"}`: questions in another language, by id."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {str(row["id"]): row["question"] for row in rows}


def preferred_answer(answers: Sequence[Span]) -> Span:
    """Pick the answer most annotators gave, the shortest among equals.

    The first annotator of the development sets often marks a whole clause; learning that costs
    exact matches.
    """
    votes = Counter(answer.text for answer in answers)
    return min(answers, key=lambda answer: (-votes[answer.text], len(answer.text)))


# ── making examples harder ───────────────────────────────────────────────────────────────────────

SENTENCE_END = re.compile(r"(?<=[.!?])[\"”')\]]*\s+(?=[\"“'(\[]?[A-Z0-9А-ЯЁ])|\n+")
YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
NAME = re.compile(r"\b[A-Z][\w’'-]*(?:\s+(?:(?:of|the|de|and)\s+)?[A-Z][\w’'-]*)*")
WORD = re.compile(r"\w+")
QUESTION_WORDS = frozenset(
    "what which who whom whose when where why how the a an of in on at to for from by with is are"
    " was were be been do does did has have had and or that this it its as many much".split()
)
OPPOSITES = {
    one: other
    for pair in (
        "first last|largest smallest|highest lowest|most least|more less|before after|"
        "increase decrease|increased decreased|north south|east west|northern southern|"
        "eastern western|old new|oldest newest|earliest latest|early late|begin end|began ended|"
        "start stop|started stopped|won lost|win lose|rich poor|high low|large small|long short|"
        "longest shortest|inside outside|above below|minimum maximum|male female|men women|"
        "positive negative|buy sell|bought sold|always never|allow forbid|allowed forbidden|"
        "accept reject|accepted rejected|support oppose|supported opposed|gain lose|gained lost|"
        "open close|opened closed|majority minority|fastest slowest|fast slow|strong weak|"
        "public private|internal external|modern ancient|arrive leave|arrived left|"
        "common rare|can cannot|best worst|better worse|hot cold|winter summer|father mother|"
        "son daughter|brother sister|husband wife|upper lower|son daughter|import export"
    ).split("|")
    for one, other in (pair.split(), pair.split()[::-1])
}

# Common words of questions, English to Russian. Questions with some words exchanged keep the
# body's languages together while it learns from English alone.
RUSSIAN = dict(
    pair.split(":")
    for pair in (
        "what:что which:какой who:кто whom:кого whose:чей when:когда where:где why:почему how:как"
        " in:в on:на at:в of:из from:от to:к with:с by:от for:для after:после before:до"
        " during:во_время between:между under:под without:без about:о and:и or:или not:не"
        " many:много much:много long:долго often:часто some:некоторые all:все only:только"
        " first:первый second:второй third:третий last:последний one:один two:два three:три"
        " four:четыре five:пять main:главный major:крупный large:большой largest:крупнейший"
        " small:малый new:новый old:старый great:великий high:высокий highest:самый_высокий"
        " low:низкий"
        " most:больше_всего more:больше less:меньше least:наименее other:другой another:другой"
        " same:тот_же different:разный common:обычный important:важный early:ранний late:поздний"
        " is:является was:был are:являются were:были has:имеет had:имел have:имеют did:— does:—"
        " become:стать became:стал called:называется named:назван known:известен used:используется"
        " made:сделан make:делать built:построен founded:основан created:создан written:написан"
        " wrote:написал won:выиграл lost:проиграл began:начался begin:начаться started:начал"
        " ended:закончился end:конец died:умер born:родился lived:жил located:находится"
        " located:расположен happened:произошло held:проведён given:дан took:взял take:брать"
        " said:сказал found:найден find:найти discovered:открыл invented:изобрёл published:издан"
        " released:выпущен signed:подписан opened:открыт moved:переехал led:возглавил lead:вести"
        " killed:убит fought:сражался ruled:правил controlled:контролировал owned:владел"
        " played:играл produced:произвёл developed:разработал changed:изменился increased:вырос"
        " decreased:снизился include:включать contains:содержит consist:состоять cause:причина"
        " caused:вызвал believe:верить think:думать describe:описывать considered:считается"
        " required:требуется allowed:разрешено provide:предоставлять received:получил"
        " year:год years:лет century:век month:месяц day:день date:дата time:время age:возраст"
        " period:период number:число percent:процент percentage:процент amount:количество"
        " population:население people:люди person:человек man:мужчина woman:женщина children:дети"
        " king:король queen:королева president:президент leader:лидер minister:министр"
        " author:автор writer:писатель father:отец mother:мать son:сын daughter:дочь wife:жена"
        " brother:брат family:семья city:город country:страна state:штат states:штаты town:город"
        " village:деревня river:река sea:море ocean:океан island:остров mountain:гора world:мир"
        " street:улица building:здание church:церковь school:школа university:университет"
        " college:колледж student:студент students:студенты teacher:учитель company:компания"
        " organization:организация government:правительство parliament:парламент party:партия"
        " law:закон court:суд war:война battle:битва army:армия treaty:договор peace:мир"
        " language:язык word:слово name:имя term:термин title:название book:книга film:фильм"
        " song:песня album:альбом music:музыка game:игра team:команда player:игрок"
        " season:сезон championship:чемпионат type:тип kind:вид part:часть group:группа"
        " member:член members:члены system:система area:область region:регион place:место"
        " north:север south:юг east:восток west:запад money:деньги price:цена cost:стоимость"
        " tax:налог trade:торговля bank:банк market:рынок industry:промышленность work:работа"
        " job:работа power:власть energy:энергия water:вода air:воздух fire:огонь land:земля"
        " food:еда animal:животное animals:животные plant:растение plants:растения tree:дерево"
        " disease:болезнь science:наука theory:теория reason:причина result:результат"
        " effect:эффект example:пример purpose:цель role:роль event:событие problem:проблема"
        " question:вопрос answer:ответ color:цвет size:размер speed:скорость distance:расстояние"
        " British:британский English:английский French:французский German:немецкий"
        " American:американский Russian:русский Chinese:китайский Roman:римский"
        " European:европейский Soviet:советский"
        " England:Англия France:Франция Germany:Германия Russia:Россия China:Китай Europe:Европа"
        " America:Америка Africa:Африка Asia:Азия London:Лондон Paris:Париж"
    ).split()
)


def in_two_languages(question: Question, chance: random.Random) -> Question:
    """Exchange most of the question's common English words for Russian ones."""

    def exchange(match: re.Match[str]) -> str:
        word = match.group()
        russian = RUSSIAN.get(word) or RUSSIAN.get(word.lower())
        if russian is None or chance.random() < 0.2:
            return word
        russian = russian.replace("_", " ").replace("—", "")
        return russian.capitalize() if word[0].isupper() else russian

    changed = " ".join(WORD.sub(exchange, question.question).split())
    return replace(question, question=changed)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Cut a text into sentences; each span starts at the sentence's first character."""
    starts = [0, *(match.end() for match in SENTENCE_END.finditer(text))]
    spans = [(start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [(start, end) for start, end in spans if text[start:end].strip()]


def content_words(text: str) -> frozenset[str]:
    """Return a text's words, lower case, without those that every question has."""
    return frozenset(word.lower() for word in WORD.findall(text)) - QUESTION_WORDS


def keep_range(question: Question, start: int, end: int) -> Question:
    """Cut the context down to `[start, end)`; answers that do not fit are dropped."""
    return replace(
        question,
        context=question.context[start:end],
        answers=tuple(
            Span(answer.text, answer.start - start)
            for answer in question.answers
            if start <= answer.start and answer.end <= end
        ),
    )


def window(question: Question, characters: int, chance: random.Random) -> Question:
    """Cut the context to about `characters` of whole sentences, as a run-time passage is.

    The window holds the answer at a random place; where there is none, it lies around the
    sentence that shares most words with the question, so that cutting does not make it easy.
    """
    sentences = sentence_spans(question.context)
    if len(question.context) <= characters or len(sentences) < 2:
        return question
    if question.answers:
        answer = preferred_answer(question.answers)
        inside = [
            number
            for number, (start, end) in enumerate(sentences)
            if start < answer.end and answer.start < end
        ]
        first, last = inside[0], inside[-1]
    else:
        words = content_words(question.question)
        shared = [
            (len(words & content_words(question.context[start:end])), chance.random(), number)
            for number, (start, end) in enumerate(sentences)
        ]
        first = last = max(shared)[2]
    while True:
        grow = []
        if first > 0 and sentences[last][1] - sentences[first - 1][0] <= characters:
            grow.append((first - 1, last))
        if last + 1 < len(sentences) and sentences[last + 1][1] - sentences[first][0] <= characters:
            grow.append((first, last + 1))
        if not grow:
            break
        first, last = chance.choice(grow)
    return keep_range(question, sentences[first][0], sentences[last][1])


def without_answer_sentences(question: Question) -> Question | None:
    """Remove every sentence that mentions an answer; None when too little text would be left."""
    texts = [answer.text.lower() for answer in question.answers]
    kept = [
        question.context[start:end].strip()
        for start, end in sentence_spans(question.context)
        if not any(text in question.context[start:end].lower() for text in texts)
        and not any(start < answer.end and answer.start < end for answer in question.answers)
    ]
    context = " ".join(kept)
    if len(context) < 120:
        return None
    return replace(question, context=context, answers=())


def exchanged(question: Question, elsewhere: str, chance: random.Random) -> Question | None:
    """Exchange a year, number or name of the question that its passage states for a wrong one.

    The wrong one comes from the same passage or from `elsewhere`; None when nothing fits.
    """
    answer_text = " ".join(answer.text for answer in question.answers)
    asked = question.question
    for pattern in chance.sample((YEAR, NAME, NUMBER), 3):
        stated = [
            match
            for match in pattern.finditer(asked)
            if match.start() > 0 and match.group() in question.context
        ]
        if not stated:
            continue
        match = chance.choice(stated)
        others = [
            other
            for text in (question.context, elsewhere)
            for other in set(pattern.findall(text))
            if other.lower() not in asked.lower()
            and match.group().lower() not in other.lower()
            and other not in answer_text
            and answer_text not in other
            and other.lower() not in QUESTION_WORDS
        ]
        if not others:
            continue
        changed = asked[: match.start()] + chance.choice(sorted(others)) + asked[match.end() :]
        return replace(question, question=changed, answers=())
    return None


def turned_round(question: Question, chance: random.Random) -> Question | None:
    """Replace one word of the question by its opposite; None when it has none."""
    matches = [
        match for match in WORD.finditer(question.question) if match.group().lower() in OPPOSITES
    ]
    if not matches:
        return None
    match = chance.choice(matches)
    opposite = OPPOSITES[match.group().lower()]
    changed = question.question[: match.start()] + opposite + question.question[match.end() :]
    return replace(question, question=changed, answers=())


def with_heading(question: Question, chance: random.Random) -> Question:
    """Put a "Title > Heading" line before the context, as the application does."""
    names = [name for name in NAME.findall(question.context) if len(name) > 3]
    title = question.title or (chance.choice(names) if names else "")
    if not title:
        return question
    line = title
    if names and chance.random() < 0.6:
        line += " > " + chance.choice(names)
    line += "\n"
    return replace(
        question,
        context=line + question.context,
        answers=tuple(Span(answer.text, answer.start + len(line)) for answer in question.answers),
    )


# ── the mix ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Source:
    """How many examples of each pool come from a file, and how often its context stays whole."""

    name: str
    file: str
    examples: int
    whole: float = 0.25
    unanswerable_made: bool = False  # draw answerable rows and make them unanswerable
    translated: bool = False  # draw only rows whose question was translated


MIX = (
    Source("hand-written", "squad2-dev.train-part", 190, whole=0.45),
    Source("translated", "squad2-dev.train-part", 24, translated=True),
    Source("squad", "squad-train-subset", 106),
    Source("squad-dev", "squad1-dev.other13articles", 56),
    Source("search", "qed-train", 44),
    Source("periods", "timeqa", 40, whole=0.6),
    Source("swapped", "nq-swap.train-clean", 10),
    Source("news", "qamr", 10),
    Source("policies", "policyqa", 8),
    Source("other-paragraph", "derived-negatives", 42),
    Source("made-hand-written", "squad2-dev.train-part", 30, unanswerable_made=True),
    Source("made-squad", "squad-train-subset", 50, unanswerable_made=True),
    Source("made-squad-dev", "squad1-dev.other13articles", 30, unanswerable_made=True),
)
assert sum(source.examples for source in MIX) == POOL_EXAMPLES
HEADING_SHARE = 0.25
TWO_LANGUAGES_SHARE = 0.06


@dataclass(frozen=True)
class Example:
    """One encoded example: token ids, and the tokens where the answer starts and ends (0: none)."""

    source: str
    tokens: tuple[int, ...]
    start: int
    end: int


def encode(question: Question, tokenizer: Tokenizer, source: str = "") -> Example | None:
    """Encode a pair and mark its answer's tokens; None when it is too long to hold them."""
    encoding = tokenizer.encode(question.question, question.context)
    if len(encoding.ids) > SEQUENCE_TOKENS_MAX:
        return None
    if not question.answers:
        return Example(source, tuple(encoding.ids), 0, 0)
    answer = preferred_answer(question.answers)
    inside = [
        number
        for number, (sequence, (start, end)) in enumerate(
            zip(encoding.sequence_ids, encoding.offsets, strict=True)
        )
        if sequence == 1 and start < answer.end and end > answer.start and start < end
    ]
    if not inside:
        return None
    return Example(source, tuple(encoding.ids), inside[0], inside[-1])


@dataclass(frozen=True)
class Mixture:
    """The question sets of the mix, in a shuffled order that only the seed decides."""

    seed: int
    rows: dict[str, list[Question]]
    contexts_by_title: dict[str, list[str]]

    @staticmethod
    def read(data: Path, seed: int, translations: Path | None = None) -> Mixture:
        """Read every file of the mix."""
        translated = read_translations(translations) if translations else {}
        rows: dict[str, list[Question]] = {}
        contexts: dict[str, set[str]] = {}
        for source in MIX:
            questions = read_questions(data / f"{source.file}.jsonl.gz")
            for question in questions:
                contexts.setdefault(question.title or source.file, set()).add(question.context)
            if source.unanswerable_made:
                questions = [question for question in questions if question.answers]
            if source.translated:
                questions = [
                    replace(question, question=translated[question.id])
                    for question in questions
                    if question.id in translated
                ]
            random.Random(f"{seed} {source.name}").shuffle(questions)
            rows[source.name] = questions
        return Mixture(seed, rows, {title: sorted(texts) for title, texts in contexts.items()})

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
        if not source.translated and chance.random() < TWO_LANGUAGES_SHARE:
            question = in_two_languages(question, chance)
        return with_heading(question, chance) if chance.random() < HEADING_SHARE else question

    def made_unanswerable(
        self, question: Question, source: Source, chance: random.Random
    ) -> Question | None:
        """Turn an answerable question into one that its context does not answer."""
        siblings = self.contexts_by_title[question.title or source.file]
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


def batches(examples: list[Example], size: int, chance: random.Random) -> list[list[Example]]:
    """Cut a pool into batches of about equal length, in random order."""
    ordered = sorted(examples, key=lambda example: len(example.tokens))
    cut = [ordered[place : place + size] for place in range(0, len(ordered), size)]
    chance.shuffle(cut)
    return cut


# ── training ─────────────────────────────────────────────────────────────────────────────────────


def token_table(body: Path) -> TokenRows:
    """Open the encoder's token table, a row for each token id."""
    table: TokenRows = np.load(body / "token_table.npy", mmap_mode="r", allow_pickle=False)
    return table


def padded(batch: Sequence[Example], table: TokenRows) -> tuple[Floats, TokenIds]:
    """Look up a batch's token embeddings, ``(batch, tokens, 384)``, and make its mask."""
    longest = max(len(example.tokens) for example in batch)
    ids = np.full((len(batch), longest), PADDING_TOKEN, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, example in enumerate(batch):
        ids[row, : len(example.tokens)] = example.tokens
        mask[row, : len(example.tokens)] = 1
    return table[ids].astype(np.float32), mask


def build_model(attention: str) -> torch.nn.Module:
    """Build the reader: e5-small's body without word embeddings, and two outputs per token.

    ``attention`` is "sdpa" to train and "eager" to export. There is no dropout: the questions asked
    of a passage differ on every draw, and its random numbers cost a tenth of the time.
    """
    import torch
    from transformers import AutoModel, BertConfig

    class Reader(torch.nn.Module):
        """Scores each token as the start and as the end of the answer."""

        def __init__(self) -> None:
            super().__init__()
            configuration = BertConfig(
                vocab_size=1,  # rows of the token table come in from outside
                hidden_size=HIDDEN_SIZE,
                num_hidden_layers=12,
                num_attention_heads=12,
                intermediate_size=1536,
                max_position_embeddings=512,
                type_vocab_size=2,
                layer_norm_eps=1e-12,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
                pad_token_id=0,
            )
            self.body = AutoModel.from_config(
                configuration, attn_implementation=attention, add_pooling_layer=False
            )
            self.head = torch.nn.Linear(HIDDEN_SIZE, 2)
            torch.nn.init.normal_(self.head.weight, std=0.02)
            torch.nn.init.zeros_(self.head.bias)

        def forward(
            self, inputs_embeds: torch.Tensor, attention_mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            """Return the start and the end logits, ``(batch, tokens)`` each."""
            hidden = self.body(
                inputs_embeds=inputs_embeds, attention_mask=attention_mask
            ).last_hidden_state
            logits = self.head(hidden)
            return logits[..., 0], logits[..., 1]

    return Reader()


def load_start(model: torch.nn.Module, start: Path) -> None:
    """Fill the model from a folder with an earlier reader, or with the bare encoder."""
    from safetensors.torch import load_file

    if (start / "reader.safetensors").exists():
        weights = load_file(str(start / "reader.safetensors"))
    else:
        encoder = load_file(str(start / "model.safetensors"))
        weights = {f"body.{name}": tensor for name, tensor in encoder.items()}
    outside = ("body.embeddings.word_embeddings.", "body.pooler.")
    missing, unexpected = model.load_state_dict(
        {
            name: tensor.float()
            for name, tensor in weights.items()
            if not name.startswith(outside) and not name.endswith("_ids")
        },
        strict=False,
    )
    absent = [name for name in missing if not name.startswith(("head.", *outside))]
    if absent or unexpected:
        raise SystemExit(f"{start} doesn't fit the reader: {[*absent, *unexpected][:4]}")


def load_weights(model: torch.nn.Module, path: Path, weights: str) -> None:
    """Fill the model from a checkpoint's "averaged" or "last" weights, or from a start folder."""
    import torch

    if path.is_dir():
        load_start(model, path)
        return
    saved = torch.load(path, weights_only=True, map_location="cpu")
    averaged = saved["averaged"] if weights == "averaged" else {}
    model.load_state_dict({**saved["model"], **averaged})


def learning_rate(peak: float, progress: float, warm_up: float = 0.03) -> float:
    """Rise over the first part of a run, then fall in a straight line to nothing at its end."""
    if progress < warm_up:
        return peak * max(progress / warm_up, 0.01)
    return peak * max(0.0, (1.0 - progress) / (1.0 - warm_up))


class Run:
    """A training run: the model, its optimizer, its averaged weights, and how far it has come."""

    def __init__(self, model: torch.nn.Module, *, frozen_layers: int, average: float) -> None:
        import torch

        layers = (f"body.encoder.layer.{number}." for number in range(frozen_layers))
        frozen = ("body.embeddings.", *layers)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith(frozen))
        self.model = model
        self.trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=0.0, weight_decay=0.01, fused=True
        )
        self.averaged = {name: p.detach().clone() for name, p in self.trained.items()}
        self.average = average
        self.pool = self.batch = self.seen = self.steps = 0
        self.seconds = 0.0

    def step(self, batch: Sequence[Example], table: TokenRows, rate: float) -> list[float]:
        """Learn from one batch; return the loss of each example."""
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = rate
        inputs, mask = padded(batch, table)
        outside = torch.from_numpy(mask == 0)
        places = (
            torch.tensor([example.start for example in batch]),
            torch.tensor([example.end for example in batch]),
        )
        logits = self.model(torch.from_numpy(inputs), torch.from_numpy(mask))
        losses = torch.stack(
            [
                torch.nn.functional.cross_entropy(
                    each.masked_fill(outside, -1e4), place, reduction="none"
                )
                for each, place in zip(logits, places, strict=True)
            ]
        ).mean(dim=0)
        losses.mean().backward()
        torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        self.seen += len(batch)
        decay = min(self.average, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for name, parameter in self.trained.items():
                self.averaged[name].lerp_(parameter, 1.0 - decay)
        return [float(loss) for loss in losses.detach()]

    def save(self, path: Path) -> None:
        """Write a checkpoint; a kill while writing leaves the one before."""
        import torch

        state = {
            "model": self.model.state_dict(),
            "averaged": self.averaged,
            "optimizer": self.optimizer.state_dict(),
            **{name: getattr(self, name) for name in COUNTERS},
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of a run with the same layers frozen."""
        import torch

        saved = torch.load(path, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.averaged = saved["averaged"]
        for name in COUNTERS:
            setattr(self, name, saved[name])


class TrainingLog:
    """Appends a line a minute: speed, rate, and the mean loss of each source."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since = time.monotonic()
        self._losses: dict[str, list[float]] = {}

    def add(self, batch: Sequence[Example], losses: Sequence[float]) -> None:
        """Keep the losses of a batch until the next line."""
        for example, loss in zip(batch, losses, strict=True):
            self._losses.setdefault(example.source, []).append(loss)

    def write_each_minute(self, run: Run, rate: float) -> None:
        """Write a line when the last one is a minute old."""
        passed = time.monotonic() - self._since
        if passed < LOG_SECONDS:
            return
        every = [loss for losses in self._losses.values() for loss in losses]
        means = (f"{name} {np.mean(some):.2f}" for name, some in sorted(self._losses.items()))
        line = (
            f"{run.seconds:6.0f}s examples {run.seen} steps {run.steps}"
            f" {len(every) / passed:.2f}/s rate {rate:.1e} loss {np.mean(every):.3f} "
        )
        with self._path.open("a", encoding="utf-8") as file:
            print(line + " ".join(means), file=file)
        self._since = time.monotonic()
        self._losses = {}


def train(arguments: argparse.Namespace) -> int:
    """Train until the time or the examples are used up; return 0, or 1 when it was interrupted."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    arguments.output.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.output / "checkpoint.pt"
    tokenizer = Tokenizer.from_file(str(arguments.body / "tokenizer.json"))
    table = token_table(arguments.body)
    mixture = Mixture.read(arguments.data, arguments.seed, arguments.translations)
    model = build_model("sdpa")
    load_start(model, arguments.start)
    model.train()
    run = Run(model, frozen_layers=arguments.freeze, average=arguments.average)
    if arguments.resume and checkpoint.exists():
        run.restore(checkpoint)
    log = TrainingLog(arguments.output / "train.log")
    interrupted = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: interrupted.set())
    before = time.monotonic() - run.seconds
    saved = run.seconds

    def progress() -> float:
        by_time = run.seconds / (60 * arguments.minutes) if arguments.minutes else 0.0
        by_examples = run.seen / arguments.examples if arguments.examples else 0.0
        return max(by_time, by_examples)

    while progress() < 1.0 and not interrupted.is_set():
        order = random.Random(f"{arguments.seed} {run.pool}")
        cut = batches(mixture.pool(run.pool, tokenizer), arguments.batch, order)
        for batch in cut[run.batch :]:
            if progress() >= 1.0 or interrupted.is_set():
                break
            rate = learning_rate(arguments.rate, progress())
            log.add(batch, run.step(batch, table, rate))
            run.batch += 1
            run.seconds = time.monotonic() - before
            log.write_each_minute(run, rate)
            if run.seconds - saved >= CHECKPOINT_SECONDS:
                run.save(checkpoint)
                saved = run.seconds
        else:
            run.pool, run.batch = run.pool + 1, 0
    run.save(checkpoint)
    print(f"{run.seen} examples in {run.seconds:.0f} s: {checkpoint}", file=sys.stderr)
    return 1 if interrupted.is_set() else 0


# ── exporting ────────────────────────────────────────────────────────────────────────────────────


def typical_inputs(arguments: argparse.Namespace) -> list[torch.Tensor]:
    """Return the token embeddings of examples of the mix, from which int8 scales are chosen."""
    import torch

    tokenizer = Tokenizer.from_file(str(arguments.body / "tokenizer.json"))
    examples = Mixture.read(arguments.data, seed=0).pool(0, tokenizer)[::TYPICAL_EVERY]
    table = token_table(arguments.body)
    return [torch.from_numpy(padded([example], table)[0]) for example in examples]


def export(arguments: argparse.Namespace) -> int:
    """Write ``reader.onnx`` (int8, body only) and ``reader.json``; with --full, float32 as well."""
    model = build_model("eager")
    load_weights(model, arguments.checkpoint, arguments.weights)
    outputs = ("start_logits", "end_logits")
    arguments.to.mkdir(parents=True, exist_ok=True)
    graph = arguments.to / "reader.onnx"
    export_int8(model, HIDDEN_SIZE, outputs, graph, typical_inputs(arguments))
    if arguments.full:
        export_graph(model, HIDDEN_SIZE, outputs, arguments.full)
    card = {
        "sha256": hashlib.sha256(graph.read_bytes()).hexdigest(),
        "sequence_tokens_max": SEQUENCE_TOKENS_MAX,
        "answer_tokens_max": ANSWER_TOKENS_MAX,
        "null_threshold": arguments.threshold,
        "trained_from": arguments.trained_from,
        "version": arguments.version,
    }
    (arguments.to / "reader.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(card))
    return 0


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reading:
    """The best span of a context and how sure the reader is of it.

    ``score`` is the sum of the span's two logits less the score of "the context doesn't say".
    """

    text: str
    start: int
    score: float


def best_span(
    start_logits: Floats, end_logits: Floats, answer_tokens_max: int = ANSWER_TOKENS_MAX
) -> tuple[int, int, float]:
    """Return the span with the highest sum of two logits: its first token, its last, the sum."""
    best = (0, 0, -math.inf)
    for longer in range(min(answer_tokens_max, len(start_logits))):
        sums = start_logits[: len(start_logits) - longer] + end_logits[longer:]
        place = int(np.argmax(sums))
        if sums[place] > best[2]:
            best = (place, place + longer, float(sums[place]))
    return best


def pieces_of(context: str, characters: int = PIECE_CHARACTERS) -> list[tuple[int, int]]:
    """Cut a context that the reader can't hold into pieces of whole sentences, half overlapping."""
    if len(context) <= characters:
        return [(0, len(context))]
    sentences = sentence_spans(context)
    pieces: list[tuple[int, int]] = []
    first = 0
    while first < len(sentences):
        last = first
        while last + 1 < len(sentences) and (
            sentences[last + 1][1] - sentences[first][0] <= characters
        ):
            last += 1
        pieces.append((sentences[first][0], sentences[last][1]))
        if last + 1 == len(sentences):
            break
        first = max(first + 1, (first + last + 1) // 2)
    return pieces


def read_question(question: Question, reader: SpanReader) -> Reading:
    """Read a question's context with the application's reader; the surest piece counts."""
    readings = []
    for start, end in pieces_of(question.context):
        text = question.context[start:end]
        (logits,) = reader.read(question.question, [text], [0])
        if not len(logits.start):
            continue
        first, last, total = best_span(logits.start, logits.end)
        span = slice(int(logits.offsets[first, 0]), int(logits.offsets[last, 1]))
        readings.append(Reading(text[span], start + span.start, total - logits.null))
    return max(readings, key=lambda reading: reading.score, default=Reading("", 0, -math.inf))


# ── measuring ────────────────────────────────────────────────────────────────────────────────────


def normalised(text: str) -> str:
    """Normalise an answer as the SQuAD evaluation does: case, punctuation, articles, spaces."""
    kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def exact_match(answer: str, expected: Sequence[str]) -> float:
    """Return 1 when the answer is one of those expected, but for what normalising removes."""
    return float(any(normalised(answer) == normalised(each) for each in expected))


def token_f1(answer: str, expected: Sequence[str]) -> float:
    """Return the overlap in words with the best fitting answer (Rajpurkar et al. 2016)."""
    best = 0.0
    words = Counter(normalised(answer).split())
    for each in expected:
        right = Counter(normalised(each).split())
        shared = (words & right).total()
        if shared:
            best = max(best, 2 * shared / (words.total() + right.total()))
    return best


@dataclass(frozen=True)
class Scored:
    """One reading beside what was expected; ``touches`` when it overlaps a right answer."""

    score: float
    answerable: bool
    exact: float
    f1: float
    touches: bool


def score_reading(question: Question, reading: Reading) -> Scored:
    """Compare a reading with the answers of its question."""
    expected = [answer.text for answer in question.answers]
    end = reading.start + len(reading.text)
    return Scored(
        score=reading.score,
        answerable=bool(expected),
        exact=exact_match(reading.text, expected),
        f1=token_f1(reading.text, expected),
        touches=any(each.start < end and reading.start < each.end for each in question.answers),
    )


def figures_at(scored: Sequence[Scored], threshold: float) -> dict[str, float]:
    """Return the SQuAD 2.0 measures when everything that scores under ``threshold`` is refused."""
    answered = [each for each in scored if each.score >= threshold]
    refused_rightly = sum(not each.answerable for each in scored if each.score < threshold)
    answerable = sum(each.answerable for each in scored)
    figures = {
        "f1": (sum(each.f1 for each in answered) + refused_rightly) / len(scored),
        "exact": (sum(each.exact for each in answered) + refused_rightly) / len(scored),
        "threshold": threshold,
    }
    if answerable:
        figures["answered_of_answerable"] = sum(each.answerable for each in answered) / answerable
    if answerable < len(scored):
        figures["refused_of_unanswerable"] = refused_rightly / (len(scored) - answerable)
    return {name: round(value, 4) for name, value in figures.items()}


def best_threshold(scored: Sequence[Scored]) -> float:
    """Return the threshold with the highest F1, half way between the scores that it separates."""
    ordered = sorted(scored, key=lambda each: -each.score)
    total = best = float(sum(not each.answerable for each in ordered))
    answered = 0
    for number, each in enumerate(ordered, start=1):
        total += each.f1 - (not each.answerable)
        if total > best:
            best, answered = total, number
    above = ordered[answered - 1].score if answered else ordered[0].score + 1.0
    below = ordered[answered].score if answered < len(ordered) else above - 1.0
    return (above + below) / 2


def area_under_curve(scored: Sequence[Scored]) -> float:
    """Return the chance that an answerable question outscores an unanswerable one, ties half."""
    answerable = np.array([each.score for each in scored if each.answerable])
    unanswerable = np.sort([each.score for each in scored if not each.answerable])
    below = np.searchsorted(unanswerable, answerable, side="left")
    not_above = np.searchsorted(unanswerable, answerable, side="right")
    return float((below + not_above).mean() / 2 / len(unanswerable))


def summarise(scored: Sequence[Scored], threshold: float) -> Summary:
    """Return every figure that one set of questions gives."""
    answerable = [each for each in scored if each.answerable]
    summary: Summary = {
        "questions": len(scored),
        "answerable": len(answerable),
        "at_threshold": figures_at(scored, threshold),
        "answerable_only_never_refusing": {
            "f1": round(sum(each.f1 for each in answerable) / len(answerable), 4),
            "exact": round(sum(each.exact for each in answerable) / len(answerable), 4),
            "span_touches_answer": round(
                sum(each.touches for each in answerable) / len(answerable), 4
            ),
        },
    }
    if len(answerable) < len(scored):
        summary["at_best_threshold"] = figures_at(scored, best_threshold(scored))
        summary["auc"] = round(area_under_curve(scored), 4)
    return summary


def measuring_sets(data: Path) -> dict[str, list[Question]]:
    """Read the sets that only measure; "xquad-ru-en" asks in Russian of the English paragraph."""
    english, russian = (
        read_questions(data / "xquad.heldout.jsonl.gz", language) for language in ("en", "ru")
    )
    asked = {question.id: question.question for question in russian}
    return {
        "squad2-heldout": read_questions(data / "squad2-dev.heldout-half.jsonl.gz"),
        "xquad-en": english,
        "xquad-ru": russian,
        "xquad-ru-en": [replace(each, question=asked[each.id]) for each in english],
        "nyt": read_questions(data / "measure-nyt-3000.jsonl.gz"),
        "clapnq": read_questions(data / "clapnq.jsonl.gz"),
        "kazqad": read_questions(data / "kazqad.jsonl.gz"),
        "tatqa": read_questions(data / "tatqa.jsonl.gz"),
    }


def reading_milliseconds(reader: SpanReader, repeats: int = 20) -> dict[str, float]:
    """Time a question on five passages of 120 tokens, question included, on one thread."""
    passage = " ".join(["The committee of the port met on Monday and agreed a new plan ."] * 12)
    (logits,) = reader.read("Who met on Monday?", [passage], [0])
    passage = passage[: int(logits.offsets[111, 1])]  # 112 tokens, and 8 of question and marks
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        reader.read("Who met on Monday?", [passage] * 5, [0] * 5)
        times.append(1000 * (time.perf_counter() - started))
    return {"median": round(float(np.median(times)), 1), "least": round(min(times), 1)}


def measure(arguments: argparse.Namespace) -> int:
    """Measure a reader on every set, at the one threshold that the calibration set chooses."""
    reader = SpanReader.open(arguments.models, arguments.reader)

    def scored(questions: Sequence[Question]) -> list[Scored]:
        return [
            score_reading(question, read_question(question, reader))
            for question in tqdm(questions, disable=None)
        ]

    threshold, sets = arguments.threshold, {}
    if threshold is None:
        calibration = scored(read_questions(arguments.data / "squad2-dev.calibrate.jsonl.gz"))
        threshold = round(best_threshold(calibration), 4)
        sets["squad2-calibrate"] = summarise(calibration, threshold)
    report: Summary = {
        "reader_sha256": hashlib.sha256(arguments.reader.read_bytes()).hexdigest(),
        "threshold": threshold,
        "five_passages_of_120_tokens_milliseconds": reading_milliseconds(reader),
        "sets": sets,
    }
    for name, questions in measuring_sets(arguments.data).items():
        if arguments.sets and name not in arguments.sets:
            continue
        count = min(arguments.sample or len(questions), len(questions))
        sample = random.Random(arguments.seed).sample(questions, count)
        sets[name] = summarise(scored(sample), threshold)
        if arguments.json:  # written after each set: the sets take half an hour together
            arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report))
    return 0


# ── command line ─────────────────────────────────────────────────────────────────────────────────


def main(arguments: list[str] | None = None) -> int:
    """Parse the arguments and train, export or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    part = commands.add_parser("train", help="fine-tune; --resume goes on from the checkpoint")
    part.add_argument("--data", type=Path, required=True, help="folder of question files")
    part.add_argument(
        "--body", type=Path, default=ENCODER_FOLDER, help="tokenizer.json and token_table.npy"
    )
    part.add_argument(
        "--start", type=Path, required=True, help="reader.safetensors, or model.safetensors of e5"
    )
    part.add_argument("--translations", type=Path, help="questions in another language, by id")
    part.add_argument("--output", type=Path, required=True, help="folder of checkpoint and log")
    part.add_argument("--minutes", type=float, default=0.0)
    part.add_argument("--examples", type=int, default=0)
    part.add_argument("--seed", type=int, default=1)
    part.add_argument("--rate", type=float, default=6e-5, help="the highest learning rate")
    part.add_argument("--batch", type=int, default=16)
    part.add_argument("--freeze", type=int, default=4, help="lowest layers that stay as they are")
    part.add_argument("--average", type=float, default=0.998, help="decay of averaged weights")
    part.add_argument("--threads", type=int, default=2)
    part.add_argument("--resume", action="store_true")
    part.set_defaults(run=train)

    part = commands.add_parser("export", help="write the int8 graph that the application opens")
    part.add_argument("--checkpoint", type=Path, required=True, help="or a --start folder")
    part.add_argument("--data", type=Path, required=True, help="folder of question files")
    part.add_argument("--body", type=Path, default=ENCODER_FOLDER)
    part.add_argument("--weights", choices=("averaged", "last"), default="averaged")
    part.add_argument("--to", type=Path, default=REPOSITORY / "app" / "reader")
    part.add_argument("--full", type=Path, help="write the float32 graph here as well")
    part.add_argument("--threshold", type=float, default=0.0)
    part.add_argument("--trained-from", default="")
    part.add_argument("--version", default="")
    part.set_defaults(run=export)

    part = commands.add_parser("measure", help="measure a graph on every set that only measures")
    part.add_argument("--data", type=Path, required=True)
    part.add_argument("--models", type=Path, default=REPOSITORY / "var" / "models")
    part.add_argument("--reader", type=Path, default=REPOSITORY / "app/reader/reader.onnx")
    part.add_argument("--threshold", type=float, help="instead of choosing it by calibration")
    part.add_argument("--sets", nargs="*", help="only these")
    part.add_argument("--sample", type=int, default=0, help="of each set, this many questions")
    part.add_argument("--seed", type=int, default=1)
    part.add_argument("--json", type=Path, help="write the report here")
    part.set_defaults(run=measure)

    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
