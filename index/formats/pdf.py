"""PDF, through PDFium: the letters of each page and where they stand, and the stated facts.

A page that only holds a picture has no letters. Text is recognised in it where the operator set
``ocr_languages`` and Tesseract is installed; otherwise the page is named as unread.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from index.errors import UnreadableDocument
from index.formats.layout import Gap, PageLine, paragraphs_of
from index.limits import ReadingLimits
from index.manuscript import Draft, Facts, Manuscript, in_one_line
from index.words import fold

END_BYTES = 4096
"""How far from its end a whole file has its end mark."""

GAP_SIZES = 1.5
"""A blank in a line is a wide gap when it is so many times the size of the letters."""

FEW_CHARACTERS = 60
PICTURE_SHARE = 0.6
"""A page with fewer characters than this, and pictures over so much of it, is a scan."""

DRAWN_OBJECTS_MIN = 20
"""A page without a letter that has so many drawn shapes has its text drawn as shapes."""

LETTERS_SHARE_MIN = 0.5
"""Where fewer characters than this are letters, digits or marks, the fonts don't say which."""

OCR_SCALE = 300 / 72
"""Pictures are read at 300 dots an inch, as Tesseract's manual advises."""

_LINE_ENDS = (0x0A, 0x0D)
_HYPHENS = (0xFFFE, 0x02)
"""What PDFium gives for a hyphen at the end of a line, without a line end after it."""

_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF0D8, 0xF076, 0xF0FC, 0x2022), "•")
_BOLD = re.compile(r"bold|black|heavy|demi|CMBX|SFBX", re.IGNORECASE)
_BOLD_WEIGHT = 600
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)")
_NO_TITLE = re.compile(
    r"microsoft \w+ - |untitled|без имени|.*\.(?:docx?|pptx?|xlsx?|indd|tex|dvi|pdf|rtf|odt|html?)$"
    r"|\W*$",
    re.IGNORECASE,
)


def read_pdf(data: bytes, limits: ReadingLimits) -> Draft:
    """Return a file's text in reading order, with the page that each part stands on."""
    if b"%%EOF" not in data[-END_BYTES:] and b"startxref" not in data[-END_BYTES:]:
        raise UnreadableDocument("damaged", "the end of the PDF is missing; get a whole copy of it")
    with closing(_open(data)) as document:
        pages: list[list[PageLine]] = []
        recognised: dict[int, str] = {}
        unread: list[int] = []
        for number in range(1, len(document) + 1):
            with closing(_page(document, number)) as page:
                lines = _lines(page)
                if _has_no_letters(page, lines):
                    lines = []
                    words = _recognised(page, limits.ocr_languages)
                    if words is None:
                        unread.append(number)
                    else:
                        recognised[number] = words
                pages.append(lines)
        stated = document.get_metadata_dict(skip_empty=True)
    message = _unread_message(unread, limits.ocr_languages) if unread else ""
    if unread and not any(pages) and not any(recognised.values()):
        raise UnreadableDocument("scanned", message)
    manuscript = Manuscript()
    _write(manuscript, pages, recognised)
    first_words = " ".join(line.text for lines in pages[:2] for line in lines)
    facts = Facts(title=_title(stated, first_words), produced=_date(stated))
    return manuscript.draft(facts)._replace(unread=message)


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise UnreadableDocument(
                "encrypted", "the PDF asks for a password; save it without one"
            ) from error
        raise UnreadableDocument(
            "damaged", "the PDF can't be opened; open it in a viewer and save it anew"
        ) from error


