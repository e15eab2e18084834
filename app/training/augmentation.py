"""Makes examples harder: cuts them to the length of a passage, puts a heading line before them,
mixes two languages, or changes them so that their passage no longer answers.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.training.questions import Question, Span, preferred_answer, sentence_spans

HEADING_SIGN = " > "
LEFT_OUT_MIN = 120
"""Characters; less isn't a passage."""
YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
NAME = re.compile(r"\b[A-Z][\w’'-]*(?:\s+(?:(?:of|the|de|and)\s+)?[A-Z][\w’'-]*)*")
WORD = re.compile(r"\w+")
QUESTION_WORDS = frozenset(
    "what which who whom whose when where why how the a an of in on at to for from by with is are"
    " was were be been do does did has have had and or that this it its as many much".split()
)
SMALL_WORDS = frozenset(
    "the a an is are was were be do does did of to in on at has have been for"
    " в на с у к по был была".split()
)
SMALL_WORD_LEFT_OUT = 0.4
SMALL_LETTERS_SHARE = 0.7
MISSPELT_SHARE = 0.3
LONG_WORD_LETTERS = 6
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

RUSSIAN: Final[dict[str, str]] = json.loads(
    Path(__file__).with_name("russian_words.json").read_text(encoding="utf-8")
)
"""Common words of questions, English to Russian; empty where Russian needs none. Questions with
some words exchanged keep the body's languages together while it learns from English alone."""


def in_two_languages(question: Question, chance: random.Random) -> Question:
    """Exchange most of the question's common English words for Russian ones."""

    def exchange(match: re.Match[str]) -> str:
        word = match.group()
        russian = RUSSIAN.get(word) or RUSSIAN.get(word.lower())
        if russian is None or chance.random() < 0.2:
            return word
        return russian.capitalize() if word[0].isupper() else russian

    changed = " ".join(WORD.sub(exchange, question.question).split())
    return replace(question, question=changed)


def typed_in_haste(question: Question, chance: random.Random) -> Question:
    """Write a question as it is typed in haste: in small letters, some small words and the question
    mark left out, sometimes two letters of a long word changed round or one forgotten.
    """
    kept = [
        word
        for word in question.question.rstrip("? ").split()
        if word.lower() not in SMALL_WORDS or chance.random() > SMALL_WORD_LEFT_OUT
    ]
    if chance.random() < SMALL_LETTERS_SHARE:
        kept = [word.lower() for word in kept]
    long = [at for at, word in enumerate(kept) if len(word) >= LONG_WORD_LETTERS and word.isalpha()]
    if long and chance.random() < MISSPELT_SHARE:
        at = chance.choice(long)
        word, place = kept[at], chance.randrange(1, len(kept[at]) - 2)
        rest = word[place + 1] + word[place] if chance.random() < 0.5 else word[place]
        kept[at] = word[:place] + rest + word[place + 2 :]
    return replace(question, question=" ".join(kept)) if kept else question


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


def _heading(context: str) -> tuple[str, str]:
    """Return a context's line of headings, if it has one, and the rest."""
    first, _, rest = context.partition("\n")
    return (first + "\n", rest) if HEADING_SIGN in first and rest else ("", context)


def window_under_heading(question: Question, characters: int, chance: random.Random) -> Question:
    """Cut the context as ``window`` does, its line of headings kept."""
    heading, body = _heading(question.context)
    answers = tuple(Span(one.text, one.start - len(heading)) for one in question.answers)
    cut = window(replace(question, context=body, answers=answers), characters, chance)
    return replace(
        cut,
        context=heading + cut.context,
        answers=tuple(Span(one.text, one.start + len(heading)) for one in cut.answers),
    )


def left_out(question: Question, kept: str) -> str | None:
    """Return the longer part of the context that a window left out, under the same headings; None
    where it is short or has an answer's words.
    """
    heading, _ = _heading(question.context)
    inner = kept.removeprefix(heading)
    start = question.context.find(inner)
    if kept == question.context or start < 0:
        return None
    context = question.context
    left = max(context[len(heading) : start], context[start + len(inner) :], key=len).strip()
    answered = any(one.text.lower() in left.lower() for one in question.answers)
    return None if answered or len(left) < LEFT_OUT_MIN else heading + left


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
    if len(context) < LEFT_OUT_MIN:
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
    """Put a "Title > Heading" line before the context, as the application does, if it has none."""
    if HEADING_SIGN in question.context.split("\n")[0]:
        return question
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
