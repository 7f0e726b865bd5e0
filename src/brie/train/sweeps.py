"""`brie train` with several values of a setting, or several seeds: a sealed plan of runs.

    brie train --size tiny --set r=8,16 --set data_share=.25,.5,1 --seeds 3 --name ranks

Everything is resolved before anything is trained: the seal is over the identity of every run. A run
that is complete is never trained again, so a sweep goes on where it was stopped, however it was.
"""

from __future__ import annotations

import gc
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path

from pydantic import TypeAdapter

from brie.data.encode import Tokens
from brie.errors import Stopped, UsageError
from brie.lines import command as command_line
from brie.number_format import plural
from brie.project import Project
from brie.provenance import now
from brie.records.sweeps import DoneRun, PlannedRun, SweepManifest, SweepPlan
from brie.train.config import MANIFEST, EvalPoint, TrainPoint, TrainRequest
from brie.train.gpus import expected
from brie.train.prepare import Job, prepare, resolve_recipe
from brie.train.progress import Progress, Silent, Start
from brie.train.recipes import Recipe
from brie.train.run import refuse_taken_name, reuse_or_train
from brie.train.runs import find_equal, lock, read_run
from brie.train.sweep_files import (
    called,
    find_sweep,
    read_sweep,
    seal_of,
    sweep_id,
    write_sweep,
)
from brie.train.sweep_values import settings_of


@dataclass(frozen=True)
class Planned:
    """A run of a sweep, resolved."""

    setting: str
    seed: int
    job: Job

    @property
    def identity(self) -> str:
        """Of everything that decides its weights."""
        return self.job.config.identity()


def sweep(request: TrainRequest, project: Project, progress: Progress) -> SweepManifest:
    """Train every run of a sweep that is not there yet.

    Returns:
        The sweep's manifest, all runs done.

    Raises:
        UsageError: a setting is wrong or given twice, or something about data or machine must change.
        InputError: the plan was changed after it was sealed.
        Stopped: interrupted; the message is the command that goes on.
    """
    if expected(request).size > 1:
        raise UsageError(
            "a sweep trains one run after the other in one process; leave out --processes and --gpus."
        )
    before = find_sweep(request.resume, project) if request.resume else None
    asked = _asked_before(before, request) if before else request
    planned = plan(asked, project, progress)
    manifest = _sealed(asked, planned)
    if before is not None and manifest.id != before.id:
        raise UsageError(
            f"sweep {called(before)} cannot go on: what decides its runs' weights is not what was "
            "sealed (data, base, device, number format). Restore it, or begin a new sweep."
        )
    folder = project.runs / manifest.id
    if not folder.is_dir():
        refuse_taken_name(manifest.name, project)
        folder.mkdir(parents=True)
    with lock(folder):
        if (folder / MANIFEST).is_file():
            manifest = read_sweep(folder)
            progress.note(f"sweep {called(manifest)} was sealed {manifest.created[:16]}; it goes on")
        else:
            write_sweep(folder, manifest)
        return _train_all(manifest, planned, project, progress)


def plan(request: TrainRequest, project: Project, progress: Progress) -> list[Planned]:
    """Every run of a sweep, resolved, in the order of training: all settings with a seed, then the next.

    Runs share the tokens of their rows. The validation half is drawn by the first seed for all: what
    one run is measured on, none was trained on.

    Raises:
        UsageError, InputError: a setting cannot be trained; two settings are the same.
    """
    settings = settings_of(request)
    recipe = resolve_recipe(_one(request, next(iter(settings.values()))), project, Silent())
    seeds = [recipe.seed + place for place in range(request.seeds or 1)]
    tokens, planned = Tokens(), list[Planned]()
    for seed, (setting, values) in product(seeds, settings.items()):
        asked = _one(request, (*values, *_seeded(seed, recipe)))
        told: Progress = Silent() if planned else progress
        planned.append(Planned(setting, seed, prepare(asked, project, told, tokens)))
    _refuse_equal(planned)
    runs = f"{plural(len(settings), 'setting')} with {plural(len(seeds), 'seed')} each"
    progress.note(f"sweep: {runs}, {plural(len(planned), 'run')} in all")
    return planned


def _seeded(seed: int, recipe: Recipe) -> tuple[str, ...]:
    """The first seed is the recipe's own, so that a run of it that is there already is taken."""
    if seed == recipe.seed:
        return ()
    first = recipe.seed if recipe.split_seed is None else recipe.split_seed
    return f"split_seed={first}", f"seed={seed}"


def _one(request: TrainRequest, settings: Sequence[str]) -> TrainRequest:
    """The request of a single run."""
    return replace(request, settings=tuple(settings), seeds=None, name=None, resume=None)


