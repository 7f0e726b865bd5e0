"""`brie train`: resolve, make the run's folder, train, pin, record."""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from brie.data.questions import at_most, suite_of, write_suite
from brie.errors import BrieError, Stopped, UsageError
from brie.pin import pin_checkpoint, write_pin
from brie.project import Project, write_text
from brie.provenance import now
from brie.train import ranks
from brie.train.config import (
    CHECKPOINTS,
    CONFIG,
    PINS,
    EvalPoint,
    PinEntry,
    RunManifest,
    TrainRequest,
)
from brie.train.failures import explain_failure
from brie.train.gpus import expected, is_launched
from brie.train.metrics import MetricsFile
from brie.train.prepare import Job, prepare
from brie.train.progress import Progress, Silent, Start
from brie.train.resume import Continuation, continuation
from brie.train.runs import (
    checkpoints,
    find_equal,
    list_runs,
    lock,
    new_folder,
    suite_file,
    write_manifest,
)
from brie.train.surroundings import git_state, versions
from brie.train.sweep_files import sweeps
from brie.train.unmoved import unmoved

if TYPE_CHECKING:
    from brie.train.sft import Outcome

MOST_PROMPTS = 200
"""Of a run's own suite: at 200 prompts intervals are about 7 points to either side; more cost more
than they tell."""


def train(request: TrainRequest, project: Project, progress: Progress) -> Path:
    """Train as asked, or continue a run.

    Returns:
        The run's folder; its manifest says `complete` and its pins `best` and `last` exist.

    Raises:
        UsageError: something about the request, the data or the machine must change.
        Stopped: interrupted, out of memory or disk; the message is the command that continues.
    """
    if request.seeds is not None:
        raise UsageError("seeds make a sweep of several runs: brie train --size NAME --seeds N")
    if request.gpus is not None and not is_launched():
        raise UsageError(
            "several GPUs are several processes, which the command starts: brie train --gpus N"
        )
    here = expected(request)
    watching = progress if here.first else Silent()
    try:
        if request.resume is not None:
            return _continue(continuation(request, project, watching), watching, here)
        refuse_taken_name(request.name, project)
        return _begin(prepare(request, project, watching), project, watching, here)
    except BrieError as error:
        if not here.first:  # the first process says it
            raise SystemExit(error.exit_code) from error
        raise
    finally:
        ranks.leave(here)


def train_or_reuse(request: TrainRequest, project: Project, progress: Progress) -> tuple[Path, bool]:
    """Train, unless a run with the same settings, base and data is complete; finish one begun.

    Returns:
        The run's folder, and whether it was complete before.

    Raises:
        UsageError, Stopped: as `train`.
    """
    return reuse_or_train(prepare(request, project, progress), project, progress)


def reuse_or_train(job: Job, project: Project, progress: Progress) -> tuple[Path, bool]:
    """`train_or_reuse` of a request that is resolved already."""
    request = job.request
    equal = find_equal(project, job.config.identity())
    if equal is not None and equal.state == "complete":
        return equal.folder, True
    here = ranks.World()
    if equal is not None and equal.state == "interrupted":
        progress.note(f"{equal.id} was begun with the same settings; it goes on")
        again = TrainRequest(
            resume=equal.id, data=request.data, prefs=request.prefs, val=request.val,
            device=request.device,
        )  # fmt: skip
        return _continue(continuation(again, project, progress), progress, here), False
    return _begin(_with_free_name(job, project, progress), project, progress, here), False


def _with_free_name(job: Job, project: Project, progress: Progress) -> Job:
    """The job without its name where another run, made with other settings, has it."""
    try:
        refuse_taken_name(job.request.name, project)
    except UsageError:
        progress.note(f"the name {job.request.name!r} belongs to an earlier run; this one has none")
        return replace(job, request=replace(job.request, name=None))
    return job


def refuse_taken_name(name: str | None, project: Project) -> None:
    """A name means one run.

    Raises:
        UsageError: another run has it.
    """
    if name is None:
        return
    taken = next((run.id for run in list_runs(project) if run.manifest.name == name), None)
    taken = taken or next((sweep.id for sweep in sweeps(project) if sweep.name == name), None)
    if taken:
        raise UsageError(f"the name {name!r} is taken by {taken}; choose another --name.")


def _begin(job: Job, project: Project, progress: Progress, here: ranks.World) -> Path:
    ranks.join(here, job.config.device.type)
    folder = new_folder(project, job.config.recipe.name) if here.first else None
    session = _Session(job, Path(ranks.share(here, str(folder) if folder else None)), progress, here)
    return session.begin()


