"""Word documents: headings by their styles, lists, tables, text boxes and notes in order."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.opc.coreprops import CoreProperties
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from index.formats.table import has_header
from index.manuscript import Draft, Facts, Manuscript, in_one_line

BOLD_HEADING_CHARACTERS_MAX = 100
BOLD_HEADING_LEVEL = 6
"""A short paragraph all in bold is a heading under every other, where no style says so."""

MARKUP_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"

_HEADING = re.compile(r"(?:heading|заголовок|тақырып) (\d)", re.IGNORECASE)
_CONTENTS = re.compile(r"(?:toc|оглавление) \d|table of figures", re.IGNORECASE)
_LEFT_OUT = {
    qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr"), qn("w:txbxContent"),
    MARKUP_COMPATIBILITY + "Fallback",
}  # fmt: skip
"""What was deleted, properties, the second copy of a drawing; text boxes are written apart."""

_CHARACTERS = {
    qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "\u2011",
}  # fmt: skip
_NO_TITLE = re.compile(r"word document|microsoft word|document\d*|untitled|\W*$", re.IGNORECASE)


def read_word(data: bytes) -> Draft:
    """Return a document's text, with its deletions left out and its insertions in."""
    document = docx.Document(BytesIO(data))
    manuscript = Manuscript()
    reader = _Reader(document, manuscript)
    reader.write(document.element.body)
    reader.write_notes()
    properties = document.core_properties
    stated = in_one_line(properties.title or "")
    title = reader.title
    if title is None and not reader.has_headings and not _NO_TITLE.match(stated):
        title = stated
    return manuscript.draft(
        Facts(
            title=title,
            language=properties.language or None,
            produced=date_of(properties),
        )
    )


def date_of(properties: CoreProperties | Any) -> str | None:
    """Return the day a document was last saved, else the day it was begun."""
    for moment in (properties.modified, properties.created):
        if isinstance(moment, datetime.datetime):
            return moment.date().isoformat()
    return None


class _Reader:
    """Walks a document's elements; knows its styles, and how far its lists have counted."""

    def __init__(self, document: Any, manuscript: Manuscript) -> None:
        self._manuscript = manuscript
        self._styles = {style.style_id: style for style in document.styles}
        self._formats = _list_formats(document)
        self._counts: dict[tuple[str, int], int] = {}
        self._notes = {kind: _notes(document, kind) for kind in ("footnote", "endnote")}
        self._noted: list[str] = []
        self.title: str | None = None
        self.has_headings = False

    def write(self, container: Any) -> None:
        """Write the paragraphs and tables of a body, a cell or a text box."""
        for element in container.iterchildren():
            if element.tag == qn("w:p"):
                self._write_paragraph(element)
            elif element.tag == qn("w:tbl"):
                self._write_table(element)
            elif element.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:customXml"), qn("w:ins")):
                self.write(element)

    def write_notes(self) -> None:
        """Write the notes that the text refers to, each with its number."""
        for number, words in enumerate(self._noted, start=1):
            self._manuscript.paragraph(f"[{number}] {in_one_line(words)}")

    def _write_paragraph(self, paragraph: Any) -> None:
        words = self._text(paragraph)
        names = self._style_names(paragraph)
        level = self._heading_level(paragraph, names)
        if any(_CONTENTS.match(name) for name in names):
            return
        if "Title" in names:
            self.title = self.title or in_one_line(words) or None
            self._manuscript.heading(words, 1)
        elif level:
            self.has_headings = True
            self._manuscript.heading(words, level)
        elif (marker := self._marker(paragraph, names)) is not None:
            self._manuscript.item(words, marker)
        elif _is_bold_line(paragraph, words):
            self._manuscript.heading(words, BOLD_HEADING_LEVEL)
        else:
            self._manuscript.paragraph(words)
        for box in paragraph.iter(qn("w:txbxContent")):
            above = {ancestor.tag for ancestor in box.iterancestors()}
            if MARKUP_COMPATIBILITY + "Fallback" not in above:
                self.write(box)

    def _text(self, element: Any) -> str:
        """Return the words under an element in order; a note's place is its number in brackets."""
        parts: list[str] = []
        stack = [element]
        while stack:
            node = stack.pop()
            if node is not element and node.tag in _LEFT_OUT:
                continue
            if node.tag in (qn("w:t"), MATH_TEXT):
                parts.append(node.text or "")
            elif node.tag in _CHARACTERS:
                parts.append(_CHARACTERS[node.tag])
            elif node.tag in (qn("w:footnoteReference"), qn("w:endnoteReference")):
                kind = "footnote" if node.tag == qn("w:footnoteReference") else "endnote"
                note = self._notes[kind].get(node.get(qn("w:id")), "")
                if note:
                    self._noted.append(note)
                    parts.append(f"[{len(self._noted)}]")
            elif node.tag == qn("w:p") and parts:
                parts.append("\n")
            stack.extend(reversed(node))
        return "".join(parts)

    def _style_names(self, paragraph: Any) -> list[str]:
        """Return the names of a paragraph's style and of those it is based on."""
        names: list[str] = []
        style = self._styles.get(paragraph.style)
        while style is not None and style.name not in names:
            names.append(style.name or "")
            style = getattr(style, "base_style", None)
        return names

    def _heading_level(self, paragraph: Any, names: list[str]) -> int:
        outline = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if outline is not None and str(outline.get(qn("w:val"))).isdigit():
            level = int(outline.get(qn("w:val"))) + 1
            return level if level < 10 else 0
        for name in names:
            found = _HEADING.match(name)
            if found:
                return int(found.group(1))
        return 0

    def _marker(self, paragraph: Any, names: list[str]) -> str | None:
        """Return the bullet or the number before a list item, None for what is none."""
        properties = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if properties is None:
            listed = next((name for name in names if name.startswith("List ")), None)
            if listed is None or listed.startswith("List Paragraph"):
                return None
            return f"{self._count(listed, 0)}. " if "Number" in listed else "- "
        number = properties.find(qn("w:numId"))
        depth = properties.find(qn("w:ilvl"))
        list_id = "0" if number is None else str(number.get(qn("w:val")))
        level = int(depth.get(qn("w:val"))) if depth is not None else 0
        if list_id == "0":
            return None
        if self._formats.get((list_id, level)) != "decimal":
            return "- "
        return f"{self._count(list_id, level)}. "

    def _count(self, list_id: str, level: int) -> int:
        for key in list(self._counts):
            if key[0] == list_id and key[1] > level:
                del self._counts[key]
        self._counts[list_id, level] = self._counts.get((list_id, level), 0) + 1
        return self._counts[list_id, level]

    def _write_table(self, table: Any) -> None:
        rows = [list(_within(row, qn("w:tc"))) for row in _within(table, qn("w:tr"))]
        if sum(map(len, rows)) == 1:  # a frame around text
            self.write(rows[0][0])
            return
        cells = [[in_one_line(self._text(cell)) for cell in row] for row in rows]
        self._manuscript.table(cells, has_header=has_header(cells))


