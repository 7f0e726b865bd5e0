"""lm-eval's tasks on both sides of an evaluation: run once, kept by document, compared in pairs.

A document's result is a row of the store like an answer, under a key of model, task and machine: a
second evaluation of the same base finds it there, and a stopped one goes on with what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from brie.benchmarks.naming import AskedAs
from brie.digest import Canonical, digest
from brie.errors import UsageError
from brie.progress import Screen
from brie.project import Project
from brie.records import Completion, Manifest, Pin, Plan, Side, TaskSpec
from brie.store import Store, claimed

if TYPE_CHECKING:
    from brie.benchmarks.loading import Loaded
    from brie.benchmarks.scoring import Scored
    from brie.generate.turns import TurnEngine
    from brie.pin import Resolved
    from brie.store.owner import Owner

SIDES: tuple[Side, Side] = ("candidate", "baseline")
_SECONDS = 24 * 3600.0
"""Longest time a task may take on one side before another process may take it."""


# --- what a plan needs -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """One document of one task on one side."""

    key: str
    pin: str
    prompt: str
    """Digest of the document's place in the task."""
    at: int
    """This place."""


def task_rows(plan: Plan, side: Side, spec: TaskSpec) -> list[_Row]:
    """The rows of a task on one side, in the order of its documents."""
    pin: Pin = getattr(plan, side)
    asked: Canonical = {
        "task": spec.digest, "program": spec.program, "output": spec.output, "fewshot": spec.fewshot,
        "pin": pin.digest, "environment": plan.environment,
        **({"examples": "by document"} if spec.examples_by_document else {}),
        **({"template": pin.template_digest, "thinking": plan.sampling.thinking} if spec.chat else {}),
    }  # fmt: skip
    whole = digest(asked)
    return [
        _Row(
            digest({"asked": whole, "document": at}),
            pin.digest,
            digest({"task": spec.digest, "document": at}),
            at,
        )
        for at in spec.chosen
    ]


def planned_rows(plan: Plan) -> dict[str, tuple[str, str]]:
    """Key -> pin and prompt of every row that a plan's tasks name."""
    return {
        row.key: (row.pin, row.prompt)
        for spec in plan.tasks
        for side in SIDES
        for row in task_rows(plan, side, spec)
    }


def refuse_sides(sides: Sequence[Resolved]) -> None:
    """Tasks are run by models that brie loads; what else a side may be has no answers to documents.

    Raises:
        UsageError: a side is a file of answers, behind a server, or told more than the documents.
    """
    for side in sides:
        if side.given is not None:
            why = "is a file of answers, which has none to a task's documents"
        elif not side.here:
            why = "is asked through a server, and lm-eval asks the model itself"
        elif side.pin.told is not None:
            why = "has a prompt of its own, which a task's documents do not"
        else:
            continue
        raise UsageError(
            f"--tasks needs two models in folders of this machine: {side.name} {why}. Leave --tasks "
            "out, or name such models."
        )


def load_asked(
    references: Sequence[str],
    sides: Sequence[Resolved],
    project: Project,
    *,
    asked_as: AskedAs,
    most: int | None,
    allow_code: bool,
    say: Callable[[str], None],
) -> tuple[Loaded, ...]:
    """The tasks that an evaluation was asked for.

    Args:
        references: as they were named.
        sides: what is compared.
        project: whose folder relative paths start from.
        asked_as: as conversations or as plain text.
        most: documents of each task; None: all.
        allow_code: code that comes with tasks may run here.
        say: one line for people.

    Raises:
        UsageError, InputError: a task cannot be run on these sides here.
    """
    if not references:
        return ()
    refuse_sides(sides)
    from brie.benchmarks.loading import load_tasks

    loaded = load_tasks(
        references, project.root, asked_as=asked_as, most=most, allow_code=allow_code, say=say
    )
    refuse_mixed_groups([task.spec for task in loaded])
    return loaded


def load_sealed(
    manifest: Manifest, project: Project, *, allow_code: bool, say: Callable[[str], None]
) -> tuple[Loaded, ...]:
    """The tasks of a sealed plan, as they are here now.

    Raises:
        UsageError, InputError: a task is not here, or another than the sealed one.
    """
    from brie.benchmarks.loading import load_tasks

    sealed = manifest.plan.tasks
    loaded = load_tasks(
        manifest.tasks, project.root, asked_as="auto", allow_code=allow_code, say=say,
        as_sealed={spec.name: spec for spec in sealed},
    )  # fmt: skip
    now = {task.spec.name: task.spec for task in loaded}
    known = {spec.name: spec for spec in sealed}
    for name in (*known, *now):
        if now.get(name) != known.get(name):
            raise UsageError(
                f"task {name} is another one now than in the plan: its file, its documents or lm-eval "
                "changed. Put back what was sealed, or evaluate anew: brie eval"
            )
    return loaded


