"""What reading a file may cost, and what it may try; each limit is a setting of the operator."""

from __future__ import annotations

from pydantic import Field

from index.types import Frozen

MEBIBYTE = 2**20


class ReadingLimits(Frozen):
    """The limits of reading; an environment variable is BRIEFING_DESK_ and the name.

    ``file_seconds_max`` and ``memory_bytes_max`` bind the process that reads a file. The archive's
    limits hold for a ZIP file and for the formats that are one inside (DOCX, PPTX, XLSX, EPUB).
    ``ocr_languages`` are Tesseract's names joined by ``+`` ("eng+rus"); without, no text is
    recognised in pictures.
    """

    file_bytes_max: int = Field(default=64 * MEBIBYTE, ge=1)
    file_seconds_max: float = Field(default=60.0, gt=0)
    memory_bytes_max: int = Field(default=3 * 1024 * MEBIBYTE, ge=256 * MEBIBYTE)
    text_characters_max: int = Field(default=16_000_000, ge=1)
    table_rows_max: int = Field(default=50_000, ge=1)
    archive_files_max: int = Field(default=2_000, ge=1)
    archive_bytes_max: int = Field(default=256 * MEBIBYTE, ge=1)
    archive_ratio_max: float = Field(default=200.0, gt=1)
    archive_depth_max: int = Field(default=2, ge=0)
    ocr_languages: str = Field(default="", pattern=r"^([A-Za-z_]+(\+[A-Za-z_]+)*)?$")
