"""doctor.py finds what is wrong, and nothing where all is well."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import doctor

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
    assert "build_index.py" in index.fix


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
