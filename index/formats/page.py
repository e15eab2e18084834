"""HTML: the words of a page's main part, without what only leads around the site."""

from __future__ import annotations

import re
from typing import Any

from index.errors import UnreadableDocument
from index.formats.plain import decode
from index.manuscript import Draft, Facts, Manuscript, in_one_line

LINKED_SHARE = 0.6
"""A part of a page whose class or id speaks of a menu is one when so much of it is links."""

MENU_LINKS_MIN = 4
MENU_LINKED_SHARE = 0.9
"""A list of so many links and hardly a word beside them is a menu, on a page that marks no main
part."""

_DROPPED = {
    "aside", "button", "canvas", "dialog", "footer", "form", "head", "iframe", "nav", "noscript",
    "object", "script", "select", "style", "svg", "template", "textarea", "video", "audio",
}  # fmt: skip
_DROPPED_ROLES = {"navigation", "banner", "contentinfo", "search", "menu", "menubar", "dialog"}
_BREAKING = {
    "address", "article", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "header", "hgroup", "hr", "html", "li", "main",
    "menu", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
_PERMALINKS = {"#", "¶", "§"}
_LEADS_AROUND = re.compile(
    r"\b(?:nav(?:bar|igation|header|footer)?|menu|breadcrumbs?|sidebar|toc|table-of-contents|"
    r"cookies?|consent|pager|pagination|share|social|related|skip-?link)\b"
)
_STATED_ENCODING = re.compile(rb"(?:charset|encoding)=[\"']?([\w-]+)")
_LAYOUT = "table table, ul, ol, h1, h2, h3, p + p"
"""A table that holds one of these lays out the page and has no cells of its own."""


def read_page(data: bytes) -> Draft:
    """Return the words of a page's main part, and what its head states."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\x00" in data:
        raise UnreadableDocument(
            "not_text",
            "the file holds bytes that are no text; give it the ending of what it is, or remove it",
        )
    tree = parse_page(decode_page(data))
    mains = tree.css("main, [role=main]") or tree.css("article")
    root = mains[0] if len(mains) == 1 else tree.body
    if root is None:
        raise UnreadableDocument("empty", "the page has no words; remove it")
    manuscript = Manuscript()
    write_page(root, manuscript, has_menus=len(mains) != 1)
    return manuscript.draft(_facts(tree))


def parse_page(text: str) -> Any:
    """Return the tree of a page; entities are those of HTML, and nothing is fetched."""
    from selectolax.lexbor import LexborHTMLParser

    return LexborHTMLParser(text)


def decode_page(data: bytes) -> str:
    """Decode a page: UTF-8 if it is that, else as it states, else as its bytes look."""
    stated = _STATED_ENCODING.search(data[:2048])
    try:
        if stated is not None and b"\x00" not in data:
            try:
                return data.decode("utf-8-sig")
            except UnicodeDecodeError:
                return data.decode(stated.group(1).decode("ascii"))
    except (LookupError, UnicodeDecodeError):
        pass  # it states one that there isn't, or another than it is in
    return decode(data)


def _facts(tree: Any) -> Facts:
    title = tree.css_first("title") if tree.css_first("h1") is None else None
    return Facts(
        title=in_one_line(title.text()) or None if title else None,
        date=_meta(tree, "article:published_time", "date", "dcterms.date", "last-modified"),
        language=_attribute(tree.root, "lang"),
    )


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


def write_page(root: Any, manuscript: Manuscript, *, has_menus: bool = False) -> None:
    """Walk a page without recursion (pages may nest as deep as they like) and write its blocks.

    ``has_menus`` says that the part isn't known to be the main one: lists of links are left out.
    """
    writer = _BlockWriter(manuscript)
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
        if tag in _DROPPED or tag.startswith(("-", "_")):
            continue
        if is_leaving:
            if tag == "pre":
                preformatted -= 1
                writer.end_code()
            elif tag in ("ul", "ol", "menu"):
                list_numbers.pop()
            if tag in _BREAKING:
                writer.end_block()
            continue
        if node is not root and (_is_hidden(node) or _leads_around(node)):
            continue
        if has_menus and tag in ("ul", "ol", "menu") and _is_menu(node):
            continue
        if tag == "a" and (node.text() or "").strip() in _PERMALINKS:
            continue
        if tag == "br":
            writer.words.append("\n")
            continue
        if tag == "table" and not node.css(_LAYOUT):
            writer.end_block()
            _write_table(node, manuscript)
            continue
        if tag in _BREAKING:
            writer.end_block()
        if tag in ("ul", "ol", "menu"):
            list_numbers.append(1 if tag == "ol" else 0)
        elif tag == "li":
            writer.marker = "- "
            if list_numbers and list_numbers[-1]:
                writer.marker = f"{list_numbers[-1]}. "
                list_numbers[-1] += 1
        elif tag == "pre":
            preformatted += 1
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            writer.level = int(tag[1])
        stack.append((node, True))
        children = []
        child = node.child
        while child is not None:
            children.append((child, False))
            child = child.next
        stack.extend(reversed(children))
    writer.end_block()


class _BlockWriter:
    """Gathers the words of a block, and writes it as what it is once it ends."""

    def __init__(self, manuscript: Manuscript) -> None:
        self._manuscript = manuscript
        self.words: list[str] = []
        self.marker = ""
        self.level = 0

    def end_block(self) -> None:
        words = "".join(self.words)
        if words.strip():
            if self.level:
                self._manuscript.heading(words, self.level)
            elif self.marker:
                self._manuscript.item(words, self.marker)
            else:
                self._manuscript.paragraph(words)
            self.marker = ""
        self.level = 0
        self.words = []

    def end_code(self) -> None:
        self._manuscript.code("".join(self.words))
        self.words = []


def _is_hidden(node: Any) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or attributes.get("aria-hidden") == "true"


def _leads_around(node: Any) -> bool:
    """Say whether a part of a page is a menu, a path of links or a notice, by its role, or by its
    class or id where most of its words are links.
    """
    attributes = node.attributes
    if attributes.get("role") in _DROPPED_ROLES:
        return True
    named = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    if not _LEADS_AROUND.search(named.replace("_", "-")):
        return False
    return _linked_share(node) >= LINKED_SHARE


def _is_menu(listed: Any) -> bool:
    links = len(listed.css("li a"))
    return links >= MENU_LINKS_MIN and _linked_share(listed) >= MENU_LINKED_SHARE


def _linked_share(node: Any) -> float:
    whole = len(in_one_line(node.text()))
    linked = sum(len(in_one_line(link.text())) for link in node.css("a, button"))
    return linked / whole if whole else 1.0


def _write_table(table: Any, manuscript: Manuscript) -> None:
    """Write a caption and a table; its first row is the header if the page says so."""
    caption = table.css_first("caption")
    if caption is not None:
        manuscript.paragraph(_cell_words(caption))
    rows = []
    has_header = False
    for number, row in enumerate(table.css("tr")):
        cells = row.css("td, th")
        has_header = has_header or (number == 0 and all(cell.tag == "th" for cell in cells))
        rows.append([_cell_words(cell) for cell in cells])
    manuscript.table(rows, has_header=has_header)


def _cell_words(cell: Any) -> str:
    """Return the words of a cell; what begins a line on the page is parted by a blank."""
    parts = []
    for node in cell.traverse(include_text=True):
        if node.tag == "-text" and node.parent.tag not in _DROPPED:
            parts.append(node.text(deep=False) or "")
        elif node.tag == "br" or node.tag in _BREAKING:
            parts.append(" ")
    return in_one_line("".join(parts))
