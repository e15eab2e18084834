"""Proves the citations of replies against the source files, without the index.

Each line of the file is a Reply as ``ask.py --batch`` or ``ask.py --json`` writes it. For every
citation, those of ``nearest`` too, the file named by ``path`` is looked up under the sources, its
SHA-256 is compared, its text is extracted anew, and ``text[start:end]`` has to be the quote, under
the title, the date and the headings that are cited. A path may go on inside an archive or a
message; the SHA-256 is that of the file on the disk. What an answer shows (``text``, ``markdown``
and ``short_answer``) has to be its quotes and sentences of the program, and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from app.proofs import CitedPlace, unproved_of_answer  # noqa: E402  needs the path set above
from app.settings import (  # noqa: E402
    BAD_SETTINGS,
    FILE_HELP,
    given_path,
    read_limits,
    settings_problems,
    use_settings_file,
)
from index import (  # noqa: E402
    Document,
    Frozen,
    ReadingLimits,
    UnreadableFile,
    extract,
)
from index.terminals import printable  # noqa: E402


class UnusableReplies(Exception):
    """The file of replies can't be read, or a line of it is no reply."""


class GivenReply(BaseModel):
    """A reply with its citations as they came, or an error line, which has none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: object = None
    error: object = None
    kind: Literal["answer", "abstention", "courtesy"] | None = None
    text: str = ""
    markdown: str = ""
    short_answer: str | None = None
    question: str = ""
    standalone_question: str = ""
    citations: tuple[object, ...] = ()
    nearest: tuple[object, ...] = ()


class Failed(Frozen):
    """A citation that could not be proved, or, without ``number`` and ``path``, what an answer
    shows and doesn't cite.
    """

    id: object
    number: int | None
    path: str | None
    why: str


class Verification(Frozen):
    """The outcome; ``scripts/verify.py --json`` prints exactly this."""

    replies: int
    citations: int
    proved: int
    failed: tuple[Failed, ...]


def read_replies(file: str) -> tuple[GivenReply, ...]:
    """Read JSON lines from a file, or from standard input for ``-``; raise UnusableReplies."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        lines = raw.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise UnusableReplies(
            f"{file} can't be read: {error.strerror}; give a file of replies"
        ) from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UnusableReplies(
            f"line {number} of {file} is no UTF-8; give a file of replies"
        ) from error
    replies = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            reply = GivenReply.model_validate_json(line)
        except ValidationError as error:
            raise UnusableReplies(
                f"line {number} of {file} is no reply ({error.errors()[0]['msg']}); "
                f"`python scripts/ask.py --batch QUESTIONS.jsonl` writes replies"
            ) from error
        if reply.kind is None and reply.error is None:
            raise UnusableReplies(
                f'line {number} of {file} is no reply (it has neither "kind" nor "error"); '
                f"`python scripts/ask.py --batch QUESTIONS.jsonl` writes replies"
            )
        replies.append(reply)
    return tuple(replies)


def verify(
    replies: Sequence[GivenReply], sources: Sequence[Path], limits: ReadingLimits
) -> Verification:
    """Prove every citation of the replies against the files under ``sources``, and every answer on
    its citations.
    """
    count = proved = 0
    failed = []
    for reply in replies:
        cited = []
        for given in (*reply.citations, *reply.nearest):
            count += 1
            try:
                place = CitedPlace.model_validate(given)
            except ValidationError as error:
                failed.append(_incomplete(reply, given, error))
                continue
            cited.append(place)
            why = _why_unproved(place, sources, limits)
            if why is None:
                proved += 1
            else:
                failed.append(Failed(id=reply.id, number=place.number, path=place.path, why=why))
        if reply.kind == "answer":
            asked = f"{reply.question} {reply.standalone_question}"
            shown = (reply.text, reply.markdown, reply.short_answer)
            failed += (
                Failed(id=reply.id, number=None, path=None, why=why)
                for why in unproved_of_answer(*shown, cited, asked=asked)
            )
    return Verification(replies=len(replies), citations=count, proved=proved, failed=tuple(failed))


def _incomplete(reply: GivenReply, given: object, error: ValidationError) -> Failed:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "citation"
    number = given.get("number") if isinstance(given, dict) else None
    path = given.get("path") if isinstance(given, dict) else None
    return Failed(
        id=reply.id,
        number=number if isinstance(number, int) else None,
        path=path if isinstance(path, str) else None,
        why=f"the citation is incomplete: {place}: {first['msg']}",
    )


def _why_unproved(cited: CitedPlace, sources: Sequence[Path], limits: ReadingLimits) -> str | None:
    """Return why the citation can't be proved, None where it is."""
    files = tuple(_candidates(cited.path, sources))
    if not files:
        return "there is no such file under the sources"
    # Two sources may hold a file of the same path: one with the right bytes was cited.
    cited_ones = [each for each in files if _sha256(each.file) == cited.sha256]
    if not cited_ones:
        now = (f"the SHA-256 of {each.file} is {_sha256(each.file)}" for each in files)
        return f"the file has changed since: {', '.join(dict.fromkeys(now))}"
    reasons = [_why_not_in(each, cited, limits) for each in cited_ones]
    return None if None in reasons else reasons[0]


