"""Claims about scripts/train_reader.py, on made questions small enough to check by hand."""

import random
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from scripts import train_reader
from scripts.train_reader import Question, Reading, Scored, Span

PORT = (
    "Anna Reed opened the port in 1901. It cost 40 million crowns. "
    "Boris Lund closed it in 1955. The harbour town has 9,000 people."
)


def asked(question: str, answer: str | None = None, context: str = PORT) -> Question:
    answers = () if answer is None else (Span(answer, context.index(answer)),)
    return Question("1", question, context, answers)


def assert_answers_are_in_the_text(question: Question) -> None:
    for answer in question.answers:
        assert question.context[answer.start : answer.end] == answer.text


@pytest.fixture
def tokenizer() -> Tokenizer:
    """A tokenizer of whole words that puts pairs together as the reader's own does."""
    text = f"{PORT} Who opened the port? When Port > Port"
    words = {word for word, _ in pre_tokenizers.Whitespace().pre_tokenize_str(text)}
    marks = ["<s>", "</s>", "<unk>"]
    vocabulary = {word: number for number, word in enumerate([*marks, *sorted(words)])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 1)],
    )
    return made


# ── encoding ─────────────────────────────────────────────────────────────────────────────────────


def test_the_marked_tokens_are_those_of_the_answer(tokenizer: Tokenizer) -> None:
    example = train_reader.encode(asked("Who opened the port?", "Anna Reed"), tokenizer)
    assert example is not None
    marked = example.tokens[example.start : example.end + 1]
    assert [tokenizer.id_to_token(token) for token in marked] == ["Anna", "Reed"]


def test_no_answer_is_marked_at_the_first_token(tokenizer: Tokenizer) -> None:
    example = train_reader.encode(asked("Who opened the port?"), tokenizer)
    assert example is not None
    assert (example.start, example.end) == (0, 0)


def test_an_answer_that_the_question_repeats_is_marked_in_the_context(
    tokenizer: Tokenizer,
) -> None:
    example = train_reader.encode(asked("Who opened the port?", "opened"), tokenizer)
    assert example is not None
    assert example.start > example.tokens.index(tokenizer.token_to_id("</s>"))


def test_an_example_longer_than_the_reader_takes_is_left_out(tokenizer: Tokenizer) -> None:
    assert train_reader.encode(asked("Who?", context=PORT * 30), tokenizer) is None


def test_the_answer_that_most_people_gave_is_learned() -> None:
    clause, name = Span("Anna Reed opened the port", 0), Span("Anna Reed", 0)
    assert train_reader.preferred_answer((clause, name, name)) == name
    assert train_reader.preferred_answer((clause, name)) == name


# ── harder examples ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(8))
def test_a_window_is_shorter_whole_sentences_and_keeps_the_answer(seed: int) -> None:
    question = asked("When was it closed?", "1955")
    cut = train_reader.window(question, 90, random.Random(seed))
    assert len(cut.context) <= 90
    assert cut.context in PORT
    assert cut.context.strip().endswith(".")
    assert [answer.text for answer in cut.answers] == ["1955"]
    assert_answers_are_in_the_text(cut)


def test_a_window_of_an_unanswerable_question_lies_where_its_words_are() -> None:
    question = asked("How many people had the harbour town?")
    assert "harbour town" in train_reader.window(question, 60, random.Random(1)).context


def test_removing_the_answer_leaves_no_sentence_that_mentions_it() -> None:
    removed = train_reader.without_answer_sentences(
        asked("Who opened it?", "Anna Reed", PORT + " Later Anna Reed left the town for good.")
    )
    assert removed is None  # too little is left to be worth asking
    longer = PORT + " Grain, timber and salted fish left it every week of the year."
    removed = train_reader.without_answer_sentences(asked("Who opened it?", "Anna Reed", longer))
    assert removed is not None
    assert "Anna Reed" not in removed.context
    assert "Boris Lund" in removed.context
    assert removed.answers == ()


