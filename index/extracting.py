"""Bytes in, documents out, for one file; runs in a child process (see index.reading).

An archive and a message hold files of their own: each is a document, or is named with the reason
why it isn't, under the path of what holds it ("minutes.zip/2024/may.docx").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import TypeAlias

from index.errors import UnreadableDocument
from index.files import reason_in_name
from index.formats.signature import SUFFIXES, Format, check_signature
from index.limits import ReadingLimits
from index.manuscript import Draft
from index.types import Block, Frozen, Place, Section, SkippedFile, UnreadableFile

TITLE_CHARACTERS_MAX = 120
HOLDERS: frozenset[Format] = frozenset({"zip", "eml"})
"""The formats that hold files of their own."""

_DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.](0[1-9]|1[0-2])[-_.]([0-2]\d|3[01])(?!\d)")


class Extracted(Frozen):
    """What one document says, before it has an id."""

    text: str
    title: str
    date: str | None
    language: str | None
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]
    places: tuple[Place, ...]


class ExtractedPart(Frozen):
    """A document of a file: the file itself, or what the file holds under ``path``."""

    path: str
    extracted: Extracted


Outcome: TypeAlias = ExtractedPart | UnreadableFile | SkippedFile


def extract_file(data: bytes, path: str, limits: ReadingLimits) -> Iterator[Outcome]:
    """Yield what a file's bytes hold, each with its path, those that can't be read with the reason.

    Nothing is raised for a file, whatever is in it.
    """
    yield from _Unpacking(limits).outcomes(data, path, depth=0)


def extract_text(
    data: bytes, text_format: Format, name: str, limits: ReadingLimits | None = None
) -> Extracted:
    """Read the bytes of one document; ``name`` titles one that has no words of its own for it.

    For Markdown and plain text the extracted text is the decoded file, character for character.
    Raises UnreadableDocument for a file that is empty, damaged, or not what its name says.
    """
    return _finished(_draft(data, text_format, name, limits or ReadingLimits()), name)


class _Unpacking:
    """Goes through one file and the files inside it; what all of them may unpack to is counted."""

    def __init__(self, limits: ReadingLimits) -> None:
        self._limits = limits
        self._bytes_left = limits.archive_bytes_max
        self._characters_left = limits.text_characters_max
        self._seen: set[str] = set()

    def outcomes(self, data: bytes, path: str, depth: int) -> Iterator[Outcome]:
        """Yield the outcomes of one file; whatever its parser raises becomes a reason."""
        try:
            yield from list(self._outcomes(data, path, depth))
        except UnreadableDocument as error:
            yield _unreadable(path, error)
        except MemoryError:
            yield UnreadableFile(
                path=path,
                reason="too_large",
                message=f"{path}: reading it takes more memory than is allowed; split it, or raise "
                "BRIEFING_DESK_MEMORY_BYTES_MAX",
            )
        except Exception as error:  # noqa: BLE001  a parser may raise anything; one file is lost
            yield UnreadableFile(
                path=path,
                reason="damaged",
                message=f"{path}: its parser failed ({type(error).__name__}); open it in a program "
                "of its kind and save it anew",
            )

    def _outcomes(self, data: bytes, path: str, depth: int) -> Iterator[Outcome]:
        name = PurePosixPath(path)
        text_format = SUFFIXES[name.suffix.lower()]
        if not data.strip():
            raise UnreadableDocument("empty", "the file is empty; remove it, or fill it")
        check_signature(data, text_format)
        if text_format == "zip":
            yield from self._members(data, path, depth)
        elif text_format == "eml":
            yield from self._message(data, path, depth)
        else:
            draft = _draft(data, text_format, name.stem, self._limits)
            yield self._part(path, draft)
            if draft.unread:
                yield _unreadable(path, UnreadableDocument("scanned", draft.unread))

    def _part(self, path: str, draft: Draft) -> ExtractedPart:
        self._characters_left -= len(draft.text)
        if self._characters_left < 0:
            raise UnreadableDocument(
                "too_large",
                f"the file holds over {self._limits.text_characters_max:,} characters; split it, "
                "or raise BRIEFING_DESK_TEXT_CHARACTERS_MAX",
            )
        return ExtractedPart(path=path, extracted=_finished(draft, PurePosixPath(path).stem))

    def _members(self, data: bytes, path: str, depth: int) -> Iterator[Outcome]:
        from index.formats.archive import members_of, open_archive, read_member

        with open_archive(data, self._limits) as archive:
            for member in members_of(archive):
                yield from self._inner(
                    partial(read_member, archive, member.info),
                    member.info.file_size,
                    path,
                    member.name,
                    depth,
                )

    def _message(self, data: bytes, path: str, depth: int) -> Iterator[Outcome]:
        from index.formats.mail import read_mail

        draft, attachments = read_mail(data)
        yield self._part(path, draft)
        for attachment in attachments:
            yield from self._inner(
                partial(bytes, attachment.data),
                len(attachment.data),
                path,
                attachment.name,
                depth,
            )

    def _inner(
        self, read: Callable[[], bytes], size: int, holder: str, name: str, depth: int
    ) -> Iterator[Outcome]:
        """Yield the outcomes of a file inside another, which is read only if it may be."""
        path = f"{holder}/{name}"
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            yield SkippedFile(path=f"{holder}/{PurePosixPath(name).name}", reason="outside_folder")
            return
        reason = reason_in_name(name)
        if reason is None and path in self._seen:
            reason = "duplicate_path"
        if reason is None and SUFFIXES[PurePosixPath(name).suffix.lower()] in HOLDERS:
            reason = "too_deep" if depth + 1 > self._limits.archive_depth_max else None
        if reason is not None:
            yield SkippedFile(path=path, reason=reason)
            return
        self._seen.add(path)
        self._bytes_left -= size
        if size > self._limits.file_bytes_max or self._bytes_left < 0:
            yield _unreadable(
                path,
                UnreadableDocument(
                    "too_large",
                    f"the file unpacks to {size / 2**20:,.0f} MB, more than is allowed inside "
                    "another file; take it out",
                ),
            )
            return
        try:
            data = read()
        except UnreadableDocument as error:
            yield _unreadable(path, error)
            return
        yield from self.outcomes(data, path, depth + 1)


def _unreadable(path: str, error: UnreadableDocument) -> UnreadableFile:
    return UnreadableFile(path=path, reason=error.reason, message=f"{path}: {error.message}")


def _draft(data: bytes, text_format: Format, name: str, limits: ReadingLimits) -> Draft:
    """Read a document of one format; its library is loaded with the first file of its kind."""
    if text_format in ("markdown", "text"):
        from index.formats.plain import read_plain

        return read_plain(data, text_format)
    if text_format == "html":
        from index.formats.page import read_page

        return read_page(data)
    if text_format == "pdf":
        from index.formats.pdf import read_pdf

        return read_pdf(data, limits)
    if text_format == "csv":
        from index.formats.sheets import read_values

        return read_values(data, name, limits)
    if text_format == "rst":
        from index.formats.restructured import read_restructured

        return read_restructured(data)
    if text_format == "epub":
        from index.formats.book import read_book

        return read_book(data, limits)
    from index.formats.archive import open_archive

    open_archive(data, limits).close()
    if text_format == "docx":
        from index.formats.word import read_word

        return read_word(data)
    if text_format == "pptx":
        from index.formats.slides import read_slides

        return read_slides(data)
    assert text_format == "xlsx"
    from index.formats.sheets import read_workbook

    return read_workbook(data, name, limits)


def _finished(draft: Draft, name: str) -> Extracted:
    """Give a draft its title, its date and its sections; raise UnreadableDocument for no words."""
    if not any(_holds_content(block) for block in draft.blocks):
        raise UnreadableDocument("empty", "the file holds no words; remove it")
    facts = draft.facts
    return Extracted(
        text=draft.text,
        title=facts.title or _first_words(draft.text, draft.blocks) or name,
        date=facts.date or _date_in(name) or facts.produced,
        language=facts.language,
        sections=_sections(draft.text, draft.blocks),
        blocks=draft.blocks,
        places=draft.places,
    )


def _holds_content(block: Block) -> bool:
    return block.kind in ("paragraph", "item", "row", "code", "heading")


def _date_in(name: str) -> str | None:
    """Return the day that a file's name states in the order of ISO 8601."""
    found = _DATE_IN_NAME.search(name)
    return "-".join(found.groups()) if found else None


def _first_words(text: str, blocks: Sequence[Block]) -> str:
    """Return the first heading, else the first line, shortened at a word."""
    for block in blocks:
        if block.kind == "heading" and block.label:
            return block.label
    first = next((b for b in blocks if b.kind in ("paragraph", "item", "code")), None)
    if first is None:
        return ""
    line = text[first.content_start : first.end].splitlines()[0].strip("*_`# \t")
    if len(line) <= TITLE_CHARACTERS_MAX:
        return line
    return line[:TITLE_CHARACTERS_MAX].rsplit(" ", 1)[0] + "…"


def _sections(text: str, blocks: Sequence[Block]) -> tuple[Section, ...]:
    headings = [block for block in blocks if block.kind == "heading"]
    sections = []
    path: list[Block] = []
    for number, heading in enumerate(headings):
        path = [above for above in path if above.level < heading.level] + [heading]
        following = (h.start for h in headings[number + 1 :] if h.level <= heading.level)
        sections.append(
            Section(
                start=heading.start,
                end=next(following, len(text)),
                heading_path=tuple(block.label for block in path),
            )
        )
    return tuple(sections)
