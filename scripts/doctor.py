"""Checks an installation, line by line, and says how to repair what is wrong.

Python, the packages against the lock, the settings, every model file against its SHA-256, the
reader, the index against its checksums; and in a process that may not leave the machine, a start of
the server, a page and a question.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.metadata
import ipaddress
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# Only the standard library up here: the doctor has to speak where nothing is installed yet.
REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

if TYPE_CHECKING:
    from app.setup_checks import Finding

PYTHON_MINIMUM = (3, 11)
PROBE_SECONDS_MAX = 180
INSTALL = "run `make install`"
PREPARE = "run `python scripts/prepare_models.py`"
CLONE = "clone the repository again"


@dataclass(frozen=True)
class Check:
    """One line of the examination; ``fix`` is empty where all is well.

    Where a line is ok and has one, it may be what was meant: advice.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""


class NetworkRefused(OSError):
    """The audit hook stopped a look-up or a connection."""


def check_python(version: tuple[int, int, int]) -> Check:
    """Check that this Python is recent enough."""
    shown = ".".join(str(part) for part in version)
    wanted = ".".join(str(part) for part in PYTHON_MINIMUM)
    if version[:2] < PYTHON_MINIMUM:
        fix = f"install Python {wanted} or later and run `make run PYTHON=python{wanted}`"
        return Check("python", ok=False, detail=f"{shown} is older than {wanted}", fix=fix)
    return Check("python", ok=True, detail=shown)


