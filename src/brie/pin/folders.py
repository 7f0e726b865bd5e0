"""What a model folder says besides its weights: its configuration, and how it writes conversations."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import JsonValue

from brie.digest import digest
from brie.errors import PinError
from brie.pin.template import date_read, template_digest

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


def canonical_config(path: Path) -> dict[str, JsonValue]:
    """A config file as a value whose digest does not depend on set order, paths or versions.

    Raises:
        PinError: the file is missing or not JSON.
    """
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PinError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(loaded, dict):
        raise PinError(f"{path} is not a JSON object.")
    stable = {key: value for key, value in loaded.items() if key not in _UNSTABLE_KEYS}
    if isinstance(modules := stable.get("target_modules"), list):
        stable["target_modules"] = sorted(modules, key=str)
    return stable


def folder_template_digest(folder: Path) -> str:
    """Digest of the chat template a model folder carries, or of there being none."""
    try:
        template, special = folder_template(folder)
    except PinError:
        return digest({"template": None})
    return template_digest(template, special)


def folder_date(folder: Path) -> str | None:
    """What a folder's chat template is told where it asks for the date; None: it does not ask."""
    try:
        return date_read(folder_template(folder)[0])
    except PinError:
        return None


def has_template(folder: Path) -> bool:
    """Whether a folder carries a chat template of its own."""
    try:
        folder_template(folder)
    except PinError:
        return False
    return True


def folder_template(folder: Path) -> tuple[str, dict[str, str]]:
    """A model folder's chat template and its special tokens.

    Raises:
        PinError: there is no template.
    """
    config = json_or_empty(folder / "tokenizer_config.json")
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


def ending(folder: Path) -> dict[str, JsonValue]:
    """What of the generation config decides when an answer ends; the rest is set by brie."""
    loaded = json_or_empty(folder / "generation_config.json")
    return {key: loaded[key] for key in ("eos_token_id",) if key in loaded}


def json_or_empty(path: Path) -> dict[str, JsonValue]:
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (ValueError, RecursionError) as error:
        raise PinError(f"{path} is not JSON: {error}.") from error
    return loaded if isinstance(loaded, dict) else {}


def refuse_quantised(folder: Path) -> None:
    """Weights in few bits need the program that packed them; brie runs floating-point numbers.

    Raises:
        PinError: the folder's model is one; says by which method, and what to do.
    """
    packed = json_or_empty(folder / "config.json").get("quantization_config")
    if not isinstance(packed, dict):
        return
    bits = packed.get("bits") or (
        4 if packed.get("load_in_4bit") else 8 if packed.get("load_in_8bit") else ""
    )
    method = str(packed.get("quant_method") or "bitsandbytes")
    packed_as = f"{method}, {bits} bits" if bits else method
    raise PinError(
        f"{folder} is quantised ({packed_as}); brie runs weights in float32, bfloat16 or float16. Take "
        "the model it was made from (for an adapter: --base FOLDER|REPO), or put the quantised one "
        "behind a server and compare it as server:LABEL#MODEL."
    )
