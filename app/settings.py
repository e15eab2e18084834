"""Settings, read from the environment once, at the entry of a script."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.origins import normal_host, normal_origin

REPOSITORY = Path(__file__).resolve().parent.parent
READER_FILE = REPOSITORY / "app" / "reader" / "reader.onnx"

Origin: TypeAlias = Annotated[str, AfterValidator(normal_origin)]
Host: TypeAlias = Annotated[str, AfterValidator(normal_host)]


def _as_prefix(text: str) -> str:
    """Return a path prefix with a slash before it and none after it."""
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*", prefix) or ".." in prefix:
        raise ValueError("write the path under which the proxy serves, e.g. /briefing")
    return prefix


class Settings(BaseSettings):
    """Every setting of the answering side; an environment variable is BRIEFING_DESK_ and the name.

    ``docs/manual/settings.md`` says what each does. ``answer_risk`` is the share of given answers
    that may be wrong, as measured on the calibration set; lower answers less and errs less.
    """

    model_config = SettingsConfigDict(env_prefix="BRIEFING_DESK_", frozen=True, extra="forbid")

    index_folder: Path = REPOSITORY / "var" / "index"
    models_folder: Path = REPOSITORY / "var" / "models"
    collection_title: str | None = None

    answer_risk: float = Field(default=0.3, gt=0.0, lt=1.0)
    question_characters_max: int = Field(default=500, ge=1)
    history_turns_max: int = Field(default=6, ge=0)
    passages_read: int = Field(default=5, ge=1, le=50)

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

    @model_validator(mode="after")
    def _a_login_comes_through_a_proxy(self) -> Self:
        if self.login_header is not None and not self.trusted_proxies:
            raise ValueError(
                "login_header is believed only from a proxy: name its address in trusted_proxies"
            )
        return self
