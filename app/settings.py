"""Settings, read once, at the entry of a script: from the environment, or else from one file.

The file is TOML and is named by ``--settings`` or BRIEFING_DESK_SETTINGS. What a script is told by
an option goes before the environment, and that before the file.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from argparse import ArgumentTypeError
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from app.curated_file import CuratedUnusable, read_curated
from app.origins import normal_host, normal_origin
from index import ReadingLimits

PREFIX: Final = "BRIEFING_DESK_"
FILE_VARIABLE: Final = f"{PREFIX}SETTINGS"
FILE_HELP: Final = f"TOML file of settings; {FILE_VARIABLE} says the same"

BAD_SETTINGS: Final = (ValidationError, SettingsError)
"""What reading the settings raises where one can't be used; ``settings_problems`` tells it."""

_FORMS: Final[Mapping[str, str]] = {
    "login_header": "write the name of a header, e.g. X-Forwarded-User",
    "ocr_languages": "write Tesseract's names joined by +, e.g. eng+rus",
}
_SENTENCES: Final[Mapping[str, str]] = {
    "bool_parsing": "{given!r} is neither true nor false",
    "bool_type": "{given!r} is neither true nor false",
    "finite_number": "{given!r} is no number",
    "float_parsing": "{given!r} is no number",
    "float_type": "{given!r} is no number",
    "greater_than": "it has to be more than {gt:g}",
    "greater_than_equal": "it has to be at least {ge}",
    "int_from_float": "{given!r} is no whole number",
    "int_parsing": "{given!r} is no whole number",
    "int_parsing_size": "the number is too long",
    "int_type": "{given!r} is no whole number",
    "ip_v4_network": "{given!r} is no address or network, e.g. 10.0.0.1 or 10.0.0.0/8",
    "ip_v6_network": "{given!r} is no address or network, e.g. 10.0.0.1 or 10.0.0.0/8",
    "less_than": "it has to be less than {lt:g}",
    "less_than_equal": "it has to be at most {le}",
    "path_type": "write a path in quotation marks",
    "string_too_short": "it has to have at least {min_length} characters",
    "string_type": "write a text in quotation marks",
    "too_short": "it has to have at least {min_length} characters",
    "tuple_type": 'write a list, e.g. ["…", "…"]',
}
"""By pydantic's name of the error; what is given for a password stands in none of them."""

REPOSITORY = Path(__file__).resolve().parent.parent
READER_FILE = REPOSITORY / "app" / "reader" / "reader.onnx"
READER_HIDDEN = "/body/encoder/layer.9/output/LayerNorm/LayerNormalization_output_0"
"""The reader's layer whose hidden states the calibration weighs: the last but two of twelve, before
what is left of them is only where a span begins and ends."""

Origin: TypeAlias = Annotated[str, AfterValidator(normal_origin)]
Host: TypeAlias = Annotated[str, AfterValidator(normal_host)]


def _as_curated(file: Path) -> Path:
    """Return the path of a file of curated answers, once it has been read."""
    try:
        read_curated(file)
    except CuratedUnusable as error:
        raise ValueError(str(error)) from error
    return file


def _as_prefix(text: str) -> str:
    """Return a path prefix with a slash before it and none after it."""
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*", prefix) or ".." in prefix:
        raise ValueError("write the path under which the proxy serves, e.g. /briefing")
    return prefix


