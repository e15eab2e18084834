"""A training run: how a step is taken, how far it has come, and how it goes on after a kill."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.training.encoding import Group, TokenRows, candidates, padded

if TYPE_CHECKING:
    import torch

LOG_SECONDS = 60.0
COUNTERS = ("pool", "batch", "seen", "steps", "seconds")


def learning_rate(peak: float, progress: float, warm_up: float = 0.03) -> float:
    """Rise over the first part of a run, then fall in a straight line to nothing at its end."""
    if progress < warm_up:
        return peak * max(progress / warm_up, 0.01)
    return peak * max(0.0, (1.0 - progress) / (1.0 - warm_up))


class Run:
    """The network, its optimizer, its averaged weights, and how far it has come."""

    def __init__(
        self,
        network: torch.nn.Module,
        *,
        frozen_layers: int,
        average: float,
        bfloat16: bool = False,
    ) -> None:
        import torch

        layers = (f"body.encoder.layer.{number}." for number in range(frozen_layers))
        frozen = ("body.embeddings.", *layers)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not name.startswith(frozen))
        self.network = network
        self.bfloat16 = bfloat16
        self.trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=0.0, weight_decay=0.01, fused=True
        )
        self.averaged = {name: p.detach().clone() for name, p in self.trained.items()}
        self.average = average
        self.pool = self.batch = self.seen = self.steps = 0
        self.seconds = 0.0

    def step(self, groups: Sequence[Group], table: TokenRows, rate: float) -> list[float]:
        """Learn from one batch; return the loss of each example.

        Two losses are added: of each passage's span against "doesn't say", and of each group's
        right passage against its others and against none of them, by the margins that the program
        ranks passages and refuses by (cf. shared normalisation, Clark and Gardner 2018).
        """
        import torch

        for each in self.optimizer.param_groups:
            each["lr"] = rate
        batch = [example for group in groups for example in group]
        inputs, mask = padded(batch, table)
        outside = torch.from_numpy(~candidates(batch, mask.shape[1]))
        places = (
            torch.tensor([example.start for example in batch]),
            torch.tensor([example.end for example in batch]),
        )
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
            raw = self.network(torch.from_numpy(inputs), torch.from_numpy(mask))
        logits = [one.float().masked_fill(outside, -1e4) for one in raw]
        losses = torch.stack(
            [
                torch.nn.functional.cross_entropy(one, place, reduction="none")
                for one, place in zip(logits, places, strict=True)
            ]
        ).mean(dim=0)
        margins = torch.stack([one[:, 1:].logsumexp(dim=1) - one[:, 0] for one in logits]).mean(0)
        ranking = ranking_losses(groups, margins)
        (losses.mean() + ranking.sum() / len(batch)).backward()
        torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        self.seen += len(batch)
        decay = min(self.average, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for name, parameter in self.trained.items():
                self.averaged[name].lerp_(parameter, 1.0 - decay)
        return [float(loss) for loss in losses.detach()]

    def save(self, path: Path) -> None:
        """Write a checkpoint; a kill while writing leaves the one before."""
        import torch

        state = {
            "model": self.network.state_dict(),
            "averaged": self.averaged,
            "optimizer": self.optimizer.state_dict(),
            **{name: getattr(self, name) for name in COUNTERS},
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of a run with the same layers frozen."""
        import torch

        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.averaged = saved["averaged"]
        for name in COUNTERS:
            setattr(self, name, saved[name])


def ranking_losses(groups: Sequence[Group], margins: torch.Tensor) -> torch.Tensor:
    """Return the loss of each group of several passages: whether its first, where that answers,
    has the widest margin, and none is positive where it doesn't.
    """
    import torch

    losses = [margins.new_zeros(())]
    at = 0
    for group in groups:
        count = len(group)
        if count > 1:
            ranked = torch.cat([margins[at : at + count], margins.new_zeros(1)])
            right = torch.tensor(0 if group[0].start else count)
            losses.append(torch.nn.functional.cross_entropy(ranked, right))
        at += count
    return torch.stack(losses)


class TrainingLog:
    """Appends a line a minute: speed, rate, and the mean loss of each source."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since = time.monotonic()
        self._losses: dict[str, list[float]] = {}

    def add(self, groups: Sequence[Group], losses: Sequence[float]) -> None:
        """Keep the losses of a batch until the next line."""
        batch = [example for group in groups for example in group]
        for example, loss in zip(batch, losses, strict=True):
            self._losses.setdefault(example.source, []).append(loss)

    def write_each_minute(self, run: Run, rate: float) -> None:
        """Write a line when the last one is a minute old."""
        passed = time.monotonic() - self._since
        if passed < LOG_SECONDS:
            return
        every = [loss for losses in self._losses.values() for loss in losses]
        means = (f"{name} {np.mean(some):.2f}" for name, some in sorted(self._losses.items()))
        line = (
            f"{run.seconds:6.0f}s examples {run.seen} steps {run.steps}"
            f" {len(every) / passed:.2f}/s rate {rate:.1e} loss {np.mean(every):.3f} "
        )
        with self._path.open("a", encoding="utf-8") as file:
            print(line + " ".join(means), file=file)
        self._since = time.monotonic()
        self._losses = {}
