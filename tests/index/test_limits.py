"""Limits come from the environment; the manual names all of them, all types, all reasons."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from app.settings import read_limits
from index import ReadingLimits
from index.formats.signature import SUFFIXES
from index.types import SkipReason, UnreadableReason
from scripts.build_index import WAY_OUT

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "manual" / "documents.md"


def test_a_limit_is_taken_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_limits() == ReadingLimits()
    monkeypatch.setenv("BRIEFING_DESK_TABLE_ROWS_MAX", "7")
    monkeypatch.setenv("BRIEFING_DESK_OCR_LANGUAGES", "eng+rus")
    monkeypatch.setenv("BRIEFING_DESK_ANSWER_RISK", "0.1")
    assert read_limits() == ReadingLimits(table_rows_max=7, ocr_languages="eng+rus")


@pytest.mark.parametrize(
    ("name", "value"),
    [("TABLE_ROWS_MAX", "0"), ("FILE_BYTES_MAX", "many"), ("OCR_LANGUAGES", "eng; rm")],
)
def test_a_limit_that_can_not_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BRIEFING_DESK_{name}", value)
    with pytest.raises(ValidationError):
        read_limits()


def test_the_manual_names_every_limit_with_its_default() -> None:
    manual = MANUAL.read_text("utf-8")
    for name, field in ReadingLimits.model_fields.items():
        default = f"{field.default:g}" if isinstance(field.default, float) else field.default
        assert f"| `BRIEFING_DESK_{name.upper()}` | {default}".rstrip() + " |" in manual, name


def test_the_manual_names_every_type_and_every_reason() -> None:
    manual = MANUAL.read_text("utf-8")
    named = [*SUFFIXES, *get_args(SkipReason), *get_args(UnreadableReason)]
    assert not [name for name in named if f"`{name}`" not in manual]


def test_every_reason_to_skip_a_file_has_a_way_out() -> None:
    assert set(WAY_OUT) == set(get_args(SkipReason))