@pytest.mark.parametrize("seed", range(8))
def test_an_exchanged_question_asks_of_another_number_of_the_passage(seed: int) -> None:
    question = asked("Who opened the port in 1901?", "Anna Reed")
    changed = train_reader.exchanged(question, "", random.Random(seed))
    assert changed is not None
    assert changed.question in {f"Who opened the port in {n}?" for n in ("1955", "40", "9,000")}
    assert changed.answers == ()


def test_a_question_that_names_nothing_of_its_passage_is_not_exchanged() -> None:
    question = asked("Who opened the port?", "Anna Reed")
    assert train_reader.exchanged(question, PORT, random.Random(1)) is None


def test_a_question_turned_round_holds_the_opposite_word_and_no_answer() -> None:
    turned = train_reader.turned_round(asked("Who came first?", "Anna Reed"), random.Random(1))
    assert turned is not None
    assert turned.question == "Who came last?"
    assert turned.answers == ()
    assert train_reader.turned_round(asked("Who built it?"), random.Random(1)) is None


def test_every_opposite_has_an_opposite() -> None:
    for word, opposite in train_reader.OPPOSITES.items():
        assert word != opposite
        assert opposite in train_reader.OPPOSITES


@pytest.mark.parametrize("seed", range(8))
def test_a_heading_line_moves_the_answer_with_its_text(seed: int) -> None:
    question = asked("When was it closed?", "1955")
    headed = train_reader.with_heading(question, random.Random(seed))
    assert headed.context.partition("\n")[2] == PORT
    assert_answers_are_in_the_text(headed)


def test_a_question_in_two_languages_keeps_its_names() -> None:
    question = asked("When did Anna Reed become minister?")
    mixed = [train_reader.in_two_languages(question, random.Random(seed)) for seed in range(8)]
    assert all("Anna Reed" in each.question for each in mixed)
    assert "министр" in "".join(each.question for each in mixed)


# ── batches and schedule ─────────────────────────────────────────────────────────────────────────


def test_batches_hold_every_example_once_and_neighbours_in_length() -> None:
    examples = [train_reader.Example("", (0,) * length, 0, 0) for length in (9, 3, 7, 1, 5)]
    cut = train_reader.batches(examples, 2, random.Random(1))
    lengths = sorted([len(example.tokens) for example in batch] for batch in cut)
    assert lengths == [[1, 3], [5, 7], [9]]


def test_the_mask_covers_each_example_and_no_padding() -> None:
    table = np.arange(12, dtype=np.float16).reshape(6, 2)
    batch = [train_reader.Example("", (3, 4, 5), 0, 0), train_reader.Example("", (2,), 0, 0)]
    inputs, mask = train_reader.padded(batch, table)
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert inputs[0].tolist() == [[6, 7], [8, 9], [10, 11]]


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [train_reader.learning_rate(1.0, progress / 100) for progress in range(101)]
    assert max(rates) == rates[3] == 1.0
    assert rates[-1] == 0.0
    assert rates[3:] == sorted(rates[3:], reverse=True)


# ── reading and measuring ────────────────────────────────────────────────────────────────────────


def test_the_best_span_does_not_end_before_it_starts() -> None:
    start = np.array([0.0, 1.0, 5.0], dtype=np.float32)
    end = np.array([9.0, 2.0, 1.0], dtype=np.float32)
    assert train_reader.best_span(start, end) == (0, 0, 9.0)
    assert train_reader.best_span(start, np.array([-9, 2, 1], np.float32)) == (2, 2, 6.0)


def test_the_best_span_is_the_one_that_trying_every_pair_finds() -> None:
    chance = np.random.default_rng(1)
    for _ in range(20):
        start, end = chance.normal(size=(2, 12)).astype(np.float32)
        pairs = [(i, j) for i in range(12) for j in range(i, min(12, i + 4))]
        first, last = max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])
        assert train_reader.best_span(start, end, 4)[:2] == (first, last)


