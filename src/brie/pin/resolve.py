"""Model references to pins and folders: nothing is guessed or followed in silence (invariant I6).

    PIN.json              a pin file                 base      the other side's base
    RUN:best  RUN:last    a run's pins               baseline  as candidate: an A/A run
    RUN:STEP              one checkpoint of a run    FOLDER    an adapter or a full model
    hf:REPO@SHA           from the Hub

RUN is a folder, a run's name, or the four letters its folder ends with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from brie.digest import short
from brie.errors import PinError, UsageError, unknown
from brie.lines import command
from brie.pin.adapters import ADAPTER_WEIGHTS, adapter_settings, refuse_foreign_shape, refuse_two_models
from brie.pin.bases import download, locate, open_base
from brie.pin.explain import explain
from brie.pin.few_bits import refuse_unrunnable
from brie.pin.given import GivenAnswers
from brie.pin.hashing import (
    UNCOVERED,
    pin_base,
    pin_checkpoint,
    read_pin,
    refuse_other_content,
    verify_files,
)
from brie.pin.named_base import base_in_config, open_named
from brie.pin.runs import Run, checkpoints, find_run, training_runs
from brie.project import Project
from brie.records import Pin


@dataclass(frozen=True, slots=True)
class Resolved:
    """A side: its pin, checked against the files, and what to load."""

    pin: Pin
    name: str
    reference: str
    """How to name it again, from the project's folder."""
    base_folder: Path
    """Folder of the base, or of the full model itself."""
    base: Pin
    adapter: Path | None
    """Folder of the adapter, if the model is one."""
    notes: tuple[str, ...] = ()
    """What was resolved on the way; to be shown."""
    served: tuple[str, str] | None = None
    """Endpoint label and model name, for a model behind a server; the folders mean nothing then."""
    template: Path | None = None
    """Folder of the chat template it is asked with, where that is not its own: a base beside a
    fine-tune that brings one."""
    compared: bool = True
    """Whether the files were held against something recorded before, not only pinned just now."""
    named_base: str | None = None
    """What a person said an adapter's base is, to be said again the next time."""
    given: GivenAnswers | None = None
    """The answers, for a side that is a file of them; the folders mean nothing then."""

    started: Path | None = None
    """The file, for a model that a server is started for; the folders mean nothing then."""

    @property
    def here(self) -> bool:
        """Whether it is a model in a folder of this machine, which is loaded to answer."""
        return self.served is None and self.given is None and self.started is None


def default_candidate(project: Project) -> str:
    """The only run's `best` pin.

    Raises:
        UsageError: no run, or several: each with the command that picks it (invariant I9).
    """
    runs = [run for run in training_runs(project) if (run.folder / "pins" / "best.json").is_file()]
    if not runs:
        raise UsageError(
            "there is no trained model here yet. Train one: brie train --size tiny "
            "(or name one: --candidate MODEL)"
        )
    if len(runs) > 1:
        choices = "\n".join(f"  --candidate {run.name}:best    ({run.id})" for run in runs)
        raise UsageError(f"there are {len(runs)} training runs; say which:\n{choices}")
    return f"{runs[0].name}:best"


def resolve_pair(
    project: Project, *, candidate: str, baseline: str, base: str | None = None
) -> tuple[Resolved, Resolved]:
    """Both sides of an evaluation.

    Args:
        project: where runs are looked for.
        candidate: a model reference, or `baseline` for an A/A run.
        baseline: a model reference, or `base` for the candidate's base.
        base: what the adapters' base is, where their own files name one that is not here.

    Raises:
        UsageError, PinError: a reference is unknown, files differ from a pin, both sides only point
            at each other, or a whole model is given without another side.
    """
    if candidate == "baseline" and baseline == "base":
        first = as_base(resolve(default_candidate(project), project, base=base))
        sides = first, first
    elif candidate == "baseline":
        first = resolve(baseline, project, base=base)
        sides = first, first
    else:
        first = resolve(candidate, project, base=base)
        if baseline == "base":
            _refuse_whole(first)
            sides = first, as_base(first)
        else:
            sides = first, resolve(baseline, project, base=base)
    if base is not None and first.adapter is None and sides[1].adapter is None:
        raise UsageError(f"--base {base} says what an adapter's base is, and neither side is one.")
    return sides


