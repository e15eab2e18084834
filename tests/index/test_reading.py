"""Files in, documents out: what is read, what is left out, and what a bad file can cost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from index import (
    Document,
    NothingToIndex,
    ReadingLimits,
    SkippedFile,
    UnreadableFile,
    extract,
)
from index import reading as reading_module
from index.files import FoundFile, Source, document_id_of, list_files
from index.reading import Parser, read_documents

REPOSITORY = Path(__file__).resolve().parents[2]


def outcomes(folder: Path, **limits: Any) -> dict[str, Any]:
    found = read_documents([folder], ReadingLimits(**limits))
    return {outcome.path: outcome for outcome in found}


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize(
    "content",
    ["# A\r\n\r\nOne.\r\nTwo.", "---\ntitle: T\n---\n\nWords é 😀\u2028here.\n\n\n", "a\rb\rc"],
)
def test_the_text_is_the_file_character_for_character(
    name: str, content: str, sources: Path, write: Any
) -> None:
    file = write(name, content)
    document = outcomes(sources)[name]
    assert document.text == content
    assert document.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert document.bytes == len(content.encode())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251", "koi8-r", "utf-32"]
)
def test_encodings_are_recognised_and_the_byte_order_mark_is_dropped(
    encoding: str, read: Any
) -> None:
    words = (
        "Проект охватил девяносто две тысячи гектаров земли, и это было только начало работы. " * 3
    )
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""
    assert read("a.txt", mark + words.encode(encoding)).text == words


def test_front_matter_stays_in_the_text_and_is_read_as_facts(read: Any) -> None:
    text = '---\ntitle: "A: B"\ndate: 2024-02-12\nlanguage: en\n---\n# Other\n\nWords.\n'
    document = read("a.md", text)
    assert (document.title, document.date, document.language) == ("A: B", "2024-02-12", "en")
    assert document.text == text


def test_broken_front_matter_is_read_line_by_line(read: Any) -> None:
    document = read("a.md", "---\ntitle: A [draft\nbad: [1, 2\n---\nWords.\n")
    assert document.title == "A [draft"


def test_a_rule_on_top_is_no_front_matter(read: Any) -> None:
    document = read("a.md", "---\nWords stand here\n---\nMore.\n")
    assert document.blocks[0].kind != "front_matter"


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("a.md", "Words.\n\n## *The* `second`\n", "The second"),
        ("a.md", "Set\next\n===\n\nWords.\n", "Set ext"),
        ("a.txt", "\n\nFirst line here\nmore\n", "First line here"),
        ("a.html", "<title>T</title><h1>H</h1><p>x", "H"),
        ("a.html", "<title>T</title><p>x", "T"),
    ],
)
def test_the_title_is_the_first_heading_else_the_first_line(
    name: str, content: str, title: str, read: Any
) -> None:
    assert read(name, content).title == title


def test_sections_nest_and_a_hash_inside_a_fence_is_no_heading(read: Any) -> None:
    text = "# A\n\nx\n\n## B\n\n```\n# not\n```\n\n## C\n\ny\n\n# D\n\nz\n"
    document = read("a.md", text)
    assert [section.heading_path for section in document.sections] == [
        ("A",),
        ("A", "B"),
        ("A", "C"),
        ("D",),
    ]
    assert document.text[document.sections[1].start : document.sections[1].end].startswith("## B")
    assert document.sections[0].end == document.sections[3].start == text.index("# D")


def test_a_page_gives_its_main_words_without_menus_and_scripts(read: Any) -> None:
    document = read(
        "a.html",
        "<html lang=kk><head><meta name=date content=2024-05-06><title>T</title></head><body>"
        "<nav>menu</nav><main><h1>Top</h1><p>One &amp; two.<br>Three.</p><script>evil()</script>"
        "<ul><li>first<li>second</ul><table><tr><th>A<th>B<tr><td>1<td>2</table>"
        "<p hidden>secret</p></main><footer>foot</footer></body></html>",
    )
    assert document.text == (
        "# Top\n\nOne & two.\nThree.\n\n- first\n\n- second\n\n| A | B |\n|---|---|\n| 1 | 2 |\n"
    )
    assert (document.language, document.date) == ("kk", "2024-05-06")


def test_pages_may_nest_deeper_than_the_interpreter_recurses(read: Any) -> None:
    assert "deep" in read("a.html", "<div>" * 20_000 + "deep" + "</div>" * 20_000).text


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("empty.md", b"", "empty"),
        ("blank.txt", b" \n\t\n", "empty"),
        ("marks.md", b"---\n***\n", "empty"),
        ("binary.txt", bytes(range(256)) * 8, "not_text"),
        ("elf.md", b"\x7fELF\x02\x01\x01\x00" + os.urandom(4000), "not_text"),
        ("cut.txt", ("Слово " * 200).encode()[:-2], "damaged"),
    ],
)
def test_what_is_no_text_is_listed_with_its_reason(
    path: str, content: bytes, reason: str, sources: Path, write: Any
) -> None:
    write(path, content)
    write("good.md", "Words.")
    found = outcomes(sources)
    assert isinstance(found[path], UnreadableFile)
    assert found[path].reason == reason
    assert path in found[path].message
    assert isinstance(found["good.md"], Document)


def test_hidden_temporary_and_foreign_files_are_skipped(sources: Path, write: Any) -> None:
    for path in (".hidden.md", ".git/a.md", "~$a.md", "a.md~", "a.md.tmp", "a.odt", "noext"):
        write(path, "Words.")
    os.mkfifo(sources / "pipe.md")
    reasons = {path: outcome.reason for path, outcome in outcomes(sources).items()}
    assert reasons == {
        ".hidden.md": "hidden",
        ".git": "hidden",
        "~$a.md": "temporary",
        "a.md~": "temporary",
        "a.md.tmp": "temporary",
        "a.odt": "unsupported_type",
        "noext": "unsupported_type",
        "pipe.md": "unsupported_type",
    }


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path, sources: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("Secret.", "utf-8")
    (sources / "link.md").symlink_to(secret)
    (sources / "folder").symlink_to(tmp_path)
    (sources / "loop").symlink_to(sources)
    found = outcomes(sources)
    assert {path: outcome.reason for path, outcome in found.items()} == {
        "link.md": "outside_folder",
        "folder": "outside_folder",
        "loop": "duplicate_path",
    }


def test_a_link_that_leads_nowhere_or_in_a_circle_is_named(sources: Path, write: Any) -> None:
    write("a.md", "Words.")
    (sources / "circle.md").symlink_to("circle.md")
    (sources / "gone.md").symlink_to("nowhere.md")
    found = outcomes(sources)
    assert isinstance(found["a.md"], Document)
    for path, why in (("circle.md", "Too many levels"), ("gone.md", "No such file")):
        assert found[path].reason == "denied"
        assert found[path].message.startswith(f"{path}: it can't be opened ({why}")
        assert "; " in found[path].message


def test_a_name_that_is_no_utf8_is_named_and_the_rest_is_read(sources: Path, write: Any) -> None:
    write("a.md", "Words.")
    for name in (b"caf\xe9.md", b"\xcf/b.md"):
        write(os.fsdecode(name), "Words.")
    found = outcomes(sources)
    assert isinstance(found.pop("a.md"), Document)
    assert {path: outcome.reason for path, outcome in found.items()} == {
        "caf\ufffd.md": "bad_name",
        "\ufffd/b.md": "bad_name",
    }


def test_an_index_among_the_documents_is_left_out(sources: Path, write: Any) -> None:
    write("a.md", "Words.")
    version = "versions/000001-0123456789abcdef"
    write(f"other index/{version}/words.txt", "word")
    write("first/versions/.building-000001-0123456789abcdef/words.txt", "word")
    write("own/vectors/words.txt", "word")
    write("manual/versions/2024-01/b.md", "Words of a version of the manual.")
    listed = list(list_files([sources], sources / "own"))
    assert {each.path: each.reason for each in listed if isinstance(each, SkippedFile)} == {
        "other index": "index",
        "first": "index",
        "own": "index",
    }
    assert [each.source.path for each in listed if isinstance(each, FoundFile)] == [
        "a.md",
        "manual/versions/2024-01/b.md",
    ]
    (alone,) = list_files([sources / "other index"])
    assert alone == SkippedFile(path="other index", reason="index")


def test_a_file_reached_twice_is_read_once(sources: Path, write: Any) -> None:
    file = write("a.md", "Words.")
    first, second = read_documents([sources, file])
    assert isinstance(first, Document)
    assert isinstance(second, SkippedFile)
    assert second.reason == "duplicate_path"


def test_equal_paths_of_two_folders_begin_with_the_folders_names(tmp_path: Path) -> None:
    for name in ("one", "two", "other/two"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.md").write_text(f"Words of {name}.", "utf-8")
    (tmp_path / "one" / "b.md").write_text("Words.", "utf-8")
    roots = [tmp_path / "one", tmp_path / "two", tmp_path / "other" / "two" / "a.md"]
    found = [each for each in list_files(roots) if isinstance(each, FoundFile)]
    assert [each.source.path for each in found] == ["a.md", "b.md", "two/a.md", "other/two/a.md"]
    assert [each.document_id for each in found] == [
        document_id_of(each.source.path) for each in found
    ]
    assert found == list(list_files(roots))


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NothingToIndex, match="nowhere does not exist"):
        list(read_documents([tmp_path / "nowhere"]))


def test_a_file_too_large_is_not_opened(sources: Path, write: Any) -> None:
    write("a.md", "More than ten bytes.")
    found = outcomes(sources, file_bytes_max=10)["a.md"]
    assert found.reason == "too_large"
    assert found.message.startswith("a.md: ")


WITHOUT_RIGHTS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from index.reading import read_documents
found = read_documents([Path(sys.argv[2])])
print(json.dumps([[each.path, getattr(each, "reason", ""), getattr(each, "message", "")]
                  for each in found]))
"""


