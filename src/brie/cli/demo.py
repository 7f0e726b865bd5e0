"""`brie demo`: the whole flow on a tiny model."""

from __future__ import annotations

import click

from brie.cli import options, screen

NAME = "demo"


@click.command(epilog="\b\nExamples:\n  brie demo\n  brie demo --full\n")
@options.FULL
def command(full: bool) -> None:
    """Train a tiny model, pin it, evaluate it blind and report: no key, no network.

    The model has a million parameters and knows a toy world only; what it shows is the
    whole way, through the same code as the real sizes. A second call trains nothing again.
    """
    from brie.cli.train_progress import TrainProgress
    from brie.evaluation.request import EvalRequest, prepare
    from brie.evaluation.run import run_evaluation
    from brie.train.config import TrainRequest
    from brie.train.run import train_or_reuse

    project = screen.project()
    screen.say("1. train: a LoRA adapter on the packaged tiny base")
    with TrainProgress() as progress:
        folder, reused = train_or_reuse(TrainRequest(size="tiny", name=NAME), project, progress)
    if reused:
        screen.say(f"   already done by {folder.name}, with the same recipe and data")
    screen.say(f"2. pin: {project.relative(folder)}/pins/best.json")
    screen.say("3. generate, 4. judge, 5. analyse, 6. report")
    wishes = EvalRequest(suite="demo", candidate=str(folder / "pins" / "best.json"), panel="offline")
    asked, _ = prepare(wishes, project)
    outcome = run_evaluation(asked, project, screen.Terminal(), command="brie demo", name=NAME)
    screen.summary(outcome, full=full)
