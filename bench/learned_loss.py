"""A training step on a CPU: logits at every position, at learned ones, and those in bfloat16.

    python -m bench.learned_loss --length 256 --steps 4

Three of brie's own trainers take turns step by step on one base of Qwen2.5-0.5B's shape: TRL's
loss over all positions in float32, the loss over learned positions in float32, and the latter
in bfloat16. Half of each row is prompt. CPU seconds, so that a busy machine changes little.
Losses are compared step by step; peak memory is that of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.output import save, table
from bench.train_base import FOLDER, make_base, make_halves
from brie.project import Project
from brie.train.build import build_trainer
from brie.train.config import TrainRequest
from brie.train.metrics import MetricsFile
from brie.train.prepare import prepare
from brie.train.progress import Silent
from brie.train.quiet import quiet

WAYS = {
    "all positions, float32": ("float32", False),
    "learned positions, float32": ("float32", True),
    "learned positions, bfloat16": ("bfloat16", True),
}
LEAST = {"learned positions, float32": 1.4, "learned positions, bfloat16": 2.5}


def trainer(way: str, folder: Path, *, length: int, steps: int) -> Any:
    """brie's trainer for one way."""
    dtype, learned = WAYS[way]
    settings = (
        f"dtype={dtype}",
        "batch_size=2",
        "micro_batch_size=2",
        f"max_length={length}",
        f"max_steps={steps}",
        "val_fraction=0.05",
    )
    asked = TrainRequest(
        size="0.5b",
        base=str(make_base("0.5b")),
        data=str(make_halves(length)),
        settings=settings,
        device="cpu",
    )
    made = build_trainer(
        prepare(asked, Project(FOLDER), Silent()), folder, MetricsFile(folder), [], measuring=True
    )
    made._learned_loss = made._learned_loss and learned
    return made


def step_seconds(made: Any, batch: dict[str, Any]) -> tuple[float, float]:
    """CPU seconds of one step (forward, backward, optimizer) and its loss."""
    began = time.process_time()
    count = (batch["labels"][:, 1:] != -100).sum()
    loss = made.training_step(made.model, dict(batch), count)
    made.optimizer.step()
    made.optimizer.zero_grad()
    return time.process_time() - began, float(loss)


def interleaved(length: int, steps: int) -> dict[str, dict[str, list[float]]]:
    """Seconds and losses of each way, the first step left out of the seconds."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, quiet():
        made = {way: trainer(way, Path(folder), length=length, steps=steps) for way in WAYS}
        batches = {}
        for way, one in made.items():
            one.create_optimizer_and_scheduler(steps)
            batches[way] = iter(one.get_train_dataloader())
        figures: dict[str, dict[str, list[float]]] = {way: {"seconds": [], "losses": []} for way in WAYS}
        for _ in range(steps + 1):
            for way, one in made.items():
                seconds, loss = step_seconds(one, next(batches[way]))
                figures[way]["seconds"].append(seconds)
                figures[way]["losses"].append(loss)
    for way in WAYS:
        figures[way]["seconds"] = figures[way]["seconds"][1:]
    return figures


def peak(way: str, length: int) -> int:
    """Peak bytes of one way, two steps in a process of its own."""
    code = f"from bench.learned_loss import alone; print(alone({way!r}, {length}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def alone(way: str, length: int) -> int:
    """Train two steps here; the peak of this process."""
    from brie.train.device import peak_memory

    with tempfile.TemporaryDirectory() as folder, quiet():
        trainer(way, Path(folder), length=length, steps=2).train()
    return peak_memory("cpu")


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=4)
    asked = parser.parse_args()
    figures = interleaved(asked.length, asked.steps)
    first = next(iter(WAYS))
    usual = statistics.median(figures[first]["seconds"])
    rows = []
    for way in WAYS:
        seconds = statistics.median(figures[way]["seconds"])
        losses = zip(figures[way]["losses"], figures[first]["losses"], strict=True)
        rows.append(
            {
                "way": way,
                "CPU s a step": seconds,
                "times as fast": usual / seconds,
                "wanted": LEAST.get(way),
                "largest loss difference": max(abs(a - b) for a, b in losses),
                "peak GiB": peak(way, asked.length) / 2**30,
            }
        )
    print(table(rows))
    print(save("learned_loss", json.loads(json.dumps({"ways": rows, "figures": figures}))))


if __name__ == "__main__":
    main()
