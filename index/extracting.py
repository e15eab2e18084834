"""Bytes in, text and structure out, for one file; runs in a child process (see index.reading)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from index.blocks import TextFormat, blocks_of
from index.errors import UnreadableDocument
from index.types import Block, Frozen, Section

FORMATS: dict[str, TextFormat] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
}
"""The types that are read, by file suffix."""

TITLE_CHARACTERS_MAX = 120
DAMAGED_SHARE = 0.02
"""UTF-8 with fewer broken characters than this share of its non-ASCII ones is called damaged."""

_DROPPED = {
    "aside", "button", "canvas", "dialog", "footer", "form", "head", "iframe", "nav", "noscript",
    "object", "script", "select", "style", "svg", "template", "textarea", "video", "audio",
}  # fmt: skip
_BREAKING = {
    "address", "article", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "header", "hgroup", "hr", "html", "li", "main",
    "menu", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class Extracted(Frozen):
    """What one file says, before it has an id."""

    text: str
    title: str
    date: str | None
    language: str | None
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]


class Facts(NamedTuple):
    """What a document states about itself."""

    title: str | None = None
    date: str | None = None
    language: str | None = None


def extract_text(data: bytes, text_format: TextFormat, name: str) -> Extracted:
    """Read a file's bytes; ``name`` titles a file that has no words of its own for it.

    For Markdown and plain text the extracted text is the decoded file, character for character.
    Raises UnreadableDocument for a file that is empty, damaged, or not text.
    """
    if not data.strip():
        raise UnreadableDocument("empty", "the file is empty")
    if text_format == "html":
        text, facts = _html_text(data)
    else:
        text = decode(data)
        facts = Facts()
    blocks = blocks_of(text, text_format)
    if not any(_holds_content(block) for block in blocks):
        raise UnreadableDocument("empty", "the file holds no words")
    if blocks[0].kind == "front_matter":
        facts = _front_matter(text[blocks[0].start : blocks[0].end])
    return Extracted(
        text=text,
        title=facts.title or _first_words(text, blocks) or name,
        date=facts.date,
        language=facts.language,
        sections=_sections(text, blocks),
        blocks=blocks,
    )


def _holds_content(block: Block) -> bool:
    return block.kind in ("paragraph", "item", "row", "code", "heading")


def decode(data: bytes) -> str:
    """Decode a text file: UTF-8 first, a byte order mark dropped, else what the bytes look like."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe\x00\x00", "utf-32-le"),
        (b"\x00\x00\xfe\xff", "utf-32-be"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise _damaged(encoding, error) from error
    if b"\x00" in data:
        raise UnreadableDocument("not_text", "the file holds bytes that are no text")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        lenient = data.decode("utf-8", "replace")
        foreign = sum(character > "\x7f" for character in lenient)
        if lenient.count("\ufffd") <= DAMAGED_SHARE * foreign:
            raise _damaged("utf-8", error) from error
        text = _guess(data)
    controls = sum(character < " " and character not in "\t\n\r\f\v\x1b" for character in text)
    if controls > 0.01 * len(text):
        raise UnreadableDocument("not_text", "the file holds bytes that are no text")
    return text


def _damaged(encoding: str, error: UnicodeDecodeError) -> UnreadableDocument:
    return UnreadableDocument(
        "damaged", f"the file is not whole: it stops being {encoding} at byte {error.start}"
    )


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise UnreadableDocument("not_text", "the file is in no encoding that could be recognised")
    return data.decode(best.encoding)


def _front_matter(text: str) -> Facts:
    """Read the facts of a front matter; one that is not YAML is read line by line."""
    import yaml

    inner = "\n".join(text.splitlines()[1:-1])
    try:
        stated: Any = yaml.safe_load(inner)
    except (yaml.YAMLError, ValueError, RecursionError):
        stated = None
    if not isinstance(stated, dict):
        stated = dict(
            line.split(":", 1) for line in inner.splitlines() if ":" in line and line[0].isalpha()
        )
    facts = {str(key).strip().lower(): value for key, value in stated.items()}
    return Facts(
        title=_fact(facts.get("title")),
        date=_fact(facts.get("date")),
        language=_fact(facts.get("language") or facts.get("lang")),
    )


def _fact(value: Any) -> str | None:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return " ".join(str(value).split()).strip("\"'") or None
    return None


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


class _Writer:
    """Puts the words of a page into lines: one block a line, blank lines between blocks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.words: list[str] = []
        self.prefix = ""

    def end_block(self) -> None:
        lines = [_BLANKS.sub(" ", line).strip() for line in "".join(self.words).split("\n")]
        written = [line for line in lines if line]
        if written:
            self.lines.append(self.prefix + "\n".join(written))
        self.words = []
        self.prefix = ""


def _html_text(data: bytes) -> tuple[str, Facts]:
    """Return the words of a page's main part, and what its head states."""
    from selectolax.lexbor import LexborHTMLParser

    if b"\x00" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableDocument("not_text", "the file holds bytes that are no text")
    tree = LexborHTMLParser(_decode_html(data))
    facts = Facts(
        title=None,
        date=_meta(tree, "article:published_time", "date", "dcterms.date", "last-modified"),
        language=_attribute(tree.root, "lang"),
    )
    mains = tree.css("main, [role=main]") or tree.css("article")
    root = mains[0] if len(mains) == 1 else tree.body
    if root is None:
        raise UnreadableDocument("empty", "the page has no words")
    text = "\n\n".join(_page_lines(root)) + "\n"
    headings = tree.css_first("h1")
    if headings is None:
        title = tree.css_first("title")
        facts = facts._replace(title=_words(title.text()) or None if title else None)
    return text, facts


def _decode_html(data: bytes) -> str:
    try:
        return decode(data)
    except UnreadableDocument:
        declared = re.search(rb"charset=[\"']?([\w-]+)", data[:2048])
        if declared is None:
            raise
        try:
            return data.decode(declared.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError) as error:
            raise UnreadableDocument(
                "damaged", f"the page is not in the encoding it states: {error}"
            ) from error


def _words(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _meta(tree: Any, *names: str) -> str | None:
    for name in names:
        node = tree.css_first(f'meta[property="{name}"], meta[name="{name}"]')
        content = _attribute(node, "content")
        if content:
            return content.split("T")[0]
    return None


def _attribute(node: Any, name: str) -> str | None:
    value = node.attributes.get(name) if node is not None else None
    return value.strip() or None if value else None


def _is_hidden(node: Any) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or attributes.get("aria-hidden") == "true"


def _page_lines(root: Any) -> list[str]:
    """Walk a page without recursion (pages may nest as deep as they like) and write its blocks."""
    writer = _Writer()
    stack: list[tuple[Any, bool]] = [(root, False)]
    list_numbers: list[int] = []
    preformatted = 0
    while stack:
        node, is_leaving = stack.pop()
        tag = node.tag
        if tag == "-text":
            words = node.text(deep=False) or ""
            writer.words.append(words if preformatted else words.replace("\n", " "))
            continue
        if tag in _DROPPED or tag.startswith(("-", "_")) or _is_hidden(node):
            continue
        if is_leaving:
            if tag == "pre":
                preformatted -= 1
                lines = "".join(writer.words).expandtabs(4).strip("\n").split("\n")
                writer.words = []
                writer.prefix = ""
                if any(line.strip() for line in lines):
                    code = "\n".join(f"    {line.rstrip()}" for line in lines if line.strip())
                    writer.lines.append(code)
            elif tag in ("ul", "ol", "menu"):
                list_numbers.pop()
            if tag in _BREAKING:
                writer.end_block()
            continue
        if tag == "br":
            writer.words.append("\n")
            continue
        if tag == "table" and not node.css("table table, ul, ol, h1, h2, h3, p + p"):
            writer.end_block()
            writer.lines.extend(_table_lines(node))
            continue
        if tag in _BREAKING:
            writer.end_block()
        if tag in ("ul", "ol", "menu"):
            list_numbers.append(1 if tag == "ol" else 0)
        elif tag == "li":
            writer.prefix = "- "
            if list_numbers and list_numbers[-1]:
                writer.prefix = f"{list_numbers[-1]}. "
                list_numbers[-1] += 1
        elif tag == "pre":
            preformatted += 1
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            writer.prefix = "#" * int(tag[1]) + " "
        stack.append((node, True))
        children = []
        child = node.child
        while child is not None:
            children.append((child, False))
            child = child.next
        stack.extend(reversed(children))
    writer.end_block()
    return [line for line in writer.lines if _LETTER_OR_DIGIT.search(line)]


def _table_lines(table: Any) -> list[str]:
    """Return a caption and a table as lines of cells; its first row is the header if it says so."""
    lines = []
    caption = table.css_first("caption")
    if caption is not None:
        lines.append(_words(caption.text(separator=" ")))
    rows = []
    has_header = False
    for number, row in enumerate(table.css("tr")):
        cells = row.css("td, th")
        has_header = has_header or (number == 0 and all(cell.tag == "th" for cell in cells))
        words = [_words(cell.text(separator=" ")).replace("|", "/") for cell in cells]
        if any(words):
            rows.append("| " + " | ".join(words) + " |")
            if len(rows) == 1 and has_header:
                rows.append("|" + "---|" * len(words))
    if rows:
        lines.append("\n".join(rows))
    return [line for line in lines if line]
