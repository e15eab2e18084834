"""ZIP files, and the formats that are one inside: opened only where they don't unpack too far."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

from index.errors import UnreadableDocument
from index.limits import MEBIBYTE, ReadingLimits

_UTF8_NAMES = 0x800
_ENCRYPTED = 0x1


class Member(NamedTuple):
    """A file of an archive: its name there, with ``/``."""

    name: str
    info: zipfile.ZipInfo


def open_archive(data: bytes, limits: ReadingLimits) -> zipfile.ZipFile:
    """Open a ZIP file; raise UnreadableDocument where it is damaged, or unpacks too far.

    Sizes are taken from the archive's own list; ``zipfile`` reads no member further than that.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise UnreadableDocument(
            "damaged", "the file can't be unpacked, its end may be missing; get a whole copy of it"
        ) from error
    infos = archive.infolist()
    size = sum(info.file_size for info in infos)
    if size > limits.archive_ratio_max * len(data) and size > MEBIBYTE:
        raise UnreadableDocument(
            "archive_bomb",
            f"the file would unpack to {size / len(data):,.0f} times its size "
            f"({size / MEBIBYTE:,.0f} MB); {limits.archive_ratio_max:,.0f} times are allowed "
            "(BRIEFING_DESK_ARCHIVE_RATIO_MAX)",
        )
    if len(infos) > limits.archive_files_max:
        raise UnreadableDocument(
            "archive_bomb",
            f"the file holds {len(infos):,} files, {limits.archive_files_max:,} are read at most; "
            "split it, or raise BRIEFING_DESK_ARCHIVE_FILES_MAX",
        )
    if size > limits.archive_bytes_max:
        raise UnreadableDocument(
            "too_large",
            f"the file unpacks to {size / MEBIBYTE:,.0f} MB, "
            f"{limits.archive_bytes_max / MEBIBYTE:,.0f} are read at most; split it, or raise "
            "BRIEFING_DESK_ARCHIVE_BYTES_MAX",
        )
    return archive


def members_of(archive: zipfile.ZipFile) -> Iterator[Member]:
    """Yield an archive's files in the order of its list."""
    for info in archive.infolist():
        if not info.is_dir():
            yield Member(_name(info), info)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo | str) -> bytes:
    """Unpack one member; raise UnreadableDocument where it is encrypted or damaged."""
    info = archive.getinfo(member) if isinstance(member, str) else member
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableDocument(
            "encrypted", "the file in the archive asks for a password; pack it without one"
        )
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnreadableDocument(
            "damaged", "the file can't be unpacked from its archive; get a whole copy of it"
        ) from error


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; those that old Windows programs wrote in Cyrillic are made out."""
    name = info.filename
    if not info.flag_bits & _UTF8_NAMES and not name.isascii():
        for encoding in ("utf-8", "cp866"):
            try:
                name = name.encode("cp437").decode(encoding)
                break
            except UnicodeError:
                continue
    return name.replace("\\", "/")
