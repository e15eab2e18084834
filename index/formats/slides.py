"""Presentations: slide by slide, title first, with the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER

from index.formats.table import has_header
from index.formats.word import date_of
from index.manuscript import Draft, Facts, Manuscript, in_one_line

_LEFT_OUT = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER}
_TEMPLATE_TITLE = "PowerPoint Presentation"


def read_slides(data: bytes) -> Draft:
    """Return the text of the slides that are shown; each slide is a page."""
    presentation = Presentation(BytesIO(data))
    manuscript = Manuscript()
    for number, slide in enumerate(presentation.slides, start=1):
        if slide.element.get("show") == "0":
            continue
        manuscript.stand_at(page=number)
        title = slide.shapes.title
        words = in_one_line(title.text_frame.text) if title is not None else ""
        # A slide without a title must not stand under the title of the one before.
        manuscript.heading(words or str(number), 1 if number == 1 else 2)
        for shape in _shapes(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                _write_shape(shape, manuscript)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            for line in slide.notes_slide.notes_text_frame.text.split("\n"):
                manuscript.paragraph(line.replace("\v", "\n"))
    properties = presentation.core_properties
    stated = in_one_line(properties.title or "")
    return manuscript.draft(
        Facts(
            title=stated if stated and stated != _TEMPLATE_TITLE else None,
            language=properties.language or None,
            produced=date_of(properties),
        )
    )


def _shapes(shapes: Any) -> Iterator[Any]:
    """Yield the shapes of a slide in reading order, those of groups in their place."""
    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _write_shape(shape: Any, manuscript: Manuscript) -> None:
    if shape.is_placeholder and shape.placeholder_format.type in _LEFT_OUT:
        return
    if shape.has_text_frame:
        lines = [p.text.replace("\v", "\n") for p in shape.text_frame.paragraphs if p.text.strip()]
        listed = shape.is_placeholder and len(lines) > 1
        for line in lines:
            if listed:
                manuscript.item(line)
            else:
                manuscript.paragraph(line)
    elif getattr(shape, "has_table", False) and shape.has_table:
        cells = [[in_one_line(cell.text) for cell in row.cells] for row in shape.table.rows]
        manuscript.table(cells, has_header=has_header(cells))
