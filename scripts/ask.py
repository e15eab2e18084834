"""Ask one question, or a file of them, from the shell.

    python scripts/ask.py "QUESTION" [--index DIR] [--json]
    python scripts/ask.py --batch FILE [--index DIR]

A batch is JSON lines {"id", "question", "history": [earlier questions]}; each gives one Reply a
line, in order. Exit codes: 0 done, 1 some line could not be answered, 2 wrong usage or no index.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import QuestionRefused
from app.settings import (
    BAD_SETTINGS,
    FILE_HELP,
    READER_FILE,
    READER_HIDDEN,
    Settings,
    read_limits,
    settings_problems,
    use_settings_file,
)
from app.types import HALF_A_CHARACTER, Citation, Reply, Text, is_whole
from index import IndexingError, Models
from index.terminals import printable

if TYPE_CHECKING:
    from app.assistant import Assistant


NO_QUESTION = 'The line is no question: write {"id": …, "question": …} as JSON on one line.'


class Asked(BaseModel):
    """A line of a batch; other keys are ignored."""

    model_config = ConfigDict(extra="ignore")

    id: object = None
    question: Text
    history: tuple[Text, ...] | None = None


def main() -> int:
    """Parse the arguments, ask, print, and return the exit code."""
    parser = argparse.ArgumentParser(
        description="Ask the indexed documents, from the shell.",
        epilog='A batch line is {"id": …, "question": …, "history": ["earlier question", …]}.',
    )
    parser.add_argument("question", nargs="?", help="the question")
    parser.add_argument("--batch", metavar="FILE", help="JSON lines of questions; - for stdin")
    parser.add_argument("--index", type=Path, metavar="DIR", help="default var/index")
    parser.add_argument("--json", action="store_true", help="print the Reply as JSON on one line")
    parser.add_argument(
        "--answer-risk",
        type=float,
        metavar="R",
        help="share of given answers that may be wrong, between 0 and 1",
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    arguments = parser.parse_args()
    use_settings_file(arguments.settings)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `ask.py … | head` ends without a word
    if (arguments.question is None) == (arguments.batch is None):
        parser.error("give either a question or --batch FILE")
    if arguments.question is not None and not is_whole(arguments.question):
        parser.error(f"the question can't be used: {HALF_A_CHARACTER}")
    chosen = {"index_folder": arguments.index, "answer_risk": arguments.answer_risk}
    try:
        settings = Settings(**{key: value for key, value in chosen.items() if value is not None})
        read_limits()  # nothing starts with a setting that can't be used, those limits too
    except BAD_SETTINGS as error:
        print(*settings_problems(error), sep="\n", file=sys.stderr)
        return 2
    try:
        models = Models.open(settings.models_folder)
        models.warm_up(READER_FILE, READER_HIDDEN)
        # Imported while the vocabulary loads: most of the start is one or the other.
        from app.assistant import Assistant

        assistant = Assistant.open(settings, models)
        if arguments.batch is not None:
            return answer_batch(assistant, arguments.batch)
        reply = assistant.ask(arguments.question)
    except OSError as error:
        print(f"{error.filename} can't be used: {error.strerror}", file=sys.stderr)
        return 2
    except (IndexingError, QuestionRefused) as error:
        print(error, file=sys.stderr)
        return 2
    print(reply.model_dump_json() if arguments.json else as_page(reply))
    return 0


def as_page(reply: Reply) -> str:
    """Return a reply as a person reads it in a terminal."""
    lines = [printable(reply.text)]
    for citation in reply.citations or reply.nearest:
        place = " > ".join((citation.title, *citation.heading_path))
        lines.append(
            f"\n[{citation.number}] {place}\n    {_where(citation)}characters "
            f"{citation.start}-{citation.end}"
        )
        if not reply.citations:
            lines.append(f"    {' '.join(citation.quote.split())}")
    return printable("\n".join(lines))


def _where(citation: Citation) -> str:
    """Return the file, and what of the page, the sheet and the row is known."""
    parts = [
        citation.path,
        f"page {citation.page}" if citation.page is not None else "",
        f"sheet {citation.sheet}" if citation.sheet is not None else "",
        f"row {citation.row}" if citation.row is not None else "",
    ]
    return "".join(f"{part}, " for part in parts if part)


def answer_batch(assistant: Assistant, file: str) -> int:
    """Answer each line of a file, and return 1 where one could not be."""
    code = 0
    for line in _lines(file):
        given: object = None
        try:
            given = json.loads(line)
            asked = Asked.model_validate(given)
            reply = assistant.ask(asked.question, history=asked.history or ())
            answered = reply.model_dump(mode="json")
            if asked.id is not None:
                answered["id"] = asked.id
        except (QuestionRefused, ValueError, RecursionError) as error:
            code = 1
            answered = {
                "id": given.get("id") if isinstance(given, dict) else None,
                "error": _refusal(error),
            }
        as_written = json.dumps(answered, ensure_ascii=False)
        # An id with half a character goes back as it came, as an escape.
        print(as_written if is_whole(as_written) else json.dumps(answered), flush=True)
    return code


def _refusal(error: Exception) -> dict[str, str]:
    """Return the code and the message for a line that isn't answered."""
    if isinstance(error, QuestionRefused):
        return {"code": error.code, "message": error.message}
    message = NO_QUESTION
    if isinstance(error, ValidationError) and error.errors()[0]["type"] == "value_error":
        message = f'"{error.errors()[0]["loc"][0]}" can\'t be used: {HALF_A_CHARACTER}.'
    return {"code": "bad_line", "message": message}


def _lines(file: str) -> Iterator[str]:
    """Yield the lines of a file, blank ones left out; bytes that are no UTF-8 spoil one line."""
    with sys.stdin.buffer if file == "-" else Path(file).open("rb") as opened:
        for raw in opened:
            line = raw.decode("utf-8", errors="replace").lstrip("\ufeff").strip()
            if line:
                yield line


if __name__ == "__main__":
    sys.exit(main())
