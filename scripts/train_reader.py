"""Train the extractive reader, export it, measure it.

    python scripts/train_reader.py train --data DIR --start DIR --output DIR --minutes 100
    python scripts/train_reader.py average DIR/checkpoint.pt app/reader --to DIR
    python scripts/train_reader.py export --checkpoint DIR/checkpoint.pt --data DIR
    python scripts/train_reader.py measure --data DIR --json FILE

The reader is the e5-small body with two numbers for each token (start, end); its first token stands
for "the text doesn't say". Examples are drawn from a fixed mix of question sets, many made harder
on the way: cut to the length of a passage, given a heading line, or asked so that their passage no
longer answers them. A run that was killed goes on where its checkpoint was (--resume). The model
card is docs/manual/reader.md.
Exit codes: 0 done, 1 interrupted (the checkpoint is written), 2 wrong usage or nothing done.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.settings import READER_FILE, REPOSITORY
from app.training.errors import WrongInput
from index import IndexingError, Models

MODELS_FOLDER = REPOSITORY / "var" / "models"
ENCODER_FOLDER = MODELS_FOLDER / "e5-small"


def train(arguments: argparse.Namespace) -> int:
    from app.training import trainer

    interrupted = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: interrupted.set())
    outcome = trainer.train(
        arguments.data,
        arguments.start,
        arguments.output,
        body=arguments.body,
        minutes=arguments.minutes,
        examples=arguments.examples,
        seed=arguments.seed,
        rate=arguments.rate,
        batch_size=arguments.batch,
        frozen_layers=arguments.freeze,
        average=arguments.average,
        threads=arguments.threads,
        bfloat16=arguments.bfloat16,
        resume=arguments.resume,
        interrupted=interrupted,
        encoder=lambda: Models.open(arguments.body.parent).encoder,
    )
    print(
        f"{outcome.examples} examples in {outcome.seconds:.0f} s: {outcome.checkpoint}",
        file=sys.stderr,
    )
    return 1 if interrupted.is_set() else 0


def average(arguments: argparse.Namespace) -> int:
    from app.training.network import average_weights

    print(average_weights(arguments.readers, arguments.to))
    return 0


def export(arguments: argparse.Namespace) -> int:
    from app.training.release import release, typical_inputs

    card = release(
        arguments.checkpoint,
        arguments.weights,
        arguments.to,
        typical=typical_inputs(arguments.data, arguments.body),
        full=arguments.full,
        threshold=arguments.threshold,
        trained_from=arguments.trained_from,
        version=arguments.version,
    )
    print(json.dumps(card))
    return 0


def measure(arguments: argparse.Namespace) -> int:
    from app.training import evaluation

    report = evaluation.measure(
        arguments.models,
        arguments.reader,
        arguments.data,
        threshold=arguments.threshold,
        only=arguments.sets,
        sample=arguments.sample,
        seed=arguments.seed,
        report_file=arguments.json,
    )
    print(json.dumps(report))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Parse the arguments and train, export or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    part = commands.add_parser("train", help="fine-tune; --resume goes on from the checkpoint")
    part.add_argument("--data", type=Path, required=True, help="folder of question files")
    part.add_argument(
        "--body", type=Path, default=ENCODER_FOLDER, help="tokenizer.json and token_table.npy"
    )
    part.add_argument(
        "--start",
        type=Path,
        required=True,
        help="folder with reader.onnx, reader.safetensors, or model.safetensors of e5",
    )
    part.add_argument("--output", type=Path, required=True, help="folder of checkpoint and log")
    part.add_argument("--minutes", type=float, default=0.0)
    part.add_argument("--examples", type=int, default=0)
    part.add_argument("--seed", type=int, default=1)
    part.add_argument("--rate", type=float, default=6e-5, help="the highest learning rate")
    part.add_argument("--batch", type=int, default=16)
    part.add_argument("--freeze", type=int, default=4, help="lowest layers that stay as they are")
    part.add_argument("--average", type=float, default=0.998, help="decay of averaged weights")
    part.add_argument("--threads", type=int, default=2)
    part.add_argument("--bfloat16", action="store_true", help="multiply in 16 bits (AVX512-BF16)")
    part.add_argument("--resume", action="store_true")
    part.set_defaults(run=train)

    part = commands.add_parser("average", help="average the weights of readers of one descent")
    part.add_argument("readers", type=Path, nargs="+", help="checkpoints or --start folders")
    part.add_argument("--to", type=Path, required=True, help="folder for reader.safetensors")
    part.set_defaults(run=average)

    part = commands.add_parser("export", help="write the int8 graph that the application opens")
    part.add_argument("--checkpoint", type=Path, required=True, help="or a --start folder")
    part.add_argument("--data", type=Path, required=True, help="folder of question files")
    part.add_argument("--body", type=Path, default=ENCODER_FOLDER)
    part.add_argument("--weights", choices=("averaged", "last"), default="averaged")
    part.add_argument("--to", type=Path, default=READER_FILE.parent)
    part.add_argument("--full", type=Path, help="write the float32 graph here as well")
    part.add_argument("--threshold", type=float, default=0.0)
    part.add_argument("--trained-from", default="")
    part.add_argument("--version", default="")
    part.set_defaults(run=export)

    part = commands.add_parser("measure", help="measure a graph on every set that only measures")
    part.add_argument("--data", type=Path, required=True)
    part.add_argument("--models", type=Path, default=MODELS_FOLDER)
    part.add_argument("--reader", type=Path, default=READER_FILE)
    part.add_argument("--threshold", type=float, help="instead of choosing it by calibration")
    part.add_argument("--sets", nargs="*", default=[], help="only these")
    part.add_argument("--sample", type=int, default=0, help="of each set, this many questions")
    part.add_argument("--seed", type=int, default=1)
    part.add_argument("--json", type=Path, help="write the report here")
    part.set_defaults(run=measure)

    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (OSError, WrongInput, IndexingError) as error:
        print(f"Nothing was done: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
