"""What the tests of the index share: prepared models, and small folders of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from index import Document, Models, ReadingLimits, build_index
from index.files import FoundFile, Source, document_id_of
from index.reading import FileOutcome, Parser, read_documents
from index.types import SkippedFile, UnreadableFile

REPOSITORY = Path(__file__).resolve().parent.parent.parent

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., Document]
Extract = Callable[..., FileOutcome]


def count_words(texts: Sequence[str]) -> tuple[int, ...]:
    """Count words in place of tokens, so that a person can check lengths by hand."""
    return tuple(len(text.split()) for text in texts)


@pytest.fixture(scope="session")
def models_folder() -> Path:
    folder = REPOSITORY / "var" / "models"
    assert (folder / "models.json").is_file(), "run `python scripts/prepare_models.py` first"
    return folder


@pytest.fixture(scope="session")
def models(models_folder: Path) -> Models:
    return Models.open(models_folder)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
def write(sources: Path) -> Write:
    """Write a file into the folder of sources."""

    def write_file(path: str, content: str | bytes) -> Path:
        file = sources / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write_file


@pytest.fixture(scope="session")
def parser() -> Iterator[Parser]:
    """One child process for all files that are read under the usual limits."""
    with Parser() as usual:
        yield usual


@pytest.fixture
def extracted(parser: Parser, sources: Path) -> Extract:
    """Read one file of the folder of sources as indexing does, under other limits if given."""

    def extract_one(file: Path, **limits: Any) -> FileOutcome:
        path = file.relative_to(sources).as_posix()
        found = FoundFile(Source(file, path), document_id_of(path))
        if not limits:
            return parser.read(found)
        with Parser(ReadingLimits(**limits)) as other:
            return other.read(found)

    return extract_one


@pytest.fixture
def read(write: Write, extracted: Extract) -> Read:
    """Write one file and read it as indexing does."""

    def read_one(path: str, content: str | bytes) -> Document:
        outcome = extracted(write(path, content))
        assert not outcome.problems
        (document,) = outcome.documents
        return document

    return read_one


def outcomes(folder: Path) -> dict[str, Document | UnreadableFile | SkippedFile]:
    return {outcome.path: outcome for outcome in read_documents([folder])}


@pytest.fixture(scope="session")
def briefing_index(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """An index of three small documents, built once."""
    folder = tmp_path_factory.mktemp("briefing")
    documents = folder / "documents"
    documents.mkdir()
    (documents / "water.md").write_text(
        "# Water\n\n## Canals\n\nEngineers repaired 763 kilometres of canals. "
        "The work cost $12 million.\n\n## Dams\n\nTwo dams were inspected in 2024.\n",
        "utf-8",
    )
    (documents / "rail.md").write_text(
        "# Rail\n\nThe railway carried nine million passengers.\n\n"
        "| Line | Kilometres |\n|---|---|\n| Coast | 210 |\n| Desert | 845 |\n",
        "utf-8",
    )
    (documents / "people.txt").write_text(
        "People\n\nАрман Әлиев басқарма төрағасы болды.\nDirector Jane Doe resigned.\n", "utf-8"
    )
    build_index([documents], folder / "index", models_folder)
    return folder / "index"
