"""Installs Briefing Desk from a bundle of offline_bundle.py, where this file is install.py.

Needs the Python that the bundle was made with and nothing else: no network, no compiler, no make.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

# Only the standard library: nothing is installed yet.


class CannotInstall(Exception):
    """The bundle is damaged, or for another kind of machine."""


def read_contents(bundle: Path) -> dict[str, Any]:
    """Return what a bundle says it holds; raise CannotInstall where the folder is none."""
    try:
        contents: dict[str, Any] = json.loads((bundle / "bundle.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise CannotInstall(
            f"{bundle} is no bundle: it has no bundle.json; run the install.py of a folder that "
            "`python scripts/offline_bundle.py DIR` made"
        ) from error
    except ValueError as error:
        raise CannotInstall("bundle.json is damaged; copy the bundle anew") from error
    return contents


def check_machine(contents: dict[str, Any]) -> None:
    """Raise CannotInstall where the packages were made for another Python, system or processor."""
    here = {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "system": platform.system(),
        "machine": platform.machine(),
    }
    for name, found in here.items():
        if contents[name] != found:
            raise CannotInstall(
                f"the bundle is for {name} {contents[name]}, this is {found}; "
                f"run it with python{contents['python']}, or make a bundle on a machine like this"
            )


def check_files(bundle: Path, contents: dict[str, Any]) -> None:
    """Raise CannotInstall where a file is missing or has another SHA-256."""
    for name, sha256 in contents["sha256"].items():
        try:
            with (bundle / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CannotInstall(f"{name} can't be read: {error.strerror}; copy it anew") from error
        if found != sha256:
            raise CannotInstall(f"{name} is damaged; copy the bundle anew")


def install_packages(bundle: Path, target: Path) -> Path:
    """Make ``.venv`` in the target and install every wheel into it; return its Python."""
    _run([sys.executable, "-m", "venv", str(target / ".venv")])
    python = target / ".venv" / "bin" / "python"
    wheels = sorted(str(path) for path in (bundle / "wheels").glob("*.whl"))
    _run(
        [
            str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-index",
            "--no-deps", *wheels,
        ]
    )  # fmt: skip
    return python


def _run(command: list[str], cwd: Path | None = None, *, ok: tuple[int, ...] = (0,)) -> None:
    outcome = subprocess.run(command, cwd=cwd, check=False)
    if outcome.returncode not in ok:
        raise CannotInstall(f"{' '.join(command[:4])} … ended with {outcome.returncode}")


def main(arguments: list[str] | None = None) -> int:
    """Install; return 0, or 2 where that can't be done."""
    parser = argparse.ArgumentParser(description="Install Briefing Desk from this bundle.")
    parser.add_argument("--to", metavar="DIR", type=Path, help="install there, not in the bundle")
    options = parser.parse_args(arguments)
    bundle = Path(__file__).resolve().parent
    try:
        contents = read_contents(bundle)
        check_machine(contents)
        print("checking every file of the bundle", flush=True)
        check_files(bundle, contents)
        target = bundle / contents["folder"]
        if options.to is not None:
            target = Path(shutil.copytree(target, options.to.resolve()))
        print("installing the packages", flush=True)
        python = install_packages(bundle, target)
        # The index names where the files lie, and they lie elsewhere now; no text is encoded anew.
        # Exit code 1: a file can't be read, as when the bundle was made.
        _run([str(python), "scripts/build_index.py", *contents["documents"]], target, ok=(0, 1))
        _run([str(python), "scripts/doctor.py"], target)
    except KeyError as error:
        print(f"install: bundle.json lacks {error}; copy the bundle anew", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"install: {error.filename} can't be used: {error.strerror}", file=sys.stderr)
        return 2
    except (CannotInstall, ValueError) as error:
        print(f"install: {error}", file=sys.stderr)
        return 2
    print(f"done; to serve: cd {target} && .venv/bin/python scripts/serve.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
