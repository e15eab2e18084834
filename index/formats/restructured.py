"""reStructuredText, through docutils: no file is included, nothing raw is taken.

What a directive or a role of another tool (Sphinx) says is kept as text, since docutils would drop
what it doesn't know.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.core import publish_doctree

from index.formats.plain import decode
from index.formats.table import has_header
from index.manuscript import Draft, Facts, Manuscript, in_one_line

DEPTH_MAX = 8
"""How deep directives that docutils doesn't know are read inside each other."""

_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 3,
    "halt_level": 5,
    "warning_stream": False,
    "input_encoding": "unicode",
    "smart_quotes": False,
}
_ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`", re.DOTALL)
_TARGET = re.compile(r"(.+?)\s*<[^<>]+>\Z", re.DOTALL)
_DIRECTIVE = re.compile(r"\.\. ([\w:+-]+)::[ ]?(.*)")
_OPTION = re.compile(r"\s*:[\w-]+:")
_WITHOUT_TEXT = frozenset(
    "contents currentmodule highlight image include index raw toctree".split()
)
_LEFT_OUT = (
    nodes.comment, nodes.substitution_definition, nodes.target, nodes.raw, nodes.pending,
    nodes.decoration, nodes.topic, nodes.meta,
)  # fmt: skip
_CONTAINERS = (
    nodes.section, nodes.block_quote, nodes.Admonition, nodes.definition, nodes.compound,
    nodes.container, nodes.figure, nodes.legend, nodes.sidebar, nodes.field_body, nodes.list_item,
)  # fmt: skip


def read_restructured(data: bytes) -> Draft:
    """Return a text's words without its markup."""
    document = _parsed(decode(data))
    for reference in list(document.findall(nodes.footnote_reference)):
        reference.parent.replace(reference, nodes.Text(f"[{reference.astext()}]"))
    manuscript = Manuscript()
    writer = _Writer(manuscript)
    writer.write(document, level=1)
    stated = {}
    for docinfo in document.findall(nodes.docinfo):
        for entry in docinfo.children:
            if isinstance(entry, nodes.field):
                stated[entry[0].astext().lower()] = in_one_line(entry[1].astext())
            else:
                stated[entry.tagname] = in_one_line(entry.astext())
    return manuscript.draft(
        Facts(
            title=in_one_line(document.get("title", "")) or None,
            date=stated.get("date"),
            language=stated.get("language") or stated.get("lang"),
        )
    )


def _parsed(text: str) -> Any:
    return publish_doctree(text, settings_overrides=_SETTINGS)


class _Writer:
    def __init__(self, manuscript: Manuscript) -> None:
        self._manuscript = manuscript
        self._depth = 0

    def write(self, container: Any, level: int) -> None:
        """Write the parts of a document, a section or a block."""
        for node in container.children:
            self._write_node(node, level)

    def _write_node(self, node: Any, level: int) -> None:
        manuscript = self._manuscript
        if isinstance(node, nodes.system_message):
            self._write_unknown(node, level)
        elif isinstance(node, _LEFT_OUT):
            return
        elif isinstance(node, nodes.title | nodes.subtitle | nodes.rubric):
            manuscript.heading(_words(node), level + (not isinstance(node, nodes.title)))
        elif isinstance(node, nodes.section):
            self.write(node, level if self._is_first(node) else level + 1)
        elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            self._write_list(node, level)
        elif isinstance(node, nodes.table):
            self._write_table(node)
        elif isinstance(node, nodes.literal_block | nodes.doctest_block | nodes.math_block):
            manuscript.code(node.astext())
        elif isinstance(node, nodes.line_block):
            manuscript.paragraph("\n".join(_words(line) for line in node.findall(nodes.line)))
        elif isinstance(node, nodes.definition_list | nodes.field_list | nodes.option_list):
            self._write_pairs(node, level)
        elif isinstance(node, nodes.footnote | nodes.citation):
            label = node.children[0].astext()
            manuscript.paragraph(f"[{label}] " + " ".join(map(_words, node.children[1:])))
        elif isinstance(node, nodes.docinfo):
            manuscript.paragraph("\n".join(map(_stated, node.children)))
        elif isinstance(node, _CONTAINERS):
            self.write(node, level)
        else:
            manuscript.paragraph(_words(node))

    @staticmethod
    def _is_first(section: Any) -> bool:
        """Say whether a section's rank is the first under a document that has no title."""
        return isinstance(section.parent, nodes.document) and not section.parent.get("title")

    def _write_list(self, listed: Any, level: int) -> None:
        is_numbered = isinstance(listed, nodes.enumerated_list)
        for number, item in enumerate(listed.children, start=int(listed.get("start", 1))):
            marker = f"{number}. " if is_numbered else "- "
            for part in item.children:
                if marker and isinstance(part, nodes.paragraph):
                    self._manuscript.item(_words(part), marker)
                    marker = ""
                else:
                    self._write_node(part, level)

    def _write_pairs(self, listed: Any, level: int) -> None:
        """Write terms with what is said of them: "term: definition"."""
        for entry in listed.children:
            name, *rest = entry.children
            simple = [part for part in rest if isinstance(part, nodes.classifier)]
            body = [part for part in rest if not isinstance(part, nodes.classifier)]
            label = ": ".join([_words(name), *map(_words, simple)])
            parts = [child for part in body for child in part.children]
            if parts and isinstance(parts[0], nodes.paragraph):
                label = f"{label}: {_words(parts[0])}"
                parts = parts[1:]
            self._manuscript.item(label)
            for part in parts:
                self._write_node(part, level)

    def _write_table(self, table: Any) -> None:
        for title in table.findall(nodes.title):
            self._manuscript.paragraph(_words(title))
        rows = [[in_one_line(_words(cell)) for cell in row] for row in table.findall(nodes.row)]
        stated = any(True for _ in table.findall(nodes.thead))
        self._manuscript.table(rows, has_header=stated or has_header(rows))

    def _write_unknown(self, message: Any, level: int) -> None:
        """Write what a directive says that docutils doesn't know; its source is in the message."""
        source = next(iter(message.findall(nodes.literal_block)), None)
        if source is None or self._depth >= DEPTH_MAX:
            return
        first, *rest = source.astext().split("\n")
        found = _DIRECTIVE.match(first)
        if found is None or found.group(1) in _WITHOUT_TEXT:
            return
        while rest and _OPTION.match(rest[0]):
            rest.pop(0)
        indents = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
        inner = "\n".join(line[min(indents, default=0) :] for line in rest)
        self._manuscript.paragraph(found.group(2))
        self._depth += 1
        self.write(_parsed(inner), level)
        self._depth -= 1


def _stated(entry: Any) -> str:
    """Return a line of a document's facts: "Date: 2024-05-06"."""
    if isinstance(entry, nodes.field):
        return f"{_words(entry[0])}: {in_one_line(_words(entry[1]))}"
    return f"{entry.tagname.title()}: {in_one_line(_words(entry))}"


def _words(node: Any) -> str:
    """Return the words under a node; a role that docutils doesn't know gives its text."""
    return _ROLE.sub(_text_of_role, node.astext())


def _text_of_role(role: re.Match[str]) -> str:
    text = role.group(1)
    titled = _TARGET.match(text)
    return titled.group(1) if titled else text.lstrip("~!")
