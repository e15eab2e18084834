from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import REPOSITORY, Settings
from app.types import REPLY
from index import build_index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ask") / "index"
    build_index([REPOSITORY / "docs" / "sources"], folder, Settings().models_folder)
    return folder


def ask(index: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "ask.py"), "--index", str(index), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_question_is_answered_on_stdout_with_its_source(index: Path) -> None:
    run = ask(index, "How many projects were delivered?")
    assert run.returncode == 0
    assert "[1]" in run.stdout
    assert "results-2020-2025.md" in run.stdout


def test_json_is_one_reply_on_one_line(index: Path) -> None:
    run = ask(index, "How many projects were delivered?", "--json")
    assert run.stdout.count("\n") == 1
    assert REPLY.validate_json(run.stdout).kind == "answer"


def test_an_abstention_is_a_reply_too(index: Path) -> None:
    run = ask(index, "What is the weather in Lisbon?", "--json")
    assert run.returncode == 0
    assert REPLY.validate_json(run.stdout).kind == "abstention"


def test_a_batch_answers_in_order_and_a_bad_line_spoils_only_itself(index: Path) -> None:
    lines = [
        {"id": "a", "question": "How many projects were delivered?", "other": 1},
        {"id": "b", "question": ""},
        {"id": "c", "question": "x" * 501},
        {"id": "d", "question": "And Mikhnev?", "history": ["Who is Serik Zhumangarin?"]},
    ]
    given = "\n".join(json.dumps(line) for line in lines) + "\nno json\n\n"
    run = ask(index, "--batch", "-", given=given)
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1
    assert [reply["id"] for reply in replies] == ["a", "b", "c", "d", None]
    assert replies[1]["error"]["code"] == "empty_question"
    assert replies[2]["error"]["code"] == "question_too_long"
    assert replies[3]["standalone_question"] == "Who is Mikhnev?"
    assert replies[4]["error"]["code"] == "bad_line"


def test_half_a_character_or_endless_brackets_spoil_only_their_own_line(index: Path) -> None:
    lines = [
        r'{"id": 1, "question": "How many projects were delivered?"}',
        r'{"id": 2, "question": "\ud800 what"}',
        r'{"id": 3, "question": "And Mikhnev?", "history": ["\udc00"]}',
        r'{"id": "\ud800", "question": "How many projects were delivered?"}',
        "[" * 100_000,
    ]
    run = ask(index, "--batch", "-", given="\n".join(lines))
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1, run.stderr
    assert [reply["id"] for reply in replies] == [1, 2, 3, "\ud800", None]
    assert [reply.get("kind") for reply in replies] == ["answer", None, None, "answer", None]
    assert replies[1]["error"]["code"] == "bad_line"
    assert '"question" can\'t be used: it holds half a character' in replies[1]["error"]["message"]
    assert '"history" can\'t be used' in replies[2]["error"]["message"]
    assert replies[4]["error"]["code"] == "bad_line"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either"),
        (("caf\udce9 what",), "half a character"),  # as Python hands on the byte E9
        (("--batch", "/no/such/file"), "/no/such/file can't be used: No such file or directory\n"),
        (("question", "--answer-risk", "2"), "answer_risk"),
        (("?!",), "empty"),
    ],
)
def test_wrong_usage_exits_2_with_one_clear_sentence(
    index: Path, arguments: tuple[str, ...], said: str
) -> None:
    run = ask(index, *arguments)
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_without_an_index_it_says_how_to_build_one(tmp_path: Path) -> None:
    run = ask(tmp_path / "none", "How many?")
    assert run.returncode == 2
    assert "build_index.py" in run.stderr


def test_asking_never_loads_torch(index: Path) -> None:
    code = (
        "import sys; sys.argv = ['ask.py', '--index', sys.argv[1], 'How many projects?'];"
        "sys.path.insert(0, 'scripts'); import ask; code = ask.main();"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'gradio'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(index)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