def _refuse_whole(side: Resolved) -> None:
    """A whole model's base is not known; compared with itself it would come out even.

    Raises:
        UsageError: the side is no adapter.
    """
    if side.adapter is None:
        raise UsageError(
            f"{side.name} is a whole model, and nothing says what it was made from; name the other "
            f"side: --baseline MODEL (for an A/A run: --candidate baseline --baseline {side.reference})"
        )


def as_base(side: Resolved) -> Resolved:
    """A side's base as a side of its own, asked with the chat template the side brings, if it does."""
    pin, template = side.base, None
    if side.adapter is not None and side.pin.template_digest != pin.template_digest:
        pin = pin.model_copy(update={"template_digest": side.pin.template_digest, "date": side.pin.date})
        template = side.adapter
    return Resolved(
        pin, side.base.base.repo, "base", side.base_folder, side.base, None, template=template
    )


def resolve(
    reference: str, project: Project, sealed: Pin | None = None, *, base: str | None = None
) -> Resolved:
    """One model reference.

    Args:
        reference: what was named; a path is taken from here, or else from the project's folder.
        project: where runs are looked for.
        sealed: the pin it had before: a model that has not changed gets the same again, even where
            pins have a newer version now.
        base: what an adapter's base is, where its own files name one that is not here.

    Raises:
        UsageError, PinError: see `resolve_pair`.
    """
    path = Path(reference)
    if not path.exists() and (project.root / path).exists():
        path = project.root / path
    if path.suffix == ".json" and path.is_file():
        side = _from_pin(path, reference, project, base)
    elif reference.startswith("hf:"):
        side = _from_hub(reference, project, sealed, base)
    elif reference.rpartition(":")[1] and not path.exists():
        name, _, which = reference.rpartition(":")
        side = _from_run(find_run(name, project), which, project, base)
    elif path.is_dir():
        side = _from_folder(path, project, sealed, base)
    else:
        _refuse_bare_run(reference, project)
        raise unknown(
            "model",
            reference,
            [f"{run.name}:best" for run in training_runs(project)],
            "A model is a pin file, RUN:best, RUN:STEP, a folder, hf:REPO@SHA, server:LABEL#MODEL or "
            "answers:FILE#COLUMN.",
        )
    named = str(Path(base).resolve()) if base and Path(base).is_dir() else base
    return replace(
        side, notes=(*_remarks(side), *side.notes), named_base=named if side.adapter else None
    )


def _remarks(side: Resolved) -> list[str]:
    """What a person should know of a model before anything is done with it, the worst first."""
    lora, remarks = side.pin.lora, []
    if lora is not None and lora.zero:
        remarks.append(
            f"{side.name}: this adapter changes nothing, every lora_B is zero: it is its base."
        )
    if side.pin.version == 1:
        remarks.append(
            f"{side.name}: its pin is of version 1, which does not cover {UNCOVERED}; those were not "
            "compared."
        )
    if lora is not None and lora.vision:
        remarks.append(f"{side.name}: {lora.vision} of its tensors are in what sees or hears.")
    return remarks


def _refuse_bare_run(name: str, project: Project) -> None:
    """A run is several models; say which there are.

    Raises:
        UsageError: the name is a run's.
    """
    for run in training_runs(project):
        if name in (run.id, run.short, run.name):
            pins = [w for w in ("best", "last") if (run.folder / "pins" / f"{w}.json").is_file()]
            steps = [str(step) for step in sorted(checkpoints(run.folder))]
            listing = "\n".join(f"  {run.name}:{which}" for which in (*pins, *steps))
            raise UsageError(f"{name} is a training run; say which of its checkpoints:\n{listing}")


def _from_pin(path: Path, reference: str, project: Project, named: str | None = None) -> Resolved:
    pin = read_pin(path)
    base_folder, base = _base_at_hand(pin, project, named)
    folder = (path.parent / (pin.checkpoint or ".")).resolve()
    verify_files(pin, folder if pin.kind == "adapter" or pin.checkpoint else base_folder, base)
    adapter = folder if pin.kind == "adapter" else None
    if adapter is None and pin.checkpoint:
        base_folder = folder
    where = project.place(path) if path.exists() else reference
    return Resolved(pin, pin.name, where, base_folder, base, adapter)


