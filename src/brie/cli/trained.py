"""What is said of a training run that is finished, wherever it ran."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brie.cli import screen
from brie.project import Project

if TYPE_CHECKING:
    from brie.train.config import PairsInfo, RunManifest


def say_done(folder: Path, project: Project) -> None:
    """What a finished run came to, and what to do next; on standard output."""
    from brie.train.runs import read_run

    run = read_run(folder)
    screen.out(screen.labelled("done", done(run.manifest), 6))
    for which, pin in sorted(run.manifest.pins.items()):
        screen.show(f"{which:<5} step {pin.step}, validation loss {pin.eval_loss:.4f}")
    if run.manifest.config.pairs is not None:
        screen.show(_spent(run.manifest.config.pairs))
    click.echo(f"pins  {project.relative(folder)}/pins/best.json and last.json")
    from brie.evaluation.choice import first_evaluation

    screen.show(f"next  {first_evaluation(run, project)}", hanging=6)


def _spent(pairs: PairsInfo) -> str:
    """What a run that learned from pairs cannot be measured on, or by alone."""
    from brie.number_format import listed, plural

    prompts = plural(len(pairs.prompts), "prompt")
    where = f" of {listed(list(pairs.suites))}" if pairs.suites else ""
    taught = listed([teacher.id for teacher in pairs.teachers])
    by = f", nor by {taught} alone" if taught else ""
    return f"spent its pairs' {prompts}{where}: it cannot be measured there{by}"


def done(manifest: RunManifest) -> str:
    """What a finished run took and gave, in a line."""
    from brie.number_format import duration

    parts = [
        f"{manifest.step:,} steps",
        f"{manifest.tokens:,} tokens in {duration(manifest.wall_seconds)}",
        f"{manifest.tokens_per_second or 0:,.0f} tokens/s",
        f"{(manifest.peak_memory_bytes or 0) / 2**30:.1f} GiB at most",
    ]
    if manifest.stopped_early:
        parts.append(f"stopped early: {manifest.stopped_early}")
    return ", ".join(parts)
