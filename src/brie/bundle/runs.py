"""Taking training runs in: records and pins that agree, and checkpoints that are the pinned ones."""

from __future__ import annotations

from pathlib import Path

from brie.bundle import layout
from brie.bundle.folders import place, staging
from brie.bundle.layout import parse
from brie.bundle.unpack import Opened
from brie.digest import digest, file_digest
from brie.errors import InputError, PinError
from brie.pin import (
    ADAPTER_CONFIG,
    canonical_config,
    folder_template_digest,
    has_template,
    pin_checkpoint,
)
from brie.project import Project
from brie.records import Pin
from brie.train.config import PINS, RunManifest, TrainConfig
from brie.train.runs import checkpoints


def merge_run(bundle: Opened, project: Project) -> tuple[str, bool]:
    """Take a run's bundle in.

    Returns:
        The run's id, and whether it is new here.

    Raises:
        InputError: it contradicts itself, or the run of that name here.
    """
    manifest = run_of(bundle)
    target = project.runs / manifest.id
    if target.exists():
        _same_run(target, manifest)
        return manifest.id, False
    with staging(project) as folder:
        write_members(bundle, folder)
        check_pins(folder)
        place(folder, target=target)
    return manifest.id, True


def run_of(bundle: Opened) -> RunManifest:
    """The record of the run that a bundle is of.

    Raises:
        InputError: it contradicts itself.
    """
    name = bundle.index.id
    manifest = parse(RunManifest, bundle.document(layout.RUN_MANIFEST), layout.RUN_MANIFEST)
    config = parse(TrainConfig, bundle.document(layout.RUN_CONFIG), layout.RUN_CONFIG)
    if layout.RUN_ID.fullmatch(name) is None or manifest.id != name or manifest.config != config:
        raise InputError("the bundle's run contradicts itself; nothing was taken.")
    return manifest


def write_members(bundle: Opened, folder: Path) -> None:
    """Write a run's members into a folder of its own.

    Raises:
        InputError: a member is none of a run's, or cannot be written.
    """
    for name in bundle.names:
        if not name.startswith(layout.RUN):
            raise InputError(f"the bundle of a run holds {name}; nothing was taken.")
        write_member(bundle, name, folder / name.removeprefix(layout.RUN))


def write_member(bundle: Opened, name: str, path: Path) -> None:
    """Write one member.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as handle:
            bundle.copy(name, handle)
    except OSError as error:
        raise InputError(f"cannot write {path.name}: {error.strerror or error}.") from error


def check_checkpoints(folder: Path, manifest: RunManifest) -> None:
    """Whether a run's checkpoints are those that its record names, and its pins are of them.

    The base need not be here: a pin says all that a checkpoint's digest takes from it.

    Raises:
        InputError: one is another or is missing; with both digests.
    """
    saved = checkpoints(folder)
    if set(saved) != set(manifest.checkpoints) or not {"best", "last"} <= set(manifest.pins):
        raise InputError(f"not all checkpoints of {manifest.id} are here; nothing was taken.")
    best = parse(Pin, (folder / PINS / "best.json").read_bytes(), "run/pins/best.json")
    base = best.model_copy(update={"digest": best.base.digest})
    if best.base != manifest.config.base:
        raise InputError(f"the pins of {manifest.id} name another base than its record.")
    actual = {
        step: pin_checkpoint(path, base=base, name=str(step)).digest for step, path in saved.items()
    }
    for step, pinned in actual.items():
        if pinned != manifest.digests.get(str(step)):
            raise InputError(
                f"checkpoint {step} of {manifest.id} is {pinned}, its record says "
                f"{manifest.digests.get(str(step))}; nothing was taken."
            )
    for which, entry in manifest.pins.items():
        pin = parse(Pin, (folder / PINS / f"{which}.json").read_bytes(), f"run/pins/{which}.json")
        if not pin.digest == entry.digest == actual.get(entry.step):
            raise InputError(
                f"the pin {which} of {manifest.id} is {pin.digest}, its checkpoint is "
                f"{actual.get(entry.step)}; nothing was taken."
            )


def check_pins(folder: Path, *, alone: bool = True) -> None:
    """Whether pins lead to the run's own checkpoints, and those that came are the pinned ones.

    Args:
        folder: the run's.
        alone: only checkpoints that a pin names may have come.

    Raises:
        InputError: a pin leads elsewhere, or a file is not what it says.
    """
    named: set[str] = set()
    for path in sorted(folder.glob("pins/*.json")):
        pin = parse(Pin, path.read_bytes(), f"run/pins/{path.name}")
        where = pin.checkpoint or ""
        if layout.CHECKPOINT.fullmatch(where) is None or _leads_out(pin.base_location):
            raise InputError(f"the bundle's pin {path.name} leads out of its run; nothing was taken.")
        checkpoint = folder / where.removeprefix("../")
        if checkpoint.is_dir():
            named.add(checkpoint.name)
            _check_adapter(pin, checkpoint)
    came = {path.name for path in folder.glob("checkpoints/*")}
    if alone and came - named:
        raise InputError("the bundle holds a checkpoint that no pin names; nothing was taken.")


def _leads_out(location: str | None) -> bool:
    """Whether a base's folder is not inside the project it is taken into."""
    path = Path(location or "")
    return path.is_absolute() or ".." in path.parts


def _check_adapter(pin: Pin, checkpoint: Path) -> None:
    came = sorted(path.name for path in checkpoint.iterdir())
    odd = [name for name in came if name not in (*pin.files, ADAPTER_CONFIG)]
    if odd and pin.version > 1:
        raise InputError(
            f"{odd[0][:80]} is in the bundle, and its pin does not list it; nothing was taken."
        )
    for name, pinned in pin.files.items():
        path = checkpoint / name
        actual = file_digest(path) if path.is_file() else "missing"
        if name not in layout.ADAPTER_FILES or actual != pinned:
            raise InputError(f"{name[:80]} is {actual}, its pin says {pinned}; nothing was taken.")
    try:
        config = digest(canonical_config(checkpoint / ADAPTER_CONFIG))
    except PinError as error:
        raise InputError("the bundle's adapter_config.json cannot be read.") from error
    if config != pin.config:
        raise InputError(f"adapter_config.json is {config}, its pin says {pin.config}.")
    if has_template(checkpoint):
        rendered = folder_template_digest(checkpoint)
        if rendered != pin.template_digest:
            raise InputError(
                f"the bundle's chat template is {rendered}, its pin says {pin.template_digest}; "
                "nothing was taken."
            )


def _same_run(target: Path, manifest: RunManifest) -> None:
    path = target / "manifest.json"
    here = parse(RunManifest, path.read_bytes(), path.name) if path.is_file() else None
    identity_here = here.identity if here else "unreadable"
    if here is None or identity_here != manifest.identity or here.pins != manifest.pins:
        raise InputError(
            f"run {target.name} is another one here ({identity_here}) than in the bundle "
            f"({manifest.identity}); nothing was merged."
        )
