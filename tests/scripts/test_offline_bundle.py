"""A bundle holds everything and installs without network; a damaged or foreign one is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts import install_bundle, offline_bundle

PACKAGE = "briefing_desk_probe"


def write_wheel(folder: Path) -> Path:
    """Write a package of one module, as PEP 427 has it."""
    folder.mkdir()
    wheel = folder / f"{PACKAGE}-1.0-py3-none-any.whl"
    about = f"{PACKAGE}-1.0.dist-info"
    files = {
        f"{PACKAGE}.py": "WORD = 'installed'\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{name},sha256={digest.decode()},{len(text)}\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{about}/RECORD": record + f"{about}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return wheel


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Locks of one package, whose wheel lies beside them."""
    wheel = write_wheel(tmp_path / "offered")
    line = f"{PACKAGE}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    (tmp_path / "requirements.lock").write_text(line)
    (tmp_path / "requirements-torch.lock").write_text(line)
    # No CPU build is offered, as on most machines: the registry's build is taken.
    none = f"briefing_desk_absent==1.0 --hash=sha256:{'0' * 64}\n"
    (tmp_path / "requirements-torch-cpu.lock").write_text(none)
    return tmp_path


@pytest.fixture
def bundle(locks: Path) -> Path:
    folder = locks / "bundle"
    offline_bundle.pack_program(folder)
    offline_bundle.pack_wheels(folder, locks, locks / "offered")
    documents = offline_bundle.pack_documents(folder, [offline_bundle.REPOSITORY / "docs/sources"])
    offline_bundle.write_contents(folder, documents)
    return folder


def test_what_is_packed_installs_without_network(bundle: Path, tmp_path: Path) -> None:
    contents = json.loads((bundle / "bundle.json").read_text())
    install_bundle.check_machine(contents)
    install_bundle.check_files(bundle, contents)
    python = install_bundle.install_packages(bundle, tmp_path / "target")
    said = subprocess.run(
        [python, "-c", f"import {PACKAGE}; print({PACKAGE}.WORD)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == "installed"


def test_the_packed_program_is_the_whole_program(bundle: Path) -> None:
    program = bundle / offline_bundle.FOLDER
    for script in ("build_index.py", "doctor.py", "serve.py"):
        told = subprocess.run(
            [sys.executable, program / "scripts" / script, "--help"],
            cwd=program, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
    contents = json.loads((bundle / "bundle.json").read_text())
    assert contents["documents"] == ["docs/sources"]
    assert f"{offline_bundle.FOLDER}/app/reader/reader.onnx" in contents["sha256"]
    assert "install.py" in contents["sha256"]


def test_a_damaged_or_missing_file_is_named(bundle: Path) -> None:
    (wheel,) = (bundle / "wheels").glob("*.whl")
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"?")
    told = subprocess.run(
        [sys.executable, bundle / "install.py"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert f"wheels/{wheel.name} is damaged" in told.stderr
    wheel.unlink()
    contents = json.loads((bundle / "bundle.json").read_text())
    with pytest.raises(install_bundle.CannotInstall, match="can't be read: No such file"):
        install_bundle.check_files(bundle, contents)


@pytest.mark.parametrize("other", [{"python": "3.99"}, {"system": "Plan9"}, {"machine": "vax"}])
def test_a_bundle_for_another_machine_is_refused(other: dict[str, str], bundle: Path) -> None:
    contents = json.loads((bundle / "bundle.json").read_text()) | other
    with pytest.raises(install_bundle.CannotInstall, match="the bundle is for"):
        install_bundle.check_machine(contents)


def test_a_package_that_cant_be_got_ends_it_in_one_sentence(locks: Path) -> None:
    shutil.rmtree(locks / "offered")
    (locks / "offered").mkdir()
    with pytest.raises(offline_bundle.BundleFailed, match="the packages could not be got"):
        offline_bundle.pack_wheels(locks / "bundle", locks, locks / "offered")


def test_documents_of_two_folders_of_one_name_both_come_along(tmp_path: Path) -> None:
    for name in ("one/minutes", "other/minutes"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.md").write_text(name)
    paths = [tmp_path / "one/minutes", tmp_path / "other/minutes", tmp_path / "one/minutes/a.md"]
    packed = offline_bundle.pack_documents(tmp_path / "bundle", paths)
    program = tmp_path / "bundle" / offline_bundle.FOLDER
    assert (program / packed[0] / "a.md").read_text() == "one/minutes"
    assert (program / packed[1] / "a.md").read_text() == "other/minutes"
    assert (program / packed[2]).read_text() == "one/minutes"


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        offline_bundle.main([str(tmp_path)])
    assert ended.value.code == 2


def test_a_folder_that_is_no_bundle_is_told_in_words(tmp_path: Path) -> None:
    installer = Path(shutil.copy(install_bundle.__file__, tmp_path / "install.py"))
    for content, said in (
        (None, f"install: {tmp_path} is no bundle: it has no bundle.json; run the install.py of"),
        ("{", "install: bundle.json is damaged; copy the bundle anew"),
        ("{}", "install: bundle.json lacks 'python'; copy the bundle anew"),
    ):
        if content is not None:
            (tmp_path / "bundle.json").write_text(content, "utf-8")
        outcome = subprocess.run(
            [sys.executable, installer], capture_output=True, text=True, check=False
        )
        assert outcome.returncode == 2
        assert outcome.stderr.startswith(said)
        assert outcome.stderr.count("\n") == 1
