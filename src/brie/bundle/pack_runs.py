"""Making the bundle of a training run: its records and pins, without places of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from brie import __version__, versions
from brie.bundle.layout import (
    ADAPTER_FILES,
    RUN,
    RUN_CONFIG,
    RUN_MANIFEST,
    RUN_METRICS,
    STATE,
    STATE_FILES,
    Index,
)
from brie.bundle.pack import as_json, write_zip
from brie.errors import UsageError
from brie.pin import ADAPTER_CONFIG, read_pin
from brie.project import Project
from brie.records import Pin
from brie.report.clean import without_paths
from brie.train.config import RunManifest, TrainConfig
from brie.train.runs import checkpoints, read_manifest

Part = tuple[str, bytes | Path]


def pack_run(folder: Path, project: Project, out: Path, *, adapter: bool = False) -> Path:
    """Write a training run's bundle: its records and pins.

    Args:
        folder: the run's.
        project: where it is.
        out: the file.
        adapter: with the weights of the best checkpoint.

    Raises:
        UsageError: it is not finished, or has not the checkpoint.
        InputError: `out` cannot be written.
    """
    members = dict(_run(folder, adapter=adapter))
    index = Index(kind="run", id=folder.name, version=__version__, store=versions.STORE, members={})
    return write_zip(out, members, project, index)


def pack_checkpoint(folder: Path, step: int, project: Project, out: Path) -> Path:
    """Write the bundle of one checkpoint: its adapter, the run's records so far, and the state that
    training goes on from.

    Args:
        folder: the run's, which may be going on.
        step: which checkpoint.
        project: where it is.
        out: the file.

    Raises:
        UsageError: the run has no such checkpoint.
        InputError: `out` cannot be written.
    """
    members = dict(_checkpoint(folder, step))
    index = Index(
        kind="checkpoint", id=folder.name, version=__version__, store=versions.STORE, members={}
    )
    return write_zip(out, members, project, index)


def _run(folder: Path, *, adapter: bool) -> Iterator[Part]:
    manifest = read_manifest(folder)
    if manifest.state != "complete":
        raise UsageError(
            f"run {folder.name} is {manifest.state}; finish it: brie train --resume {folder.name}"
        )
    yield from _records(folder, manifest)
    pins = {path.name: read_pin(path) for path in sorted(folder.glob("pins/*.json"))}
    for name, pin in pins.items():
        yield f"{RUN}pins/{name}", as_json(_portable_pin(pin))
    if adapter:
        if "best.json" not in pins or not pins["best.json"].checkpoint:
            raise UsageError(f"run {folder.name} has no best pin, so no adapter to bundle.")
        checkpoint = (folder / "pins" / str(pins["best.json"].checkpoint)).resolve()
        if checkpoint not in checkpoints(checkpoint.parents[1]).values():
            raise UsageError(f"the best checkpoint {checkpoint.name} is not in its run any more.")
        yield from _adapter(checkpoint, manifest.config)


def _checkpoint(folder: Path, step: int) -> Iterator[Part]:
    manifest, checkpoint = read_manifest(folder), checkpoints(folder).get(step)
    if checkpoint is None:
        raise UsageError(f"run {folder.name} has no checkpoint of step {step}.")
    yield from _records(folder, manifest)
    yield from _adapter(checkpoint, manifest.config)
    for path in sorted(checkpoint.iterdir()):
        if STATE_FILES.fullmatch(path.name):
            yield f"{STATE}{checkpoint.name}/{path.name}", path


def _records(folder: Path, manifest: RunManifest) -> Iterator[Part]:
    config = _portable_config(manifest.config)
    yield RUN_CONFIG, as_json(config)
    yield RUN_MANIFEST, as_json(_portable_run(manifest, config))
    if (folder / "metrics.jsonl").is_file():
        yield RUN_METRICS, (folder / "metrics.jsonl").read_bytes()


def _adapter(checkpoint: Path, config: TrainConfig) -> Iterator[Part]:
    for name in ADAPTER_FILES:
        path, member = checkpoint / name, f"{RUN}checkpoints/{checkpoint.name}/{name}"
        if name == ADAPTER_CONFIG:
            settings = json.loads(path.read_text("utf-8"))
            if Path(str(settings.get("base_model_name_or_path"))).is_absolute():
                settings["base_model_name_or_path"] = config.base.repo
            yield member, (json.dumps(settings, indent=1) + "\n").encode()
        elif path.is_file():
            yield member, path


def _portable_run(manifest: RunManifest, config: TrainConfig) -> RunManifest:
    return manifest.model_copy(
        update={
            "config": config,
            "command": without_paths(manifest.command),
            "error": without_paths(manifest.error) if manifest.error else None,
            "git": None,
        }
    )


def _portable_config(config: TrainConfig) -> TrainConfig:
    halves = {
        name: getattr(config, name).model_copy(
            update={"path": without_paths(getattr(config, name).path)}
        )
        for name in ("train", "val")
    }
    start = config.start
    if start is not None:
        start = start.model_copy(update={"reference": without_paths(start.reference)})
    return config.model_copy(
        update={**halves, "start": start, "base_location": _place(config.base_location)}
    )


def _portable_pin(pin: Pin) -> Pin:
    return pin.model_copy(update={"base_location": _place(pin.base_location)})


def _place(location: str | None) -> str | None:
    """A base's folder inside the project; one outside is unknown elsewhere."""
    return None if location is None or Path(location).is_absolute() else location
