"""The questions that were written for this reader, about passages of other sets and of our own.

``questions.jsonl`` beside this module has a line for each passage. It holds our own words alone: a
passage of another set is named by the file it is in, its ids there and its language, and an answer
by its offsets, in code points, so that the file can be committed and the data can not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from app.training.errors import WrongInput
from app.training.questions import Question, Span
from index import Frozen

WRITTEN_FILE: Final = Path(__file__).with_name("questions.jsonl")
SENTENCES_FILE: Final = "ntrex"
"""Its rows are sentences in three languages; those of the other files have a ``context``."""

Part: TypeAlias = Literal["train", "calibrate"]
"""Those that train a reader, and those that don't; ``scripts/calibrate.py`` takes both."""
Language: TypeAlias = Literal["en", "ru", "kk"]
DataFile: TypeAlias = Literal[
    "ntrex", "squad1-dev.other13articles", "squad-train-subset", "squad2-dev.train-part"
]
Rows: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The rows of a data file by their id."""


class WrittenQuestion(Frozen):
    """A question, the kind of answer that it asks for, and from where to where its passage answers
    it; both None when it doesn't.
    """

    language: Language
    kind: str = Field(min_length=1)
    question: str = Field(min_length=1)
    start: int | None = Field(ge=0)
    end: int | None

    @model_validator(mode="after")
    def _has_both_ends_in_order(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("an answer has a start and an end, or neither")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("an answer ends after it starts")
        return self


class WrittenPassage(Frozen):
    """What names a passage in the data, and the questions about it.

    A passage of our own has its text here, with its line of headings first, and no file.
    All questions about a passage are of one ``part``: those that train, or those that calibrate.
    """

    file: DataFile | None = None
    ids: tuple[int | str, ...] = ()
    own: str | None = None
    language: Language
    part: Part
    questions: tuple[WrittenQuestion, ...]

    @model_validator(mode="after")
    def _is_named_or_written(self) -> Self:
        if (self.own is None) == (self.file is None) or bool(self.file) != bool(self.ids):
            raise ValueError("a passage has a file and ids there, or a text of its own")
        return self

    @property
    def name(self) -> str:
        """What its questions are called by, with a number."""
        if self.own is not None:
            return self.own.split("\n")[0]
        return f"{self.file} {self.ids[0]} {self.language}"

    def text(self, rows: Rows) -> str:
        """Put the passage together from its file's rows; raise KeyError on an id not there."""
        if self.own is not None:
            return self.own
        found = [rows[str(each)] for each in self.ids]
        if self.file == SENTENCES_FILE:
            return " ".join(str(row[self.language]).strip() for row in found)
        return str(found[0]["context"])


def read_passages(file: Path = WRITTEN_FILE) -> list[WrittenPassage]:
    """Read the passages' names and questions; raise ValidationError on a line of another form."""
    with file.open(encoding="utf-8") as lines:
        return [WrittenPassage.model_validate_json(line) for line in lines]


def read_written(data: Path, part: Part, file: Path = WRITTEN_FILE) -> list[Question]:
    """Return the questions of one part with their passages' texts, in the file's order.

    Raises WrongInput where ``data`` holds other passages than those the questions were written for:
    an id is missing, or an answer doesn't lie in its passage.
    """
    passages = [passage for passage in read_passages(file) if passage.part == part]
    rows: dict[str | None, Rows] = {}
    for passage in passages:
        if passage.file is not None and passage.file not in rows:
            rows[passage.file] = _rows(data / f"{passage.file}.jsonl.gz")
    questions = []
    for place, passage in enumerate(passages):
        name = passage.name
        try:
            context = passage.text(rows.get(passage.file, {}))
        except KeyError as missing:
            raise WrongInput(f"{data}/{passage.file}.jsonl.gz has no id {missing}") from None
        for number, written in enumerate(passage.questions):
            answers: tuple[Span, ...] = ()
            if written.start is not None and written.end is not None:
                if written.end > len(context):
                    raise WrongInput(f"{name}: the answer to {written.question!r} isn't in it")
                answers = (Span(context[written.start : written.end], written.start),)
            questions.append(
                Question(
                    f"{name} {place}.{number}",
                    written.question.strip(),
                    context,
                    answers,
                    kind=written.kind,
                    language=passage.language,
                )
            )
    return questions


def _rows(path: Path) -> Rows:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return {str(row["id"]): row for row in map(json.loads, lines)}
