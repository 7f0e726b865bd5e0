"""What came back: nothing of it is believed before it is held against what was sent, and against itself.

A bundle's names come from a closed set, its members are those its index lists, and only weights in
safetensors and JSON are taken into the project. A run must be of the rows and settings that were sent;
each of its checkpoints must be the one its record names; both pins must lead to them. Answers must be
those that the sealed plan names. What does not hold is refused whole.

A machine that lies about how weights came to be, consistently, cannot be found out so.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from brie.bundle import merge_answers
from brie.bundle.folders import place, staging
from brie.bundle.layout import RUN
from brie.bundle.runs import check_checkpoints, check_pins, run_of, write_member, write_members
from brie.bundle.unpack import Opened, opened
from brie.errors import InputError
from brie.evaluation.manifest import change
from brie.project import Project, write_text
from brie.records import Manifest
from brie.remote.jobs import SUITE, Asked, Job, settings_of
from brie.remote.launcher import END, OUTBOX, RESULT
from brie.remote.worker import read_end
from brie.train.config import CONFIG, MANIFEST, RunManifest, TrainConfig
from brie.train.runs import read_manifest, suite_file, write_manifest


def check_arrival(path: Path, job: Job) -> None:
    """Look at a file of the outbox as soon as it is here.

    Raises:
        InputError: it is damaged or hostile, or of something else.
    """
    if path.name == END:
        read_end(path)
        return
    with opened(path) as bundle:
        kind = bundle.index.kind
        if path.name.startswith("checkpoint-"):
            fits = kind == "checkpoint" and job.kind == "train"
            fits = fits and f"checkpoint-{_step(bundle):06d}.zip" == path.name
        else:
            fits = kind == ("run" if job.kind == "train" else "evaluation")
        if job.kind == "generate":
            fits = fits and bundle.index.id == job.asked.evaluation
        if not fits:
            raise InputError(f"{path.name} is not what its name says; nothing was taken.")
        if job.kind == "train":
            _refuse_other(job.asked, run_of(bundle).config)


def merge(job: Job, folder: Path, project: Project) -> str:
    """Take a finished job's result into the project, all of it or nothing.

    Returns:
        The run's or the evaluation's id.

    Raises:
        InputError: it does not hold; what, and with which digests.
    """
    outbox = folder / OUTBOX
    if job.kind == "generate":
        return _merge_answers(outbox / RESULT, project)
    parts = sorted(outbox.glob("checkpoint-*.zip"))
    with ExitStack() as stack:
        result = stack.enter_context(opened(outbox / RESULT))
        checkpoints = [stack.enter_context(opened(path)) for path in parts]
        return _merge_run(job, folder, result, checkpoints, project)


def _merge_run(
    job: Job, folder: Path, result: Opened, checkpoints: Sequence[Opened], project: Project
) -> str:
    manifest = run_of(result)
    _refuse_other(job.asked, manifest.config)
    if manifest.identity != manifest.config.identity():
        raise InputError(f"run {manifest.id} says another identity than its settings give.")
    target = project.runs / manifest.id
    if (target / MANIFEST).is_file() and read_manifest(target).digests == manifest.digests:
        return manifest.id  # it was merged, and the command ended before it was written down
    if target.exists():
        raise InputError(f"there is a run {manifest.id} here already; nothing was merged.")
    with staging(project) as staged:
        write_members(result, staged)
        for bundle in checkpoints:
            if run_of(bundle).id != manifest.id:
                raise InputError(f"a checkpoint of {run_of(bundle).id} came for {manifest.id}.")
            for name in bundle.names:
                if name.startswith(f"{RUN}checkpoints/"):
                    write_member(bundle, name, staged / name.removeprefix(RUN))
        check_checkpoints(staged, manifest)
        check_pins(staged, alone=False)
        here = _as_here(job, staged, manifest)
        if (folder / SUITE).is_file():
            suite_file(staged, here).parent.mkdir()
            shutil.copyfile(folder / SUITE, suite_file(staged, here))
        place(staged, target=target)
    return manifest.id


def _refuse_other(asked: Asked, config: TrainConfig) -> None:
    """Whether a run learned from what was sent, as it was told to.

    Raises:
        InputError: it did not; what differs.
    """
    came = settings_of(config.recipe)
    pairs: dict[str, tuple[str | None, str]] = {
        f"recipe key {key}": (sent, came[key]) for key, sent in asked.recipe.items()
    }
    pairs["training rows"] = (asked.training_rows, config.train.rows_digest)
    pairs["validation rows"] = (asked.validation_rows, config.val.rows_digest)
    if asked.base is not None:
        pairs["base"] = (asked.base, config.base.digest)
    for name, (sent, received) in pairs.items():
        if sent != received:
            raise InputError(
                f"what came back is of other work: {name} was {sent}, and is {received}; "
                "nothing was merged."
            )


def _as_here(job: Job, staged: Path, manifest: RunManifest) -> RunManifest:
    """Write the run's records with places as they are on this machine."""
    config, asked = manifest.config, job.asked
    start = config.start
    if start is not None and asked.start is not None:
        start = start.model_copy(update={"reference": asked.start})
    local = config.model_copy(
        update={
            "train": config.train.model_copy(update={"path": asked.training_path}),
            "val": config.val.model_copy(update={"path": asked.validation_path}),
            "start": start,
        }
    )
    here = manifest.model_copy(update={"config": local, "command": job.command})
    write_text(staged / CONFIG, local.model_dump_json(indent=1) + "\n")
    write_manifest(staged, here)
    return here


def _merge_answers(path: Path, project: Project) -> str:
    """Answers, and what was noticed while they were made; no verdict, and no addition to the plan."""
    came = merge_answers(path, project)

    def noticed(now: Manifest) -> Manifest:
        return now if now.made is not None else now.model_copy(update={"made": came.made})

    change(project.runs / came.id, noticed)
    return came.id


def _step(bundle: Opened) -> int:
    """The step of the one checkpoint in a bundle; 0 where there is none, or several."""
    steps = {name.split("/")[2] for name in bundle.names if name.startswith(f"{RUN}checkpoints/")}
    return int(steps.pop().rpartition("-")[2]) if len(steps) == 1 else 0
