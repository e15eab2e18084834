"""Pages, reStructuredText, books and text in any encoding."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents import book

RUSSIAN = "Проект охватил девяносто две тысячи гектаров земли."


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859-5"),
        (RUSSIAN, "mac-cyrillic"),
        (RUSSIAN.upper(), "koi8-r"),
        (RUSSIAN.upper(), "cp1251"),
        ("Жоба тоқсан екі мың гектар жерді қамтыды, бұл басы ғана еді.", "kz1048"),
        ("Le château a été rénové en 1998 après l'incendie.", "cp1252"),
        ("Die Brücke über den Fluß wurde für 3 Mio. ausgebessert — schön!", "cp1252"),
        (RUSSIAN, "utf-16-le"),
        (RUSSIAN, "utf-16-be"),
        ("Plain words.", "utf-16-le"),
    ],
)
def test_short_text_is_read_in_the_encoding_it_is_in(read: Any, words: str, encoding: str) -> None:
    assert read("a.txt", words.encode(encoding)).text == words


# --- pages --------------------------------------------------------------------------------------


def test_a_page_in_the_encoding_it_states_is_read_so(read: Any) -> None:
    page = f"<meta charset=koi8-r><p>{RUSSIAN}</p>"
    assert read("a.html", page.encode("koi8-r")).text == f"{RUSSIAN}\n"


def test_a_page_that_states_another_encoding_than_it_is_in_is_read_all_the_same(
    read: Any,
) -> None:
    page = f"<meta charset=koi8-r><p>{RUSSIAN}</p>"
    assert read("a.html", page.encode("utf-8")).text == f"{RUSSIAN}\n"


def test_menus_without_any_mark_are_left_out_where_a_page_marks_no_main_part(read: Any) -> None:
    links = "".join(f"<li><a href=#{n}>Page {n}</a>" for n in range(6))
    page = (
        f"<body><div class='side-menu'><a href=x>Home</a> <a href=y>About</a></div><ul>{links}</ul>"
        "<div class='cookie-notice'><a>We use cookies</a></div>"
        "<h1>Coast<a class=anchor href=#c>#</a></h1>"
        "<p>The line has <a href=z>nine stations</a>.</p>"
        "<ul><li>see <a href=1>one</a> and more words beside the link<li>b<li>c<li>d</ul></body>"
    )
    assert read("a.html", page).text == (
        "# Coast\n\nThe line has nine stations.\n\n"
        "- see one and more words beside the link\n\n- b\n\n- c\n\n- d\n"
    )


def test_a_list_of_links_in_the_main_part_is_kept(read: Any) -> None:
    links = "".join(f"<li><a href=#{n}>Paper {n}</a>" for n in range(6))
    assert "- Paper 5" in read("a.html", f"<main><ul>{links}</ul></main>").text


def test_the_lines_of_a_paragraph_and_of_code_are_kept(read: Any) -> None:
    page = "<p>One<br>Two</p><pre>a = 1\n\nb = 2</pre><table><tr><td>x<br>y, <b>z</b>.</table>"
    assert read("a.html", page).text == "One\nTwo\n\n    a = 1\n    b = 2\n\n| x y, z. |\n"


# --- reStructuredText ---------------------------------------------------------------------------


def test_a_text_with_markup_gives_its_words(read: Any) -> None:
    source = (
        "=====\nCoast\n=====\n\n:Date: 2024-05-06\n\nIntro with :ref:`the label <x>` and *words* "
        "[1]_.\n\nCosts\n=====\n\n- one\n- two\n\n1. first\n\nterm\n   what it is\n\n::\n\n"
        "   x = 1\n\n=== ===\nA   B\n=== ===\n1   2\n=== ===\n\n.. [1] The note.\n"
    )
    document = read("a.rst", source)
    assert document.text == (
        "# Coast\n\nDate: 2024-05-06\n\nIntro with the label and words [1].\n\n## Costs\n\n"
        "- one\n\n- two\n\n1. first\n\n- term: what it is\n\n    x = 1\n\n"
        "| A | B |\n|---|---|\n| 1 | 2 |\n\n[1] The note.\n"
    )
    assert (document.title, document.date) == ("Coast", "2024-05-06")


def test_what_another_tools_directive_says_is_kept(read: Any) -> None:
    source = (
        "Coast\n=====\n\n.. versionadded:: 3.2\n   The *line* was added.\n\n"
        ".. function:: build(line)\n   :module: rail\n\n   Builds it.\n\n   .. deprecated:: 4\n"
        "      Gone soon.\n\n.. toctree::\n\n   other\n"
    )
    text = read("a.rst", source).text
    for words in ("3.2", "The line was added.", "build(line)", "Builds it.", "Gone soon."):
        assert words in text
    assert "other" not in text


def test_no_file_is_included_and_nothing_raw_taken(read: Any) -> None:
    source = (
        "Words.\n\n.. include:: /etc/passwd\n\n.. csv-table:: T\n   :file: /etc/passwd\n\n"
        ".. raw:: html\n   :file: /etc/passwd\n\n.. raw:: html\n\n   <b>raw</b>\n"
    )
    text = read("a.rst", source).text
    assert "root:" not in text
    assert "<b>" not in text


# --- books --------------------------------------------------------------------------------------


def test_a_book_is_read_in_the_order_of_its_spine(read: Any) -> None:
    document = read("a.epub", book("<h1>One</h1><p>First.</p>", "<h1>Two</h1><p>Second.</p>"))
    assert document.text == "# One\n\nFirst.\n\n# Two\n\nSecond.\n"
    assert (document.title, document.date, document.language) == ("A book", "2021-07-01", "en")


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "encrypted"),
        ("http://www.idpf.org/2008/embedding", None),
    ],
)
def test_a_protected_book_is_encrypted_and_one_with_hidden_fonts_is_not(
    write: Any, extracted: Any, algorithm: str, reason: str | None
) -> None:
    encryption = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">'
        f'<EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>'
    )
    file = write("a.epub", book("<p>Words.</p>", extra={"META-INF/encryption.xml": encryption}))
    outcome = extracted(file)
    assert [problem.reason for problem in outcome.problems] == ([reason] if reason else [])
    assert bool(outcome.documents) is (reason is None)