# --- running -----------------------------------------------------------------------------------


def missing_tasks(plan: Plan, store: Store) -> list[tuple[Side, TaskSpec, list[str]]]:
    """Side, task and the keys that lack a result, side by side; a model shared by both counts once."""
    missing, seen = [], set[str]()
    for side in SIDES:
        for spec in plan.tasks:
            keys = [row.key for row in task_rows(plan, side, spec)]
            there = store.present("completions", keys)
            left = [key for key in keys if key not in there and key not in seen]
            seen.update(left)
            if left:
                missing.append((side, spec, left))
    return missing


def run_tasks(
    plan: Plan,
    loaded: Callable[[], Sequence[Loaded]],
    engine: TurnEngine,
    store: Store,
    owner: Owner,
    screen: Screen,
) -> int:
    """Run every task on every side that lacks results; returns how many results are new.

    Args:
        plan: the sealed one.
        loaded: gives its tasks; not called where nothing is missing.
        engine: both sides' models: an adapter and its base are one model, the adapter on and off.
        store: where results are kept.
        owner: this process.
        screen: progress.

    Raises:
        UsageError: a task cannot be run on a side.
    """
    missing = missing_tasks(plan, store)
    if not missing:
        return 0
    tasks = {task.spec.name: task for task in loaded()}
    for side, spec, keys in missing:
        _run(plan, side, tasks[spec.name], keys, engine, store, owner, screen)
    return sum(len(keys) for _, _, keys in missing)


def _run(
    plan: Plan,
    side: Side,
    task: Loaded,
    keys: Sequence[str],
    engine: TurnEngine,
    store: Store,
    owner: Owner,
    screen: Screen,
) -> None:
    """One task on one side: the documents that lack a result.

    All of them where examples are drawn in the order of the documents: else a document would have other
    ones on either side.
    """
    from brie.benchmarks.scoring import score

    rows = {row.key: row for row in task_rows(plan, side, task.spec)}
    for mine in claimed(
        store, "completions", keys, owner, chunk=len(keys), seconds=_SECONDS, say=screen.say
    ):
        start, by_place = perf_counter(), {rows[key].at: rows[key] for key in mine}
        in_order = task.spec.fewshot and not task.spec.examples_by_document
        places = list(task.spec.chosen) if in_order else sorted(by_place)
        with (
            engine.lent(rows[mine[0]].pin) as (model, encoder),
            screen.bar(f"{task.spec.name}, {side}", len(places), "documents") as advance,
        ):
            scored = score(
                task, model, encoder, places=places, thinking=plan.sampling.thinking,
                advance=advance,
            )  # fmt: skip
        scored = [result for result in scored if result.index in by_place]
        if len(scored) < len(by_place):
            raise UsageError(f"lm-eval left documents of {task.spec.name} without a result.")
        seconds = (perf_counter() - start) / len(places)
        store.add_completions([_kept(by_place[result.index], result, seconds) for result in scored])


def _kept(row: _Row, result: Scored, seconds: float) -> Completion:
    return Completion(
        key=row.key, pin=row.pin, prompt=row.prompt, sample=0, text=result.text, finish_reason="stop",
        tokens=0, seconds=seconds, measures=result.measures,
    )  # fmt: skip


# --- reading -----------------------------------------------------------------------------------


def stored_results(plan: Plan, store: Store) -> dict[str, Completion]:
    """The results of a plan's tasks that are there, by key."""
    return store.completions(planned_rows(plan)) if plan.tasks else {}


def refuse_mixed_groups(specs: Sequence[TaskSpec]) -> None:
    """A group is read as one mean, so its tasks have to count the same way.

    Raises:
        UsageError: they do not.
    """
    groups: dict[str, set[tuple[str, str, bool]]] = {}
    for spec in specs:
        how = (spec.metric, spec.filter, spec.higher_is_better)
        if spec.group and groups.setdefault(spec.group, {how}) != {how}:
            raise UsageError(
                f"the tasks of {spec.group} count by different metrics; name them one by one."
            )
