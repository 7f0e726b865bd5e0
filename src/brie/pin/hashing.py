"""Pins: a checkpoint named by its content, written, read back and verified.

A pin's digest covers the weights, the canonicalised config and the base's digest. It does not
cover names, paths, or the order in which a library happened to write a set.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from pydantic import JsonValue

from brie import versions
from brie.digest import Canonical, digest, file_digest, short
from brie.errors import PinError
from brie.pin.template import template_digest
from brie.project import read_json, write_text
from brie.records import BaseModelRef, LoraSummary, Pin

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer.model")
_UNSTABLE_KEYS = {
    "_name_or_path",
    "architectures_path",
    "base_model_name_or_path",
    "revision",
    "transformers_version",
    "peft_version",
    "inference_mode",
    "dtype",
    "torch_dtype",
    "use_cache",
}
SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")
"""Those whose text a chat template may use."""


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
        PinError: weights, config or tokenizer are missing, or only unsafe weight files exist.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        unsafe = [p.name for p in folder.glob("*.bin")]
        why = f" Only {unsafe[0]} is there; brie loads safetensors alone." if unsafe else ""
        raise PinError(f"{folder} holds no *.safetensors weights.{why}")
    tokenizer = [folder / name for name in _TOKENIZER_FILES if (folder / name).is_file()]
    if not tokenizer:
        raise PinError(f"{folder} holds no tokenizer ({', '.join(_TOKENIZER_FILES)}).")
    files = {path.name: file_digest(path) for path in (*weights, *tokenizer)}
    config = digest([canonical_config(folder / "config.json"), _generation_config(folder)])
    name, version = _named({"kind": "model", "files": files, "config": config}, pinned_before)
    return Pin.model_validate(
        {
            "schema": f"brie.pin/{version}",
            "kind": kind,
            "name": repo,
            "digest": name,
            "files": files,
            "config": config,
            "base": BaseModelRef(repo=repo, revision=revision, digest=name),
            "template_digest": folder_template_digest(folder),
        }
    )


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
) -> Pin:
    """Pin an adapter checkpoint on its base; the pin is of its base's version.

    Raises:
        PinError: the folder is no adapter, or its weights are not safetensors.
    """
    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise PinError(f"{folder} is no adapter checkpoint: it has no {ADAPTER_WEIGHTS}.")
    files = {ADAPTER_WEIGHTS: file_digest(weights)}
    config = digest(canonical_config(folder / ADAPTER_CONFIG))
    own_template = (folder / "chat_template.jinja").is_file() or (
        folder / "tokenizer_config.json"
    ).is_file()
    parts: dict[str, Canonical] = {
        "kind": "adapter",
        "files": files,
        "config": config,
        "base": base.digest,
    }
    return Pin(
        schema_=base.schema_,
        kind="adapter",
        name=name,
        digest=_digest(parts, base.version),
        files=files,
        config=config,
        base=base.base,
        template_digest=folder_template_digest(folder) if own_template else base.template_digest,
        lora=lora_summary(folder),
        run=run,
        step=step,
        planned_steps=planned_steps,
        epoch=epoch,
        eval_loss=eval_loss,
    )


def _digest(parts: dict[str, Canonical], version: int) -> str:
    """The digest of a pin's parts; version 1 did not name itself."""
    return digest(parts if version == 1 else {**parts, "pin": version})


def _named(parts: dict[str, Canonical], pinned_before: str | None) -> tuple[str, int]:
    """The digest of a model's parts, and the version of pins it is of: today's, or the earlier one's."""
    for version in range(versions.PIN, 0, -1):
        if pinned_before is not None and _digest(parts, version) == pinned_before:
            return pinned_before, version
    return _digest(parts, versions.PIN), versions.PIN


