"""What the documents promise exists; what must not be in the repository isn't."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.training.written import read_passages

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((REPOSITORY / "scripts").glob("*.py"))
LOCKS = sorted(REPOSITORY.glob("requirements*.lock"))
DOCUMENTATION = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs" / "manual").glob("*.md"))]

# Put together here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("download", "pytorch", "org"),
    )
]
ABSOLUTE_PATH = re.compile("(?<![A-Za-z0-9_.~/-])/" + "(?:work|root|opt)/")

DATA_SETS = {
    "squad": "SQuAD",
    "squad1": "SQuAD 1.1",
    "squad2": "2.0",
    "qed": "QED",
    "timeqa": "TimeQA",
    "nq": "NQ-swap",
    "qamr": "QAMR",
    "policyqa": "PolicyQA",
    "derived": "Negative examples derived",
    "measure": "NYT-3000",
    "kazqad": "KazQAD",
    "clapnq": "CLAPnq",
    "tatqa": "TAT-QA",
    "xquad": "XQuAD",
    "ntrex": "NTREX",
}


def read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def project() -> dict[str, object]:
    return dict(tomllib.loads(read("pyproject.toml"))["project"])


def tracked_files() -> list[Path]:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a clone: the list of tracked files is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file()]


def tracked_texts() -> list[tuple[str, str]]:
    texts = []
    for path in tracked_files():
        try:
            texts.append((path.relative_to(REPOSITORY).as_posix(), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue  # pictures and weights
    return texts


def requirements(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """Return each requirement of a lock with its hashes."""
    joined = re.sub(r"\\\n\s*", " ", lock.read_text(encoding="utf-8"))
    found = []
    for line in joined.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = line.split(" --hash=")
            found.append((Requirement(requirement.strip()), [each.strip() for each in hashes]))
    return found


# ── the locks ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_of_a_lock_is_one_version_with_hashes(lock: Path) -> None:
    found = requirements(lock)
    assert found
    for requirement, hashes in found:
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index.url|--find-links)\b", text, re.MULTILINE)


def test_torch_and_its_libraries_have_a_lock_of_their_own() -> None:
    names = {requirement.name for requirement, _ in requirements(REPOSITORY / "requirements.lock")}
    assert "sentence-transformers" in names
    assert not {name for name in names if re.match(r"torch$|triton|nvidia-|cuda-", name)}
    pinned = {
        lock.name: [str(each.specifier) for each, _ in requirements(lock) if each.name == "torch"]
        for lock in LOCKS
    }
    assert pinned["requirements-torch.lock"] == ["==2.13.0"]
    assert pinned["requirements-torch-cpu.lock"] == ["==2.13.0+cpu"]


def test_every_dependency_is_locked_at_a_version_it_allows() -> None:
    locked = {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for lock in LOCKS
        for each, _ in requirements(lock)
        if each.marker is None or each.marker.evaluate()
    }
    stated = tomllib.loads(read("pyproject.toml"))["project"]
    for line in [*stated["dependencies"], *stated["optional-dependencies"]["dev"]]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), line


def test_every_package_that_is_imported_is_declared() -> None:
    stated = tomllib.loads(read("pyproject.toml"))["project"]
    for_use = {canonicalize_name(Requirement(line).name) for line in stated["dependencies"]}
    for_tests = for_use | {
        canonicalize_name(Requirement(line).name)
        for line in [*stated["optional-dependencies"]["dev"], "packaging"]
    }
    providers = importlib.metadata.packages_distributions()
    undeclared = set()
    for folder, declared in (
        ("app", for_use), ("index", for_use), ("scripts", for_tests), ("tests", for_tests),
    ):  # fmt: skip
        for path in (REPOSITORY / folder).rglob("*.py"):
            for name in imported_packages(path):
                if name in sys.stdlib_module_names or name in {"app", "index", "scripts", "tests"}:
                    continue
                provided_by = {canonicalize_name(each) for each in providers.get(name, [name])}
                if not provided_by & declared:
                    undeclared.add(f"{path.relative_to(REPOSITORY)}: {name}")
    assert not undeclared


def imported_packages(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


# ── the scripts ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_explains_itself(script: Path, tmp_path: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, str(script), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.startswith("usage: ")
    assert outcome.stderr == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_is_under_test(script: Path) -> None:
    mentions = re.compile(
        rf"\b{script.stem}\.py\b|scripts import .*\b{script.stem}\b|scripts\.{script.stem}\b"
    )
    others = [path for path in (REPOSITORY / "tests").rglob("*.py") if path != Path(__file__)]
    assert any(mentions.search(path.read_text(encoding="utf-8")) for path in others)


# ── the documentation ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("document", DOCUMENTATION, ids=lambda path: path.name)
def test_the_commands_of_the_documentation_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s])", code_of(text))) <= targets
    for script in set(re.findall(r"\bscripts/(\w+\.py)\b", text)):
        assert (REPOSITORY / "scripts" / script).is_file(), script
    for lock in set(re.findall(r"\brequirements[\w-]*\.lock\b", text)):
        assert (REPOSITORY / lock).is_file(), lock


def code_of(markdown: str) -> str:
    """Return the code of a Markdown text: fenced blocks and inline code, a space after each."""
    fenced = re.findall(r"^```.*?$(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    inline = re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    )
    return " \n".join([*fenced, *inline, ""])


@pytest.mark.parametrize("document", DOCUMENTATION, ids=lambda path: path.name)
def test_the_options_of_the_documentation_are_the_scripts_own(document: Path) -> None:
    for line in code_of(document.read_text(encoding="utf-8")).splitlines():
        for script, rest in re.findall(r"scripts/(\w+\.py)([^|&#>]*)", line):
            source = read(f"scripts/{script}")
            for option in re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest):
                assert f'"{option}"' in source, f"{script} {option}"


@pytest.mark.parametrize("document", DOCUMENTATION, ids=lambda path: path.name)
def test_the_links_of_the_documentation_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (document.parent / target).exists(), target


def test_every_threat_names_a_test_that_exists() -> None:
    table = read("docs/manual/security.md").partition("\n## Threats\n")[2]
    lines = [line.strip(" |").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    threats = [line for line in lines[1:] if len(line) == 3]
    assert len(threats) == len(lines) - 1 > 30
    for _, _, named in threats:
        file, _, test = named.strip("`").partition("::")
        defined = re.findall(r"^def (test_\w+)", read(file), re.MULTILINE)
        assert test in defined, named


def test_settings_that_the_documentation_names_exist() -> None:
    from app.settings import Settings
    from index import ReadingLimits

    known = {*Settings.model_fields, *ReadingLimits.model_fields, "settings"}  # the file of them
    for document in DOCUMENTATION:
        for name in re.findall(r"\bBRIEFING_DESK_([A-Z_]*[A-Z])\b", document.read_text("utf-8")):
            assert name.lower() in known, name


def test_the_changelog_opens_with_the_version_of_the_project() -> None:
    headings = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == project()["version"]


def test_notice_names_every_data_set_that_training_reads() -> None:
    named = {passage.file.split("-")[0] for passage in read_passages() if passage.file}
    for module in (REPOSITORY / "app" / "training").glob("*.py"):
        source = module.read_text(encoding="utf-8")
        named |= set(re.findall(r'"([a-z0-9]+)[a-z0-9.-]*\.jsonl\.gz"', source))
        named |= {name.split("-")[0].split(".")[0] for name in mixed_data_sets(source)}
    assert {"squad2", "timeqa", "kazqad", "ntrex"} <= named
    for name in named:
        assert DATA_SETS[name] in read("NOTICE"), name


def mixed_data_sets(source: str) -> list[str]:
    """Return the files of the training mix: the second argument of each Source(…)."""
    return [
        node.args[1].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Source"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    ]


def test_notice_names_every_pinned_model_package_and_every_dependency() -> None:
    notice = read("NOTICE")
    for package in re.findall(r'PinnedFile\(\s*"([\w-]+)"', read("index/preparing.py")):
        assert package in notice
    stated = tomllib.loads(read("pyproject.toml"))["project"]
    for line in [*stated["dependencies"], *stated["optional-dependencies"]["dev"]]:
        assert re.search(rf"(?<![\w-]){re.escape(Requirement(line).name)}(?![\w-])", notice), line


# ── what must not be here ────────────────────────────────────────────────────────────────────────


def test_no_file_names_a_package_registry() -> None:
    assert not [
        (name, host) for name, text in tracked_texts() for host in REGISTRY_HOSTS if host in text
    ]


def test_no_file_holds_an_absolute_path_of_somebodys_machine() -> None:
    assert not [
        (name, found.group()) for name, text in tracked_texts()
        for found in [ABSOLUTE_PATH.search(text)] if found
    ]  # fmt: skip


def test_the_top_level_holds_only_what_the_design_names() -> None:
    allowed = {"pyproject.toml", "README.md", "Makefile", "LICENSE", "NOTICE", "CHANGELOG.md"}
    allowed |= {"app", "index", "docs", "tests", "scripts"}
    top = {path.relative_to(REPOSITORY).parts[0] for path in tracked_files()}
    assert {name for name in top if not name.startswith(".")} - allowed == {
        lock.name for lock in LOCKS
    }


def test_no_tracked_file_is_larger_than_the_reader_may_be() -> None:
    assert not [path for path in tracked_files() if path.stat().st_size > 50_000_000]


def test_json_that_is_shipped_can_be_read() -> None:
    for path in tracked_files():
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))


# ── make ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def bare_clone(tmp_path: Path) -> Path:
    """A folder with only what `make install` looks at first."""
    if shutil.which("make") is None:
        pytest.skip("there is no make on this machine")
    folder = tmp_path / "a clone"
    folder.mkdir()
    for path in [REPOSITORY / "Makefile", REPOSITORY / "pyproject.toml", *LOCKS]:
        shutil.copy(path, folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_old_python_is_refused_with_the_command_that_helps(bare_clone: Path) -> None:
    old = bare_clone / "old python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    outcome = make(bare_clone, "run", f"PYTHON={old}")
    assert outcome.returncode == 2
    assert "3.11" in outcome.stderr
    assert "make run PYTHON=" in outcome.stderr
    assert not (bare_clone / ".venv").exists()


def test_a_folder_of_documents_may_have_a_space_in_its_name(bare_clone: Path) -> None:
    outcome = make(bare_clone, "-n", "run", "DOCS=my 'own' documents", "PORT=8080")
    assert outcome.returncode == 0
    assert 'build_index.py "$DOCS"' in outcome.stdout
    assert '--port "$PORT"' in outcome.stdout


@pytest.mark.parametrize("goal", ["run", "index"])
def test_an_empty_name_of_the_documents_is_refused_before_anything_is_installed(
    bare_clone: Path, goal: str
) -> None:
    outcome = make(bare_clone, goal, "DOCS=")
    assert outcome.returncode == 2
    assert "DOCS is empty" in outcome.stderr
    assert not (bare_clone / ".venv").exists()
    assert make(bare_clone, "help", "DOCS=").returncode == 0


def test_who_may_connect_is_not_taken_from_the_environment(
    bare_clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")  # as a shell may have it
    said = "host:\n\t@echo listens on $$HOST\ninclude Makefile\n"
    (bare_clone / "asking").write_text(said, encoding="utf-8")
    assert make(bare_clone, "-f", "asking", "host").stdout == "listens on 127.0.0.1\n"
    told = make(bare_clone, "-f", "asking", "host", "HOST=192.0.2.1").stdout
    assert told == "listens on 192.0.2.1\n"


def test_make_alone_says_what_can_be_made(bare_clone: Path) -> None:
    outcome = make(bare_clone)
    assert outcome.returncode == 0
    assert "make run" in outcome.stdout
    assert "make test" in outcome.stdout


def test_ci_checks_and_tests() -> None:
    run = REPOSITORY / ".ci" / "run"
    assert run.stat().st_mode & 0o111
    lines = run.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make check", "make test"]
