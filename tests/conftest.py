"""What several test folders share: the repository's place, and scripts as modules."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    """Import a script by its name, so that its functions can be tested without a process."""

    def load(name: str) -> ModuleType:
        return importlib.import_module(f"scripts.{name}")

    return load
