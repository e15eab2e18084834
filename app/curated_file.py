"""The file in which an operator names, for a question, what documents say to answer it: YAML.

Read safely (no tag makes an object), checked whole, and refused with the line and the entry that
can't be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Self, TypeAlias

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from app.errors import AnsweringError
from index import Frozen, fold

FILE_BYTES_MAX: Final = 4_194_304


class CuratedUnusable(AnsweringError):
    """The file of curated answers can't be read, or an entry of it can't be used."""


def _asks(text: str) -> str:
    if not any(map(str.isalnum, text)):
        raise ValueError("the question has no words")
    return text


Asked: TypeAlias = Annotated[str, AfterValidator(_asks)]


class CuratedSpan(Frozen):
    """A stretch of a document, by its words or by its offsets in code points.

    ``document`` is the document's path as the index has it.
    """

    document: str = Field(min_length=1)
    quote: str | None = Field(default=None, min_length=1)
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _is_said_in_one_way(self) -> Self:
        by_words = self.quote is not None
        by_place = self.start is not None and self.end is not None
        if by_words == by_place or (by_words and (self.start, self.end) != (None, None)):
            raise ValueError("give either quote, or start and end")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("end has to be after start")
        return self


class CuratedEntry(Frozen):
    """Wordings of a question, in any languages, and what answers it; it begins at ``line``."""

    questions: tuple[Asked, ...] = Field(min_length=1)
    answer: tuple[CuratedSpan, ...] = Field(min_length=1)
    line: int = Field(default=0, exclude=True)


_ENTRIES: TypeAdapter[tuple[CuratedEntry, ...]] = TypeAdapter(tuple[CuratedEntry, ...])


def read_curated(file: Path) -> tuple[CuratedEntry, ...]:
    """Return the entries of a file; raise CuratedUnusable, which names line and entry."""
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise CuratedUnusable(f"{file} has more than {FILE_BYTES_MAX} bytes")
        loader = yaml.SafeLoader(file.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else []
    except OSError as error:
        raise CuratedUnusable(f"{file} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error)
        line = f", line {where.line + 1}" if where is not None else ""
        raise CuratedUnusable(f"{file}{line}: no YAML: {why}") from error
    _refuse_repeated_keys(file, node)
    try:
        entries = _ENTRIES.validate_python(data)
    except ValidationError as error:
        problem = error.errors()[0]
        place = problem["loc"]
        if not place:
            raise CuratedUnusable(f"{file}: the file has to be a list of entries") from error
        entry = f"entry {int(place[0]) + 1}"
        key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in place[1:])
        line = f"line {_line(node, place)}"
        why = problem["msg"].removeprefix("Value error, ")
        raise CuratedUnusable(
            f"{file}, {line}, {entry}{f', {key}' if key else ''}: {why}"
        ) from error
    entries = tuple(
        entry.model_copy(update={"line": _line(node, (at,))}) for at, entry in enumerate(entries)
    )
    _refuse_repeated_questions(file, entries)
    return entries


def _line(node: yaml.Node | None, place: Sequence[int | str]) -> int:
    """Return the line, from 1, at which what a place names begins, or what should hold it."""
    line = 1
    for part in (None, *place):
        if isinstance(part, int) and isinstance(node, yaml.SequenceNode):
            node = node.value[part] if part < len(node.value) else None
        elif isinstance(part, str) and isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        if node is None:
            return line
        line = node.start_mark.line + 1
    return line


def _refuse_repeated_keys(file: Path, node: yaml.Node | None) -> None:
    """Refuse a key that an entry has twice: YAML would drop the first without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                line = key.start_mark.line + 1
                raise CuratedUnusable(f"{file}, line {line}: {key.value} is there twice")
            seen.add(str(key.value))
        inner = [value for _, value in node.value]
    else:
        inner = node.value if isinstance(node, yaml.SequenceNode) else []
    for one in inner:
        _refuse_repeated_keys(file, one)


def _refuse_repeated_questions(file: Path, entries: Sequence[CuratedEntry]) -> None:
    asked: dict[str, CuratedEntry] = {}
    for entry in entries:
        for question in entry.questions:
            first = asked.setdefault(" ".join(fold(question).split()), entry)
            if first is not entry:
                raise CuratedUnusable(
                    f"{file}, line {entry.line}: the question {question!r} is asked in the entry "
                    f"at line {first.line} too"
                )
