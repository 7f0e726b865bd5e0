"""`brie ls`: training runs and evaluations, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal, TypedDict

import click

from brie.cli import options, screen, sweeps
from brie.cli import suites as several
from brie.errors import StoreError
from brie.evaluation.folders import Evaluation, Unreadable, scan
from brie.evaluation.listing import newest_first, rows, table
from brie.lines import command as command_line
from brie.number_format import size
from brie.project import Project

if TYPE_CHECKING:
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


@click.command(epilog="\b\nExamples:\n  brie ls\n  brie report @2\n  brie ls --json\n")
@options.JSON
def command(as_json: bool) -> None:
    """List training runs (state, steps, losses, pins), sweeps, and evaluations, newest first.

    An evaluation's row: when, name or id, win rate with its interval, verdict ("better, if": under a
    condition), checks (x1 !3: so many fail, so many warn), cost. Its number is a reference that every
    verb takes: brie report @1.
    """
    project = screen.project()
    found = list(scan(project))
    every = [evaluation for evaluation in found if isinstance(evaluation, Evaluation)]
    damaged = [
        _unreadable(folder.folder.name, folder.why) for folder in found if isinstance(folder, Unreadable)
    ]
    runs = list(run_rows(project, every))
    swept = list(sweeps.rows(project, every))
    looks = looks_of(project) if every else {}
    entries = rows(every, looks)
    together = several.rows(project) if every else []
    if as_json:
        listed = {"runs": runs, "evaluations": [*entries, *damaged]}
        of_several = [{"id": name, "table": told, "next": again} for name, told, again in together]
        beside = {"sweeps": swept, "suites": of_several}
        click.echo(json.dumps({**listed, **{key: of for key, of in beside.items() if of}}, indent=2))
        return
    if not runs and not swept and not entries and not damaged:
        click.echo(
            "nothing here yet. First try: brie demo   Your own: brie train --size 0.5b --data FILE"
        )
    for row in runs:
        for line in _run_lines(row):
            screen.show(line, hanging=4)
    for listed_sweep in swept:
        for line in sweeps.row_lines(listed_sweep):
            screen.show(line, hanging=4)
    if (runs or swept) and (entries or damaged):
        click.echo("")
    for line in table(entries, screen.width()):
        screen.out(line)
    for folder in damaged:
        screen.show(f"{folder['id']}  unreadable: {folder['why']}", hanging=4)
    for name, told, again in together:
        screen.show(f"{name}  {told}", hanging=4)
        screen.show(f"    next: {again}")


def run_rows(project: Project, every: Sequence[Evaluation] = ()) -> Iterator[RunRow | UnreadableRow]:
    """One row a training run; sizes in bytes.

    Args:
        project: whose runs.
        every: its evaluations: a run that has one is pointed to it.
    """
    from brie.evaluation.choice import first_evaluation
    from brie.judge.local import answering
    from brie.train.runs import RunInfo, scan

    look = cache(answering)
    for run in scan(project):
        if isinstance(run, RunInfo):
            yield _run_row(run, first_evaluation(run, project, look), every)
        else:
            yield _unreadable(run.folder.name, run.why)


def _unreadable(name: str, why: str) -> UnreadableRow:
    return {"id": name, "name": name, "state": "unreadable", "why": why}


def _run_row(run: RunInfo, again: str, every: Sequence[Evaluation]) -> RunRow:
    manifest = run.manifest
    losses = {point.step: point.loss for point in manifest.evaluations}
    best = manifest.pins.get("best")
    names = (f"{run.name}:", f"{run.id}:")
    judged = [e for e in newest_first(every) if e.manifest.names["candidate"].startswith(names)]
    if judged:
        again = command_line("view", judged[0].manifest.id)
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
        "next": again if best else command_line("train", "--resume", run.name),
    }


def _run_lines(row: RunRow | UnreadableRow) -> Iterator[str]:
    if row["state"] == "unreadable":
        yield screen.labelled(row["id"], f"unreadable: {row['why']}", 4)
        return
    yield f"{row['id']}  {row['name']}  {row['state']}  {size(row['size_bytes'])}"
    facts = [f"step {row['step']:,} of {row['planned_steps']:,}"]
    if row["loss"] is not None:
        facts.append(f"training loss {row['loss']:.4f}")
    if row["eval_loss"] is not None:
        base = row["base_eval_loss"]
        before = f" (at first {base:.4f})" if base is not None else ""
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
