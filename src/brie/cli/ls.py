"""`brie ls`: training runs and evaluations, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from brie.cli import screen
from brie.evaluations import Evaluation, evaluations
from brie.resources import Project


@click.command(epilog="\b\nExamples:\n  brie ls\n  brie ls --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def command(as_json: bool) -> None:
    """List training runs (state, steps, losses, pins) and evaluations (win rate, verdict)."""
    project = screen.project()
    runs = list(run_rows(project))
    found = [evaluation_row(e, project) for e in evaluations(project)]
    if as_json:
        click.echo(json.dumps({"runs": runs, "evaluations": found}, indent=2))
        return
    if not runs and not found:
        click.echo(
            "nothing here yet. First try: brie demo   Your own: brie train --size 0.5b --data FILE"
        )
    for row in runs:
        loss = f"loss {row['eval_loss']:.3f}" if row["eval_loss"] is not None else ""
        steps = f"step {row['step']} of {row['planned_steps']}" if row["step"] else ""
        click.echo(f"{row['id']}  {row['name']:<10} {row['state']:<11} {steps:<18} {loss}")
        click.echo(f"    next: {row['next']}")
    for row in found:
        rate = _rate(row)
        click.echo(
            f"{row['id']}  {row['candidate']} vs {row['baseline']}  {row['verdict'] or '-':<10} {rate}"
        )
        click.echo(f"    looks at this suite: {row['looks']}   next: {row['next']}")


def run_rows(project: Project) -> Iterator[dict[str, Any]]:
    """One row a training run."""
    from brie.pin import training_runs

    for run in training_runs(project):
        best = _json(run.folder / "pins" / "best.json")
        state = str(run.manifest.get("state", "unknown"))
        again = f"brie eval --suite in_domain --candidate {run.name}:best"
        yield {
            "id": run.id,
            "name": run.name,
            "state": state,
            "step": best.get("step"),
            "planned_steps": best.get("planned_steps"),
            "eval_loss": best.get("eval_loss"),
            "next": again if best else f"brie train --resume {run.name}",
        }


def evaluation_row(evaluation: Evaluation, project: Project) -> dict[str, Any]:
    """One row for an evaluation."""
    from brie.store import Store

    manifest = evaluation.manifest
    analysis = _json(evaluation.analysis_file)
    suite = manifest.plan.suite
    with Store.open(project.store, read_only=True) as store:
        looks = store.looks(suite.digest())
    return {
        "id": manifest.id,
        "name": manifest.name,
        "suite": suite.name,
        "candidate": manifest.names["candidate"],
        "baseline": manifest.names["baseline"],
        "state": "complete" if analysis and not analysis.get("interim") else "unfinished",
        "verdict": analysis.get("verdict"),
        "win_rate": analysis.get("win_rate"),
        "cost_usd": (analysis.get("cost") or {}).get("usd"),
        "looks": looks,
        "next": f"brie report {manifest.id}" if analysis else manifest.command,
    }


def _rate(row: dict[str, Any]) -> str:
    rate = row["win_rate"]
    if not rate:
        return str(row["state"])
    low, high = rate.get("low"), rate.get("high")
    span = f" [{low:.0%}, {high:.0%}]" if low is not None and high is not None else ""
    return f"{rate['value']:.0%}{span}"


def _json(path: Any) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
