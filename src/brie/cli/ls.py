"""`brie ls`: training runs and evaluations, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import click
from pydantic import JsonValue

from brie.cli import options, screen
from brie.errors import StoreError
from brie.evaluation.folders import Evaluation, scan
from brie.number_format import percent, span
from brie.project import Project

if TYPE_CHECKING:
    from brie.records.analysis import Analysis
    from brie.train.config import State
    from brie.train.runs import RunInfo


class RunRow(TypedDict):
    """A training run as listed; sizes in bytes."""

    id: str
    name: str
    state: State
    step: int
    planned_steps: int
    loss: float | None
    eval_loss: float | None
    base_eval_loss: float | None
    pins: dict[str, int]
    checkpoints: list[int]
    size_bytes: int
    next: str


class UnreadableRow(TypedDict):
    """A folder of a run or an evaluation whose manifest cannot be read."""

    id: str
    name: str
    state: Literal["unreadable"]
    why: str


class EvaluationRow(TypedDict):
    """An evaluation as listed; figures as its analysis has them."""

    id: str
    name: str | None
    suite: str
    candidate: str
    baseline: str
    state: Literal["complete", "unfinished"]
    verdict: JsonValue
    standing: JsonValue
    word: str | None
    """The verdict as far as it stands."""
    win_rate: JsonValue
    cost_usd: JsonValue
    looks: int
    next: str


@click.command(epilog="\b\nExamples:\n  brie ls\n  brie ls --json\n")
@options.JSON
def command(as_json: bool) -> None:
    """List training runs (state, steps, losses, pins) and evaluations (win rate, verdict)."""
    project = screen.project()
    runs = list(run_rows(project))
    every = list(scan(project))
    looks = looks_of(project) if every else {}
    entries = [
        evaluation_row(evaluation, looks)
        if isinstance(evaluation, Evaluation)
        else _unreadable(evaluation.folder.name, evaluation.why)
        for evaluation in every
    ]
    if as_json:
        click.echo(json.dumps({"runs": runs, "evaluations": entries}, indent=2))
        return
    if not runs and not entries:
        click.echo(
            "nothing here yet. First try: brie demo   Your own: brie train --size 0.5b --data FILE"
        )
    for row in runs:
        for line in _run_lines(row):
            click.echo(line)
    for entry in entries:
        if entry["state"] == "unreadable":
            click.echo(screen.labelled(f"{entry['id']}  ", f"unreadable: {entry['why']}", 4))
            continue
        sides = f"{entry['candidate']} vs {entry['baseline']}"
        told = f"{sides}  {entry['word'] or '-':<10} {_rate(entry)}"
        click.echo(screen.labelled(f"{entry['id']}  ", told, 4))
        click.echo(f"    looks at this suite: {entry['looks']}   next: {entry['next']}")


def run_rows(project: Project) -> Iterator[RunRow | UnreadableRow]:
    """One row a training run; sizes in bytes."""
    from brie.evaluation.choice import to_start_with
    from brie.judge.local import answering
    from brie.train.runs import RunInfo, scan

    look = cache(answering)
    for run in scan(project):
        if isinstance(run, RunInfo):
            yield _run_row(run, to_start_with(project, run.suite, look))
        else:
            yield _unreadable(run.folder.name, run.why)


def _unreadable(name: str, why: str) -> UnreadableRow:
    return {"id": name, "name": name, "state": "unreadable", "why": why}


def _run_row(run: RunInfo, start: str) -> RunRow:
    manifest = run.manifest
    losses = {point.step: point.loss for point in manifest.evaluations}
    best = manifest.pins.get("best")
    again = f"brie eval --candidate {run.name}:best {start}"
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "step": manifest.step,
        "planned_steps": manifest.config.planned_steps,
        "loss": manifest.history[-1].loss if manifest.history else None,
        "eval_loss": best.eval_loss if best else min(losses.values(), default=None),
        "base_eval_loss": losses.get(0),
        "pins": {name: pin.step for name, pin in manifest.pins.items()},
        "checkpoints": list(manifest.checkpoints),
        "size_bytes": run.size_bytes,
        "next": again if best else f"brie train --resume {run.name}",
    }


def _run_lines(row: RunRow | UnreadableRow) -> Iterator[str]:
    if row["state"] == "unreadable":
        yield screen.labelled(row["id"], f"unreadable: {row['why']}", 4)
        return
    yield f"{row['id']}  {row['name']}  {row['state']}  {row['size_bytes'] / 1e6:,.1f} MB"
    facts = [f"step {row['step']:,} of {row['planned_steps']:,}"]
    if row["loss"] is not None:
        facts.append(f"training loss {row['loss']:.4f}")
    if row["eval_loss"] is not None:
        base = row["base_eval_loss"]
        before = f" (base {base:.4f})" if base is not None else ""
        facts.append(f"best validation loss {row['eval_loss']:.4f}{before}")
    yield screen.labelled("", ", ".join(facts), 4)
    pins = ", ".join(f"{name} = step {step}" for name, step in sorted(row["pins"].items())) or "no pins"
    checkpoints = ", ".join(map(str, row["checkpoints"])) or "none"
    yield screen.labelled("", f"{pins}; checkpoints {checkpoints}", 4)
    yield f"    next: {row['next']}"


def looks_of(project: Project) -> Mapping[str, int]:
    """Digest of a suite -> looks at it, of all suites at once; none where the store cannot be read."""
    from brie.store import Store

    try:
        with Store.open(project.store, read_only=True) as store:
            return store.looks_by_suite()
    except StoreError as error:
        screen.say(str(error))
        return {}


def evaluation_row(evaluation: Evaluation, looks: Mapping[str, int]) -> EvaluationRow:
    """One row for an evaluation; `looks` has those at every suite."""
    from brie.checks.standing import standing_of
    from brie.report.sentence import verdict_word

    manifest = evaluation.manifest
    analysis = _json(evaluation.analysis_file)
    read = _read(analysis)
    standing = standing_of(read) if read else None
    suite, cost = manifest.plan.suite, analysis.get("cost")
    return {
        "id": manifest.id,
        "name": manifest.name,
        "suite": suite.name,
        "candidate": manifest.names["candidate"],
        "baseline": manifest.names["baseline"],
        "state": "complete" if analysis and not analysis.get("interim") else "unfinished",
        "verdict": analysis.get("verdict"),
        "standing": standing.model_dump(mode="json") if standing else None,
        "word": verdict_word(read) if read and not read.interim else None,
        "win_rate": analysis.get("win_rate"),
        "cost_usd": cost.get("usd") if isinstance(cost, dict) else None,
        "looks": looks.get(suite.digest(), 0),
        "next": f"brie report {manifest.id}" if analysis else manifest.command,
    }


def _rate(row: EvaluationRow) -> str:
    rate = row["win_rate"]
    if not isinstance(rate, dict) or not isinstance(value := rate.get("value"), (int, float)):
        return row["state"]
    low, high = rate.get("low"), rate.get("high")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return f"{percent(value)} ({span(low, high)})"
    return percent(value)


def _read(analysis: dict[str, JsonValue]) -> Analysis | None:
    from brie.records.analysis import Analysis

    try:
        return Analysis.read(json.dumps(analysis)) if analysis else None
    except ValueError:
        return None


def _json(path: Path) -> dict[str, JsonValue]:
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
