"""Settings come from options, then the environment, then one file; what is no setting is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.settings import (
    BAD_SETTINGS,
    FILE_VARIABLE,
    PREFIX,
    Settings,
    read_limits,
    settings_problems,
)
from index import ReadingLimits

REPOSITORY = Path(__file__).resolve().parents[2]

OTHER_VALUES: dict[str, Any] = {
    "collection_title": "Minutes",
    "path_prefix": "/briefing",
    "allowed_hosts": ["desk.example.org"],
    "allowed_origins": ["https://example.org"],
    "trusted_proxies": ["127.0.0.1/32"],
    "login_header": "X-Forwarded-User",
    "password": "long enough",
    "admin_password": "long enough, and more",
    "curated_file": os.devnull,  # it is read, and may be empty
    "host": "::1",
    "questions_per_minute": 7,
    "log_questions": True,
    "answer_risk": 0.05,
    "ocr_languages": "eng+rus",
}
"""Values that are no default; of the other settings, a number is one more and a path is another."""


def other_value(name: str, default: object) -> Any:
    if name in OTHER_VALUES:
        return OTHER_VALUES[name]
    if isinstance(default, int | float):
        return default + 1
    assert name.endswith(("_folder", "_file")) or isinstance(default, Path), name
    return f"somewhere/{name}"


EVERY_SETTING = {
    name: other_value(name, field.default)
    for name, field in {**Settings.model_fields, **ReadingLimits.model_fields}.items()
}


def as_toml(values: dict[str, Any]) -> str:
    """Numbers, strings, booleans and lists of strings are written in TOML as in JSON."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the file of settings, and have it read."""

    def write_file(text: str) -> Path:
        file = tmp_path / "desk.toml"
        file.write_text(text, "utf-8")
        monkeypatch.setenv(FILE_VARIABLE, str(file))
        return file

    return write_file


def test_a_file_says_what_the_environment_says(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in EVERY_SETTING.items():
        said = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", said)
    from_environment = Settings(), read_limits()
    for name in EVERY_SETTING:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}")
    assert (Settings(), read_limits()) != from_environment
    write(as_toml(EVERY_SETTING))
    assert (Settings(), read_limits()) == from_environment
    defaults = {**Settings.model_fields, **ReadingLimits.model_fields}
    read = {**dict(from_environment[0]), **dict(from_environment[1])}
    assert not [name for name, value in read.items() if value == defaults[name].default]


def test_an_option_goes_before_the_environment_and_that_before_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('port = 1\nhost = "::1"\npassword = "of the file"\n')
    monkeypatch.setenv("BRIEFING_DESK_PORT", "2")
    monkeypatch.setenv("BRIEFING_DESK_HOST", "localhost")
    settings = Settings(port=3)
    assert (settings.port, settings.host) == (3, "localhost")
    assert settings.password == SecretStr("of the file")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot = 80\n", "prot"),
        ("port = 99999\n", "port"),
        ("[server]\nport = 80\n", "server"),
        ('allowed_origins = ["example.org"]\n', "https://example.org"),
        ("port = \n", "desk.toml can't be read"),
        ("table_rows_max = 0\n", "table_rows_max"),
    ],
)
def test_what_a_file_gets_wrong_is_named(write: Write, text: str, named: str) -> None:
    write(text)
    with pytest.raises(ValidationError) as refused:  # noqa: PT012  the limits are settings too
        Settings()
        read_limits()
    assert named in str(refused.value)


def test_a_file_that_isnt_there_is_no_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE_VARIABLE, "not/there.toml")
    for read in (Settings, read_limits):
        with pytest.raises(ValidationError, match=r"not/there\.toml can't be read: No such"):
            read()


def test_a_variable_that_is_no_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIEFING_DESK_PASSWORT", "long enough")
    with pytest.raises(ValidationError, match="passwort"):
        Settings()


def told() -> tuple[str, ...]:
    """What is told of the settings there are now."""
    for read in (Settings, read_limits):
        try:
            read()
        except BAD_SETTINGS as error:
            return settings_problems(error)
    return ()


