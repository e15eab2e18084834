"""Gradio imported in a third of its time: without what a server has no use for."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def quick_gradio_import() -> Iterator[None]:
    """Let an import of Gradio within the block leave out two things.

    Its MCP server, which imports the ``mcp`` package: a second. And the stub files for editors,
    for which it parses the source of each component and writes beside it, at each import: another
    second. It makes none for a class that has no file, and so is told that its classes have none.
    """
    known = inspect.getfile

    def file_of(thing: Any) -> str:
        if isinstance(thing, type) and thing.__module__.partition(".")[0] == "gradio":
            raise OSError("no file is named while Gradio is imported")
        return known(thing)

    with _hidden("mcp"):
        inspect.getfile = file_of  # type: ignore[assignment]  # called with one thing
        try:
            yield
        finally:
            inspect.getfile = known


@contextlib.contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let a package that isn't imported yet look as if it weren't installed."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # as the import system reads it
    try:
        yield
    finally:
        del sys.modules[name]
