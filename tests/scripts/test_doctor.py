"""doctor.py finds what is wrong, and nothing where all is well."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from app.setup_checks import Finding, check_setup
from app.storing import Storage
from index import ReadingLimits
from scripts import doctor
from tests.serving import HARBOUR, REPOSITORY, briefing_server, build

MODELS = REPOSITORY / "var" / "models"

LOCK = """# Written by hand for this test
pytest=={pytest} ; sys_platform == 'darwin' or sys_platform == 'linux' \\
    --hash=sha256:00 \\
    --hash=sha256:01
audioop-lts==0.2.2 ; python_full_version >= '99' \\
    --hash=sha256:02
"""


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text(LOCK.format(pytest=pytest.__version__))
    torch = doctor._installed("torch") or "none"
    (tmp_path / "requirements-torch.lock").write_text(f"torch=={torch.partition('+')[0]} \\\n")
    return tmp_path


def test_an_old_python_is_told_from_a_recent_one() -> None:
    assert not doctor.check_python((3, 10, 13)).ok
    assert "3.11" in doctor.check_python((3, 10, 13)).fix
    assert doctor.check_python((3, 11, 0)).ok
    assert doctor.check_python((3, 14, 2)).ok


def test_a_lock_line_whose_marker_does_not_hold_demands_nothing() -> None:
    assert doctor.locked_versions(LOCK.format(pytest="9.9")) == {"pytest": "9.9"}


def test_packages_as_locked_are_ok(locks: Path) -> None:
    assert doctor.check_packages(locks).ok


def test_another_version_and_a_missing_package_are_named(locks: Path) -> None:
    lock = LOCK.format(pytest="0.0.1") + "no-such-package==1.0 \\\n"
    (locks / "requirements.lock").write_text(lock)
    check = doctor.check_packages(locks)
    assert not check.ok
    assert "missing: no-such-package" in check.detail
    assert f"pytest {pytest.__version__} (locked: 0.0.1)" in check.detail
    assert "make install" in check.fix


def test_a_damaged_reader_is_found(tmp_path: Path) -> None:
    (tmp_path / "reader.onnx").write_bytes(b"weights")
    card = {"sha256": hashlib.sha256(b"weights").hexdigest()}
    (tmp_path / "reader.json").write_text(json.dumps(card))
    assert doctor.check_reader(tmp_path).ok
    (tmp_path / "reader.onnx").write_bytes(b"Weights")
    assert not doctor.check_reader(tmp_path).ok
    (tmp_path / "reader.json").unlink()
    assert not doctor.check_reader(tmp_path).ok


def test_missing_models_and_index_are_failed_lines_with_a_fix(tmp_path: Path) -> None:
    models = doctor.check_models(tmp_path)
    assert not models.ok
    assert "prepare_models.py" in models.fix
    index = doctor.check_index(tmp_path)
    assert not index.ok
    assert index.fix == f"run `python scripts/build_index.py --index {tmp_path}`"
    assert not [check for check in (models, index) if "run `" in check.detail]


def test_a_broken_index_is_mended_by_the_command_that_is_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "my index"
    (folder / "versions").mkdir(parents=True)
    (folder / "current").write_text("000001-0123456789abcdef\n", "utf-8")
    check = doctor.check_index(folder)
    assert "run `" not in check.detail
    assert f"build_index.py --rebuild --index '{folder}'`" in check.fix
    (folder / "versions" / "000001-0123456789abcdef").mkdir()
    check = doctor.check_index(folder)
    assert check.fix == f"run `python scripts/build_index.py --rebuild --index '{folder}'`"


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.getaddrinfo", ("telemetry.example", 443, 0, 0, 0)),
        ("socket.getaddrinfo", (b"telemetry.example", 443, 0, 0, 0)),
        ("socket.gethostbyname", ("telemetry.example",)),
        ("socket.connect", (None, ("192.0.2.1", 443))),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
        ("socket.sendto", (None, ("192.0.2.1", 53))),
    ],
)
def test_what_would_leave_the_machine_is_refused_and_noted(
    event: str, arguments: tuple[object, ...]
) -> None:
    refused: list[str] = []
    with pytest.raises(doctor.NetworkRefused):
        doctor.refuse_network(refused)(event, arguments)
    assert len(refused) == 1


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.getaddrinfo", ("127.0.0.1", 7860, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 0, 0, 0, 0)),
        ("socket.getaddrinfo", ("localhost", 7860, 0, 0, 0)),
        ("socket.connect", (None, ("127.8.9.1", 7860))),
        ("socket.connect", (None, ("::1", 7860, 0, 0))),
        ("socket.connect", (None, "/run/local.socket")),
        ("open", ("/etc/hostname", "r", 0)),
    ],
)
def test_what_stays_on_the_machine_passes(event: str, arguments: tuple[object, ...]) -> None:
    refused: list[str] = []
    doctor.refuse_network(refused)(event, arguments)
    assert refused == []


def test_python_raises_the_events_that_the_hook_listens_to() -> None:
    program = (
        "import socket, sys\n"
        "from scripts import doctor\n"
        "refused = []\n"
        "sys.addaudithook(doctor.refuse_network(refused))\n"
        "for attempt in (lambda: socket.create_connection(('telemetry.example', 443), 1),\n"
        "                lambda: socket.create_connection(('192.0.2.1', 443), 1)):\n"
        "    try:\n        attempt()\n    except doctor.NetworkRefused:\n        pass\n"
        "print(refused)\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert outcome.stdout.strip() == ("['look-up of telemetry.example', 'connection to 192.0.2.1']")


# ── the set-up ───────────────────────────────────────────────────────────────────────────────────


def found_in(limits: ReadingLimits | None = None, **settings: Any) -> dict[str, Finding]:
    chosen = {"port": 0} | settings
    found = check_setup(Settings(**chosen), limits or ReadingLimits())
    return {finding.about: finding for finding in found}


def test_a_set_up_that_is_well_has_no_findings(tmp_path: Path) -> None:
    storage = tmp_path / "desk.sqlite"
    Storage(storage, 30).close()
    assert found_in() == {}
    assert found_in(storage_file=storage, retention_days=30) == {}
    assert found_in(password="long enough", allowed_hosts=("desk.example.org",)) == {}


def test_a_port_of_another_program_is_told_from_one_of_ours() -> None:
    ours = briefing_server()
    assert found_in(port=int(ours.url.rpartition(":")[2])) == {}
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def hang_up() -> None:
            other.accept()[0].close()

        answers = threading.Thread(target=hang_up)
        answers.start()
        finding = found_in(port=port)["port"]
        answers.join()
    assert finding.is_fault
    assert f"127.0.0.1:{port} is taken" in finding.detail


def test_an_address_of_another_machine_is_named() -> None:
    assert "can't be listened on" in found_in(host="192.0.2.1")["port"].detail


@pytest.mark.parametrize(
    ("settings", "about", "said", "is_fault"),
    [
        ({"host": "0.0.0.0", "allowed_hosts": ("a.example",)}, "access", "whoever", False),
        ({"host": "0.0.0.0", "password": "long enough"}, "access", "in numbers", False),
        (
            {"login_header": "X-User", "trusted_proxies": ("0.0.0.0/0",)},
            "access",
            "sign in as anybody",
            True,
        ),
        (
            {"password": "long enough", "allowed_origins": ("https://example.org",)},
            "access",
            "no widget",
            True,
        ),
        ({"path_prefix": "/briefing"}, "access", "no proxy", False),
        ({"admin_password": "long enough for it"}, "admin", "nothing is stored", False),
        ({"log_questions": True}, "log", "each question", False),
        ({"storage_file": "/tmp/desk.sqlite"}, "storage", "nobody chose for how long", False),
        ({"storage_file": "/no/such/desk", "retention_days": 9}, "storage", "doesn't exist", True),
    ],
)
def test_what_opens_more_than_was_meant_or_wont_work_is_named(
    settings: dict[str, Any], about: str, said: str, is_fault: bool
) -> None:
    finding = found_in(**settings)[about]
    assert said in finding.detail
    assert finding.is_fault is is_fault
    assert finding.fix


def test_a_storage_that_is_none_or_of_a_later_version_is_named(tmp_path: Path) -> None:
    file = tmp_path / "desk.sqlite"
    file.write_text("no database, and long enough to be looked into" * 100)
    assert "can't be read" in found_in(storage_file=file, retention_days=9)["storage"].detail
    file.unlink()
    with closing(sqlite3.connect(file)) as later:
        later.execute("PRAGMA user_version = 99")
    file.chmod(0o600)
    assert "later version" in found_in(storage_file=file, retention_days=9)["storage"].detail


@pytest.mark.parametrize("name", ["password", "admin_password"])
def test_a_file_with_a_password_that_others_may_read_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(f'{name} = "long enough for it"\n')
    file.chmod(0o644)
    monkeypatch.setenv("BRIEFING_DESK_SETTINGS", str(file))
    assert "others on this machine may read" in found_in()["access"].detail
    file.chmod(0o600)
    assert "access" not in found_in()


def test_tesseract_that_isnt_there_or_lacks_a_language_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    limits = ReadingLimits(ocr_languages="eng+rus")
    assert "isn't installed" in found_in(limits)["ocr"].detail
    tesseract = tmp_path / "tesseract"
    tesseract.write_text("#!/bin/sh\necho 'List of available languages (2):'; echo eng; echo osd\n")
    tesseract.chmod(0o755)
    assert "doesn't know rus of" in found_in(limits)["ocr"].detail
    assert found_in(ReadingLimits(ocr_languages="eng")) == {}


def test_an_index_of_another_encoder_and_files_and_words_that_went_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = Path(shutil.copytree(HARBOUR, tmp_path / "sources"))
    index = build([sources], tmp_path / "index")
    assert doctor.check_use(index, MODELS) == []
    curated = tmp_path / "curated.yaml"
    words = (sources / "market.md").read_text("utf-8").splitlines()[-1]
    entries = [
        {"questions": [question], "answer": [{"document": "market.md", "quote": quote}]}
        for question, quote in (("Which market?", words), ("Who?", "Nobody wrote this."))
    ]
    curated.write_text("\n".join(f"- {json.dumps(entry)}" for entry in entries), "utf-8")
    monkeypatch.setenv("BRIEFING_DESK_CURATED_FILE", str(curated))
    (check,) = doctor.check_use(index, MODELS)
    assert check.ok
    assert "line 2, is left out: market.md: the quote 'Nobody wrote this.' isn't" in check.detail
    assert check.fix
    monkeypatch.delenv("BRIEFING_DESK_CURATED_FILE")
    (sources / "market.md").unlink()
    (check,) = doctor.check_use(index, MODELS)
    assert check.ok
    assert "1 of 7 files" in check.detail
    models = tmp_path / "models"
    models.mkdir()
    manifest = json.loads((MODELS / "models.json").read_text())
    for encoder in manifest["encoders"]:
        encoder["sha256"] = "0" * 64
    (models / "models.json").write_text(json.dumps(manifest))
    (check,) = doctor.check_use(index, models)
    assert not check.ok
    assert "encodes everything anew" in check.fix


def test_the_script_names_a_setting_that_cant_be_used(tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text('allowed_origins = ["example.org"]\nprot = 80\n')
    outcome = subprocess.run(
        [sys.executable, "scripts/doctor.py", "--json", "--settings", str(file)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1
    told = {check["name"]: check for check in json.loads(outcome.stdout)["checks"]}
    assert not told["settings"]["ok"]
    assert "'example.org' is no origin; write scheme and host" in told["settings"]["detail"]
    assert f"prot in {file}: no such setting" in told["settings"]["detail"]
    assert str(file) in told["settings"]["fix"]
