"""Sharding (FSDP2): each of several GPUs holds a part of the weights and borrows the rest by layers.

The frozen base is what takes memory, so that a base too large for one GPU trains on two. accelerate and
torch do it; brie decides how, and refuses what would not be what the recipe says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

from brie.errors import UsageError
from brie.train.config import DeviceInfo
from brie.train.recipes import Recipe

if TYPE_CHECKING:
    from transformers import TrainingArguments

_BY_ACCELERATE = "ACCELERATE_USE_FSDP"
"""What `accelerate launch` sets where its config says FSDP."""
_EFFICIENT = "FSDP_CPU_RAM_EFFICIENT_LOADING"


class Sharding(TypedDict, total=False):
    """transformers' arguments of a sharded run."""

    fsdp: bool
    fsdp_config: dict[str, str | int | bool]


def asked_by_accelerate() -> bool:
    """Whether `accelerate launch` was told to shard.

    Raises:
        UsageError: with FSDP1, whose checkpoints are others.
    """
    if os.environ.get(_BY_ACCELERATE, "").lower() != "true":
        return False
    if os.environ.get("FSDP_VERSION", "1") != "2":
        raise UsageError(
            "accelerate's config says FSDP without `fsdp_version: 2`, and brie shards with FSDP2 alone; "
            "add that line under fsdp_config, or start with: brie train --gpus N --fsdp …"
        )
    return True


def as_launched(recipe: Recipe) -> Recipe:
    """The recipe, sharded where `accelerate launch` was told to."""
    return recipe.model_copy(update={"sharding": "fsdp"}) if asked_by_accelerate() else recipe


def is_sharded(device: DeviceInfo) -> bool:
    """Whether this run's weights are spread over its processes."""
    return device.strategy == "fsdp2"


def shared(device: DeviceInfo, recipe: Recipe, processes: int) -> DeviceInfo:
    """A device as it is shared by so many processes."""
    strategy = None if processes == 1 else "fsdp2" if recipe.sharding == "fsdp" else "ddp"
    return device.model_copy(update={"count": processes, "strategy": strategy})


def refuse_sharding(recipe: Recipe, device: DeviceInfo) -> None:
    """A sharded run that could not start, or would learn something else.

    Raises:
        UsageError: says which setting stands in the way.
    """
    if recipe.sharding == "none":
        return
    if device.count == 1:
        raise UsageError(
            "a sharded run needs several GPUs: --gpus 2; to hold all weights on one: --set sharding=none"
        )
    clash = {
        f"quantize={recipe.quantize}": recipe.quantize != "none",
        f"optimizer={recipe.optimizer}": recipe.optimizer != "adamw",
        f"--method {recipe.method}": recipe.method != "sft",
        "modules_to_save": bool(recipe.modules_to_save),
        "use_dora": recipe.use_dora,
        "packing": recipe.packing,
    }
    if wrong := next((name for name, there in clash.items() if there), None):
        raise UsageError(
            f"{wrong} is not sharded by brie; leave it out, or hold all weights on each GPU: "
            "--set sharding=none"
        )


def arguments(recipe: Recipe) -> Sharding:
    """How transformers and accelerate shard: a unit a block, borrowed anew on the way back.

    Activations are recomputed by FSDP itself, which saves gathering a block's weights twice. It draws
    other dropout the second time, so with dropout transformers does it (see `recomputed_by_fsdp`).
    """
    return {
        "fsdp": True,
        "fsdp_config": {
            "version": 2,
            "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "state_dict_type": "FULL_STATE_DICT",
            "cpu_ram_efficient_loading": True,
            "reshard_after_forward": _on("FSDP_RESHARD_AFTER_FORWARD", otherwise=True),
            "cpu_offload": _on("FSDP_OFFLOAD_PARAMS", otherwise=False),
            "activation_checkpointing": recomputed_by_fsdp(recipe),
        },
    }


def recomputed_by_fsdp(recipe: Recipe) -> bool:
    """Whether FSDP recomputes activations; else transformers does, where the recipe says so."""
    return recipe.gradient_checkpointing and recipe.dropout == 0


def _on(variable: str, *, otherwise: bool) -> bool:
    """A switch of accelerate's config, where it started this."""
    said = os.environ.get(variable) if asked_by_accelerate() else None
    return otherwise if said is None else said.lower() == "true"


@contextmanager
def loading_once() -> Iterator[None]:
    """While this lasts, weights are read by the first process alone; the others get theirs from it."""
    before = {name: os.environ.get(name) for name in (_BY_ACCELERATE, _EFFICIENT)}
    os.environ.update(dict.fromkeys(before, "true"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def prepare(args: TrainingArguments, device: str) -> None:
    """What transformers' arguments cannot say of sharding.

    Weights travel and are added up in the format they are held in, and autocast decides what is computed
    in which, as on one GPU; by default everything would be cast to the narrow format, gradients too.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy

    args.fsdp_plugin_args["mixed_precision_policy"] = MixedPrecisionPolicy(cast_forward_inputs=False)
    if device == "cpu":
        _let_processors_shard()


def _let_processors_shard() -> None:
    """Let accelerate shard among processes without a GPU, as torch can; it does so for GPUs alone.

    For trying the way, and for tests: the code is that of GPUs, the messages go by gloo.
    """
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