def test_files_and_folders_that_may_not_be_opened_are_denied(sources: Path, write: Any) -> None:
    write("a.md", "Words.").chmod(0)
    write("locked/b.md", "Words.").parent.chmod(0)
    write("c.md", "Words.")
    command = [sys.executable, "-c", WITHOUT_RIGHTS, str(REPOSITORY), str(sources)]
    if os.geteuid() == 0:  # root opens everything, unless that right is taken away
        if shutil.which("setpriv") is None:
            pytest.skip("this user may open every file")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    (sources / "locked").chmod(0o700)  # so that it can be removed
    assert outcome.returncode == 0, outcome.stderr
    found = {path: (reason, message) for path, reason, message in json.loads(outcome.stdout)}
    assert found.pop("c.md") == ("", "")
    assert set(found) == {"a.md", "locked"}
    for path, (reason, message) in found.items():
        assert reason == "denied"
        assert message.startswith(f"{path}: it can't be opened (Permission denied); ")


def found(file: Path) -> FoundFile:
    return FoundFile(Source(file, file.name), document_id_of(file.name))


def test_a_parser_that_dies_costs_one_file(
    sources: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb, good = write("bomb.md", "Boom."), write("good.md", "Words.")
    dying = (
        "import sys, os; sys.path.insert(0, sys.argv[1]); import index.reading as r\n"
        "whole = r._read\n"
        "r._read = lambda asked, limits: (\n"
        "    os.abort() if 'bomb' in asked.path else whole(asked, limits))\n"
        "r.serve()"
    )
    monkeypatch.setattr(reading_module, "_CHILD", dying)
    with Parser() as parser:
        first, second = parser.read(found(bomb)), parser.read(found(good))
    assert [problem.reason for problem in first.problems] == ["damaged"]
    assert not first.documents
    assert len(second.documents) == 1


def test_a_parser_that_hangs_costs_one_file_and_its_time(
    sources: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb, good = write("bomb.md", "Slow."), write("good.md", "Words.")
    hanging = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import index.reading as r\n"
        "whole = r._read\n"
        "r._read = lambda asked, limits: (\n"
        "    time.sleep(3600) if 'bomb' in asked.path else whole(asked, limits))\n"
        "r.serve()"
    )
    monkeypatch.setattr(reading_module, "_CHILD", hanging)
    with Parser(ReadingLimits(file_seconds_max=1)) as parser:
        first, second = parser.read(found(bomb)), parser.read(found(good))
    assert [problem.reason for problem in first.problems] == ["timeout"]
    assert len(second.documents) == 1


def test_a_parser_that_never_comes_to_an_end_is_stopped_by_the_system(
    write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb, good = write("bomb.md", "Endless."), write("good.md", "Words.")
    endless = (
        "import sys; sys.path.insert(0, sys.argv[1]); import index.reading as r\n"
        "whole = r._read\n"
        "r._read = lambda asked, limits: (\n"
        "    max(iter(int, 1)) if 'bomb' in asked.path else whole(asked, limits))\n"
        "r.serve()"
    )
    monkeypatch.setattr(reading_module, "_CHILD", endless)
    with Parser(ReadingLimits(file_seconds_max=1)) as parser:
        first, second = parser.read(found(bomb)), parser.read(found(good))
    assert [problem.reason for problem in first.problems] == ["timeout"]
    assert len(second.documents) == 1


def test_a_parser_that_eats_memory_is_stopped_by_the_system(
    sources: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = write("bomb.md", "Big.")
    greedy = (
        "import sys; sys.path.insert(0, sys.argv[1]); import index.reading as r\n"
        "import index.extracting as e\n"
        "e._draft = lambda *_: bytearray(3 * 2**30)\n"
        "r.serve()"
    )
    monkeypatch.setattr(reading_module, "_CHILD", greedy)
    with Parser() as parser:
        (problem,) = parser.read(found(bomb)).problems
    assert isinstance(problem, UnreadableFile)
    assert problem.reason == "too_large"
    assert "memory" in problem.message


def test_extract_reads_a_file_as_indexing_does(sources: Path, write: Any) -> None:
    file = write("a.md", "# A\n\nWords.\n")
    assert extract(file).documents == (outcomes(sources)["a.md"],)
    (problem,) = extract(write("b.md", "")).problems
    assert problem.reason == "empty"
