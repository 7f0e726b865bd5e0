"""Pins: a checkpoint named by its content, written, read back and verified.

A pin's digest covers every file that a loader reads, the canonicalised config, what the template
renders, and the base's digest. It does not cover names, paths, or the order in which a library
happened to write a set. Pins of version 1 covered less (see `uncovered`); they are read, compared as
far as they go, and say what they leave open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from brie import versions
from brie.digest import Canonical, digest, file_digest, short
from brie.errors import PinError
from brie.pin.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, lora_summary
from brie.pin.few_bits import read_by
from brie.pin.folders import (
    canonical_config,
    ending,
    folder_date,
    folder_template_digest,
    has_template,
    json_or_empty,
)
from brie.pin.tensors import refuse_broken, tensors
from brie.project import read_json, write_text
from brie.records import BaseModelRef, Pin

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer.model")
SPEECH_FILES = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
"""What else decides tokens: special ones, and how conversations are written."""
_INDEX = "model.safetensors.index.json"
_BESIDE = ("*.py", "additional_chat_templates/*", "adapter*.safetensors", "adapter*.bin", "adapter*.pt")
"""Files that some loader reads, or would with a switch, and brie never."""
UNCOVERED = "tokenizer_config.json and its like, and the source of the chat template"
"""What pins of version 1 do not cover."""


def pin_base(
    folder: Path,
    *,
    repo: str,
    revision: str | None = None,
    kind: str = "base",
    pinned_before: str | None = None,
) -> Pin:
    """Pin a full model: a base, or a merged or fully trained one.

    Args:
        folder: holds `*.safetensors`, `config.json` and a tokenizer.
        repo: Hub id, or a label; never a path.
        revision: commit on the Hub, where there is one.
        kind: "base" or "model".
        pinned_before: a digest it was pinned by before. Where an older version of pins gives that
            digest, the pin is of that version: what changed is brie, not the model.

    Raises:
        PinError: weights, config or tokenizer are missing, cut off or no numbers, or only unsafe
            weight files exist.
    """
    weights = _weights(folder)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise PinError(f"{folder} holds no tokenizer ({', '.join(TOKENIZER_FILES)}).")
    if (folder / ADAPTER_CONFIG).is_file():
        raise PinError(
            f"{folder} holds a model and {ADAPTER_CONFIG}: a loader would put that adapter on the model "
            "unasked. Move one of the two into a folder of its own."
        )
    read = _read_files(folder, (*TOKENIZER_FILES, *SPEECH_FILES, _INDEX))
    files = {path.name: file_digest(path) for path in weights} | read
    config = digest([canonical_config(folder / "config.json"), ending(folder)])
    rendered = folder_template_digest(folder)
    older = {k: v for k, v in files.items() if k in TOKENIZER_FILES or k.endswith(".safetensors")}
    parts: dict[int, dict[str, Canonical]] = {
        1: {"kind": "model", "files": older, "config": config},
        2: {"kind": "model", "files": files, "config": config, "template": rendered},
    }
    name, version = _named(parts, pinned_before)
    if name != pinned_before or version == 1:
        for path in weights:
            refuse_broken(path)
    return Pin.model_validate(
        {
            "schema": f"brie.pin/{version}",
            "kind": kind,
            "name": repo,
            "digest": name,
            "files": older if version == 1 else files,
            "config": config,
            "base": BaseModelRef(repo=repo, revision=revision, digest=name),
            "template_digest": rendered,
            **({} if version == 1 else {"date": folder_date(folder), "beside": beside(folder)}),
            "drawn_as": None if version == 1 else _digest(parts[1], 1),
            "read_by": read_by(folder),
        }
    )


def _weights(folder: Path) -> list[Path]:
    """A model's weight files, whole as far as their headers and their index say.

    Raises:
        PinError: there are none, or one that the index lists is missing.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        unsafe = [p.name for p in folder.glob("*.bin")]
        why = f" Only {unsafe[0]} is there; brie loads safetensors alone." if unsafe else ""
        raise PinError(f"{folder} holds no *.safetensors weights.{why}")
    for path in weights:
        tensors(path)
    listed = json_or_empty(folder / _INDEX).get("weight_map")
    if isinstance(listed, dict) and not (folder / "model.safetensors").is_file():
        missing = sorted({str(name) for name in listed.values()} - {path.name for path in weights})
        if missing:
            raise PinError(f"{folder} lacks {missing[0]}, which its {_INDEX} lists.")
    return weights


