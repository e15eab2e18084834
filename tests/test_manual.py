"""The manual is under test: what the program has is in it, and what it has is in the program."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from starlette.routing import Match, Mount, Route

from app.error_replies import STATUS_OF_CODE
from app.metrics import Metrics
from app.request_log import REQUEST_ID, JsonLines
from app.settings import PREFIX, Settings
from app.storing import Verdict
from app.types import AbstentionReason, SourceState
from index import ReadingLimits
from index.types import SkipReason, UnreadableReason
from scripts.build_index import ERROR_CODES
from tests.running import App
from tests.serving import REPOSITORY

MANUAL = REPOSITORY / "docs" / "manual"
PAGES = sorted(MANUAL.glob("*.md"))

FOR_MAINTAINERS = {
    "benchmark", "benchmark_index", "benchmark_load", "benchmark_vectors", "calibrate",
    "train_reader",
}  # fmt: skip
"""Scripts whose options ``--help`` alone explains: nobody runs them to serve or to index."""


def page(name: str) -> str:
    return (MANUAL / name).read_text("utf-8")


@cache
def whole_manual() -> str:
    return "\n".join(each.read_text("utf-8") for each in PAGES)


def rows(markdown: str) -> Iterator[list[str]]:
    """Yield the cells of each row of each table, heads and rules left out."""
    table: list[list[str]] = []
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        else:
            yield from table[2:]
            table = []


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def table_below(markdown: str, heading: str) -> list[list[str]]:
    """Return the rows of the tables of one section."""
    _, _, after = markdown.partition(f"\n## {heading}\n")
    assert after, heading
    return list(rows(re.split(r"\n## ", after)[0]))


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


def as_written(default: object) -> str:
    if default is None or default in ("", ()):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Path):
        return f"`{default.relative_to(REPOSITORY).as_posix()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


OTHER_DEFAULTS = {"collection_title": "the documents' titles", "questions_per_minute": "see below"}


def test_the_table_of_settings_is_that_of_the_program() -> None:
    before_the_log = page("settings.md").partition("\n## The log")[0]
    written = {codes(row[0])[0]: row[1] for row in rows(before_the_log) if len(row) == 3}
    assert written == {
        name: OTHER_DEFAULTS.get(name, as_written(field.default))
        for name, field in Settings.model_fields.items()
    }


def test_every_limit_is_in_the_manual_and_every_variable_is_one() -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]*[A-Z])\b", whole_manual()))
    known = {name.upper() for name in (*Settings.model_fields, *ReadingLimits.model_fields)}
    assert named <= known | {"SETTINGS"}
    assert {name.upper() for name in ReadingLimits.model_fields} <= named


# ── scripts ──────────────────────────────────────────────────────────────────────────────────────


def options_of(script: str) -> set[str]:
    """Return the options that a script's parser has, without hidden ones."""
    tree = ast.parse((REPOSITORY / "scripts" / f"{script}.py").read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
            names = [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
            hidden = any(ast.unparse(each.value) == "argparse.SUPPRESS" for each in node.keywords)
            found |= {name for name in names if name.startswith("--") and not hidden}
    return found


def described_options(script: str) -> set[str]:
    """Return the options in the tables of a script's section, or of the page it leads to."""
    section = page("scripts.md").partition(f"\n## {script}.py\n")[2].partition("\n## ")[0]
    assert section, f"scripts.md has no section {script}.py"
    table = [row[0] for row in rows(section) if row[0].startswith("`--")]
    if not table and options_of(script):
        linked, anchor = re.findall(r"\]\(([\w-]+\.md)(?:#([\w-]+))?\)", section)[0]
        text = page(linked)
        if anchor:
            heading = next(
                each for each in re.findall(r"^## (.+)$", text, re.MULTILINE)
                if re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") == anchor
            )  # fmt: skip
            table = [row[0] for row in table_below(text, heading)]
        else:
            table = [row[0] for row in rows(text)]
    return {code.split()[0] for cell in table for code in codes(cell) if code.startswith("--")}


SCRIPTS = sorted(path.stem for path in (REPOSITORY / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_options_of_each_script_are_in_the_manual_and_no_others(script: str) -> None:
    if script in FOR_MAINTAINERS:
        assert f"`{script}.py`" in page("scripts.md")
    else:
        assert described_options(script) == options_of(script)


def test_the_scripts_left_to_help_are_there() -> None:
    assert set(SCRIPTS) >= FOR_MAINTAINERS
    assert options_of("evaluate") >= {"--floors", "--json"}
    assert "--probe" not in options_of("doctor")


# ── routes, errors, reasons ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application with everything that a setting can add."""
    storage = tmp_path_factory.mktemp("storage") / "stored.sqlite"
    with App(admin_password="long enough, and more", storage_file=storage) as running:
        yield running.app


OF_PAGES = re.compile(r"^/(?:static|favicon\.ico|embed/\w\w/.+|\w\w/.+)")
"""What pages ask for themselves; their addresses are no promise."""


def normal(path: str) -> str:
    """Return a path without query and final slash, its parameters without their names."""
    path = re.sub(r"\{[^}]*\}", "{}", re.split(r"[?#]", path)[0])
    return re.sub(r"^/embed/\w\w$|^/embed/\{\}$", "/embed/{}", path.rstrip("/") or "/")


def routes_of(app: FastAPI) -> set[str]:
    named = [route.path for route in app.routes if isinstance(route, Route | Mount)]
    return {normal(path) for path in (*app.openapi()["paths"], *named) if not OF_PAGES.match(path)}


def is_answered(app: FastAPI, path: str) -> bool:
    """Say whether a route takes a path, one that the API's description leaves out as well."""
    scope = {"type": "http", "path": path.replace("{}", "x"), "method": "GET", "root_path": ""}
    return any(route.matches(dict(scope))[0] is not Match.NONE for route in app.routes)


def test_every_route_is_in_the_manual_and_every_path_of_the_manual_is_one(app: FastAPI) -> None:
    unfenced = re.sub(r"^```.*?^```", "", whole_manual(), flags=re.MULTILINE | re.DOTALL)
    named = [each for line in unfenced.splitlines() for each in codes(line)]
    paths = [
        path
        for each in named
        for path in re.findall(r"^(?:(?:GET|POST) )?(/[\w./{}?=&<>-]*)$", each)
    ]
    written = {normal(path) for path in paths}
    routes = routes_of(app)
    assert {"/api/ask", "/admin", "/widget.js", "/embed/{}", "/mcp", "/metrics"} <= routes
    assert not sorted(routes - written)
    promised = {normal(each.split()[1]) for each in named if re.match(r"(?:GET|POST) /", each)}
    assert "/api/ask" in promised
    assert not [path for path in sorted(promised) if not is_answered(app, path)]


def test_the_table_of_errors_is_that_of_the_program() -> None:
    written = {codes(row[0])[0]: int(row[1]) for row in table_below(page("api.md"), "Errors")}
    assert written == dict(STATUS_OF_CODE)


def test_the_errors_of_a_build_are_in_the_manual_and_no_others() -> None:
    source = (REPOSITORY / "scripts" / "build_index.py").read_text("utf-8")
    said = {*ERROR_CODES.values(), "not_writable", "bad_setting", "indexing_failed"}
    assert all(f'"{code}"' in source for code in said)
    below_the_head = page("indexing.md").partition("| error code | means |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", below_the_head, re.MULTILINE)) == said


@pytest.mark.parametrize(
    "values", [AbstentionReason, Verdict, SourceState, UnreadableReason, SkipReason]
)
def test_every_value_that_programs_read_is_in_the_manual(values: Any) -> None:
    assert get_args(values)
    assert not [each for each in get_args(values) if f"`{each}`" not in whole_manual()]


# ── metrics and the log ──────────────────────────────────────────────────────────────────────────


def test_the_table_of_metrics_is_that_of_the_program() -> None:
    samples = {}
    for metric in Metrics()._registry._collector_to_names:
        assert isinstance(metric, MetricWrapperBase)
        counted = "_total" if isinstance(metric, Counter) else ""
        samples[f"{metric._name}{counted}"] = set(metric._labelnames)
    assert "briefing_desk_questions_total" in samples
    rows_ = table_below(page("operations.md"), "Metrics")
    assert {codes(row[0])[0]: set(codes(row[1])) for row in rows_} == samples


def test_the_keys_of_a_line_of_the_log_are_in_the_manual_and_no_others() -> None:
    fault = ValueError("a fault")
    record = logging.LogRecord(
        "briefing_desk", logging.INFO, "", 0, "request", (), (ValueError, fault, None)
    )
    REQUEST_ID.set("1")
    keys = set(json.loads(JsonLines().format(record)))
    for module in ("request_log.py", "desk.py"):
        tree = ast.parse((REPOSITORY / "app" / module).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                names = {each.value for each in node.keys if isinstance(each, ast.Constant)}
                if names & {"method", "code", "question"}:
                    keys |= names
    written = {
        code for row in table_below(page("operations.md"), "The log") for code in codes(row[0])
    }
    assert written == keys
