"""EPUB books: the chapters in the order of their spine, each a page of HTML."""

from __future__ import annotations

from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring

from index.errors import UnreadableDocument
from index.formats.archive import open_archive, read_member
from index.formats.page import decode_page, parse_page, write_page
from index.limits import ReadingLimits
from index.manuscript import Draft, Facts, Manuscript, in_one_line

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGE_TYPES = {"application/xhtml+xml", "text/html"}
FONT_OBFUSCATION = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
"""What may be done to a book's fonts; any other encryption is of its text."""


def read_book(data: bytes, limits: ReadingLimits) -> Draft:
    """Return a book's text, chapter by chapter, with what its package states."""
    with open_archive(data, limits) as archive:
        names = set(archive.namelist())
        if ENCRYPTION in names and _is_encrypted(archive):
            raise UnreadableDocument(
                "encrypted", "the book is protected; get one without copy protection"
            )
        container = fromstring(read_member(archive, CONTAINER))
        rootfile = container.find(".//{*}rootfile")
        if rootfile is None:
            raise UnreadableDocument("damaged", "the book names no package; get a whole copy of it")
        package_path = rootfile.get("full-path", "")
        package = fromstring(read_member(archive, package_path))
        manuscript = Manuscript()
        for path in _chapters(package, PurePosixPath(package_path).parent):
            if path in names:
                tree = parse_page(decode_page(read_member(archive, path)))
                if tree.body is not None:
                    write_page(tree.body, manuscript)
    return manuscript.draft(
        Facts(
            title=_stated(package, "title"),
            date=(_stated(package, "date") or "").partition("T")[0] or None,
            language=_stated(package, "language"),
        )
    )


def _is_encrypted(archive: ZipFile) -> bool:
    encryption = fromstring(read_member(archive, ENCRYPTION))
    methods = {element.get("Algorithm") for element in encryption.iterfind(".//*[@Algorithm]")}
    return bool(methods - FONT_OBFUSCATION)


def _chapters(package: Any, folder: PurePosixPath) -> list[str]:
    """Return the paths of the pages in reading order; the table of contents is left out."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    paths = []
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in PAGE_TYPES:
            continue
        if "nav" not in (item.get("properties") or "").split():
            paths.append(normpath(str(folder / unquote(item.get("href", "")))))
    return paths


def _stated(package: Any, name: str) -> str | None:
    found = package.find(f".//{{http://purl.org/dc/elements/1.1/}}{name}")
    return in_one_line(found.text or "") or None if found is not None else None
