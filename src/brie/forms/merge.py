"""An adapter merged into its base: in float32, cast once, with the files that say how it is asked."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.errors import PinError, UsageError
from brie.pin import Resolved, has_template
from brie.pin.attach import attach
from brie.pin.few_bits import packed_format
from brie.pin.folders import json_or_empty
from brie.pin.hashing import SPEECH_FILES, TOKENIZER_FILES
from brie.pin.libraries import quiet_transformers
from brie.pin.weights import load_causal_lm

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_LICENCES = "LICENSE*"
_INDEX = "model.safetensors.index.json"


def load_side(side: Resolved) -> PreTrainedModel | PeftModel:
    """A checkpoint as it is, in float32: an adapter beside its base's numbers.

    Raises:
        PinError: it cannot be loaded.
        UsageError: see `refuse_few_bits`.
    """
    refuse_few_bits(side)
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = load_causal_lm(side.base_folder, "float32")
        except (OSError, ValueError) as error:
            raise PinError(f"{side.base_folder} cannot be loaded: {error}") from error
        if side.adapter is not None:
            model = attach(model, "checkpoint", side.adapter, alone=True)
    return model.eval().requires_grad_(False)


def refuse_few_bits(side: Resolved) -> None:
    """Nothing is merged into weights in few bits, or made of them: sums would be rounded again.

    Raises:
        UsageError: the side has such weights; says what to name instead.
    """
    packed = packed_format(side.base_folder)
    if packed is None:
        return
    whole = "the checkpoint it was made from: RUN:best, FOLDER or hf:REPO@SHA"
    way = whole if side.adapter is None else "the base it was packed from: --base FOLDER|REPO"
    raise UsageError(
        f"the weights of {side.name} are in {packed}, and what was lost there does not come back. "
        f"Name {way}"
    )


def merged_model(side: Resolved, dtype: str = "float32") -> PreTrainedModel:
    """A side as one model in memory: its adapter added to its base's numbers in float32.

    Args:
        side: an adapter on its base, or a whole model.
        dtype: what the sums are rounded to, once.

    Raises:
        PinError: base or adapter cannot be loaded, or do not fit.
        UsageError: the sum holds numbers that are none.
    """
    import torch

    model = load_side(side)
    if side.adapter is not None:
        with quiet_transformers(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _untie(model)
            try:
                model = model.merge_and_unload(safe_merge=True)
            except (ValueError, RuntimeError) as error:
                raise UsageError(f"{side.name} cannot be merged into its base: {error}") from error
    for name, tensor in model.named_parameters():
        if not bool(torch.isfinite(tensor).all()):
            raise UsageError(f"{side.name}: {name} holds numbers that are none after merging.")
    return model.to(getattr(torch, dtype)).eval().requires_grad_(False)


def _untie(model: PreTrainedModel | PeftModel) -> None:
    """Give what reads tokens and what writes them weights of their own, where only one has a LoRA.

    PEFT adds a LoRA in place, so that tied weights would take it twice.
    """
    import torch

    config = model.config.get_text_config()
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    layers = [getattr(end, "base_layer", end) for end in ends]
    if layers[1] is None or layers[0].weight is not layers[1].weight or layers == ends:
        return
    layers[1].weight = torch.nn.Parameter(layers[1].weight.detach().clone(), requires_grad=False)
    config.tie_word_embeddings = model.config.tie_word_embeddings = False


def write_merged(side: Resolved, folder: Path, dtype: str) -> None:
    """Write a side as a folder that any engine loads.

    Besides weights and config: the tokenizer's files byte for byte, the chat template the side is
    asked with, every token that ends an answer, and the rope base where older readers look for it.

    Args:
        side: an adapter on its base, or a whole model.
        folder: exists, and is empty.
        dtype: number format of the weights.
    """
    model = merged_model(side, dtype)
    with quiet_transformers():
        model.save_pretrained(folder)
    copy_speech(side, folder)
    _name_rope_base(folder)
    _write_json(folder / "generation_config.json", _ending(side))
    for path in side.base_folder.glob(_LICENCES):
        shutil.copyfile(path, folder / path.name)


def copy_beside(merged: Path, folder: Path) -> None:
    """Copy what stands beside the weights of a merged folder to the same model in another format.

    Args:
        merged: written by `write_merged`.
        folder: has weights and config.json.
    """
    for path in merged.iterdir():
        if path.suffix != ".safetensors" and path.name not in ("config.json", _INDEX):
            shutil.copyfile(path, folder / path.name)
    _name_rope_base(folder)


def copy_speech(side: Resolved, folder: Path) -> None:
    """Copy the files that decide tokens and template: the base's, under those an adapter brings."""
    for name in (*TOKENIZER_FILES, *SPEECH_FILES):
        if (side.base_folder / name).is_file():
            shutil.copyfile(side.base_folder / name, folder / name)
    brought = side.template or side.adapter
    if brought is None or not has_template(brought):
        return
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    for name in SPEECH_FILES:
        if (brought / name).is_file():
            shutil.copyfile(brought / name, folder / name)


def _name_rope_base(folder: Path) -> None:
    """Write `rope_theta` on top of the config too: mlx-lm and other readers look nowhere else."""
    config = json_or_empty(folder / "config.json")
    nested = config.get("rope_parameters")
    if isinstance(nested, dict) and "rope_theta" in nested and "rope_theta" not in config:
        config = {**config, "rope_theta": nested["rope_theta"]}
    _write_json(folder / "config.json", config)


def _ending(side: Resolved) -> dict[str, JsonValue]:
    """The base's generation config, its end tokens completed by the one that ends a turn."""
    from brie.generate.encode import Encoder

    settings = json_or_empty(side.base_folder / "generation_config.json")
    encoder = Encoder.load(side.base_folder, adapter=side.adapter, template=side.template)
    stop: list[JsonValue] = [*sorted(encoder.stop)]
    return {**settings, "eos_token_id": stop[0] if len(stop) == 1 else stop}


def _write_json(path: Path, value: dict[str, JsonValue]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
