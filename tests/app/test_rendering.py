from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.rendering import as_markdown, as_text, escape
from app.types import Line


def test_a_mark_follows_what_it_proves_in_text_and_markdown() -> None:
    lines = [
        Line(role="short", text="763 km", number=1),
        Line(role="quote", text="“763 km were built.”", number=1),
    ]
    assert as_text(lines) == "763 km [1]\n“763 km were built.” [1]"
    assert as_markdown(lines) == "**763 km** \\[1\\]\n\n> “763 km were built\\.” \\[1\\]"


def test_items_are_bullets_of_one_list() -> None:
    lines = [Line(role="item", text="one"), Line(role="item", text="two")]
    assert as_text(lines) == "- one\n- two"
    assert as_markdown(lines) == "- one\n- two"


def test_a_bracket_of_a_document_cannot_pass_for_a_citation_mark() -> None:
    markdown = as_markdown([Line(role="quote", text="see [1] there", number=2)])
    assert re.findall(r"\\\[(\d+)\\\]", markdown) == ["2"]


@given(st.text(max_size=200))
def test_escaped_text_renders_as_itself_and_nothing_else(text: str) -> None:
    plain = " ".join("".join(c for c in text if c.isprintable() or c == " ").split())
    rendered = MarkdownIt("commonmark", {"html": True}).renderInline(escape(plain))
    tags = re.findall(r"<[^>]*>", rendered)
    assert tags == []
    assert html.unescape(rendered) == plain


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/",
        "HTTPS://evil.example/?a=b",
        "ftp://evil.example",
        "www.evil.example",
        "someone@evil.example",
        "mailto:someone@evil.example",
        "xmpp:someone@evil.example/x",
        "javascript://evil.example/%0aalert(1)",
        "<http://evil.example>",
    ],
)
def test_a_bare_address_is_no_link_for_renderers_that_make_links_of_them(address: str) -> None:
    markdown = as_markdown([Line(role="quote", text=f"see {address} there", number=1)])
    rendered = MarkdownIt("gfm-like").render(markdown)
    assert "<a" not in rendered
    assert address in html.unescape(rendered)


def test_bare_addresses_would_be_links_if_they_werent_escaped() -> None:
    assert "<a" in MarkdownIt("gfm-like").render("see http://evil.example/ there")


@given(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "![x](http://a/b)",
            "[a](javascript:b)",
            "<img src=x onerror=y>",
            "**bold**",
            "# head",
            "`code`",
            "<b>",
            "&lt;",
        ]
    )
)
def test_markup_of_a_document_is_shown_as_text(markup: str) -> None:
    rendered = MarkdownIt("commonmark", {"html": True}).render(escape(markup))
    assert re.sub(r"^<p>|</p>\n$", "", rendered).count("<") == 0