def _continue(continuation: Continuation, progress: Progress, here: ranks.World) -> Path:
    ranks.join(here, continuation.job.config.device.type)
    return _Session(continuation.job, continuation.run.folder, progress, here).go_on(continuation)


@dataclass
class _Session:
    """One sitting at a run: the first, or one that continues it."""

    job: Job
    folder: Path
    progress: Progress
    here: ranks.World
    began: float = field(default_factory=time.perf_counter)
    seconds_before: float = field(init=False, default=0.0)
    """Wall time of earlier sittings."""
    metrics: MetricsFile = field(init=False)
    manifest: RunManifest = field(init=False)

    def begin(self) -> Path:
        """A new run."""
        self.metrics = MetricsFile(self.folder, write=self.here.first)
        self.manifest = RunManifest(
            id=self.folder.name,
            name=self.job.request.name,
            state="running",
            identity=self.job.config.identity(),
            created=now(),
            command=shlex.join(["brie", *sys.argv[1:]]),
            config=self.job.config,
            versions=versions(),
            git=git_state(),
        )
        return self._sit(None, 0)

    def go_on(self, continuation: Continuation) -> Path:
        """The rest of a run."""
        self.metrics = MetricsFile.resume(self.folder, continuation.step, write=self.here.first)
        self.manifest = continuation.run.manifest.model_copy(
            update={
                "state": "running",
                "identity": self.job.config.identity(),
                "config": self.job.config,
                "finished": None,
                "error": None,
                "versions": versions(),
                "resumed": (*continuation.run.manifest.resumed, now()),
            }
        )
        return self._sit(continuation.checkpoint, continuation.step)

    def _sit(self, checkpoint: Path | None, step: int) -> Path:
        self.seconds_before = self.manifest.wall_seconds
        if not self.here.first:
            self._fit(checkpoint)
            return self.folder
        with lock(self.folder):
            return self._sit_first(checkpoint, step)

    def _sit_first(self, checkpoint: Path | None, step: int) -> Path:
        """Train, pin and record, in the process that writes."""
        (self.folder / CHECKPOINTS).mkdir(exist_ok=True)
        text = self.job.config.model_dump_json(indent=1)
        write_text(self.folder / CONFIG, text + "\n")
        self._record()
        self._catch_up(step)
        total, resume = self.job.config.planned_steps, self.resume_command()
        self.progress.started(Start(self.folder.name, self.folder, total, step, resume))
        try:
            outcome = self._fit(checkpoint)
        except BaseException as error:
            explained = self._failed(error)
            if explained is None:
                raise
            raise explained from error
        if outcome.interrupted:
            self._record(state="interrupted", fused=outcome.fused)
            raise Stopped(f"stopped after step {outcome.step} of {total}; continue with: {resume}")
        early = f"no lower validation loss after step {outcome.step}" if outcome.stopped_early else None
        self._record(state="complete", pins=self._pin(), stopped_early=early, fused=outcome.fused)
        self._write_suite()
        self._say_if_worse()
        return self.folder

    def _write_suite(self) -> None:
        """A suite of the validation rows: what the run can be evaluated on first. Those of pairs chose
        the checkpoint, and were judged by what taught it: they measure nothing any more."""
        if self.job.config.pairs is not None:
            return
        labelled = self.job.config.baselines is not None
        made = at_most(suite_of(self.job.held, labelled=labelled), MOST_PROMPTS)
        if made.prompts:
            path = suite_file(self.folder, self.manifest)
            path.parent.mkdir(exist_ok=True)
            write_suite(made.prompts, path)

    def _say_if_worse(self) -> None:
        """`best` is the best of the trained steps: it may still be worse than no training."""
        best, base = self.manifest.pins["best"].eval_loss, base_loss(self.manifest)
        if best is not None and base is not None and best > base:
            self.progress.note(
                f"warning: the best checkpoint's validation loss is {best:.4f}, at first {base:.4f}: "
                "training made it worse; try a lower learning rate "
                f"(--set learning_rate={self.job.config.recipe.learning_rate / 4:g})"
            )
        if stayed := unmoved(self.manifest):
            self.progress.note(stayed)

    def _fit(self, checkpoint: Path | None) -> Outcome:
        from brie.train.sft import fit

        return fit(
            self.job,
            self.folder,
            metrics=self.metrics,
            checkpoint=checkpoint,
            progress=self.progress,
            on_saved=self._saved,
        )

    def _failed(self, error: BaseException) -> BrieError | None:
        """Record a failure; what to tell the user instead, None to let the error pass."""
        if isinstance(error, BrieError):
            self._record(state="failed", error=str(error))
            return None
        saved = bool(checkpoints(self.folder))
        explained = explain_failure(
            error, self.job.config.recipe, self.resume_command(), saved, folder=self.folder
        )
        # A full disk refuses this too; without its lock the run still reads as interrupted.
        with contextlib.suppress(BrieError):
            self._record(state="interrupted", error=str(explained or repr(error)))
        return explained

    def resume_command(self) -> str:
        """The command that continues this run; files outside the project must be named again."""
        request, config = self.job.request, self.job.config
        command = ["brie", "train", "--resume", self.manifest.name or self.folder.name]
        root = self.folder.parents[1]
        for option, given, recorded in (
            ("--data", request.data, config.train.path),
            ("--prefs", request.prefs, config.train.path),
            ("--val", request.val, config.val.path),
        ):
            if given and not given.startswith("hf:") and not (root / recorded).is_file():
                command += [option, given]
        if request.device != "auto":
            command += ["--device", request.device]
        if self.here.size > 1:
            command += ["--gpus", str(self.here.size)]
        return shlex.join(command)

    def _saved(self, step: int) -> None:
        folder = checkpoints(self.folder)[step]
        self.progress.saved(step, folder)
        self._digested(step, folder)

    def _digested(self, step: int, folder: Path) -> None:
        pin = pin_checkpoint(folder, base=self.job.base, name=str(step))
        self._record(digests={**self.manifest.digests, str(step): pin.digest})

    def _catch_up(self, begun: int) -> None:
        """Record checkpoints that an earlier sitting saved, and ended before it had said so."""
        for step, folder in checkpoints(self.folder).items():
            if step <= begun and str(step) not in self.manifest.digests:
                self._digested(step, folder)

    def _record(self, **changes: object) -> None:
        """Write the manifest as things stand."""
        history, evaluations = self.metrics.history, self.metrics.evaluations
        last = history[-1] if history else None
        if changes.get("state") not in (None, "running"):
            changes["finished"] = now()
        self.manifest = self.manifest.model_copy(
            update={
                "step": last.step if last else 0,
                "checkpoints": tuple(checkpoints(self.folder)),
                "history": tuple(history),
                "evaluations": tuple(evaluations),
                "tokens": last.tokens if last else 0,
                "tokens_per_second": last.tokens / last.seconds if last and last.seconds else None,
                "peak_memory_bytes": max((p.memory_bytes for p in history), default=None),
                "wall_seconds": self.seconds_before + time.perf_counter() - self.began,
                **changes,
            }
        )
        write_manifest(self.folder, self.manifest)

    def _pin(self) -> dict[str, PinEntry]:
        """Pin the checkpoint with the lowest validation loss, and the last one."""
        saved = checkpoints(self.folder)
        measured = {p.step: p for p in self.metrics.evaluations if p.step in saved}
        best = min(measured.values(), key=lambda point: (point.loss, point.step))
        chosen = {"best": best, "last": measured[max(measured)]}
        return {which: self._pin_one(which, point, saved[point.step]) for which, point in chosen.items()}

    def _pin_one(self, which: str, point: EvalPoint, checkpoint: Path) -> PinEntry:
        name = self.manifest.name or self.folder.name.rsplit("-", 1)[-1]
        pin = pin_checkpoint(
            checkpoint,
            base=self.job.base,
            name=f"{name}:{which}",
            run=self.folder.name,
            step=point.step,
            planned_steps=self.job.config.planned_steps,
            epoch=point.epoch,
            eval_loss=point.loss,
            thinking=self.job.config.template.thinking,
        )
        facts = {
            "base_location": self.job.config.base_location,
            "base_eval_loss": base_loss(self.manifest),
        }
        pin = pin.model_copy(update=facts)
        write_pin(pin, self.folder / PINS / f"{which}.json", checkpoint=checkpoint)
        return PinEntry(step=point.step, eval_loss=point.loss, digest=pin.digest)


def base_loss(manifest: RunManifest) -> float | None:
    """The validation loss before the first step, None where it was not measured."""
    return next((point.loss for point in manifest.evaluations if point.step == 0), None)
