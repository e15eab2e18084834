"""The script and the pages of the widget as they are served."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import get_args

import httpx
import pytest

from app.chat_page import LANGUAGES, read_texts
from app.embed_page import FRAME_ATTRIBUTES, OWNER_POLICY, frame_html, frame_policy, owner_html
from app.error_replies import ErrorCode
from app.types import Language
from app.widget import STATIC, script_text, script_texts
from tests.running import App
from tests.serving import REPOSITORY

MANUAL = REPOSITORY / "docs" / "manual"
BYTES_MAX = 12_000
ALLOWED = "https://example.org"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with App(allowed_origins=(ALLOWED,)) as app, app.client() as client:
        yield client


class Attributes(HTMLParser):
    """The attributes of each element of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.of: dict[str, dict[str, str | None]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.of[tag] = dict(attrs)


def said() -> dict[str, object]:
    return {
        "title": "</script>\u2028\"'`${1}",
        "limit": 500,
        "languages": {
            language: script_texts(read_texts(language)) | {"starters": ["One?", "Two?", "Three?"]}
            for language in LANGUAGES
        },
    }


# ── the script ───────────────────────────────────────────────────────────────────────────────────


def test_the_script_weighs_at_most_12_kb(client: httpx.Client) -> None:
    with client.stream("GET", "/widget.js", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["content-type"].startswith("text/javascript")
        body = b"".join(response.iter_raw())
    assert len(body) <= BYTES_MAX
    assert b"briefing-desk" in gzip.decompress(body)


def test_a_client_that_takes_no_gzip_gets_the_same_script(client: httpx.Client) -> None:
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == client.get("/widget.js").text


def test_the_script_is_kept_by_browsers_and_asked_for_again_by_its_tag(
    client: httpx.Client,
) -> None:
    first = client.get("/widget.js")
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"
    again = client.get("/widget.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/widget.js").headers["etag"] == first.headers["etag"]


def test_the_script_says_what_the_desk_and_its_locales_say(client: httpx.Client) -> None:
    script = client.get("/widget.js").text
    for language in LANGUAGES:
        texts = script_texts(read_texts(language))
        assert json.dumps(texts["errors"], ensure_ascii=False, separators=(",", ":")) in script
    assert client.get("/api/documents").json()["title"] in script
    assert "__" not in re.sub(r"[^_\w]", " ", script).split()


def test_what_is_put_in_is_data_of_the_script() -> None:
    script = script_text(said())
    assert json.dumps(said()["title"], ensure_ascii=False) in script
    assert "__DESK__" not in script
    assert "__STYLE__" not in script


def test_the_source_runs_and_writes_nothing_from_text() -> None:
    """What a strict policy or a hostile text could trip over isn't there to begin with."""
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    for way in (
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(",
        "setTimeout(\"", "cookie", "localStorage", "import(", "createElement(\"style\")", "http:",
        "https:", "cssText",
    ):  # fmt: skip
        assert way not in source.replace("http://www.w3.org/2000/svg", ""), way


def test_every_text_of_the_script_is_used_by_it() -> None:
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    for name in script_texts(read_texts("en")):
        assert re.search(rf"\b{name}\b", source), name


def test_every_class_of_the_style_is_made_by_the_script() -> None:
    style = (STATIC / "widget.css").read_text(encoding="utf-8")
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    rules = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", style, flags=re.DOTALL)
    replies = {"abstention", "near_miss"}  # a reply's kind and reason are its classes
    for name in set(re.findall(r"\.([a-z_]+)\b", rules)) - replies:
        assert re.search(rf"\b{name}\b", source), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_own_texts(language: Language) -> None:
    own = script_texts(read_texts(language))["errors"]
    others = [script_texts(read_texts(each))["errors"] for each in LANGUAGES if each != language]
    assert own.keys() == others[0].keys()
    assert "{limit}" in own["question_too_long"]
    assert all(own[code] != other[code] for code in own for other in others)


def test_every_error_that_it_names_is_the_apis_or_its_own() -> None:
    own = {"failed", "offline", "unreachable", "not_allowed"}
    named = script_texts(read_texts("en"))["errors"].keys()
    assert named - own <= set(get_args(ErrorCode))
    assert {"busy", "too_many_questions", "question_too_long"} <= named


def test_the_manual_names_every_attribute_and_every_event() -> None:
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    manual = (MANUAL / "widget.md").read_text(encoding="utf-8")
    observed = re.search(r"observedAttributes = \[(.*?)\];", source, re.DOTALL)
    assert observed
    for name in re.findall(r'"([\w-]+)"', observed[1]):
        assert f"| `{name}` |" in manual, name
    for event in set(re.findall(r'#tell\("(\w+)"', source)):
        assert f"`briefing-desk:{event}`" in manual, event
    for name in FRAME_ATTRIBUTES:
        assert f"`{name}`" in manual


def test_the_manual_shows_the_figures_that_were_measured() -> None:
    results = MANUAL.parent / "results" / "widget.json"
    measured = json.loads(results.read_text(encoding="utf-8"))
    manual = (MANUAL / "widget.md").read_text(encoding="utf-8")
    assert measured["command"] in manual
    for row in measured["pages"]:
        size, ready = f"{row['bytes'] / 1000:.1f} kB", f"{row['ready_seconds']:.2f} s"
        assert f"| {row['page']} | {row['requests']} | {size} | {ready} |" in manual


# ── the frame ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_frame_may_stand_in_pages_of_allowed_sites_only(
    client: httpx.Client, language: Language
) -> None:
    response = client.get(f"/embed/{language}")
    policy = response.headers["content-security-policy"].split("; ")
    assert f"frame-ancestors 'self' {ALLOWED}" in policy
    assert "default-src 'none'" in policy
    assert not [each for each in policy if "unsafe" in each or "*" in each]
    assert f'<html lang="{language}">' in response.text


def test_without_allowed_sites_a_frame_stands_in_the_desks_own_pages_only() -> None:
    assert frame_policy(()).endswith("; frame-ancestors 'self'")


def test_a_frame_in_another_language_is_not_there(client: httpx.Client) -> None:
    assert client.get("/embed/fr").status_code == 404


def test_the_address_of_a_frame_says_how_it_looks_and_can_say_nothing_else() -> None:
    hostile = '"><script>alert(1)</script>&amp;'
    wishes = dict.fromkeys((*FRAME_ATTRIBUTES, "server", "mode", "onclick", "style"), hostile)
    page = frame_html("The collection", "en", wishes)
    elements = Attributes(page).of
    assert elements["briefing-desk"] == {
        "mode": "inline",
        "heading-level": "1",
        "language": "en",
        **dict.fromkeys(FRAME_ATTRIBUTES, hostile),
    }
    assert set(elements["script"]) == {"src", "defer"}
    assert page.count("<script") == 1


# ── the page for site owners ─────────────────────────────────────────────────────────────────────


def test_the_owners_page_opens_in_the_language_that_is_asked_for(client: httpx.Client) -> None:
    for language in LANGUAGES:
        heading = read_texts(language).embed.heading
        assert heading in client.get("/embed", params={"language": language}).text
        assert heading in client.get("/embed", headers={"Accept-Language": f"{language}-KZ"}).text
    unknown = client.get("/embed", params={"language": "fr"}, headers={"Accept-Language": "ru"})
    assert '<html lang="ru">' in unknown.text


def test_the_owners_page_is_framed_by_nobody(client: httpx.Client) -> None:
    assert client.get("/embed").headers["content-security-policy"] == OWNER_POLICY
    assert "frame-ancestors 'none'" in OWNER_POLICY


def test_titles_and_sites_are_text_of_the_owners_page() -> None:
    texts = {language: read_texts(language) for language in LANGUAGES}
    page = owner_html("<b>&</b>", "en", texts, ["https://example.org"])
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert '"allowed_origins": ["https://example.org"]' in page
    assert page.count("</script>") == 3
