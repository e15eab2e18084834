"""Settings, read from the environment once, at the entry of a script."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent
READER_FILE = REPOSITORY / "app" / "reader" / "reader.onnx"


class Settings(BaseSettings):
    """Every setting of the answering side; an environment variable is BRIEFING_DESK_ and the name.

    ``answer_risk`` is the share of given answers that may be wrong, as measured on the calibration
    set; lower answers less and errs less.
    """

    model_config = SettingsConfigDict(env_prefix="BRIEFING_DESK_", frozen=True, extra="forbid")

    index_folder: Path = REPOSITORY / "var" / "index"
    models_folder: Path = REPOSITORY / "var" / "models"
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    answer_risk: float = Field(default=0.3, gt=0.0, lt=1.0)
    question_characters_max: int = Field(default=500, ge=1)
    history_turns_max: int = Field(default=6, ge=0)
    passages_read: int = Field(default=5, ge=1, le=50)
    body_bytes_max: int = Field(default=65_536, ge=1_024)
    allowed_origins: tuple[str, ...] = ()
    collection_title: str | None = None
