"""How many GPUs a run is to take: `--gpus 2`, or `--gpus 2x24` of a machine that is not this one."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from brie.errors import UsageError
from brie.train.config import DeviceInfo, TrainRequest
from brie.train.device import choose_device
from brie.train.progress import Progress
from brie.train.ranks import World, world
from brie.train.recipes import Recipe
from brie.train.sharding import shared

_FORM = re.compile(r"([1-9]\d{0,2})(?:x([1-9]\d{0,3}))?")
_GB = 10**9
"""What is sold as 24 GB holds 24 to 25.8e9 bytes; the smallest counts."""


class Gpus(NamedTuple):
    """GPUs that are asked for."""

    number: int
    gigabytes: int | None
    """Memory of each; None: they are those of this machine."""


def gpus_of(request: TrainRequest) -> Gpus | None:
    """What `--gpus` says; None where it is not given.

    Raises:
        UsageError: it is neither a number nor a number of GPUs and their memory.
    """
    if request.gpus is None:
        return None
    form = _FORM.fullmatch(request.gpus)
    if form is None:
        raise UsageError(
            f"--gpus {request.gpus}: expected how many, --gpus 2, or with --dry-run also how much "
            "memory each has, --gpus 2x24 (GB)"
        )
    return Gpus(int(form[1]), int(form[2]) if form[2] else None)


def is_launched() -> bool:
    """Whether this is one of several processes already."""
    return "WORLD_SIZE" in os.environ


def expected(request: TrainRequest) -> World:
    """The processes that carry a request out; those that would, where it is only explained.

    Raises:
        UsageError: other processes were started than were asked for.
    """
    gpus = gpus_of(request)
    if gpus is None or is_launched():
        return world(gpus.number if gpus else request.processes)
    return World(0, gpus.number)


def device_for(request: TrainRequest) -> tuple[DeviceInfo, str]:
    """The device of each process, and why; one that is not here is taken at its word.

    Raises:
        UsageError: there are not so many GPUs, or the device is not there.
    """
    gpus = gpus_of(request)
    if gpus is not None and gpus.gigabytes is not None:
        name, memory = f"a GPU of {gpus.gigabytes} GB", gpus.gigabytes * _GB
        return DeviceInfo(type="cuda", name=name, memory_bytes=memory), "not of this machine"
    device, why = choose_device(request.device)
    if gpus is not None and gpus.number > 1:
        _refuse_missing(gpus.number, device)
        if device.type == "cpu" and request.device == "auto":
            raise UsageError(
                "there is no GPU here. To try the way in so many processes: --device cpu; to see what a "
                f"run would need elsewhere: --gpus {gpus.number}x24 --dry-run"
            )
    return device, why


def decide_device(request: TrainRequest, recipe: Recipe, here: World, progress: Progress) -> DeviceInfo:
    """The device of each process and how they share the work; it is said.

    Raises:
        UsageError: see `device_for`.
    """
    device, why = device_for(request)
    device = shared(device, recipe, here.size)
    times = f"{here.size} x " if here.size > 1 else ""
    progress.note(f"device: {times}{device.type}, {device.name} ({why})")
    return device


def _refuse_missing(count: int, device: DeviceInfo) -> None:
    import torch

    if device.type == "mps":
        raise UsageError("a Mac has one GPU; leave out --gpus.")
    if device.type == "cuda" and (here := torch.cuda.device_count()) < count:
        raise UsageError(f"--gpus {count}: this machine has {here}; use --gpus {here}.")
