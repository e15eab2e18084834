"""An answer is proved when every line of it is a template's or a quote's, and not otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.proofs import CitedPlace, unproved_of_answer
from app.rendering import as_markdown, as_text
from app.templates import templates
from app.types import Line

QUOTES = (
    "The ferry, which is\nblue, takes 14 passengers — “in calm weather” [7].",
    "It carries:\n\n- coal [3]\n- sand,\n  wet or dry",
)
CITED = tuple(
    CitedPlace(
        number=number,
        path="ferries.md",
        title="Ferries of the  Lake",
        date="2026-02-12",
        heading_path=(),
        sha256="0" * 64,
        start=0,
        end=len(quote),
        quote=quote,
    )
    for number, quote in enumerate(QUOTES, start=1)
)
HONEST = (
    Line(role="template", text=templates("en")["read_as"].format(words="fery → ferry, a → b")),
    Line(role="template", text=templates("ru")["disagreement"]),
    Line(role="template", text=templates("kk")["disagreement_by_date"]),
    Line(role="template", text="2026-02-12, Ferries of the Lake:"),
    Line(role="template", text="Ferries of…, undated:"),
    Line(role="short", text="14 passengers", number=1),
    Line(role="quote", text=f"“{QUOTES[0]}”", number=1, also=(2,)),
    Line(role="quote", text="«It carries:»", number=2),
    Line(role="item", text="coal [3]"),
    Line(role="item", text="sand, wet or dry"),
    Line(role="template", text=templates("kk")["source_changed"], number=1),
)


def unproved(
    lines: Sequence[Line] = HONEST,
    *,
    text: str | None = None,
    markdown: str | None = None,
    short_answer: str | None = None,
    cited: Sequence[CitedPlace] = CITED,
    asked: str = "",
) -> list[str]:
    text = as_text(lines) if text is None else text
    markdown = as_markdown(lines) if markdown is None else markdown
    return list(unproved_of_answer(text, markdown, short_answer, cited, asked=asked))


@pytest.mark.parametrize("short_answer", [None, "14 passengers", "which is blue"])
def test_an_honest_answer_is_proved(short_answer: str | None) -> None:
    assert unproved(short_answer=short_answer) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (Line(role="quote", text="“The ferry takes 14 passengers.”", number=1), "doesn't stand"),
        (Line(role="quote", text="“4 passengers”", number=1), "doesn't stand"),
        (Line(role="quote", text="“14 passengers”", number=2), "doesn't stand"),
        (Line(role="quote", text="“14 passengers”", number=7), "[7] has no citation"),
        (Line(role="quote", text="“14 passengers”", number=1, also=(9,)), "[9] has no citation"),
        (Line(role="quote", text="“14 passengers”"), "has no mark"),
        (Line(role="short", text="15 passengers", number=1), "doesn't stand"),
        (Line(role="item", text="gold"), "no template's"),
        (Line(role="item", text="coal [7]"), "[7] has no citation"),
        (Line(role="template", text="The ferry is red."), "no template's"),
        (Line(role="template", text="In 2026, gold was found:"), "no template's"),
        (Line(role="template", text="2026-02-12, Gold of the Lake:"), "no template's"),
        (Line(role="template", text="Read as: the ferry is red."), "no template's"),
    ],
)
def test_a_line_that_says_something_else_is_named(line: Line, why: str) -> None:
    (told,) = unproved([*HONEST, line])
    assert why in told


def test_a_short_answer_stands_in_a_quote_in_whole_words() -> None:
    for wrong in ("15 passengers", "4 passengers", "14 pass"):
        assert unproved(short_answer=wrong) == [f"the short answer “{wrong}” stands in no quote"]


def test_the_markdown_says_what_the_text_says() -> None:
    markdown = as_markdown(HONEST)
    for wrong in (markdown.replace("14", "15"), markdown + "\n\nMore.", "", f"# {markdown}"):
        assert unproved(markdown=wrong) == ["the Markdown says something else than the text"]


def test_an_answer_has_citations_and_each_its_own_number() -> None:
    assert unproved(cited=()) == ["an answer without a citation"]
    assert "two citations have the same number" in unproved(cited=(CITED[0], *CITED))
    assert unproved(text="", markdown="")


def test_a_part_without_an_answer_is_named_in_the_questions_own_words() -> None:
    said = templates("en")["part_not_stated"].format(question="who built the ferry?")
    lines = (*HONEST, Line(role="template", text=said))
    assert unproved(lines, asked="Is it blue, and who built the ferry?") == []
    assert unproved(lines, asked="Is it blue, and who built it?") != []
