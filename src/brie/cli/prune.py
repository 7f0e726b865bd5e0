"""`brie prune`: free disk, never what a pin or an evaluation names."""

from __future__ import annotations

import click

from brie.cli import screen
from brie.errors import UsageError
from brie.number_format import size as size_of


@click.command(
    epilog="""\b
Examples:
  brie prune first                     drop optimizer states: a complete run needs none
  brie prune first --keep 0            also drop checkpoints that nothing names
  brie prune first --keep 2 --yes
"""
)
@click.argument("run")
@click.option(
    "--keep",
    type=click.IntRange(0),
    help="Drop checkpoints too, except so many of the latest and those that are named.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(run: str, keep: int | None, yes: bool) -> None:
    """Remove optimizer states, then on request checkpoints that no pin or evaluation names."""
    from brie.pin import find_run
    from brie.train.prune import apply_prune, plan_prune
    from brie.train.runs import read_run

    project = screen.project()
    plan = plan_prune(read_run(find_run(run, project).folder), project, keep)
    if not plan.states and not plan.checkpoints:
        screen.show("there is nothing to remove.")
        return
    states, gone = len(plan.states), len(plan.checkpoints)
    screen.show(
        f"to remove: {states} file{'' if states == 1 else 's'} of optimizer state, "
        f"{gone} whole checkpoint{'' if gone == 1 else 's'}"
    )
    for path in plan.checkpoints:
        screen.show(f"  goes   {path.name}", hanging=9)
    for step, why in sorted(plan.kept.items()):
        screen.show(f"  stays  step {step}: {why}", hanging=9)
    if not yes and not _agreed(f"Remove them and free {size_of(plan.freed_bytes)}?"):
        screen.show("nothing was removed.")
        return
    apply_prune(plan)
    screen.show(f"freed {size_of(plan.freed_bytes)}")


def _agreed(question: str) -> bool:
    """Ask; where nobody can answer, say how to agree beforehand."""
    try:
        return click.confirm(question)
    except click.Abort:
        raise UsageError("nothing was removed: nobody answered; agree beforehand with --yes.") from None