def _refuse_equal(planned: Sequence[Planned]) -> None:
    first: dict[str, str] = {}
    for run in planned:
        other = first.setdefault(run.identity, run.setting)
        if other != run.setting:
            raise UsageError(f"{other} and {run.setting} are the same training; leave one out.")


def _sealed(request: TrainRequest, planned: Sequence[Planned]) -> SweepManifest:
    made = SweepPlan(
        recipe=planned[0].job.config.recipe.name,
        settings=settings_of(request),
        seeds=tuple(dict.fromkeys(run.seed for run in planned)),
        runs=tuple(
            PlannedRun(setting=run.setting, seed=run.seed, identity=run.identity) for run in planned
        ),
    )
    given = {field.name: getattr(request, field.name) for field in fields(request)}
    kept = {
        k: str(v) if isinstance(v, Path) else v for k, v in given.items() if v and k not in _NOT_KEPT
    }
    return SweepManifest(
        id=sweep_id(made),
        name=request.name,
        created=now(),
        command=shlex.join(["brie", *sys.argv[1:]]),
        asked=kept,
        plan=made,
        seal=seal_of(made),
    )


_NOT_KEPT = frozenset({"resume", "processes", "gpus"})
_AGAIN = ("data", "val", "prefs")
"""Files that may be named again where they were moved."""


def _asked_before(before: SweepManifest, request: TrainRequest) -> TrainRequest:
    """The request a sweep was begun with.

    Raises:
        UsageError: something besides its files and the device is given.
    """
    plain = TrainRequest(resume=request.resume, device=request.device)
    given = {name: value for name in _AGAIN if (value := getattr(request, name))}
    if replace(plain, **given) != request:
        raise UsageError(
            f"--resume {called(before)} takes its settings from the sweep; leave out the rest."
        )
    if request.device != "auto":
        given["device"] = request.device
    return TypeAdapter(TrainRequest).validate_python({**before.asked, **given})


def _train_all(
    manifest: SweepManifest, planned: Sequence[Planned], project: Project, progress: Progress
) -> SweepManifest:
    again = command_line("train", "--resume", called(manifest))
    for number, run in enumerate(planned, 1):
        if _is_done(manifest, run, project):
            continue
        progress.note(f"run {number} of {len(planned)}: {run.setting}, seed {run.seed}")
        name = run_name(called(manifest), run.setting, run.seed)
        job = replace(run.job, request=replace(run.job.request, name=name))
        try:
            made, _ = reuse_or_train(job, project, _Within(progress, again))
        except Stopped as stopped:
            raise Stopped(f"stopped in {run.setting}, seed {run.seed}; go on: {again}") from stopped
        except UsageError as error:
            raise UsageError(f"{run.setting}, seed {run.seed}: {error}") from error
        best = read_run(made).manifest.pins["best"].digest
        done = {**manifest.done, run.identity: DoneRun(run=made.name, best=best)}
        manifest = manifest.model_copy(update={"done": done})
        write_sweep(project.runs / manifest.id, manifest)
        _let_go()
    return manifest


def _is_done(manifest: SweepManifest, run: Planned, project: Project) -> bool:
    """Whether the sweep's run is recorded, and still there."""
    done = manifest.done.get(run.identity)
    equal = find_equal(project, run.identity) if done else None
    return done is not None and equal is not None and equal.state == "complete"


def run_name(sweep_name: str, setting: str, seed: int) -> str:
    """What a run of a sweep is called, where no equal run is there already."""
    told = re.sub(r"[^A-Za-z0-9.]+", "-", setting).strip("-.")
    return f"{sweep_name}-{told}-s{seed}"


def _let_go() -> None:
    """Give back a run's memory before the next one begins."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass(frozen=True)
class _Within:
    """Whoever watches a sweep, told of one run: what goes on is the sweep."""

    progress: Progress
    again: str

    def note(self, text: str) -> None:
        self.progress.note(text)

    def started(self, start: Start) -> None:
        self.progress.started(replace(start, resume_command=self.again))

    def stepped(self, point: TrainPoint, total: int, seconds_left: float) -> None:
        self.progress.stepped(point, total, seconds_left)

    def evaluated(self, point: EvalPoint) -> None:
        self.progress.evaluated(point)

    def saved(self, step: int, folder: Path) -> None:
        self.progress.saved(step, folder)


def losses(manifest: SweepManifest, project: Project) -> Iterator[tuple[str, list[float]]]:
    """Setting -> the lowest validation loss of each of its runs."""
    for setting in manifest.plan.settings:
        runs = [manifest.done[run.identity].run for run in manifest.plan.runs if run.setting == setting]
        pins = [read_run(project.runs / run).manifest.pins["best"] for run in runs]
        yield setting, [pin.eval_loss for pin in pins if pin.eval_loss is not None]
