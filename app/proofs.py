"""What proves that an answer shows what it cites, and nothing else: every line of its text.

A line of an answer is a sentence of a template, or words of a quote: in quotation marks or as the
short answer, both with marks ``[1]``, or as an item of a list. White space is left aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from string import Formatter
from typing import Annotated, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from app.rendering import escape
from app.templates import templates
from app.types import Language

QUOTED: Final = "quoted"
PART_NOT_STATED: Final = "part_not_stated"
WITHOUT_MARK: Final = (
    "read_as", "comparison_lead", "overview_lead", "yes_no_lead", "curated", "disagreement",
    "disagreement_by_date", "dated", "undated", "from_named", "elsewhere",
)  # fmt: skip
WITH_MARK: Final = ("list_lead", "source_changed", "source_missing")

_MARKED = re.compile(r"(?P<content>.*) (?P<marks>(?:\[\d{1,9}\])+)")
_CORRECTIONS = re.compile(r"[^→]+ → [^→]+")
_FORMS: Final = (("", ""), ("- ", ""), ("> ", ""), ("**", "**"))
_BULLET: Final = "- "
_CUT: Final = "…"


class CitedPlace(BaseModel):
    """The part of a citation that can be proved; other keys are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: StrictInt
    path: StrictStr
    title: StrictStr
    date: StrictStr | None
    heading_path: tuple[StrictStr, ...]
    sha256: StrictStr
    start: Annotated[StrictInt, Field(ge=0)]
    end: Annotated[StrictInt, Field(ge=1)]
    quote: Annotated[StrictStr, Field(min_length=1)]


def unproved_of_answer(
    text: str,
    markdown: str,
    short_answer: str | None,
    citations: Sequence[CitedPlace],
    *,
    asked: str,
) -> Iterator[str]:
    """Yield what an answer shows that its citations don't say, a sentence for each.

    ``asked`` is the question, whose own words may be repeated where a part has no answer.
    """
    if not citations:
        yield "an answer without a citation"
        return
    numbers = [cited.number for cited in citations]
    if len(set(numbers)) < len(numbers):
        yield "two citations have the same number"
    if short_answer is not None and not _stands(short_answer, citations):
        yield f"the short answer “{short_answer}” stands in no quote"
    lines = text.split("\n")
    for line in lines:
        if _repeats_question(line, asked):
            continue
        why = _why_unproved(line, citations)
        if why is not None:
            yield why
    shown = [line for line in markdown.split("\n") if line]
    if len(shown) != len(lines) or not all(map(_is_markdown_of, shown, lines)):
        yield "the Markdown says something else than the text"


def _why_unproved(line: str, citations: Sequence[CitedPlace]) -> str | None:
    if line.startswith(_BULLET) and _stands(line.removeprefix(_BULLET), citations):
        return None
    marked = _MARKED.fullmatch(line)
    if marked is None:
        is_known = any(_is_of(name, line, citations) for name in WITHOUT_MARK)
        return None if is_known else f"the line “{line}” has no mark and is no template's"
    numbers = [int(digits) for digits in re.findall(r"\d+", marked["marks"])]
    named = [cited for cited in citations if cited.number in numbers]
    missing = sorted({*numbers} - {cited.number for cited in named})
    if missing:
        return f"the mark [{missing[0]}] has no citation"
    content = marked["content"]
    said = _unquoted(content)
    if _stands(content, named) or any(_stands(words, named) for words in said):
        return None
    if any(_is_of(name, content, citations) for name in WITH_MARK):
        return None
    return f"“{said[0] if said else content}” doesn't stand in the quote {marked['marks']}"


def _repeats_question(line: str, asked: str) -> bool:
    """Say whether a line says of a part of the question that it has no answer."""
    said = f" {_bare(asked)} "
    return any(
        f" {_bare(match['question'])} " in said
        for match in (one.fullmatch(line) for one in _patterns(PART_NOT_STATED))
        if match is not None
    )


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text))


def _stands(words: str, citations: Sequence[CitedPlace]) -> bool:
    """Say whether words stand in a quote, white space aside, and cut no word or number in two."""
    given = rf"(?:\b|(?!\w)){re.escape(' '.join(words.split()))}(?:\b|(?<!\w))"
    return any(re.search(given, " ".join(cited.quote.split())) for cited in citations)


def _is_markdown_of(shown: str, line: str) -> bool:
    """Say whether a line of Markdown shows a line of text, in whatever form."""
    marked = _MARKED.fullmatch(line)
    forms = [(line.removeprefix(_BULLET), "")]
    if marked is not None:
        forms.append((marked["content"], " " + re.sub(r"[\[\]]", r"\\\g<0>", marked["marks"])))
    return any(
        shown in {f"{before}{escape(content)}{after}{marks}" for before, after in _FORMS}
        for content, marks in forms
    )


@cache
def _patterns(name: str) -> tuple[re.Pattern[str], ...]:
    """Return a pattern of each language's template, in which a placeholder is a named group."""
    return tuple(
        re.compile(
            "".join(
                re.escape(literal) + (f"(?P<{field}>.+)" if field else "")
                for literal, field, _, _ in Formatter().parse(templates(language)[name])
            )
        )
        for language in get_args(Language)
    )


def _unquoted(content: str) -> list[str]:
    """Return what stands between the quotation marks of a language, at most one of them."""
    found = (pattern.fullmatch(content) for pattern in _patterns(QUOTED))
    return [match["quote"] for match in found if match is not None]


def _is_of(name: str, line: str, citations: Sequence[CitedPlace]) -> bool:
    """Say whether a line is a template's, with titles and dates that are cited."""
    return any(
        all(_may_stand(field, value, citations) for field, value in match.groupdict().items())
        for match in (pattern.fullmatch(line) for pattern in _patterns(name))
        if match is not None
    )


def _may_stand(field: str, value: str, citations: Sequence[CitedPlace]) -> bool:
    titles = {" ".join(cited.title.split()) for cited in citations}
    match field:
        case "words":
            return all(_CORRECTIONS.fullmatch(pair) for pair in value.split(", "))
        case "date":
            return value in {cited.date for cited in citations}
        case "title":
            return value in titles or (
                value.endswith(_CUT)
                and any(title.startswith(value.removesuffix(_CUT)) for title in titles)
            )
        case _:
            return True
