"""What the tests of the index share: prepared models, and small folders of documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from index import Document, Models, build_index
from index.reading import read_documents
from index.types import SkippedFile, UnreadableFile

REPOSITORY = Path(__file__).resolve().parent.parent.parent

Write = Callable[[str, str | bytes], Path]
Read = Callable[..., Document]


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


@pytest.fixture
def read(write: Write, sources: Path) -> Read:
    """Write one file and read it as indexing does."""

    def read_one(path: str, content: str | bytes) -> Document:
        write(path, content)
        (outcome,) = (o for o in read_documents([sources]) if o.path == path)
        assert isinstance(outcome, Document), outcome
        return outcome

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