def _base_at_hand(pin: Pin, project: Project, named: str | None) -> tuple[Path, Pin]:
    """The folder and the pin of the base that a pin names, or that a person says it is."""
    ref = pin.base
    if named is not None and pin.kind == "adapter":
        folder, _, _ = open_base(named, project.root, ref.digest)
    else:
        folder = locate(ref, pin.base_location, project.root)
    refuse_unrunnable(folder)
    return folder, pin_base(folder, repo=ref.repo, revision=ref.revision, pinned_before=ref.digest)


def _from_run(run: Run, which: str, project: Project, named: str | None = None) -> Resolved:
    if which in ("best", "last"):
        path = run.folder / "pins" / f"{which}.json"
        if not path.is_file():
            state = run.manifest.get("state", "unknown")
            raise UsageError(
                f"run {run.name} has no {which} pin (state: {state}); "
                f"finish it with: {command('train', '--resume', run.name)}"
            )
        return _from_pin(path, f"{run.name}:{which}", project, named)
    steps = checkpoints(run.folder)
    if not which.isdigit() or int(which) not in steps:
        listing = ", ".join(str(step) for step in sorted(steps)) or "none"
        raise UsageError(f"run {run.name} has no checkpoint {which!r}; it has: best, last, {listing}.")
    step = int(which)
    template = read_pin(run.folder / "pins" / "last.json")
    base_folder, base = _base_at_hand(template, project, named)
    pin = pin_checkpoint(
        steps[step],
        base=base,
        name=f"{run.name}:{step}",
        run=run.id,
        step=step,
        planned_steps=template.planned_steps,
        thinking=template.thinking,
    )
    compared = _refuse_other_checkpoint(run, step, pin, steps[step])
    return Resolved(pin, pin.name, pin.name, base_folder, base, steps[step], compared=compared)


def _refuse_other_checkpoint(run: Run, step: int, pin: Pin, folder: Path) -> bool:
    """Hold a checkpoint against what its run recorded when it was saved.

    Returns:
        False where the run recorded nothing: it is of an earlier brie.

    Raises:
        PinError: it is another one now.
    """
    recorded = run.manifest.get("digests")
    expected = recorded.get(str(step)) if isinstance(recorded, dict) else None
    if expected is not None and expected != pin.digest:
        raise PinError(
            f"{folder} is not the checkpoint that {run.name} saved: recorded "
            f"{short(str(expected), 12)}, found {short(pin.digest, 12)}. "
            "Restore its files, or take another checkpoint: brie ls"
        )
    return expected is not None


def _from_folder(path: Path, project: Project, sealed: Pin | None, named: str | None) -> Resolved:
    explanation = explain(path)
    if explanation.choices:
        raise UsageError(
            "\n".join([*explanation.facts, "Name the checkpoint you mean:", *explanation.choices])
        )
    folder, place = path.resolve(), project.place(path)
    notes, pinned_before = tuple(explanation.facts), sealed.base.digest if sealed else None
    compared = sealed is not None
    refuse_foreign_shape(folder)
    if sealed is None:
        refuse_two_models(folder)
    refuse_unrunnable(folder)
    if not (folder / ADAPTER_WEIGHTS).is_file():
        pin = pin_base(folder, repo=folder.name, kind="model", pinned_before=pinned_before)
        side = Resolved(pin, folder.name, place, folder, pin, None, notes, compared=compared)
    else:
        adapter_settings(folder)
        own = base_in_config(folder, required=named is None)
        base_folder, base, location = open_named(folder, own, named, project, pinned_before)
        if named is not None and named != own:
            notes += (f"base: {named}, as --base says; its adapter_config.json names {own or 'none'}.",)
        pin = pin_checkpoint(folder, base=base, name=folder.name)
        pin = pin.model_copy(update={"base_location": location})
        side = Resolved(pin, folder.name, place, base_folder, base, folder, notes, compared=compared)
    if sealed is not None and sealed.files:
        refuse_other_content(sealed.model_copy(update={"name": folder.name}), side.pin, folder)
    return side


def _from_hub(reference: str, project: Project, sealed: Pin | None, named: str | None) -> Resolved:
    repo, _, revision = reference.removeprefix("hf:").partition("@")
    folder = download(repo, revision or None)
    side = _from_folder(folder, project, sealed, named)
    notes = () if revision == folder.name else (f"{repo} is at commit {folder.name} now: pinned there.",)
    return replace(side, name=repo, reference=f"hf:{repo}@{folder.name}", notes=(*notes, *side.notes))
