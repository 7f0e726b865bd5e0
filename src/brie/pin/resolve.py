"""Model references to pins and folders: nothing is guessed or followed in silence (invariant I6).

    PIN.json              a pin file                 base      the other side's base
    RUN:best  RUN:last    a run's pins               baseline  as candidate: an A/A run
    RUN:STEP              one checkpoint of a run    FOLDER    an adapter or a full model
    hf:REPO@SHA           from the Hub

RUN is a folder, a run's name, or the four letters its folder ends with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from brie.errors import PinError, UsageError, unknown
from brie.pin.bases import download, locate, open_base
from brie.pin.explain import by_step, explain
from brie.pin.hashing import ADAPTER_WEIGHTS, pin_base, pin_checkpoint, read_pin, verify_files
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


@dataclass(frozen=True, slots=True)
class Run:
    """A training run's folder, as far as naming its checkpoints needs it."""

    folder: Path
    manifest: dict[str, JsonValue]

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def short(self) -> str:
        """The last part of the id."""
        return self.id.rsplit("-", 1)[-1]

    @property
    def name(self) -> str:
        """The name given with --name, else the short id."""
        return str(self.manifest.get("name") or self.short)


def training_runs(project: Project) -> list[Run]:
    """Every training run of a project, oldest first by folder name."""
    runs = []
    for path in sorted(project.runs.glob("train-*/manifest.json")):
        try:
            manifest: JsonValue = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict):
            runs.append(Run(path.parent, manifest))
    return runs


def find_run(name: str, project: Project) -> Run:
    """A run by folder, name or short id.

    Raises:
        UsageError: none, or more than one, answers to the name.
    """
    runs = training_runs(project)
    folder = Path(name)
    matching = [
        run
        for run in runs
        if name in (run.id, run.short, run.name) or (folder.is_dir() and run.folder == folder.resolve())
    ]
    if not matching:
        raise unknown("training run", name, [run.name for run in runs], "brie ls shows them.")
    if len(matching) > 1:
        raise UsageError(
            f"{len(matching)} runs are called {name!r}: {', '.join(run.id for run in matching)}. "
            "Use one of these ids."
        )
    return matching[0]


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


def resolve_pair(project: Project, *, candidate: str, baseline: str) -> tuple[Resolved, Resolved]:
    """Both sides of an evaluation.

    Args:
        candidate: a model reference, or `baseline` for an A/A run.
        baseline: a model reference, or `base` for the candidate's base.

    Raises:
        UsageError, PinError: a reference is unknown, files differ from a pin, or both sides
            only point at each other.
    """
    if candidate == "baseline" and baseline == "base":
        first = resolve(default_candidate(project), project)
        side = as_base(first)
        return side, side
    if candidate == "baseline":
        side = resolve(baseline, project)
        return side, side
    first = resolve(candidate, project)
    return first, as_base(first) if baseline == "base" else resolve(baseline, project)


def as_base(side: Resolved) -> Resolved:
    """A side's base as a side of its own, asked with the chat template the side brings, if it does."""
    pin, template = side.base, None
    if side.adapter is not None and side.pin.template_digest != pin.template_digest:
        pin = pin.model_copy(update={"template_digest": side.pin.template_digest})
        template = side.adapter
    return Resolved(
        pin, side.base.base.repo, "base", side.base_folder, side.base, None, template=template
    )


def resolve(reference: str, project: Project, sealed: Pin | None = None) -> Resolved:
    """One model reference.

    Args:
        reference: what was named.
        project: where runs are looked for.
        sealed: the pin it had before: a model that has not changed gets the same again, even where
            pins have a newer version now.

    Raises:
        UsageError, PinError: see `resolve_pair`.
    """
    path = Path(reference)
    if path.suffix == ".json" and path.is_file():
        return _from_pin(path, reference, project)
    if reference.startswith("hf:"):
        return _from_hub(reference, project, sealed)
    name, colon, which = reference.rpartition(":")
    if colon and not path.exists():
        return _from_run(find_run(name, project), which, project)
    if path.is_dir():
        return _from_folder(path, reference, project, sealed)
    _refuse_bare_run(reference, project)
    raise unknown(
        "model",
        reference,
        [f"{run.name}:best" for run in training_runs(project)],
        "A model is a pin file, RUN:best, RUN:STEP, a folder, hf:REPO@SHA or server:LABEL#MODEL.",
    )


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