def verify_files(pin: Pin, folder: Path, base: Pin | None = None) -> None:
    """Compare a folder's content with its pin.

    Args:
        pin: what was recorded.
        folder: the adapter's or model's folder.
        base: pin of the base actually at hand, for adapters.

    Raises:
        PinError: a file is missing or differs; the message names it with both digests.
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
        if again.digest != pin.digest:
            raise PinError(f"{folder}/config.json is not what the pin of {pin.name} says.")


def _verify_adapter(pin: Pin, folder: Path, base: Pin | None) -> None:
    if digest(canonical_config(folder / ADAPTER_CONFIG)) != pin.config:
        raise PinError(f"{folder / ADAPTER_CONFIG} is not what the pin says.")
    if base is not None and base.digest != pin.base.digest:
        raise PinError(
            f"this adapter was trained on another base: it names {short(pin.base.digest, 12)} "
            f"({pin.base.repo}), the base at hand is {short(base.digest, 12)} ({base.base.repo})."
        )


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


def canonical_config(path: Path) -> dict[str, JsonValue]:
    """A config file as a value whose digest does not depend on set order, paths or versions.

    Raises:
        PinError: the file is missing or not JSON.
    """
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PinError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(loaded, dict):
        raise PinError(f"{path} is not a JSON object.")
    stable = {key: value for key, value in loaded.items() if key not in _UNSTABLE_KEYS}
    if isinstance(modules := stable.get("target_modules"), list):
        stable["target_modules"] = sorted(modules, key=str)
    return stable


def lora_summary(folder: Path) -> LoraSummary:
    """LoRA settings and parameter count, read back from the adapter's own files."""
    config = json.loads((folder / ADAPTER_CONFIG).read_text("utf-8"))
    modules = config.get("target_modules") or ()
    return LoraSummary(
        r=config["r"],
        alpha=config["lora_alpha"],
        dropout=config.get("lora_dropout", 0.0),
        target_modules=(modules,) if isinstance(modules, str) else tuple(sorted(modules)),
        parameters=sum(math.prod(shape) for shape in tensor_shapes(folder / ADAPTER_WEIGHTS).values()),
    )


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a safetensors file, from its header: no weights are read.

    Raises:
        PinError: the header is not that of a safetensors file.
    """
    try:
        with path.open("rb") as handle:
            size = int.from_bytes(handle.read(8), "little")
            if size > 100_000_000:
                raise ValueError("header too large")
            header = json.loads(handle.read(size))
        return {k: tuple(v["shape"]) for k, v in header.items() if k != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PinError(f"{path} is not a safetensors file: {error}.") from error


def folder_template_digest(folder: Path) -> str:
    """Digest of the chat template a model folder carries, or of there being none."""
    try:
        template, special = folder_template(folder)
    except PinError:
        return digest({"template": None})
    return template_digest(template, special)


def folder_template(folder: Path) -> tuple[str, dict[str, str]]:
    """A model folder's chat template and its special tokens.

    Raises:
        PinError: there is no template.
    """
    config = _json_or_empty(folder / "tokenizer_config.json")
    template_file = folder / "chat_template.jinja"
    template = (
        template_file.read_text("utf-8") if template_file.is_file() else config.get("chat_template")
    )
    if isinstance(template, list):
        named = (t for t in template if isinstance(t, dict) and t.get("name") == "default")
        template = next((t["template"] for t in named), None)
    if not isinstance(template, str):
        raise PinError(
            f"{folder} has no chat template, so nothing says how it is asked. Take an instruct model, "
            "or train it with one: brie train --chat-template chatml"
        )
    return template, {n: _token(config[n]) for n in SPECIAL_TOKENS if config.get(n)}


def _token(value: JsonValue) -> str:
    return str(value["content"] if isinstance(value, dict) else value)


def _generation_config(folder: Path) -> dict[str, JsonValue]:
    """What of the generation config decides when an answer ends; the rest is set by brie."""
    loaded = _json_or_empty(folder / "generation_config.json")
    return {key: loaded[key] for key in ("eos_token_id",) if key in loaded}


def _json_or_empty(path: Path) -> dict[str, JsonValue]:
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise PinError(f"{path} is not JSON: {error}.") from error
    return loaded if isinstance(loaded, dict) else {}
