"""The layout is a promise: who imports whom, where a heavy library lives, what nothing is called.

The imports are read from the syntax trees, those inside functions too; imports that only a type
checker sees are left out, since nothing is loaded by them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import index

REPOSITORY = Path(__file__).resolve().parent.parent

HOMES = {
    "docutils": {"index/formats/restructured.py"},
    "docx": {"index/formats/word.py"},
    "faiss": {"index/dense.py"},
    "gradio": {"app/chat.py"},
    "jinja2": {"app/admin_page.py"},
    "limits": {"app/rates.py"},
    "mcp": {"app/mcp.py"},
    "onnxruntime": {"index/inference.py"},
    "prometheus_client": {"app/metrics.py"},
    "openpyxl": {"index/formats/sheets.py"},
    "pptx": {"index/formats/slides.py"},
    "pypdfium2": {"index/formats/pdf.py"},
    "scipy": {"app/conditional_logit.py", "app/grouping.py"},
    "sentence_transformers": {"index/embedding.py"},
    "sentencepiece": {"index/pieces.py"},
    "sse_starlette": {"app/streaming.py"},
    "tantivy": {"index/sparse.py"},
    "tokenizers": {"index/pieces.py", "app/training/encoding.py"},
    # Torch makes vectors while indexing and graphs while preparing, and it trains; nothing that
    # serves loads it.
    "torch": {
        "index/embedding.py", "index/exporting.py", "index/preparing.py",
        "app/training/network.py", "app/training/release.py", "app/training/shipped.py",
        "app/training/run.py", "app/training/trainer.py",
    },
}  # fmt: skip

COMPOSING_STEPS = {
    # A file is extracted in a child process: one step in two processes.
    "index/reading.py": {"index.extracting"},
    # Preparing models is a journey of its own, and this is its composer.
    "index/preparing.py": {"index.embedding", "index.exporting"},
}

FORBIDDEN_NAMES = {
    "base", "common", "core", "engine", "handler", "helper", "helpers", "manager", "misc",
    "service", "util", "utils",
}  # fmt: skip


class Import(NamedTuple):
    """``names`` is empty for ``import module``."""

    file: str
    line: int
    module: str
    names: tuple[str, ...]


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def imports_of(path: Path) -> Iterator[Import]:
    yield from _imports(ast.parse(path.read_text(encoding="utf-8")), relative(path))


def _imports(node: ast.AST, file: str) -> Iterator[Import]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        for otherwise in node.orelse:
            yield from _imports(otherwise, file)
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(file, node.lineno, alias.name, ())
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{file}:{node.lineno} is a relative import"
        names = tuple(alias.name for alias in node.names)
        yield Import(file, node.lineno, node.module or "", names)
    elif _is_import_call(node):
        assert isinstance(node, ast.Call)
        argument = node.args[0] if node.args else None
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield Import(file, node.lineno, argument.value, ())
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, file)


def _is_import_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {
        "importlib.import_module",
        "import_module",
        "__import__",
    }


def imports(*folders: str) -> list[Import]:
    return [found for path in modules(*folders) for found in imports_of(path)]


def package(module: str) -> str:
    return module.partition(".")[0]


def is_step(module: str) -> bool:
    """A module of ours that ends in -ing; ``from app import chat`` is told by the caller."""
    return package(module) in {"app", "index"} and module.endswith("ing")


def places(found: list[Import]) -> list[str]:
    return [
        f"{each.file}:{each.line} imports {each.module} {' '.join(each.names)}" for each in found
    ]


def test_the_walk_sees_every_way_to_import() -> None:
    program = (
        "import a.b\nfrom c import d\nimport importlib\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import unseen\n"
        "def f():\n    import e\n    importlib.import_module('g.h')\n    __import__('i')\n"
    )
    found = list(_imports(ast.parse(program), "program.py"))
    assert [each.module for each in found] == [
        "a.b", "c", "importlib", "typing", "e", "g.h", "i",
    ]  # fmt: skip


def test_index_never_imports_app() -> None:
    assert not places([each for each in imports("index") if package(each.module) == "app"])


def test_app_takes_from_index_only_what_index_lists() -> None:
    listed = set(index.__all__)
    breaches = [
        each
        for each in imports("app")
        if package(each.module) == "index"
        and not (each.module == "index" and each.names and set(each.names) <= listed)
    ]
    assert not places(breaches)


def test_nothing_that_serves_imports_training() -> None:
    assert not places([
        each
        for each in imports("app", "index")
        if not each.file.startswith("app/training/")
        and any(
            f"{name}.".startswith("app.training.")
            for name in (each.module, *(f"{each.module}.{name}" for name in each.names))
        )
    ])  # fmt: skip


def test_training_takes_nothing_from_what_serves() -> None:
    assert not places([
        each
        for each in imports("app/training")
        if package(each.module) == "app" and not each.module.startswith("app.training.")
    ])  # fmt: skip


def test_what_index_lists_is_there_and_in_order() -> None:
    assert list(index.__all__) == sorted(set(index.__all__))
    assert all(hasattr(index, name) for name in index.__all__)


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_has_one_home(library: str) -> None:
    breaches = [
        each
        for each in imports("app", "index")
        if package(each.module) == library and each.file not in HOMES[library]
    ]
    assert not places(breaches)


def test_every_home_is_lived_in() -> None:
    lived_in = {(package(each.module), each.file) for each in imports("app", "index")}
    wanted = {(library, file) for library, files in HOMES.items() for file in files}
    assert wanted <= lived_in


def test_steps_never_import_steps() -> None:
    breaches = []
    for each in imports("app", "index"):
        if not each.file.removesuffix(".py").endswith("ing"):
            continue
        if each.module in COMPOSING_STEPS.get(each.file, set()):
            continue
        named = [f"{each.module}.{name}" for name in each.names if each.module in {"app", "index"}]
        if is_step(each.module) or any(
            is_step(name) and (REPOSITORY / f"{name.replace('.', '/')}.py").exists()
            for name in named
        ):
            breaches.append(each)
    assert not places(breaches)


def test_every_exception_from_that_rule_is_used() -> None:
    used = {(each.file, each.module) for each in imports("app", "index")}
    assert {(file, module) for file, steps in COMPOSING_STEPS.items() for module in steps} <= used


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = [
        relative(path)
        for path in modules("app", "index", "scripts")
        if path.stem in FORBIDDEN_NAMES or path.stem.rpartition("_")[2] in FORBIDDEN_NAMES
    ]
    assert not named


def test_the_whole_program_has_at_most_two_broad_excepts() -> None:
    broad = [
        f"{relative(path)}:{node.lineno}"
        for path in modules("app", "index", "scripts")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & set(_names(node.type)))
    ]
    assert len(broad) <= 2, broad


def _names(node: ast.expr) -> list[str]:
    return [name.id for name in ast.walk(node) if isinstance(name, ast.Name)]


def test_nothing_is_pickled() -> None:
    """A pickle runs code when it is opened; an index may come from elsewhere."""
    breaches = [
        each
        for each in imports("app", "index", "scripts")
        if package(each.module) in {"pickle", "cloudpickle", "joblib", "marshal", "shelve"}
    ]
    assert not places(breaches)


def test_settings_come_from_the_environment_in_one_place() -> None:
    readers = {
        relative(path)
        for path in modules("app")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and path.name != "settings.py"
    }
    # Libraries that are switched off by a variable are so where they are imported.
    assert readers <= {"app/chat.py"}
