"""The folders of training runs: found, read, named and locked without loading torch."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from brie.errors import InputError, UsageError
from brie.pin.explain import by_step
from brie.project import Project, read_json, write_text
from brie.train.config import CHECKPOINTS, MANIFEST, PINS, SUITES, RunManifest, State

_LOCK = ".lock"


@dataclass(frozen=True)
class RunInfo:
    """A run as listed."""

    folder: Path
    manifest: RunManifest
    state: State
    """As recorded, but a run whose process is gone is `interrupted`."""
    size_bytes: int

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.manifest.id

    @property
    def name(self) -> str:
        """The name given, else the short id."""
        return name_of(self.manifest)

    @property
    def suite(self) -> Path | None:
        """The suite of its validation rows; None where it has none."""
        path = suite_file(self.folder, self.manifest)
        return path if path.is_file() else None


def name_of(manifest: RunManifest) -> str:
    """The name a run was given, else its short id."""
    return manifest.name or manifest.id.rsplit("-", 1)[-1]


def suite_file(folder: Path, manifest: RunManifest) -> Path:
    """Where a run's suite of validation rows is; the name says whose rows they are."""
    return folder / SUITES / f"{name_of(manifest)}-validation.jsonl"


class Unreadable(NamedTuple):
    """A run folder whose manifest says nothing."""

    folder: Path
    why: str


def list_runs(project: Project) -> list[RunInfo]:
    """Every readable training run, oldest first."""
    return [run for run in scan(project) if isinstance(run, RunInfo)]


def scan(project: Project) -> list[RunInfo | Unreadable]:
    """Every training run's folder, with those whose manifest cannot be read, oldest first."""
    runs: list[RunInfo | Unreadable] = []
    for folder in sorted(project.runs.glob("train-*")):
        if (folder / MANIFEST).is_file():
            try:
                runs.append(read_run(folder))
            except InputError as error:
                runs.append(Unreadable(folder, str(error)))
    return sorted(runs, key=lambda run: run.manifest.created if isinstance(run, RunInfo) else "")


def read_run(folder: Path) -> RunInfo:
    """One run.

    Raises:
        InputError: the manifest is missing or not one; the message names the key.
    """
    manifest = read_manifest(folder)
    dead = manifest.state == "running" and not is_locked(folder)
    return RunInfo(folder, manifest, "interrupted" if dead else manifest.state, folder_size(folder))


def read_manifest(folder: Path) -> RunManifest:
    """A run's manifest.

    Raises:
        InputError: missing, unreadable or of another schema.
    """
    return read_json(folder / MANIFEST, RunManifest, "is no training manifest")


def write_manifest(folder: Path, manifest: RunManifest) -> None:
    """Write a run's manifest, whole or not at all."""
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")


def find_equal(project: Project, identity: str) -> RunInfo | None:
    """A run with this identity (same settings, base and data): complete, else interrupted."""
    equal = [run for run in list_runs(project) if run.manifest.identity == identity]
    complete = [run for run in equal if run.state == "complete" and _has_pins(run.folder)]
    begun = [run for run in equal if run.state == "interrupted"]
    return next(reversed(complete or begun), None)


def _has_pins(folder: Path) -> bool:
    return all((folder / PINS / f"{which}.json").is_file() for which in ("best", "last"))


def new_folder(project: Project, size: str) -> Path:
    """Create the folder of a new run: `train-<size>-YYYYMMDD-HHMM-<4 hex>`.

    Raises:
        UsageError: the runs folder cannot be written.
    """
    label = "".join(c if c.isalnum() or c == "." else "-" for c in size.lower()).strip("-.") or "run"
    stamp = datetime.now().strftime("%Y%m%d-%H%M")
    try:
        project.runs.mkdir(parents=True, exist_ok=True)
        taken = {path.name.rsplit("-", 1)[-1] for path in project.runs.glob("train-*")}
        ids = iter(lambda: secrets.token_hex(2), None)
        folder = project.runs / f"train-{label}-{stamp}-{next(i for i in ids if i not in taken)}"
        folder.mkdir()
    except OSError as error:
        raise UsageError(
            f"cannot write to {project.runs}: {error.strerror or error}; "
            "work in a folder you may write to."
        ) from error
    return folder


def checkpoint_name(step: int, *, planned_steps: int) -> str:
    """`checkpoint-050`: padded so that names sort by step."""
    return f"checkpoint-{step:0{max(3, len(str(planned_steps)))}d}"


def checkpoints(folder: Path) -> dict[int, Path]:
    """A run's complete checkpoints by step, in order."""
    return dict(sorted(by_step((folder / CHECKPOINTS).glob("checkpoint-*")).items()))


def folder_size(folder: Path) -> int:
    """Bytes under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a run; the kernel lets go when the process ends, however it ends.

    Raises:
        UsageError: another process holds it.
    """
    with (folder / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder.name} is being trained by another process right now.") from None
        yield


def is_locked(folder: Path) -> bool:
    """Whether a live process holds the run."""
    try:
        with (folder / _LOCK).open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
