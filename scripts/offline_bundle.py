"""Packs the program with its packages, models, documents and index, for a machine without network.

What is packed runs on machines of this kind: the same system, processor and Python. There,
``python3 install.py`` needs that Python and nothing else.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from app.settings import (  # noqa: E402  needs the path set above
    BAD_SETTINGS,
    FILE_HELP,
    Settings,
    given_path,
    read_limits,
    settings_problems,
    use_settings_file,
)
from index import IndexingError, build_index  # noqa: E402
from index.models import sha256_of  # noqa: E402

PROGRAM = (
    "app", "index", "scripts", "docs", "tests", "pyproject.toml", "Makefile", "README.md",
    "CHANGELOG.md", "LICENSE", "NOTICE", "requirements.lock", "requirements-torch.lock",
    "requirements-torch-cpu.lock",
)  # fmt: skip
FOLDER = "briefing-desk"
DOCUMENTS = "documents"
SHIPPED = Path("docs") / "sources"


class BundleFailed(Exception):
    """Something could not be packed."""


def pack_program(bundle: Path) -> None:
    """Copy the program, and its installer to the top."""
    no_cache = shutil.ignore_patterns("__pycache__", ".*_cache")
    (bundle / FOLDER).mkdir(parents=True)
    for name in PROGRAM:
        source, target = REPOSITORY / name, bundle / FOLDER / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=no_cache)
        else:
            shutil.copy2(source, target)
    shutil.copy2(REPOSITORY / "scripts" / "install_bundle.py", bundle / "install.py")


def pack_wheels(bundle: Path, locks: Path, wheels: Path | None) -> None:
    """Get a wheel of each locked package, its hash checked; raises BundleFailed.

    ``locks`` is the folder with the locks; with ``wheels``, pip takes them from that folder alone.
    """
    places = ["--no-index", "--find-links", str(wheels)] if wheels else []
    target = bundle / "wheels"

    def get(lock: str) -> str:
        """Return what pip said where it failed."""
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
        command += ["--no-deps", "--require-hashes", "-r", str(locks / lock), "-w", str(target)]
        outcome = subprocess.run([*command, *places], capture_output=True, text=True, check=False)
        return outcome.stderr.strip() if outcome.returncode else ""

    # As `make install` does: the CPU build where pip is offered one.
    said = get("requirements-torch-cpu.lock")
    if "No matching distribution" in said:
        said = get("requirements-torch.lock")
    said = said or get("requirements.lock")
    if said:
        raise BundleFailed(f"the packages could not be got: {said.splitlines()[-1]}")


def pack_documents(bundle: Path, paths: Sequence[Path]) -> list[str]:
    """Copy what is indexed; return the paths in the program's folder."""
    packed = []
    for number, path in enumerate(paths):
        if path.resolve() == REPOSITORY / SHIPPED:
            packed.append(SHIPPED.as_posix())
            continue
        name = f"{DOCUMENTS}/{number + 1}-{path.resolve().name}" if len(paths) > 1 else DOCUMENTS
        target = bundle / FOLDER / name
        if path.is_dir():
            shutil.copytree(path, target)
        else:
            target = target / path.name
            target.parent.mkdir(parents=True)
            shutil.copy2(path, target)
        packed.append(target.relative_to(bundle / FOLDER).as_posix())
    return packed


def pack_index(bundle: Path, documents: Sequence[str], settings: Settings) -> int:
    """Build the index of what was packed, with the vectors that are there already."""
    folder = bundle / FOLDER
    if (settings.index_folder / "vectors").is_dir():
        shutil.copytree(settings.index_folder / "vectors", folder / "var" / "index" / "vectors")
    report = build_index(
        [folder / path for path in documents],
        folder / "var" / "index",
        settings.models_folder,
        limits=read_limits(),
    )
    for unreadable in report.unreadable:
        _say(f"unreadable: {unreadable.message}")
    return report.passages


def write_contents(bundle: Path, documents: Sequence[str]) -> int:
    """Write what the bundle holds and for which machine; return its size in bytes."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    contents = {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "system": platform.system(),
        "machine": platform.machine(),
        "folder": FOLDER,
        "documents": list(documents),
        "sha256": {path.relative_to(bundle).as_posix(): sha256_of(path) for path in files},
    }
    (bundle / "bundle.json").write_text(json.dumps(contents, indent=1) + "\n", "utf-8")
    return sum(path.stat().st_size for path in files)


def _say(line: str) -> None:
    print(f"offline_bundle: {line}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Pack; return 0, or 2 where nothing could be packed."""
    parser = argparse.ArgumentParser(
        description="Pack program, packages, models, documents and index for a machine without "
        "network; python3 install.py installs it there."
    )
    parser.add_argument(
        "bundle", metavar="DIR", type=given_path, help="a folder that isn't there yet"
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        type=given_path,
        nargs="*",
        default=[REPOSITORY / SHIPPED],
        help="documents to pack and index (default docs/sources)",
    )
    parser.add_argument("--wheels", metavar="DIR", type=Path, help="take the packages from there")
    parser.add_argument("--settings", metavar="FILE", type=Path, help=FILE_HELP)
    options = parser.parse_args(arguments)
    use_settings_file(options.settings)
    bundle, began = options.bundle.resolve(), time.monotonic()
    if bundle.exists() or bundle.is_relative_to(REPOSITORY / "docs"):
        parser.error(f"{bundle} is there already, or among what is packed; name another folder")
    missing = [path for path in options.paths if not path.exists()]
    if missing:
        parser.error(f"there is no {missing[0]}")
    try:
        settings = Settings()
        _say("the program")
        pack_program(bundle)
        _say("the packages, some 400 MB where there is a CPU build of torch")
        pack_wheels(bundle, REPOSITORY, options.wheels)
        _say("the models")
        shutil.copytree(settings.models_folder, bundle / FOLDER / "var" / "models")
        _say("the documents and their index")
        documents = pack_documents(bundle, options.paths)
        passages = pack_index(bundle, documents, settings)
        size = write_contents(bundle, documents)
    except BAD_SETTINGS as error:
        for problem in settings_problems(error):
            _say(problem)
        return 2
    except (BundleFailed, IndexingError, OSError) as error:
        _say(str(error))
        return 2
    print(
        f"{bundle}: {size / 1e6:,.0f} MB, {passages} passages, {time.monotonic() - began:.0f} s; "
        "take it to the other machine and run python3 install.py there"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
