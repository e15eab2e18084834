"""Serve the chat and the API, or one MCP client on stdin and stdout.

    python scripts/serve.py [--host HOST] [--port PORT] [--index DIR] [--answer-risk R]
                            [--settings FILE]
    python scripts/serve.py --mcp [--index DIR] [--answer-risk R]

Exit codes: 0 stopped, 2 could not start.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.request_log import log_to_stderr
from app.server import serve, serve_mcp_client
from app.settings import (
    BAD_SETTINGS,
    FILE_HELP,
    Settings,
    read_limits,
    settings_problems,
    use_settings_file,
)


def main() -> int:
    """Parse the arguments, serve, and return the exit code."""
    parser = argparse.ArgumentParser(
        description="Serve the chat pages (/en /ru /kk) and the API (/api/openapi.json).",
        epilog="Every setting: docs/manual/settings.md.",
    )
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default 7860; 0: any free one)")
    parser.add_argument(
        "--index",
        type=Path,
        metavar="DIR",
        dest="index_folder",
        help="index to answer from (default var/index)",
    )
    parser.add_argument(
        "--answer-risk",
        type=float,
        metavar="R",
        help="share of given answers that may be wrong, between 0 and 1",
    )
    parser.add_argument(
        "--mcp",
        action="store_true",
        help="serve one MCP client on stdin and stdout, and listen on no port",
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
    options = vars(parser.parse_args())
    use_settings_file(options.pop("settings"))
    is_for_mcp = options.pop("mcp")
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Settings(**given)
        read_limits()  # nothing starts with a setting that can't be used, those limits too
    except BAD_SETTINGS as error:
        print(*settings_problems(error), sep="\n", file=sys.stderr)
        return 2
    log_to_stderr()
    return (serve_mcp_client if is_for_mcp else serve)(settings, _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