def _from_pin(path: Path, reference: str, project: Project) -> Resolved:
    pin = read_pin(path)
    base_folder = locate(pin.base, pin.base_location, project.root)
    ref = pin.base
    base = pin_base(base_folder, repo=ref.repo, revision=ref.revision, pinned_before=ref.digest)
    folder = (path.parent / (pin.checkpoint or ".")).resolve()
    verify_files(pin, folder if pin.kind == "adapter" or pin.checkpoint else base_folder, base)
    adapter = folder if pin.kind == "adapter" else None
    if adapter is None and pin.checkpoint:
        base_folder = folder
    where = project.relative(path) if path.resolve().is_relative_to(project.root) else reference
    return Resolved(pin, pin.name, where, base_folder, base, adapter)


def _from_run(run: Run, which: str, project: Project) -> Resolved:
    if which in ("best", "last"):
        path = run.folder / "pins" / f"{which}.json"
        if not path.is_file():
            state = run.manifest.get("state", "unknown")
            raise UsageError(
                f"run {run.name} has no {which} pin (state: {state}); "
                f"finish it with: brie train --resume {run.name}"
            )
        return _from_pin(path, f"{run.name}:{which}", project)
    steps = checkpoints(run.folder)
    if not which.isdigit() or int(which) not in steps:
        listing = ", ".join(str(step) for step in sorted(steps)) or "none"
        raise UsageError(f"run {run.name} has no checkpoint {which!r}; it has: best, last, {listing}.")
    step = int(which)
    template = read_pin(run.folder / "pins" / "last.json")
    base_folder = locate(template.base, template.base_location, project.root)
    ref = template.base
    base = pin_base(base_folder, repo=ref.repo, revision=ref.revision, pinned_before=ref.digest)
    pin = pin_checkpoint(
        steps[step],
        base=base,
        name=f"{run.name}:{step}",
        run=run.id,
        step=step,
        planned_steps=template.planned_steps,
    )
    return Resolved(pin, pin.name, pin.name, base_folder, base, steps[step])


def checkpoints(folder: Path) -> dict[int, Path]:
    """A run's checkpoint folders by step."""
    saved = by_step(folder.glob("checkpoints/checkpoint-*"))
    return {step: path for step, path in saved.items() if (path / ADAPTER_WEIGHTS).is_file()}


def _from_folder(path: Path, reference: str, project: Project, sealed: Pin | None) -> Resolved:
    explanation = explain(path)
    if explanation.choices:
        raise UsageError(
            "\n".join([*explanation.facts, "Name the checkpoint you mean:", *explanation.choices])
        )
    folder = path.resolve()
    notes, pinned_before = tuple(explanation.facts), sealed.base.digest if sealed else None
    if not (folder / ADAPTER_WEIGHTS).is_file():
        pin = pin_base(folder, repo=folder.name, kind="model", pinned_before=pinned_before)
        return Resolved(pin, folder.name, project.relative(folder), folder, pin, None, notes)
    base_folder, base, _ = open_base(_named_base(folder), project.root, pinned_before)
    pin = pin_checkpoint(folder, base=base, name=folder.name)
    return Resolved(pin, folder.name, project.relative(folder), base_folder, base, folder, notes)


def _named_base(folder: Path) -> str:
    """The base an adapter's own config names."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        name, revision = str(config["base_model_name_or_path"]), config.get("revision")
    except (OSError, ValueError, KeyError) as error:
        raise PinError(f"{folder}/adapter_config.json does not name the adapter's base.") from error
    return f"{name}@{revision}" if revision and not Path(name).is_dir() else name


def _from_hub(reference: str, project: Project, sealed: Pin | None) -> Resolved:
    repo, _, revision = reference.removeprefix("hf:").partition("@")
    folder = download(repo, revision or None)
    resolved = _from_folder(folder, reference, project, sealed)
    notes = () if revision == folder.name else (f"{repo} is at commit {folder.name} now: pinned there.",)
    pinned = f"hf:{repo}@{folder.name}"
    return Resolved(
        resolved.pin, repo, pinned, resolved.base_folder, resolved.base, resolved.adapter, notes
    )