def locked_versions(lock: str) -> dict[str, str]:
    """Return the versions that a lock demands on this machine, by package name."""
    from packaging.requirements import Requirement

    versions = {}
    for line in lock.splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            requirement = Requirement(line.split("--hash")[0].rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                versions[requirement.name] = str(requirement.specifier).removeprefix("==")
    return versions


def check_packages(folder: Path) -> Check:
    """Check that the installed packages are those of the locks."""
    try:
        wanted = locked_versions((folder / "requirements.lock").read_text(encoding="utf-8"))
        for_torch = locked_versions((folder / "requirements-torch.lock").read_text("utf-8"))
    except ImportError:
        return Check("packages", ok=False, detail="the packages are not installed", fix=INSTALL)
    except OSError as error:
        return Check("packages", ok=False, detail=f"no lock: {error}", fix=CLONE)
    torch = _installed("torch")
    # A CPU build ("2.13.0+cpu") satisfies the lock and needs none of the libraries beside it.
    is_cpu_build = torch is not None and "+cpu" in torch
    wanted |= {"torch": for_torch["torch"]} if is_cpu_build else for_torch
    missing = [name for name in wanted if _installed(name) is None]
    other = [
        f"{name} {_installed(name)} (locked: {version})"
        for name, version in wanted.items()
        if name not in missing and not _satisfies(_installed(name) or "", version)
    ]
    if missing or other:
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        parts += [f"differing: {', '.join(other)}"] if other else []
        return Check("packages", ok=False, detail="; ".join(parts), fix=INSTALL)
    return Check("packages", ok=True, detail=f"{len(wanted)} as locked")


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _satisfies(installed: str, locked: str) -> bool:
    return installed == locked or installed.partition("+")[0] == locked


def check_settings() -> list[Check]:
    """Check that the settings can be used, and that together they make what was meant."""
    from app.settings import (
        BAD_SETTINGS,
        FILE_VARIABLE,
        Settings,
        read_limits,
        settings_problems,
    )
    from app.setup_checks import check_setup

    named = os.environ.get(FILE_VARIABLE)
    fix = f"mend {named or 'the variable of the environment'}; docs/manual/settings.md has them all"
    try:
        settings, limits = Settings(), read_limits()
    except BAD_SETTINGS as error:
        detail = "; ".join(settings_problems(error))
        return [Check("settings", ok=False, detail=detail, fix=fix)]
    chosen = len(settings.model_fields_set)
    detail = f"{chosen} chosen, {len(type(settings).model_fields) - chosen} as shipped"
    return [
        Check("settings", ok=True, detail=f"{detail}; file: {named or 'none'}"),
        *_as_checks(check_setup(settings, limits)),
    ]


def _as_checks(found: Iterable[Finding]) -> list[Check]:
    return [Check(each.about, not each.is_fault, each.detail, each.fix) for each in found]


def check_models(models_folder: Path) -> Check:
    """Check every prepared model file against the SHA-256 it had when it was made."""
    from index import ModelMissing, verify_models

    try:
        damaged = verify_models(models_folder)
    except ModelMissing as error:
        return Check("models", ok=False, detail=error.what, fix=error.fix)
    if damaged:
        detail = f"missing or damaged: {', '.join(damaged)}"
        return Check("models", ok=False, detail=detail, fix=PREPARE)
    return Check("models", ok=True, detail=f"all files of {models_folder} have their SHA-256")


def check_reader(folder: Path) -> Check:
    """Check the trained reader against the SHA-256 beside it."""
    fix = "restore the folder, e.g. `git checkout -- app/reader`"
    try:
        card = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
        with (folder / "reader.onnx").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        return Check("reader", ok=False, detail=f"{folder} can't be read: {error}", fix=fix)
    if found != card.get("sha256"):
        detail = f"reader.onnx has the SHA-256 {found}, reader.json says {card.get('sha256')}"
        return Check("reader", ok=False, detail=detail, fix=fix)
    return Check("reader", ok=True, detail="reader.onnx has its SHA-256")


def check_index(index_folder: Path) -> Check:
    """Check every file of the index against the manifest's checksums."""
    from index import IndexBroken, IndexMissing, verify_index

    try:
        manifest = verify_index(index_folder)
    except (IndexMissing, IndexBroken) as error:
        return Check("index", ok=False, detail=error.what, fix=error.fix)
    detail = (
        f"{len(manifest.documents)} documents, {manifest.passages} passages in {index_folder}; "
        f"all its files have their checksum"
    )
    return Check("index", ok=True, detail=detail)


def check_use(index_folder: Path, models_folder: Path) -> list[Check]:
    """Check that a whole index is asked with its own encoder, and that its files are there, and
    the words that the operator chose as answers.
    """
    from index.manifest import build_command, read_manifest
    from index.models import read_manifest as read_models
    from index.store import Store
    from index.versions import SPARSE_NAME, STORE_NAME, current_version

    version = current_version(index_folder)
    used, models = read_manifest(version).encoder, read_models(models_folder)
    if used.sha256 != models.facts(models.encoder).sha256:
        detail = f"it was built with {used.name}, and {models_folder} holds {models.encoder}"
        fix = f"run `{build_command(index_folder)}`: it encodes everything anew"
        return [Check("encoder", ok=False, detail=detail, fix=fix)]
    checks = []
    if not os.access(version / SPARSE_NAME, os.W_OK):
        detail = f"{index_folder} can't be written, and the word index needs a lock beside it"
        fix = f"chown -R this user: {index_folder}"
        checks.append(Check("index folder", ok=False, detail=detail, fix=fix))
    store = Store(version / STORE_NAME)
    sources = {source.source: source for source in store.sources()}
    store.close()
    other = [
        file.name
        for file, source in sources.items()
        if not file.is_file() or file.stat().st_size != source.bytes
    ]
    if other:
        detail = f"{len(other)} of {len(sources)} files changed or went since, e.g. {other[0]}"
        fix = f"run `{build_command(index_folder)}`, or with --watch"
        checks.append(Check("sources", ok=True, detail=detail, fix=fix))
    return checks + _check_curated(index_folder, models_folder)


def _check_curated(index_folder: Path, models_folder: Path) -> list[Check]:
    from app.settings import Settings
    from app.setup_checks import check_curated
    from index import Models, Retriever

    file = Settings().curated_file
    if file is None:
        return []
    with closing(Retriever.open(index_folder, Models.open(models_folder))) as retriever:
        return _as_checks(check_curated(file, retriever))


def check_offline(index_folder: Path, models_folder: Path) -> Check:
    """Check in a child process that a start, a page and a question stay on this machine."""
    command = [sys.executable, str(Path(__file__).resolve()), "--probe"]
    command += ["--index", str(index_folder), "--models", str(models_folder)]
    fix = "read the message; where the lines above are ok, it is a fault of the program: report it"
    try:
        outcome = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        detail = f"no answer within {PROBE_SECONDS_MAX} seconds"
        return Check("offline", ok=False, detail=detail, fix=fix)
    try:
        told = json.loads(outcome.stdout)
    except ValueError:
        said = outcome.stderr.strip().splitlines() or [f"exit code {outcome.returncode}"]
        return Check("offline", ok=False, detail=f"the start failed: {said[-1]}", fix=fix)
    if told["refused"]:
        detail = f"tried to leave the machine: {', '.join(told['refused'])}"
        return Check("offline", ok=False, detail=detail, fix=fix)
    detail = f"started, showed its page and replied ({told['kind']}) without leaving the machine"
    return Check("offline", ok=True, detail=detail)


def refuse_network(refused: list[str]) -> Callable[[str, tuple[object, ...]], None]:
    """Return an audit hook that stops look-ups of names and connections to other machines.

    What it stopped is added to ``refused``, for libraries that swallow the exception.
    """

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        attempt = _attempt(event, arguments)
        if attempt is not None:
            refused.append(attempt)
            raise NetworkRefused(f"{attempt} refused by the doctor")

    return hook


def _attempt(event: str, arguments: tuple[object, ...]) -> str | None:
    """Return what an event would reach outside this machine, None where it reaches nothing."""
    if event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        host = arguments[0]
        if isinstance(host, bytes):
            host = host.decode(errors="replace")
        if isinstance(host, str) and host not in {"", "localhost"} and _address(host) is None:
            return f"look-up of {host}"
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        target = arguments[1]
        # A path is a local socket; no address means one that is connected already.
        if isinstance(target, tuple):
            address = _address(str(target[0]))
            if str(target[0]) != "localhost" and (address is None or not address.is_loopback):
                return f"connection to {target[0]}"
    return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def probe(index_folder: Path, models_folder: Path) -> dict[str, object]:
    """Start the server, get its page and ask a question, with the network refused."""
    refused: list[str] = []
    sys.addaudithook(refuse_network(refused))
    import uvicorn

    from app.assistant import Assistant
    from app.server import create_app
    from app.settings import Settings

    # Nothing of this is to be kept, and the doctor knows no password.
    settings = Settings(
        index_folder=index_folder,
        models_folder=models_folder,
        storage_file=None,
        password=None,
        login_header=None,
    )
    application = create_app(settings, Assistant.open(settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            _fetch(f"{address}/en/")
            body = json.dumps({"question": "What is this about?"}).encode()
            reply = json.loads(_fetch(f"{address}/api/ask", body))
        finally:
            server.should_exit = True
            thread.join(timeout=10)
    return {"refused": sorted(set(refused)), "kind": reply["kind"]}


def _fetch(url: str, body: bytes | None = None) -> bytes:
    # A proxy that the environment names must not be asked for a loopback address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(  # noqa: S310  the address is our own server's
        url, body, {"Content-Type": "application/json"}
    )
    with opener.open(request, timeout=60) as response:
        content: bytes = response.read()
    return content


def examine(index_folder: Path | None, models_folder: Path | None) -> list[Check]:
    """Make every check; those that need packages are left out where the packages are missing."""
    python = check_python(sys.version_info[:3])
    packages = check_packages(REPOSITORY)
    checks = [python, packages]
    try:
        importlib.import_module("index")
    except ImportError as error:
        # The rest needs the packages; unless that is why, the program itself is damaged.
        if packages.ok:
            checks.append(Check("program", ok=False, detail=str(error), fix=CLONE))
        return checks
    checks += check_settings()
    if not checks[-1].ok and checks[-1].name == "settings":
        return checks
    from app.settings import Settings

    index_folder = index_folder or Settings().index_folder
    models_folder = models_folder or Settings().models_folder
    checks.append(check_reader(REPOSITORY / "app" / "reader"))
    checks.append(check_models(models_folder))
    checks.append(check_index(index_folder))
    if all(check.ok for check in checks[-2:]):
        checks += check_use(index_folder, models_folder)
    if all(check.ok for check in checks):
        checks.append(check_offline(index_folder, models_folder))
    return checks


def main(arguments: list[str] | None = None) -> int:
    """Examine the installation; return 0 when all is well, 1 when something is not."""
    parser = argparse.ArgumentParser(
        description="Check Python, packages, models, index, and that nothing leaves this machine."
    )
    parser.add_argument("--index", metavar="DIR", type=Path, help="default var/index")
    parser.add_argument("--models", metavar="DIR", type=Path, help="default var/models")
    parser.add_argument("--settings", metavar="FILE", type=Path, help="TOML file of settings")
    parser.add_argument("--json", action="store_true", help="print the checks as one JSON line")
    parser.add_argument("--probe", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.settings is not None:
        os.environ["BRIEFING_DESK_SETTINGS"] = str(options.settings.resolve())
    if options.probe:
        print(json.dumps(probe(options.index, options.models)))
        return 0
    checks = examine(options.index, options.models)
    ok = all(check.ok for check in checks)
    if options.json:
        print(json.dumps({"ok": ok, "checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            word = "failed" if not check.ok else "advice" if check.fix else "ok    "
            print(f"{word}  {check.name}: {check.detail}")
            if check.fix:
                print(f"        {check.fix}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
