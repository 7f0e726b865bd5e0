"""Continuing a run: from its last whole checkpoint, with exactly what it was started with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from brie.errors import UsageError
from brie.pin import find_run
from brie.project import Project
from brie.train.attention import with_kernels
from brie.train.config import TrainConfig, TrainRequest
from brie.train.prepare import Job, build_job
from brie.train.progress import Progress
from brie.train.recipes import MEMORY_KEYS, Recipe, override
from brie.train.runs import RunInfo, checkpoints, read_run

_STATE = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "adapter_model.safetensors")


@dataclass(frozen=True)
class Continuation:
    """A run to go on with."""

    run: RunInfo
    job: Job
    checkpoint: Path | None
    """None: nothing was saved yet, so the run begins again in its folder."""
    step: int


def continuation(request: TrainRequest, project: Project, progress: Progress) -> Continuation:
    """What `--resume RUN` continues.

    Raises:
        UsageError: the run is complete or running, the request changes what decides the weights,
            data or base are no longer what they were, or its optimizer states were pruned.
    """
    run = read_run(find_run(str(request.resume), project).folder)
    if run.state == "complete":
        raise UsageError(
            f"{run.name} is complete after {run.manifest.step} steps; there is nothing to resume."
        )
    _refuse_changes(request, run)
    before = run.manifest.config
    recipe = override(_with_base(before), request.settings)
    sources = _sources(request, before, project)
    job = build_job(sources, recipe, project, progress, before=before)
    job = replace(job, config=with_kernels(job.config, progress))
    _refuse_differences(run, now=job.config, before=before)
    _note_differences(progress, now=job.config, before=before)
    checkpoint, step = _last_whole(run)
    return Continuation(run, job, checkpoint, step)


def resumable(folder: Path) -> bool:
    """Whether a checkpoint holds all that continuing needs."""
    return all((folder / name).is_file() for name in _STATE) and any(folder.glob("rng_state*.pth"))


def _refuse_changes(request: TrainRequest, run: RunInfo) -> None:
    given = {
        "--size": request.size,
        "--recipe": request.recipe,
        "--base": request.base,
        "--name": request.name,
        "--chat-template": request.chat_template,
        "--system": request.system,
        "--hold-out-source": request.hold_out_source or None,
        "--balance": request.balance,
        "--method": request.method,
        "--from": request.start,
    }
    changed = [option for option, value in given.items() if value is not None]
    changed += [
        f"--set {setting}"
        for setting in request.settings
        if setting.partition("=")[0] not in MEMORY_KEYS
    ]
    if changed:
        raise UsageError(
            f"--resume {run.name} takes its settings from the run; leave out {', '.join(changed)}. "
            f"Only {' and '.join(sorted(MEMORY_KEYS))} may be set anew."
        )


def _with_base(config: TrainConfig) -> Recipe:
    """The run's recipe, its base named by the very commit or folder it was."""
    revision = f"@{config.base.revision}" if config.base.revision else ""
    named = config.base_location or f"{config.base.repo}{revision}"
    return config.recipe.model_copy(update={"base": named})


def _sources(request: TrainRequest, before: TrainConfig, project: Project) -> TrainRequest:
    """The request with the files the run was started with, unless they are named again."""
    data, prefs = request.data, request.prefs
    if before.pairs is not None:
        prefs = prefs or _found(before.train.path, "--prefs", project)
    elif before.recipe.data is None or before.train.path != f"data/{before.recipe.data}":
        data = data or _found(before.train.path, "--data", project)
    val = request.val
    if val is None and before.split is None:
        val = _found(before.val.path, "--val", project)
    mapping = tuple(f"{key}={path}" for key, path in before.train.mapping.items())
    return replace(
        request,
        data=data,
        prefs=prefs,
        start=before.start.reference if before.start else None,
        val=val,
        mapping=request.mapping or mapping,
        hold_out_source=before.split.held_out if before.split else (),
        balance=before.balance.asked if before.balance else None,
    )


def _found(recorded: str, option: str, project: Project) -> str:
    if recorded.startswith("hf:"):
        return recorded
    path = project.root / recorded
    if not path.is_file():
        raise UsageError(f"{recorded} is not in the project's folder; name it again: {option} FILE")
    return str(path)


def _refuse_differences(run: RunInfo, *, now: TrainConfig, before: TrainConfig) -> None:
    old, new = before.facts(), now.facts()
    changed = sorted(
        key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and key not in MEMORY_KEYS
    )
    if changed:
        raise UsageError(
            f"{run.name} cannot be continued: {', '.join(changed)} changed since it was started. "
            "Restore what it was, or start a new run."
        )


def _note_differences(progress: Progress, *, now: TrainConfig, before: TrainConfig) -> None:
    pairs = {
        "device": (before.device.type, now.device.type),
        "processes": (before.device.count, now.device.count),
        **{key: (getattr(before.recipe, key), getattr(now.recipe, key)) for key in MEMORY_KEYS},
        "attention": (_attention(before), _attention(now)),
    }
    for name, (old, new) in sorted(pairs.items()):
        if old != new:
            progress.note(
                f"{name} was {old}, is {new}: the rest of the run agrees with an uninterrupted one "
                "up to rounding, not to the last bit"
            )


def _attention(config: TrainConfig) -> str:
    return config.attention.value if config.attention else config.recipe.attention


def _last_whole(run: RunInfo) -> tuple[Path | None, int]:
    saved = checkpoints(run.folder)
    whole = {step: path for step, path in saved.items() if resumable(path)}
    if saved and not whole:
        raise UsageError(
            f"{run.name} cannot be continued: the optimizer states of its checkpoints were pruned. "
            "Start a new run."
        )
    step = max(whole, default=0)
    return whole.get(step), step