JSON_LIST = 'a list is written as JSON, ["https://x.org"]'
NO_NETWORK = "'x' is no address or network, e.g. 10.0.0.1 or 10.0.0.0/8"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ALLOWED_ORIGINS", "https://x.org", JSON_LIST),
        ("ALLOWED_ORIGINS", '["https://x.org"', JSON_LIST),
        ("ALLOWED_ORIGINS", '"x"', 'write a list, e.g. ["…", "…"]'),
        ("ALLOWED_HOSTS", '["a b"]', "'a b' is no host name; write it without scheme and port"),
        ("TRUSTED_PROXIES", '["10.0.0.1", "x"]', NO_NETWORK),
        ("LOGIN_HEADER", "X User", "write the name of a header, e.g. X-Forwarded-User"),
        ("PASSWORD", "short", "it has to have at least 8 characters"),
        ("PASWORD", "long enough", "no such setting; the nearest is password"),
        ("QQQ", "1", "no such setting"),
        ("PORT", "many", "'many' is no whole number"),
        ("PORT", "99999", "it has to be at most 65535"),
        ("BODY_BYTES_MAX", "3", "it has to be at least 1024"),
        ("ANSWER_RISK", "high", "'high' is no number"),
        ("ANSWER_RISK", "1", "it has to be less than 1"),
        ("ANSWER_RISK", "0", "it has to be more than 0"),
        ("LOG_QUESTIONS", "maybe", "'maybe' is neither true nor false"),
        ("FILE_BYTES_MAX", "abc", "'abc' is no whole number"),
        ("OCR_LANGUAGES", "eng;rus", "write Tesseract's names joined by +, e.g. eng+rus"),
        ("SETTINGS", "/no/desk.toml", "/no/desk.toml can't be read: No such file or directory"),
    ],
)
def test_what_is_wrong_with_a_variable_is_one_plain_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    assert told() == (f"{PREFIX}{name}: {sentence}",)


def test_a_login_without_a_proxy_is_told_of_the_settings_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"{PREFIX}LOGIN_HEADER", "X-User")
    (line,) = told()
    assert line.startswith("settings: login_header is believed only from a proxy")


def test_what_is_wrong_in_the_file_is_told_with_the_file(write: Write) -> None:
    file = write("port = 99999\nindex_folder = 1\npassword = 12345678\n[server]\nhost = 1\n")
    assert set(told()) == {
        f"port in {file}: it has to be at most 65535",
        f"index_folder in {file}: write a path in quotation marks",
        f"password in {file}: write a text in quotation marks",
        f"server in {file}: no such setting",
    }


def test_what_an_option_says_isnt_laid_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}PORT", "80")
    with pytest.raises(ValidationError) as refused:
        Settings(port=99_999)
    assert settings_problems(refused.value) == ("port: it has to be at most 65535",)


SCRIPTS = {
    "ask.py": ["A question?"],
    "build_index.py": ["docs/sources"],
    "evaluate.py": ["tests/questions/harbour.jsonl"],
    "prepare_models.py": [],
    "serve.py": [],
    "verify.py": ["-", "--sources", "docs/sources"],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_of_an_operator_takes_the_file(script: str, write: Write) -> None:
    file = write("no_such_setting = 1\n")
    outcome = subprocess.run(
        [sys.executable, f"scripts/{script}", *SCRIPTS[script], "--settings", str(file)],
        cwd=REPOSITORY,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 2, outcome.stderr
    assert "no_such_setting" in outcome.stderr


LIST = ("ALLOWED_ORIGINS", "https://x.org", JSON_LIST)
LIMIT = ("FILE_BYTES_MAX", "abc", "'abc' is no whole number")


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("ask.py", LIST),
        ("ask.py", LIMIT),
        ("build_index.py", LIST),
        ("build_index.py", LIMIT),
        ("doctor.py", LIST),
        ("evaluate.py", LIST),
        ("offline_bundle.py", LIST),
        ("report.py", LIST),
        ("report.py", LIMIT),
        ("serve.py", LIST),
        ("serve.py", LIMIT),
    ],
)
def test_no_script_starts_with_a_setting_that_cant_be_used(
    script: str, wrong: tuple[str, str, str], tmp_path: Path
) -> None:
    name, value, sentence = wrong
    needed = {**SCRIPTS, "offline_bundle.py": [str(tmp_path / "bundle")]}.get(script, [])
    outcome = subprocess.run(
        [sys.executable, f"scripts/{script}", *needed],
        cwd=REPOSITORY,
        env={"PATH": "", f"{PREFIX}{name}": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == (1 if script == "doctor.py" else 2), outcome.stderr
    assert f"{PREFIX}{name}: {sentence}" in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr
