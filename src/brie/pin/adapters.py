"""What an adapter's own files say it is, and which of them brie can run.

An adapter is one of PEFT's LoRA adapters in safetensors, by whichever trainer it was written: TRL,
unsloth, LLaMA-Factory and axolotl write PEFT's two files among others of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from brie.errors import PinError
from brie.pin.tensors import is_zero, tensors
from brie.records import LoraSummary

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
MLX_WEIGHTS = "adapters.safetensors"
_MERGE = (
    "Merge it into its base where it was trained (merge_and_unload, save_pretrained) and compare the "
    "whole model: brie eval --candidate FOLDER --baseline BASE"
)
_KINDS = {
    "IA3": "an IA3 adapter",
    "LOHA": "a LoHa adapter",
    "LOKR": "a LoKr adapter",
    "ADALORA": "an AdaLoRA adapter",
    "OFT": "an OFT adapter",
    "BOFT": "a BOFT adapter",
    "VERA": "a VeRA adapter",
    "LN_TUNING": "tuned layer norms",
}
"""PEFT's names of adapters that can be merged into their base."""
_PROMPTS = {"PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CARTRIDGE"}
IN_TURN = ("pissa", "olora")
"""Ways of starting that rewrite the base when the adapter is loaded, the same way each time."""
_REWRITING = ("pissa", "olora", "corda", "loftq")
_CONVERT = (
    "Convert it where it was trained, with PEFT: model.save_pretrained(FOLDER, "
    "path_initial_model_for_weight_conversion=INITIAL), INITIAL being the adapter as it was before its "
    "first step"
)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What loading an adapter does to its base's own weights."""

    how: str
    """The setting, such as `init_lora_weights = "pissa"`."""
    in_turn: bool
    """Whether the adapted model is right when loaded by itself; else the adapter is refused."""
    start: bool = False
    """Whether it is how training began, which PEFT can take out of the adapter again."""

    def refusal(self, folder: Path) -> PinError:
        """Why the adapter is not loaded, and what to do."""
        way_out = f"{_CONVERT}; then give that folder" if self.start else _MERGE
        return PinError(
            f"the adapter in {folder} rewrites its base when it is loaded ({self.how}), so that there "
            f"would be no base to compare it with. {way_out}."
        )


def adapter_settings(folder: Path) -> dict[str, JsonValue]:
    """An adapter's configuration, where it is one that brie runs.

    Raises:
        PinError: it is missing, damaged, or of a kind that brie does not run; says which.
    """
    path = folder / ADAPTER_CONFIG
    try:
        config: JsonValue = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PinError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(config, dict):
        raise PinError(f"{path} is not a JSON object.")
    _refuse_kinds(path, config)
    for key, kinds in _SHAPES.items():
        value = config.get(key)
        if key not in config and key in _NEEDED:
            raise PinError(f"{path} has no {key!r}: it is no LoRA adapter's.")
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise PinError(f"{path}: {key} is {value!r}, which PEFT does not write.")
        if value is None and key in _NEEDED:
            raise PinError(f"{path}: {key} is null.")
    modules = config.get("target_modules")
    if isinstance(modules, list) and not all(isinstance(name, str) for name in modules):
        raise PinError(f"{path}: target_modules is {modules!r}, which PEFT does not write.")
    return config


_NEEDED = ("r", "lora_alpha")
_SHAPES: dict[str, tuple[type, ...]] = {
    "r": (int,),
    "lora_alpha": (int, float),
    "lora_dropout": (int, float),
    "target_modules": (list, str),
    "rank_pattern": (dict,),
    "alpha_pattern": (dict,),
    "modules_to_save": (list,),
}


def _refuse_kinds(path: Path, config: dict[str, JsonValue]) -> None:
    """Adapters that are no LoRA of a causal language model."""
    kind, task = config.get("peft_type", "LORA"), config.get("task_type")
    if "lora_parameters" in config or "fine_tune_type" in config:
        raise PinError(
            f"{path.parent} is an adapter of mlx-lm. brie eval and brie export read its LoRA form as it "
            "is (--base BASE); any other, fuse with its base: mlx_lm.fuse --model BASE --adapter-path "
            f"{path.parent} --save-path FUSED, then compare the "
            "whole model: brie eval --candidate FUSED --baseline BASE"
        )
    if kind in _PROMPTS:
        raise PinError(
            f"{path.parent} holds {str(kind).lower().replace('_', ' ')}: virtual tokens before the "
            "prompt, no weights. brie runs LoRA adapters and whole models; train a LoRA adapter instead."
        )
    if kind != "LORA":
        shown = _KINDS.get(str(kind), f"an adapter of the kind {kind!r}")
        raise PinError(f"{path.parent} holds {shown}; brie runs LoRA adapters. {_MERGE}")
    if task not in (None, "CAUSAL_LM"):
        raise PinError(f"{path.parent} is an adapter for {task}, not for a language model that answers.")
    if config.get("alora_invocation_tokens"):
        raise PinError(
            f"{path.parent} works only behind tokens that call it (alora_invocation_tokens), which brie "
            "does not watch for. Train a LoRA adapter without them, or compare it through a server that "
            "does: server:LABEL#MODEL"
        )
    if config.get("layer_replication"):
        raise PinError(
            f"{path.parent} repeats layers of its base (layer_replication), so that there is no base to "
            f"turn it off to. {_MERGE}"
        )


def rewriting(folder: Path) -> Rewriting | None:
    """Whether loading an adapter changes its base's own weights, by what its config says.

    Raises:
        PinError: see `adapter_settings`.
    """
    for needed in (ADAPTER_WEIGHTS, ADAPTER_CONFIG):
        if not (folder / needed).is_file():
            raise PinError(f"{folder} is no adapter that brie can load: it has no {needed}.")
    config = adapter_settings(folder)
    start, bias = config.get("init_lora_weights"), config.get("bias") or "none"
    if isinstance(start, str) and start.lower().startswith(_REWRITING):
        return Rewriting(f'init_lora_weights = "{start}"', start.lower() in IN_TURN, start=True)
    if config.get("kasa_config"):
        return Rewriting("kasa_config", in_turn=False)
    if bias != "none":
        return Rewriting(f'bias = "{bias}"', in_turn=True)
    if unlisted := _unlisted(config, tensors(folder / ADAPTER_WEIGHTS)):
        shown = ", ".join(unlisted)
        return Rewriting(f"its file holds {shown}, which modules_to_save does not list", in_turn=True)
    return None


_ADAPTED = ("lora_", "trainable_tokens_")
"""What the names of an adapter's own tensors hold."""


def _unlisted(config: dict[str, JsonValue], names: Iterable[str]) -> tuple[str, ...]:
    """Tensors of the base itself in an adapter's file, that PEFT puts over the base's.

    PEFT saves the embeddings too where tokens were added or they carry a LoRA (`save_embedding_layers`),
    without a word in the config. What `modules_to_save` lists it keeps apart from the base's.
    """
    listed = set(_sorted_texts(config.get("modules_to_save")))
    plain = (name.removeprefix("base_model.model.") for name in names)
    whole = (name for name in plain if not any(part in name for part in _ADAPTED))
    return tuple(sorted(n for n in whole if n.endswith(_WHOLE) and not listed & set(n.split("."))))


_WHOLE = (".weight", ".bias")


def lora_summary(folder: Path) -> LoraSummary:
    """LoRA settings and parameter count, read back from the adapter's own files.

    Raises:
        PinError: they are damaged, or of a kind that brie does not run.
    """
    config = adapter_settings(folder)
    weights = folder / ADAPTER_WEIGHTS
    held = tensors(weights)
    modules, start = config.get("target_modules"), config.get("init_lora_weights")
    ups = [name for name in held if "lora_B" in name or "lora_embedding_B" in name]
    others = [name for name in held if name not in ups and "lora_A" not in name]
    others = [name for name in others if "lora_embedding_A" not in name]
    return LoraSummary.model_validate(
        {
            "r": config["r"],
            "alpha": config["lora_alpha"],
            "dropout": config.get("lora_dropout") or 0.0,
            "target_modules": (modules,) if isinstance(modules, str) else _sorted_texts(modules),
            "parameters": sum(tensor.size for tensor in held.values()),
            "dora": bool(config.get("use_dora")),
            "rslora": bool(config.get("use_rslora")),
            "start": start if isinstance(start, str) else None,
            "bias": config.get("bias") or "none",
            "rank_pattern": config.get("rank_pattern") or {},
            "alpha_pattern": config.get("alpha_pattern") or {},
            "modules_to_save": _sorted_texts(config.get("modules_to_save")),
            "also_whole": () if (config.get("bias") or "none") != "none" else _unlisted(config, held),
            "trained_tokens": _trained_tokens(config.get("trainable_token_indices")),
            "vision": sum(any(part in name for part in VISION) for name in held),
            "zero": bool(ups) and not others and all(is_zero(weights, held[name]) for name in ups),
        }
    )


def _sorted_texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(sorted(map(str, value))) if isinstance(value, list) else ()


VISION = ("vision_tower", "vision_model", "visual.", "audio_tower", "multi_modal_projector")
"""Parts of a model's name that belong to what sees or hears, not to what writes."""


def _trained_tokens(indices: JsonValue) -> int:
    if isinstance(indices, dict):
        return sum(len(ids) for ids in indices.values() if isinstance(ids, list))
    return len(indices) if isinstance(indices, list) else 0


def refuse_foreign_shape(folder: Path) -> None:
    """Say of a folder without an adapter that brie can run what it is instead, where it is one.

    Raises:
        PinError: it is an adapter in another form, or a folder of several.
    """
    if (folder / ADAPTER_WEIGHTS).is_file():
        return
    if (folder / MLX_WEIGHTS).is_file() and (folder / ADAPTER_CONFIG).is_file():
        _refuse_kinds(folder / ADAPTER_CONFIG, {"fine_tune_type": "lora"})
    if (folder / ADAPTER_CONFIG).is_file():
        other = sorted(path.name for path in folder.glob("adapter_model.*"))
        why = f"its weights are {other[0]}" if other else "it has no weights"
        raise PinError(
            f"{folder} is an adapter, but {why}; brie loads {ADAPTER_WEIGHTS} alone. Save it again with "
            "PEFT: model.save_pretrained(FOLDER)"
        )
    inside = sorted(path.parent.name for path in folder.glob(f"*/{ADAPTER_WEIGHTS}"))
    if inside and not (folder / "config.json").is_file():
        listing = "\n".join(f"  {folder / name}" for name in inside)
        raise PinError(f"{folder} holds several adapters; name the one you mean:\n{listing}")


def refuse_two_models(folder: Path) -> None:
    """A folder with an adapter and a whole model's weights says not which of the two is meant.

    PEFT leaves such folders where merged weights are saved beside the adapter they were made of:
    transformers puts the adapter onto the merged weights, PEFT onto the base.

    Raises:
        PinError: it holds both; says how to name one.
    """
    whole = sorted(path.name for path in folder.glob("model*.safetensors"))
    if whole and (folder / ADAPTER_WEIGHTS).is_file() and (folder / "config.json").is_file():
        raise PinError(
            f"{folder} holds an adapter ({ADAPTER_WEIGHTS}) and a whole model ({whole[0]}), and which "
            "of them is meant changes every answer. Copy the folder and give the copy: for the adapter, "
            "without config.json and model*.safetensors; for the whole model, without "
            f"{ADAPTER_WEIGHTS} and {ADAPTER_CONFIG}."
        )
