"""The gate before a new version of an index: pinned questions are asked against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from app.assistant import Assistant
from app.pins import BrokenPin, Pin, check_pins, read_pins
from app.settings import Settings
from index import Retriever, VersionRefused

WHY = {
    "refused": "is no longer answered",
    "source_gone": "has lost its source",
    "changed": "is answered otherwise",
}
QUOTE_CHARACTERS_SHOWN = 160


def open_gate(file: Path, settings: Settings) -> Callable[[Retriever], None]:
    """Return what refuses a version in which a pinned answer changed or lost its source.

    The file is read now; raises PinsUnusable. What is returned raises VersionRefused.
    """
    pins = read_pins(file)

    def refuse_if_broken(retriever: Retriever) -> None:
        broken = ask_pins(pins, Assistant.over(settings, retriever))
        if broken:
            count = sum(pin.enabled for pin in pins)
            raise VersionRefused(
                f"{len(broken)} of {count} pinned questions in {file}:\n{as_lines(broken)}\n"
                "Mend the documents, or change the pin where the new answer is right.",
                broken,
            )

    return refuse_if_broken


def ask_pins(pins: Sequence[Pin], assistant: Assistant) -> tuple[BrokenPin, ...]:
    """Return the pinned questions that an assistant doesn't answer as it should."""
    return check_pins(
        pins,
        lambda pin: assistant.ask(pin.question, language=pin.language, documents=pin.documents),
        frozenset(summary.path for summary in assistant.retriever.documents()),
    )


def as_lines(broken: Sequence[BrokenPin]) -> str:
    """Return each broken pin as a person reads it: what was, and what is."""
    lines = []
    for each in broken:
        lines.append(f"  {each.question!r} {WHY[each.why]}")
        if each.expected_short_answer is not None:
            lines.append(f"    was: {each.expected_short_answer}")
        lines += [f"    was: {one.path}: {_shown(one.quote)}" for one in each.expected]
        if each.short_answer is not None:
            lines.append(f"    is:  {each.short_answer}")
        lines += [f"    is:  {one.path}: {_shown(one.quote)}" for one in each.quotes]
        if not each.quotes:
            lines.append(f"    is:  no answer ({each.reason})")
    return "\n".join(lines)


def _shown(quote: str) -> str:
    words = " ".join(quote.split())
    cut = words[: QUOTE_CHARACTERS_SHOWN - 1].rstrip() + "…"
    return words if len(words) <= QUOTE_CHARACTERS_SHOWN else cut