class _Read(BaseSettings):
    """What is read from options, environment and file, and says so of a name that is no setting."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  as pydantic calls it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        others = {*Settings.model_fields, *ReadingLimits.model_fields} - {*cls.model_fields}
        given = {
            name: value
            for name, value in {**_in_file(cls), **_no_settings_of_the_environment()}.items()
            if name not in others
        }
        return init_settings, env_settings, InitSettingsSource(settings_cls, given)


class Settings(_Read):
    """Every setting of the answering side; an environment variable is BRIEFING_DESK_ and the name.

    Raises one of BAD_SETTINGS, which names what can't be used. ``docs/manual/settings.md`` says
    what each does. ``answer_risk`` is the share of given answers that may be wrong, as measured on
    the calibration set; lower answers less and errs less.
    """

    index_folder: Path = REPOSITORY / "var" / "index"
    models_folder: Path = REPOSITORY / "var" / "models"
    collection_title: str | None = None

    answer_risk: float = Field(default=0.36, gt=0.0, lt=1.0)
    question_characters_max: int = Field(default=500, ge=1)
    history_turns_max: int = Field(default=6, ge=0)
    passages_read: int = Field(default=5, ge=1, le=50)
    curated_file: Annotated[Path, AfterValidator(_as_curated)] | None = None

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    path_prefix: Annotated[str, AfterValidator(_as_prefix)] = ""
    allowed_hosts: tuple[Host, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    login_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")
    password: SecretStr | None = Field(default=None, min_length=8)

    body_bytes_max: int = Field(default=65_536, ge=1_024)
    request_seconds_max: float = Field(default=10.0, gt=0.0)
    questions_per_minute: int | None = Field(default=None, ge=1)

    storage_file: Path | None = None
    retention_days: int = Field(default=90, ge=1)
    log_questions: bool = False
    admin_password: SecretStr | None = Field(default=None, min_length=12)

    @model_validator(mode="after")
    def _a_login_comes_through_a_proxy(self) -> Self:
        if self.login_header is not None and not self.trusted_proxies:
            raise ValueError(
                "login_header is believed only from a proxy: name its address in trusted_proxies"
            )
        return self


class _ReadLimits(_Read, ReadingLimits):  # type: ignore[misc]  # both have a model_config
    """The limits of reading, read as every other setting."""


def read_limits() -> ReadingLimits:
    """Return the limits of reading; raises one of BAD_SETTINGS."""
    return ReadingLimits(**_ReadLimits().model_dump())


def given_path(text: str) -> Path:
    """Return the path that an argument names; raises ArgumentTypeError for an empty one.

    An empty one is a variable that isn't set, and would be the working directory.
    """
    if not text:
        raise ArgumentTypeError("it is empty: a variable that isn't set? Name the path")
    return Path(text)


def settings_problems(error: ValidationError | SettingsError) -> tuple[str, ...]:
    """Return a line for each setting that can't be used: where it was set, and what is wrong."""
    if isinstance(error, SettingsError):  # a list in the environment that is no JSON
        found = re.search(r'field "(\w+)"', str(error))
        variable = f"{PREFIX}{found[1].upper()}" if found else "settings"
        items = [item.strip(" []'\"") for item in os.environ.get(variable, "").split(",")]
        return (f"{variable}: a list is written as JSON, {json.dumps(items)}",)
    lines = (f"{_set_at(each)}: {_what_is_wrong(each)}" for each in error.errors())
    return tuple(dict.fromkeys(lines))


def _set_at(problem: Mapping[str, Any]) -> str:
    """Return the variable, or the name and the file, or the name of what an option said."""
    place, given = problem["loc"], problem["input"]
    if not place or place[0] == FILE_VARIABLE:
        return place[0] if place else "settings"
    name = str(place[0])
    variable = f"{PREFIX}{name.upper()}"
    if variable in os.environ and not isinstance(given, int | float | Path):
        return variable
    in_file = _in_file(Settings)
    if name in in_file and (len(place) > 1 or in_file[name] == given):
        return f"{name} in {settings_file()}"
    return name


def _what_is_wrong(problem: Mapping[str, Any]) -> str:
    kind, name = problem["type"], str(problem["loc"][0]) if problem["loc"] else ""
    context = problem.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        known = [*Settings.model_fields, *ReadingLimits.model_fields]
        near = difflib.get_close_matches(name, known, n=1)
        return f"no such setting; the nearest is {near[0]}" if near else "no such setting"
    if kind == "string_pattern_mismatch" and name in _FORMS:
        return _FORMS[name]
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(given=problem["input"], **context)
    return f"{problem['msg'][:1].lower()}{problem['msg'][1:]}"


def use_settings_file(file: Path | None) -> None:
    """Read settings from this file from now on, in the processes that this one starts too."""
    if file is not None:
        os.environ[FILE_VARIABLE] = str(file.resolve())


def settings_file() -> Path | None:
    """Return the file that settings are read from, if any."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named) if named else None


def _in_file(model: type[BaseSettings]) -> dict[str, object]:
    """Return what the file says; raises ValidationError where it can't be read."""
    named = settings_file()
    if named is None:
        return {}
    try:
        return tomllib.loads(named.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        problem = ValueError(f"{named} can't be read: {why}")
        raise ValidationError.from_exception_data(
            model.__name__,
            [
                {
                    "type": "value_error",
                    "loc": (FILE_VARIABLE,),
                    "input": str(named),
                    "ctx": {"error": problem},
                }
            ],
        ) from error


def _no_settings_of_the_environment() -> dict[str, object]:
    """Return the variables that begin as ours do and are none, under their names as settings."""
    known = {FILE_VARIABLE} | {
        f"{PREFIX}{name.upper()}" for name in (*Settings.model_fields, *ReadingLimits.model_fields)
    }
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and name not in known
    }
