"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Literal, TypeAlias

from index.errors import UnreadableDocument

Format: TypeAlias = Literal[
    "markdown", "text", "html", "pdf", "docx", "pptx", "xlsx", "csv", "epub", "rst", "eml", "zip"
]

SUFFIXES: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
    ".epub": "epub",
    ".rst": "rst",
    ".eml": "eml",
    ".zip": "zip",
}
"""The types that are read, by file suffix."""

_NAMES: dict[Format, str] = {
    "pdf": "a PDF",
    "docx": "a Word document",
    "pptx": "a PowerPoint presentation",
    "xlsx": "an Excel workbook",
    "epub": "an EPUB book",
    "zip": "a ZIP archive",
}
"""The formats that are no text, as they are called."""

_FOREIGN = {
    b"\x89PNG\r\n": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3\x00": "a SQLite database",
}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKAGES: dict[str, Format] = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
PDF_HEADER_BYTES = 1024
"""A PDF may begin a little later; every viewer looks so far."""


def check_signature(data: bytes, expected: Format) -> None:
    """Raise UnreadableDocument where a file's bytes are of another type than its name says."""
    if data.startswith(_OLD_OFFICE):
        if _ENCRYPTED_PACKAGE in data:
            raise UnreadableDocument(
                "encrypted", "the Office file asks for a password; save it without one"
            )
        raise UnreadableDocument(
            "wrong_type",
            "the file is of an Office version before 2007; save it as .docx, .pptx or .xlsx",
        )
    foreign = next((name for mark, name in _FOREIGN.items() if data.startswith(mark)), None)
    if foreign is not None:
        raise UnreadableDocument(
            "wrong_type",
            f"the file is {foreign}, whatever its name says; give it its own ending, or remove it",
        )
    found = _found(data, expected)
    if found == expected or (found is None and expected not in _NAMES):
        return
    if found is not None:
        raise UnreadableDocument(
            "wrong_type",
            f"the file is {_NAMES[found]}, whatever its name says; name it .{found}",
        )
    if _is_text(data):
        raise UnreadableDocument(
            "wrong_type",
            f"the file holds text and is not {_NAMES[expected]}; get the real one, or name it .txt "
            "or .html",
        )
    raise UnreadableDocument(
        "damaged", f"the file doesn't begin as {_NAMES[expected]} does; get a whole copy of it"
    )


def _found(data: bytes, expected: Format) -> Format | None:
    """Return which of the formats that are no text a file is."""
    if b"%PDF-" in data[: PDF_HEADER_BYTES if expected == "pdf" else 5]:
        return "pdf"
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, EOFError):
        return expected if expected in _NAMES and expected != "pdf" else "zip"
    if "META-INF/container.xml" in names:
        return "epub"
    if "[Content_Types].xml" in names:
        for folder, package in _PACKAGES.items():
            if any(name.startswith(folder) for name in names):
                return package
    return "zip"


def _is_text(data: bytes) -> bool:
    start = data[:1000]
    return b"\x00" not in start and sum(byte < 0x20 for byte in start) < 0.1 * len(start)