def _page(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    try:
        return document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(
            "damaged",
            f"page {number} of the PDF can't be opened; get a whole copy of it, or save it anew",
        ) from error


def _write(
    manuscript: Manuscript, pages: Sequence[Sequence[PageLine]], recognised: dict[int, str]
) -> None:
    written = 0

    def turn_to(number: int) -> None:
        """Write what was recognised on the pages up to this one, and stand on it."""
        nonlocal written
        for page in range(written + 1, number + 1):
            manuscript.stand_at(page=page)
            if recognised.get(page):
                manuscript.plain(recognised[page])
        written = max(written, number)

    for paragraph in paragraphs_of(pages):
        if paragraph.page != written:
            turn_to(paragraph.page)
        if paragraph.continues:
            manuscript.go_on(paragraph.lines, paragraph.ended)
        elif paragraph.kind == "contents":
            manuscript.printed("comment", paragraph.lines, paragraph.ended)
        else:
            manuscript.printed(
                paragraph.kind, paragraph.lines, paragraph.ended, level=paragraph.level
            )
    turn_to(len(pages))


# --- the lines of a page ------------------------------------------------------------------------


def _lines(page: pypdfium2.PdfPage) -> list[PageLine]:
    """Return a page's lines in the order of the file."""
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return []
    with closing(text_page):
        letters = _Letters(text_page.raw)
        return [line for run in letters.runs() if (line := _line(letters, run))]


class _Letters:
    """A page's characters by number; asks PDFium into the same few variables again and again."""

    def __init__(self, text_page: Any) -> None:
        self._page = text_page
        self._left, self._right, self._low, self._high = (ctypes.c_double() for _ in range(4))
        self._references = [
            ctypes.byref(each) for each in (self._left, self._right, self._low, self._high)
        ]
        self._box = pdfium.FS_RECTF()
        self._name = ctypes.create_string_buffer(128)

    def runs(self) -> Iterator[list[tuple[int, str]]]:
        """Yield the characters of each line with their numbers."""
        run: list[tuple[int, str]] = []
        high = 0
        for number in range(pdfium.FPDFText_CountChars(self._page)):
            code = pdfium.FPDFText_GetUnicode(self._page, number)
            if code in _LINE_ENDS or code in _HYPHENS:
                if code in _HYPHENS:
                    run.append((number, "-"))
                yield run
                run = []
            elif 0xD800 <= code < 0xDC00:
                high = code
            elif 0xDC00 <= code < 0xE000:
                whole = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
                run.append((number, chr(whole)))
                high = 0
            elif code >= 0x20:
                run.append((number, _BULLETS.get(code) or chr(code)))
        yield run

    def edges(self, number: int) -> tuple[float, float]:
        """Return where a character begins and ends along the line."""
        pdfium.FPDFText_GetCharBox(self._page, number, *self._references)
        return self._left.value, self._right.value

    def size(self, number: int) -> float:
        """Return the height of a character's box, which tells sizes whatever the matrix is."""
        pdfium.FPDFText_GetLooseCharBox(self._page, number, self._box)
        return abs(float(self._box.top - self._box.bottom))

    def baseline(self, number: int) -> float:
        pdfium.FPDFText_GetCharOrigin(self._page, number, *self._references[:2])
        return self._right.value

    def is_bold(self, number: int) -> bool:
        if pdfium.FPDFText_GetFontWeight(self._page, number) >= _BOLD_WEIGHT:
            return True
        name, length = self._name, len(self._name)
        pdfium.FPDFText_GetFontInfo(self._page, number, name, length, ctypes.c_int())
        return bool(_BOLD.search(name.value.decode("utf-8", "replace")))


def _line(letters: _Letters, run: Sequence[tuple[int, str]]) -> PageLine | None:
    """Return a line with its place and its looks; None for a blank one."""
    seen = [place for place, (_, character) in enumerate(run) if not character.isspace()]
    if not seen:
        return None
    first, last = seen[0], seen[-1]
    sampled = [run[place][0] for place in (first, seen[len(seen) // 2], last)]
    sizes = sorted(letters.size(number) for number in sampled)
    gaps = []
    for before, after in pairwise(seen):
        if after > before + 1:
            left, right = letters.edges(run[before][0])[1], letters.edges(run[after][0])[0]
            if right - left > GAP_SIZES * sizes[1]:
                gaps.append(Gap(after - first, left, right))
    return PageLine(
        text="".join(character for _, character in run[first : last + 1]),
        left=letters.edges(run[first][0])[0],
        right=letters.edges(run[last][0])[1],
        y=letters.baseline(sampled[1]),
        size=sizes[1],
        is_bold=all(letters.is_bold(number) for number in sampled),
        gaps=tuple(gaps),
    )


# --- pages without letters ----------------------------------------------------------------------


def _has_no_letters(page: pypdfium2.PdfPage, lines: Sequence[PageLine]) -> bool:
    """Say whether what a page shows is not in its letters: a scan, shapes, fonts without names."""
    text = "".join(line.text for line in lines)
    if len(text) >= FEW_CHARACTERS:
        known = sum(c.isalnum() or c.isspace() or c in ".,;:!?()-–—«»“”\"'%/•" for c in text)
        return known < LETTERS_SHARE_MIN * len(text)
    width, height = page.get_size()
    pictured = 0.0
    drawn = 0
    for shape in page.get_objects(max_depth=3):
        if shape.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = shape.get_bounds()
            pictured += abs((right - left) * (top - bottom))
        elif shape.type == pdfium.FPDF_PAGEOBJ_PATH:
            drawn += 1
    if pictured > PICTURE_SHARE * width * height:
        return True
    return not text and (pictured > 0 or drawn >= DRAWN_OBJECTS_MIN)


def _recognised(page: pypdfium2.PdfPage, languages: str) -> str | None:
    """Return the text that Tesseract sees on a page; None where it isn't asked for or not there."""
    program = shutil.which("tesseract") if languages else None
    if program is None:
        return None
    bitmap = page.render(scale=OCR_SCALE, grayscale=True)
    rows = bytes(bitmap.buffer)
    lines = (rows[at : at + bitmap.width] for at in range(0, len(rows), bitmap.stride))
    picture = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + b"".join(lines)
    outcome = subprocess.run(
        [program, "stdin", "stdout", "-l", languages],
        input=picture,
        capture_output=True,
        check=False,
    )
    if outcome.returncode != 0:
        said = in_one_line(outcome.stderr.decode("utf-8", "replace"))[-200:]
        raise UnreadableDocument("scanned", f"tesseract could not read a page: {said}")
    return outcome.stdout.decode("utf-8", "replace").replace("\f", "").strip()


def _unread_message(pages: Sequence[int], languages: str) -> str:
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][-1] == page - 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    named = ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
    what = f"page {named} has" if len(pages) == 1 else f"pages {named} have"
    way = (
        "install Tesseract, which BRIEFING_DESK_OCR_LANGUAGES asks for"
        if languages
        else "run text recognition over the file, or install Tesseract and set "
        "BRIEFING_DESK_OCR_LANGUAGES"
    )
    return f"{what} no text, only a picture of it; {way}"


# --- facts --------------------------------------------------------------------------------------


def _title(stated: dict[str, str], first_words: str) -> str | None:
    """Return the stated title where the first pages say it too; programs leave odd ones."""
    title = in_one_line(stated.get("Title", ""))
    if _NO_TITLE.match(title) or fold(title) not in fold(in_one_line(first_words)):
        return None
    return title


def _date(stated: dict[str, str]) -> str | None:
    found = _DATE.match(stated.get("CreationDate", "") or stated.get("ModDate", ""))
    return "-".join(found.groups()) if found else None