def _within(container: Any, tag: str) -> Iterator[Any]:
    """Yield the children of a tag, those inside content controls too."""
    for element in container.iterchildren():
        if element.tag == tag:
            yield element
        elif element.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:customXml"), qn("w:ins")):
            yield from _within(element, tag)


def _is_bold_line(paragraph: Any, words: str) -> bool:
    """Say whether a paragraph is a short line all in bold, which stands for a heading."""
    line = words.strip()
    if not line or len(line) > BOLD_HEADING_CHARACTERS_MAX or line.endswith((".", ",", ";", ":")):
        return False
    runs = [run for run in paragraph.iter(qn("w:r")) if run.find(qn("w:t")) is not None]
    for run in runs:
        bold = run.find(f"{qn('w:rPr')}/{qn('w:b')}")
        if bold is None or bold.get(qn("w:val")) in ("0", "false"):
            return False
    return bool(runs)


def _list_formats(document: Any) -> dict[tuple[str, int], str]:
    """Return how each level of each list is marked: "bullet", "decimal" or another way."""
    part = next((p for p in _related(document, "/numbering")), None)
    if part is None:
        return {}
    root = part.element
    levels = {
        abstract.get(qn("w:abstractNumId")): {
            int(level.get(qn("w:ilvl"))): level.find(qn("w:numFmt")).get(qn("w:val"))
            for level in abstract.iterchildren(qn("w:lvl"))
            if level.find(qn("w:numFmt")) is not None
        }
        for abstract in root.iterchildren(qn("w:abstractNum"))
    }
    formats = {}
    for number in root.iterchildren(qn("w:num")):
        abstract = number.find(qn("w:abstractNumId"))
        if abstract is not None:
            for level, marked in levels.get(abstract.get(qn("w:val")), {}).items():
                formats[str(number.get(qn("w:numId"))), level] = str(marked)
    return formats


def _notes(document: Any, kind: str) -> dict[str, str]:
    """Return the text of each note by its id; the lines that part notes from text are no notes."""
    part = next((p for p in _related(document, f"/{kind}s")), None)
    if part is None:
        return {}
    notes = parse_xml(part.blob).iterchildren(qn(f"w:{kind}"))
    return {
        note.get(qn("w:id")): "".join(t.text or "" for t in note.iter(qn("w:t")))
        for note in notes
        if note.get(qn("w:type")) is None
    }


def _related(document: Any, ending: str) -> Iterator[Any]:
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(ending):
            yield relation.target_part
