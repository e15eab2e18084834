"""What a terminal is given: text of documents, names of files and questions give it no orders."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text without the control characters that a terminal would obey; lines stay lines."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