def _why_not_in(found: Candidate, cited: CitedPlace, limits: ReadingLimits) -> str | None:
    """Return why a file with the right bytes doesn't prove a citation, None where it does."""
    documents, why = _documents(found.file, limits)
    if found.path not in documents:
        return f"the file can't be read: {why}"
    document = documents[found.path]
    text = document.text
    if cited.end > len(text):
        return f"the span {cited.start}…{cited.end} leaves the text of {len(text)} characters"
    if text[cited.start : cited.end] != cited.quote:
        return f"the quote is not the text at {cited.start}…{cited.end}"
    if (cited.title, cited.date) != (document.title, document.date):
        return f"the document's title is “{document.title}”, its date {document.date}"
    headings = _headings(document, cited.start)
    if cited.heading_path != headings:
        return f"the quote stands under {' > '.join(headings) or 'no heading'}"
    return None


def _headings(document: Document, start: int) -> tuple[str, ...]:
    """Return the headings above a place, the document's title left out."""
    above = [each for each in document.sections if each.start <= start < each.end]
    path = max(above, key=lambda each: each.start).heading_path if above else ()
    return tuple(part for part in path if part and part != document.title)


class Candidate(NamedTuple):
    """A file that a citation may mean, and the document's path from the file's name on."""

    file: Path
    path: str


def _candidates(path: str, sources: Sequence[Path]) -> Iterator[Candidate]:
    """Yield the files that a relative path may mean; a path never leads out of its source.

    It may begin with the names of its source's folder, where another source has the same path.
    """
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts:
        return
    for source in sources:
        folder = source.parent if source.is_file() else source
        names = folder.resolve().parts[1:]
        for begin in range(len(parts)):
            if parts[:begin] != names[len(names) - begin :]:
                continue
            for length in range(len(parts), begin, -1):
                file = folder.joinpath(*parts[begin:length])
                if _is_file(file) and (source.is_dir() or file == source):
                    yield Candidate(file, "/".join(parts[length - 1 :]))
                    break


def _is_file(path: Path) -> bool:
    """Say whether there is such a file; a path too long for the system names none."""
    try:
        return path.is_file()
    except OSError:
        return False


@cache
def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@lru_cache(maxsize=256)
def _documents(file: Path, limits: ReadingLimits) -> tuple[dict[str, Document], str]:
    """Return each document of a file by its path, and what could not be read."""
    outcome = extract(file, limits)
    unread = [each.message for each in outcome.problems if isinstance(each, UnreadableFile)]
    why = "; ".join(unread) or "it holds no such document"
    return {document.path: document for document in outcome.documents}, why


def _print_table(outcome: Verification) -> None:
    for failure in outcome.failed:
        place = "" if failure.path is None else f", [{failure.number}] {failure.path}"
        print(f"not proved: {printable(f'reply {failure.id}{place}: {failure.why}')}")
    lost = outcome.citations - outcome.proved
    print(
        f"{outcome.replies} replies, {outcome.citations} citations: "
        f"{outcome.proved} proved, {lost} failed"
    )
    if shown := len(outcome.failed) - lost:
        print(f"{shown} times an answer shows what it doesn't cite")


def main(arguments: list[str] | None = None) -> int:
    """Prove the citations; return 0, 1 when one fails, 2 when there was nothing to prove."""
    parser = argparse.ArgumentParser(
        description="Prove each citation of a file of replies against the source files."
    )
    parser.add_argument(
        "replies", metavar="REPLIES.jsonl", help="replies, one a line; - reads standard input"
    )
    parser.add_argument(
        "--sources",
        metavar="PATH",
        nargs="+",
        type=given_path,
        required=True,
        help="the folders or files that the index was built from",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as one JSON line")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    options = parser.parse_args(arguments)
    use_settings_file(options.settings)
    missing = [path for path in options.sources if not path.exists()]
    if missing:
        print(f"verify: there is no {missing[0]}; check --sources", file=sys.stderr)
        return 2
    try:
        limits = read_limits()
    except BAD_SETTINGS as error:
        for problem in settings_problems(error):
            print(f"verify: {problem}", file=sys.stderr)
        return 2
    try:
        replies = read_replies(options.replies)
    except UnusableReplies as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    outcome = verify(replies, options.sources, limits)
    if options.json:
        print(json.dumps(outcome.model_dump(mode="json"), ensure_ascii=False))
    else:
        _print_table(outcome)
    if outcome.citations == 0 and not outcome.failed:
        print(f"verify: {options.replies} holds no citation to prove", file=sys.stderr)
        return 2
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
