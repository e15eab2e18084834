"""Writes the files that tests read: PDF from scratch, the others through their libraries."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from io import BytesIO
from typing import Any, NamedTuple

import docx
import openpyxl
import pptx
from pypdf import PdfReader, PdfWriter

WIDTH, HEIGHT = 595, 842
"""A sheet of A4 in points."""

GLYPH_WIDTH = 0.5
"""Every letter is so wide, in sizes: where a line ends can be reckoned."""


class Words(NamedTuple):
    """Words at a place of a page; ``y`` counts from the foot."""

    text: str
    x: float = 72
    y: float = 700
    size: float = 11
    is_bold: bool = False


class Picture(NamedTuple):
    """A picture in grey over the lower part of a page, as a scanner leaves it."""

    share: float = 1.0
    width: int = 8
    height: int = 8
    pixels: bytes = b"\x80" * 64


def lines(*texts: str, y: float = 760, x: float = 72, size: float = 11) -> list[Words]:
    """Return lines of one paragraph under each other."""
    return [Words(text, x, y - 1.2 * size * number, size) for number, text in enumerate(texts)]


def pdf(
    *pages: Sequence[Words | Picture], title: str = "", created: str = "20240506120000"
) -> bytes:
    """Return a PDF; letters of every alphabet are told by the fonts' tables, as PDF 1.4 does."""
    texts = "".join(w.text for page in pages for w in page if isinstance(w, Words))
    foreign = sorted({letter for letter in texts if not letter.isascii()})
    codes = {letter: ord(letter) for letter in texts if letter.isascii()}
    codes |= {letter: 128 + at for at, letter in enumerate(foreign)}
    assert max(codes.values(), default=0) < 256
    objects: list[bytes] = []

    def put(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    def stream(data: bytes, entries: bytes = b"") -> int:
        packed = zlib.compress(data)
        head = b"<< /Length %d /Filter /FlateDecode %s >>" % (len(packed), entries)
        return put(head + b"\nstream\n" + packed + b"\nendstream")

    table = "".join(
        f"<{code:02x}> <{letter.encode('utf-16-be').hex()}>\n" for letter, code in codes.items()
    )
    unicode = stream(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /T def "
        "/CMapType 2 def 1 begincodespacerange <00> <ff> endcodespacerange "
        f"{len(codes)} beginbfchar\n{table}endbfchar endcmap end end".encode()
    )
    widths = b" ".join([b"%d" % (1000 * GLYPH_WIDTH)] * 224)
    fonts = [
        put(
            b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /FirstChar 32 /LastChar 255 "
            b"/Widths [%s] /ToUnicode %d 0 R >>" % (name, widths, unicode)
        )
        for name in (b"Helvetica", b"Helvetica-Bold")
    ]
    pictures = {
        each: stream(
            each.pixels,
            b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray "
            b"/BitsPerComponent 8" % (each.width, each.height),
        )
        for page in pages
        for each in page
        if isinstance(each, Picture)
    }
    named = b" ".join(b"/P%d %d 0 R" % (number, number) for number in set(pictures.values()))
    parent = len(objects) + 2 * len(pages) + 1
    kids = []
    for page in pages:
        drawn = []
        for each in page:
            if isinstance(each, Picture):
                width, height, number = WIDTH, HEIGHT * each.share, pictures[each]
                drawn.append(b"q %d 0 0 %d 0 0 cm /P%d Do Q" % (width, height, number))
                continue
            shown = bytes(codes[letter] for letter in each.text).hex().encode()
            drawn.append(
                b"BT /%s %.1f Tf %.1f %.1f Td <%s> Tj ET"
                % (b"B" if each.is_bold else b"R", each.size, each.x, each.y, shown)
            )
        content = stream(b"\n".join(drawn))
        kids.append(
            put(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
                b"/Resources << /Font << /R %d 0 R /B %d 0 R >> /XObject << %s >> >> >>"
                % (parent, WIDTH, HEIGHT, content, fonts[0], fonts[1], named)
            )
        )
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    assert put(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (listed, len(kids))) == parent
    root = put(b"<< /Type /Catalog /Pages %d 0 R >>" % parent)
    stated = (b"\xfe\xff" + title.encode("utf-16-be")).hex().encode()
    info = put(b"<< /Title <%s> /CreationDate (D:%s) >>" % (stated, created.encode()))
    whole = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(whole)
    whole += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    whole += b"".join(b"%010d 00000 n \n" % place for place in places)
    whole += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (len(objects) + 1, root, info)
    whole += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(whole)


def encrypted_pdf(data: bytes) -> bytes:
    """Return the PDF behind a password."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(data)))
    writer.encrypt("secret", algorithm="RC4-128")
    return _saved(writer.write)


def word(
    *paragraphs: tuple[str, str] | list[list[str]],
    title: str = "",
    saved: datetime | None = None,
) -> bytes:
    """Return a Word document of (style, text) and tables, a table as its rows of cells."""
    document = docx.Document()
    for each in paragraphs:
        if isinstance(each, list):
            table = document.add_table(rows=0, cols=len(each[0]))
            for row in each:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(each[1], style=each[0])
    document.core_properties.title = title
    document.core_properties.modified = saved or datetime(2024, 3, 2)  # noqa: DTZ001
    return _saved(document.save)


def slides(*pages: tuple[str, Sequence[str], str]) -> bytes:
    """Return a presentation of (title, lines of the body, notes)."""
    presentation = pptx.Presentation()
    for title, body, notes in pages:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        assert slide.shapes.title is not None
        slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = "\n".join(body)
        if notes:
            assert slide.notes_slide.notes_text_frame is not None
            slide.notes_slide.notes_text_frame.text = notes
    return _saved(presentation.save)


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], *, hidden: Sequence[str] = ()) -> bytes:
    """Return a workbook of sheets by name, each its rows of values."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    return _saved(book.save)


def archive(members: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP file of members by name."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def book(
    *chapters: str, title: str = "A book", date: str = "2021-07-01", extra: Mapping[str, str] = {}
) -> bytes:
    """Return an EPUB book of chapters, each the body of its page."""
    names = [f"chapter{number}.xhtml" for number in range(len(chapters), 0, -1)]
    items = "".join(
        f'<item id="c{at}" href="{name}" media-type="application/xhtml+xml"/>'
        for at, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{at}"/>' for at in range(len(names)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title><dc:date>{date}T00:00:00Z</dc:date>"
        f"<dc:language>en</dc:language></metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="text/book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    pages = {
        f"text/{name}": f'<?xml version="1.0"?><html><head><title>x</title></head><body>{chapter}'
        "</body></html>"
        for name, chapter in zip(names, chapters, strict=True)
    }
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "text/book.opf": package,
            **pages,
            **extra,
        }
    )


def mail(
    subject: str,
    body: str,
    *,
    html: str = "",
    attachments: Mapping[str, bytes] = {},
    date: str = "Tue, 07 May 2024 23:30:00 +0500",
) -> bytes:
    """Return a message with its attachments."""
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Ann Lee <ann@example.org>"
    message["To"] = "bo@example.org"
    message["Date"] = date
    if body:
        message.set_content(body)
    if html and body:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    for name, data in attachments.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def _saved(save: Any) -> bytes:
    buffer = BytesIO()
    save(buffer)
    return buffer.getvalue()