def test_pieces_of_a_long_context_cover_every_character() -> None:
    context = PORT + " " + PORT + " " + PORT
    pieces = train_reader.pieces_of(context, 140)
    assert all(end - start <= 140 for start, end in pieces)
    covered = {place for start, end in pieces for place in range(start, end)}
    assert covered == set(range(len(context)))
    assert train_reader.pieces_of(PORT) == [(0, len(PORT))]


def test_f1_counts_shared_words_without_articles_and_case() -> None:
    assert train_reader.token_f1("The Old port", ["old port"]) == 1.0
    assert train_reader.token_f1("old port of Anna", ["old port"]) == 2 * 2 / (4 + 2)
    assert train_reader.token_f1("quay", ["old port"]) == 0.0
    assert train_reader.exact_match("the port.", ["Port"]) == 1.0


def scored(score: float, *, answerable: bool, f1: float = 0.0) -> Scored:
    return Scored(score, answerable, exact=float(f1 == 1.0), f1=f1, touches=f1 > 0)


def test_refusing_everything_is_right_for_the_unanswerable_alone() -> None:
    some = [scored(2, answerable=True, f1=1.0), scored(1, answerable=False)]
    assert train_reader.figures_at(some, 9)["f1"] == 1 / 2
    assert train_reader.figures_at(some, 1.5)["f1"] == 1.0
    assert train_reader.figures_at(some, 0)["refused_of_unanswerable"] == 0.0


def test_no_threshold_beats_the_best_one() -> None:
    chance = random.Random(3)
    some = [
        scored(chance.random(), answerable=known, f1=chance.random() if known else 0.0)
        for known in [True, False] * 20
    ]
    best = train_reader.figures_at(some, train_reader.best_threshold(some))["f1"]
    for tried in [-1.0, 2.0, *(each.score for each in some)]:
        assert train_reader.figures_at(some, tried)["f1"] <= best


def test_the_area_under_the_curve_counts_pairs_in_the_right_order() -> None:
    some = [
        scored(3, answerable=True), scored(1, answerable=True),
        scored(2, answerable=False), scored(1, answerable=False),
    ]  # fmt: skip
    assert train_reader.area_under_curve(some) == (1 + 1 + 0 + 1 / 2) / 4


def test_a_reading_is_scored_against_every_answer() -> None:
    reading = Reading("Boris Lund closed", PORT.index("Boris"), 1.5)
    result = train_reader.score_reading(asked("Who closed it?", "Boris Lund"), reading)
    assert (result.exact, result.f1, result.touches) == (0.0, 2 * 2 / (3 + 2), True)


# ── the run itself ───────────────────────────────────────────────────────────────────────────────


def test_a_run_that_was_killed_goes_on_where_its_checkpoint_was(tmp_path: Path) -> None:
    import torch

    table = np.random.default_rng(1).normal(size=(40, 384)).astype(np.float16)
    batch = [train_reader.Example("", (0, 5, 1, 1, 7, 8, 1), 4, 5)]

    def fresh() -> train_reader.Run:
        torch.manual_seed(1)
        return train_reader.Run(train_reader.build_model("sdpa"), frozen_layers=11, average=0.9)

    whole = fresh()
    before = whole.model.state_dict()["body.encoder.layer.0.output.dense.bias"].clone()
    for _ in range(2):
        whole.step(batch, table, 1e-3)
    broken = fresh()
    broken.step(batch, table, 1e-3)
    broken.save(tmp_path / "checkpoint.pt")
    resumed = fresh()
    resumed.restore(tmp_path / "checkpoint.pt")
    resumed.step(batch, table, 1e-3)
    assert (resumed.seen, resumed.steps) == (whole.seen, whole.steps) == (2, 2)
    for name, parameter in whole.trained.items():
        assert torch.equal(parameter, resumed.trained[name])
        assert torch.equal(whole.averaged[name], resumed.averaged[name])
    after = whole.model.state_dict()["body.encoder.layer.0.output.dense.bias"]
    assert torch.equal(before, after)  # frozen
