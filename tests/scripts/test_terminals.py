"""What the scripts print for people gives a terminal no orders, whatever a file is called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from index.terminals import printable
from tests.serving import REPOSITORY

RED = "\x1b[31mred"
TITLE = "\x1b]0;mine\x07\x9b2J\r"


def printed(*command: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.stdout


def test_control_characters_are_replaced_and_lines_kept() -> None:
    assert printable(f"a{RED}\nb") == "a\N{REPLACEMENT CHARACTER}[31mred\nb"
    assert printable("Ұзақ “мәтін” 𝒜") == "Ұзақ “мәтін” 𝒜"


def test_names_of_files_give_a_terminal_no_orders(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / f"{RED}.md").write_text("# Pier\n\nThe pier is long.\n", encoding="utf-8")
    (sources / f"{RED}\nadded 99.pdf").write_bytes(b"no PDF")
    (sources / f"{TITLE}.svg").write_bytes(b"<svg/>")
    told = printed("scripts/build_index.py", sources, "--index", tmp_path / "index")
    assert told.replace("\n", "").isprintable()
    assert "[31mred" in told
    assert not [line for line in told.splitlines() if line.startswith("added 99")]


def test_a_path_of_a_reply_gives_a_terminal_no_orders(tmp_path: Path) -> None:
    citation = {"number": 1, "document_id": "x", "path": f"{RED}{TITLE}.md", "sha256": "0" * 64,
                "start": 0, "end": 3, "quote": "Why"}  # fmt: skip
    reply = {"id": RED, "kind": "answer", "citations": [citation], "nearest": []}
    file = tmp_path / "replies.jsonl"
    file.write_text(json.dumps(reply) + "\n", encoding="utf-8")
    told = printed("scripts/verify.py", file, "--sources", tmp_path)
    assert "1 failed" in told
    assert told.replace("\n", "").isprintable()
