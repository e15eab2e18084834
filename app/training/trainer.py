"""Trains the reader: draws pools from the mixture and takes steps of a run until it is over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from app.training.encoding import batches, open_tokenizer, token_table
from app.training.mixture import GROUPED, Mixture, read_source
from app.training.neighbours import Neighbours, TextEncoder, find_neighbours
from app.training.network import build_network, load_start
from app.training.run import Run, TrainingLog, learning_rate
from app.training.written import WRITTEN_FILE

CHECKPOINT_SECONDS: Final = 300.0


class Outcome(NamedTuple):
    """How far a run came, those before a resume included, and where its checkpoint is."""

    examples: int
    seconds: float
    checkpoint: Path


def train(
    data: Path,
    start: Path,
    output: Path,
    *,
    body: Path,
    minutes: float,
    examples: int,
    seed: int,
    rate: float,
    batch_size: int,
    frozen_layers: int,
    average: float,
    threads: int,
    bfloat16: bool,
    resume: bool,
    interrupted: threading.Event,
    encoder: Callable[[], TextEncoder],
    written: Path = WRITTEN_FILE,
) -> Outcome:
    """Train until the time or the examples are used up, or until it is interrupted.

    ``output`` gets the checkpoint and the log; ``body`` holds the tokenizer and the token table;
    0 minutes or examples mean no such end; ``rate`` is the highest learning rate; ``average`` is
    the decay of the averaged weights; ``bfloat16`` multiplies matrices in 16 bits, which pays where
    the processor can (AVX512-BF16); weights, gradients and the optimizer stay in float32;
    ``encoder`` opens what finds the passages near a question, which takes minutes and is kept in
    ``output``.
    """
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    output.mkdir(parents=True, exist_ok=True)
    checkpoint = output / "checkpoint.pt"
    tokenizer = open_tokenizer(body)
    table = token_table(body)
    mixture = Mixture.read(data, seed, _neighbours(data, written, output, encoder), written)
    network = build_network("eager" if bfloat16 else "sdpa")
    load_start(network, start)
    network.train()
    run = Run(network, frozen_layers=frozen_layers, average=average, bfloat16=bfloat16)
    if resume and checkpoint.exists():
        run.restore(checkpoint)
    log = TrainingLog(output / "train.log")
    before = time.monotonic() - run.seconds
    saved = run.seconds

    def progress() -> float:
        by_time = run.seconds / (60 * minutes) if minutes else 0.0
        by_examples = run.seen / examples if examples else 0.0
        return max(by_time, by_examples)

    while progress() < 1.0 and not interrupted.is_set():
        order = random.Random(f"{seed} {run.pool}")
        cut = batches(mixture.pool(run.pool, tokenizer), batch_size, order)
        for batch in cut[run.batch :]:
            if progress() >= 1.0 or interrupted.is_set():
                break
            now = learning_rate(rate, progress())
            log.add(batch, run.step(batch, table, now))
            run.batch += 1
            run.seconds = time.monotonic() - before
            log.write_each_minute(run, now)
            if run.seconds - saved >= CHECKPOINT_SECONDS:
                run.save(checkpoint)
                saved = run.seconds
        else:
            run.pool, run.batch = run.pool + 1, 0
    run.save(checkpoint)
    return Outcome(run.seen, run.seconds, checkpoint)


def _neighbours(
    data: Path, written: Path, output: Path, encoder: Callable[[], TextEncoder]
) -> Neighbours:
    file = output / "neighbours.json"
    if file.exists():
        return Neighbours.load(file)
    rows = {source.name: read_source(source, data, written) for source in GROUPED}
    found = find_neighbours(rows, encoder())
    found.save(file)
    return found