def _read_files(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    return {name: file_digest(folder / name) for name in names if (folder / name).is_file()}


def beside(folder: Path) -> tuple[str, ...]:
    """Files that some loader would read, with code or templates that brie never takes."""
    names = {path.relative_to(folder).as_posix() for pattern in _BESIDE for path in folder.glob(pattern)}
    return tuple(sorted(names - {ADAPTER_WEIGHTS}))


def pin_checkpoint(
    folder: Path,
    *,
    base: Pin,
    name: str,
    run: str | None = None,
    step: int | None = None,
    planned_steps: int | None = None,
    epoch: float | None = None,
    eval_loss: float | None = None,
    thinking: bool | None = None,
) -> Pin:
    """Pin an adapter checkpoint on its base; the pin is of its base's version.

    Args:
        folder: the adapter's.
        base: what it was trained on, as it is here.
        name: for people.
        run, step, planned_steps, epoch, eval_loss: where in its training it was saved.
        thinking: whether its template's thinking mode was on, where that is known.

    Raises:
        PinError: the folder is no adapter that brie runs, its weights are not safetensors, cut off or
            no numbers.
    """
    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise PinError(f"{folder} is no adapter checkpoint: it has no {ADAPTER_WEIGHTS}.")
    older = base.version == 1
    lora = lora_summary(folder)
    refuse_broken(weights)
    files = _read_files(folder, (ADAPTER_WEIGHTS, *(() if older else (*TOKENIZER_FILES, *SPEECH_FILES))))
    config = digest(canonical_config(folder / ADAPTER_CONFIG))
    own = has_template(folder)
    parts: dict[str, Canonical] = {"kind": "adapter", "files": files, "config": config}
    parts["base"] = base.digest
    rendered = folder_template_digest(folder) if own else base.template_digest
    return Pin(
        schema_=base.schema_,
        kind="adapter",
        name=name,
        digest=_digest(parts if older else {**parts, "template": rendered}, base.version),
        files=files,
        config=config,
        base=base.base,
        template_digest=rendered,
        drawn_as=None if older else _digest(_first_parts(files, config, base), 1),
        lora=lora,
        run=run,
        step=step,
        planned_steps=planned_steps,
        epoch=epoch,
        eval_loss=eval_loss,
        thinking=thinking,
        date=None if older else folder_date(folder) if own else base.date,
        base_files={} if older else base.files,
        beside=() if older else (*beside(folder), *(f"base/{name}" for name in base.beside)),
        read_by=base.read_by,
    )


def _first_parts(files: Mapping[str, str], config: str, base: Pin) -> dict[str, Canonical]:
    """What pins of version 1 named an adapter by."""
    return {
        "kind": "adapter",
        "files": {ADAPTER_WEIGHTS: files[ADAPTER_WEIGHTS]},
        "config": config,
        "base": base.drawn_as or base.digest,
    }


def _digest(parts: Mapping[str, Canonical], version: int) -> str:
    """The digest of a pin's parts; version 1 did not name itself."""
    return digest(dict(parts) if version == 1 else {**parts, "pin": version})


def _named(parts: Mapping[int, Mapping[str, Canonical]], pinned_before: str | None) -> tuple[str, int]:
    """The digest of a model's parts, and the version of pins it is of: today's, or the earlier one's."""
    for version in range(versions.PIN, 0, -1):
        name = _digest(parts[min(version, max(parts))], version)
        if name == pinned_before:
            return name, version
    return _digest(parts[max(parts)], versions.PIN), versions.PIN


def verify_files(pin: Pin, folder: Path, base: Pin | None = None) -> None:
    """Compare a folder's content with its pin.

    Args:
        pin: what was recorded.
        folder: the adapter's or model's folder.
        base: pin of the base actually at hand, for adapters.

    Raises:
        PinError: a file is missing or differs, or one has come that a loader would read; the message
            names it, with both digests.
    """
    for name, expected in pin.files.items():
        path = folder / name
        if not path.is_file():
            raise PinError(f"{path} is missing; the pin of {pin.name or short(pin.digest)} lists it.")
        actual = file_digest(path)
        if actual != expected:
            raise PinError(
                f"{path} is not what the pin says: pinned {short(expected, 12)}, found "
                f"{short(actual, 12)}. Restore the file, or pin it anew: brie pin {folder}"
            )
    if pin.kind == "adapter":
        _verify_adapter(pin, folder, base)
    else:
        again = pin_base(
            folder,
            repo=pin.base.repo,
            revision=pin.base.revision,
            kind=pin.kind,
            pinned_before=pin.digest,
        )
        refuse_other_content(pin, again, folder)


def _verify_adapter(pin: Pin, folder: Path, base: Pin | None) -> None:
    if digest(canonical_config(folder / ADAPTER_CONFIG)) != pin.config:
        raise PinError(f"{folder / ADAPTER_CONFIG} is not what the pin says.")
    if base is None:
        return
    if base.digest != pin.base.digest:
        named = ""
        if pin.base_files and pin.base.repo == base.base.repo:
            apart = _apart(pin.base_files, base.files)
            named = f" They differ in {apart}." if apart else " They differ in config.json."
        raise PinError(
            f"this adapter was trained on another base: it names {short(pin.base.digest, 12)} "
            f"({pin.base.repo}), the base at hand is {short(base.digest, 12)} ({base.base.repo}).{named}"
        )
    refuse_other_content(pin, pin_checkpoint(folder, base=base, name=pin.name), folder)


def refuse_other_content(pin: Pin, now: Pin, folder: Path | None = None) -> None:
    """Compare a pin with the same model pinned again.

    Args:
        pin: what was recorded.
        now: as it is now.
        folder: where it is, to be named.

    Raises:
        PinError: files have come, gone or changed, or the template says something else.
    """
    where = f"{folder}/" if folder else ""
    came = sorted({*now.files} - {*pin.files}) if pin.version > 1 else []
    came += sorted({*now.beside} - {*pin.beside}) if pin.version > 1 else []
    if came:
        raise PinError(
            f"{where}{came[0]} is not in the pin of {pin.name or short(pin.digest)}, and a loader would "
            f"read it; take it away, or pin the folder anew: brie pin {folder or 'FOLDER'}"
        )
    if now.template_digest != pin.template_digest:
        raise PinError(
            f"{folder or pin.name} writes conversations another way than the pin says: its chat "
            f"template was {short(pin.template_digest, 12)}, now it is "
            f"{short(now.template_digest, 12)}. Restore its chat_template.jinja and "
            "tokenizer_config.json."
        )
    if apart := _apart(pin.files, now.files):
        raise PinError(f"{where}{apart} is not what the pin of {pin.name or short(pin.digest)} says.")
    if now.config != pin.config or now.digest != pin.digest:
        file = ADAPTER_CONFIG if pin.kind == "adapter" else "config.json"
        raise PinError(f"{where}{file} is not what the pin of {pin.name or short(pin.digest)} says.")


def _apart(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The first file of two sets that differs; "" where none does."""
    return next((n for n in sorted({*before, *now}) if before.get(n) != now.get(n)), "")


def write_pin(pin: Pin, path: Path, *, checkpoint: Path) -> Pin:
    """Write a pin file that finds its checkpoint relative to itself; returns what was written."""
    import os

    relative = os.path.relpath(checkpoint.resolve(), path.resolve().parent)
    placed = pin.model_copy(update={"checkpoint": relative})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, placed.model_dump_json(indent=2, exclude_none=True) + "\n")
    return placed


def read_pin(path: Path) -> Pin:
    """Read a pin file.

    Raises:
        InputError: the file is not a pin; the message names the key.
    """
    return read_json(path, Pin, "is not a pin")
