"""An epoch of training on a CPU: rows shuffled, rows of like length together, rows packed.

    python -m bench.length_grouping --rows 120 --rounds 3

Rows of mixed lengths, most of them short, as chats are. The same rows, the same base (brie's own tiny
one), the same updates' worth of rows; the three ways take turns, one epoch each, so that a busy machine
does all of them the same harm. CPU seconds of forward, backward and optimizer. Packed rows are kept
apart by a mask here, since a CPU has no FlashAttention.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.output import save, table
from brie.project import Project, packaged
from brie.train.build import build_trainer
from brie.train.config import TrainRequest
from brie.train.metrics import MetricsFile
from brie.train.prepare import Job, prepare
from brie.train.progress import Silent
from brie.train.quiet import quiet

LENGTH = 256
WAYS = {
    "shuffled": ("group_by_length=false",),
    "of like length together": ("group_by_length=true",),
    "packed": ("packing=true", "batch_size=2", "micro_batch_size=1"),
}


def mixed_rows(count: int, seed: int) -> Iterator[str]:
    """Chats of one to sixteen questions of the packaged file, few of them long."""
    lines = packaged("data", "demo.jsonl").read_text("utf-8").splitlines()
    chats = [json.loads(line)["messages"] for line in lines]
    drawn = random.Random(seed)
    for number in range(count):
        turns = min(16, int(drawn.paretovariate(1.0)))
        messages = [
            turn for chat in drawn.sample(chats, turns) for turn in chat if turn["role"] != "system"
        ]
        messages[0] = {**messages[0], "content": f"{messages[0]['content']} ({number})"}
        yield json.dumps({"messages": messages})


def job_of(way: str, folder: Path) -> Job:
    """What one way trains."""
    settings = ("max_steps=none", "epochs=1", "batch_size=8", "micro_batch_size=8", "dropout=0",
                f"max_length={LENGTH}", *WAYS[way])  # fmt: skip
    asked = TrainRequest(size="tiny", data=str(folder / "rows.jsonl"), settings=settings, device="cpu")
    return prepare(asked, Project(folder), Silent())


def epoch(job: Job, folder: Path) -> dict[str, Any]:
    """CPU seconds of one epoch, its tokens and padding, and the mean of its losses."""
    with quiet():
        trainer = build_trainer(job, folder, MetricsFile(folder), [], measuring=True)
        sizes = [batch["input_ids"].numel() for batch in trainer.get_train_dataloader()]
        began = time.process_time()
        trainer.train()
        seconds = time.process_time() - began
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    tokens = sum(len(row.ids) for row in job.train)
    return {"seconds": seconds, "padding": 1 - tokens / sum(sizes), "steps": len(losses),
            "loss": statistics.fmean(map(float, losses))}  # fmt: skip


def main() -> None:
    """Measure, print and keep."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.jsonl").write_text("\n".join(mixed_rows(asked.rows, asked.seed)) + "\n")
        jobs = {way: job_of(way, folder) for way in WAYS}
        lengths = sorted(len(row.ids) for row in jobs["shuffled"].train)
        for _ in range(asked.rounds):
            for way, job in jobs.items():
                figures[way].append(epoch(job, folder / "run"))
    usual = statistics.median(part["seconds"] for part in figures["shuffled"])
    rows = []
    for way, parts in figures.items():
        seconds = [part["seconds"] for part in parts]
        rows.append(
            {
                "way": way,
                "CPU s an epoch": statistics.median(seconds),
                "least": min(seconds),
                "most": max(seconds),
                "times as fast": usual / statistics.median(seconds),
                "padding": parts[-1]["padding"],
                "steps": parts[-1]["steps"],
                "loss": parts[-1]["loss"],
            }
        )
    print(table(rows))
    spread = {f"p{p}": lengths[min(len(lengths) - 1, len(lengths) * p // 100)] for p in (50, 90, 99)}
    print(save("length_grouping", {"seed": asked.seed, "rows": len(lengths), "tokens": spread,
                                   "ways": rows, "figures": figures}))  # fmt: skip


if __name__ == "__main__":
    main()
