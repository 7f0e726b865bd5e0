"""Several processes, one run: who is first, how many there are, and whether that was meant.

    torchrun --nproc_per_node 2 -m brie train …
    accelerate launch --num_processes 2 -m brie train …

Only the first process writes. A launcher that was asked for several processes and started one
is an error: the user would wait on one processor and believe in two.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from brie.errors import UsageError

_FORMAT = "ACCELERATE_MIXED_PRECISION"
"""What `accelerate launch` always sets."""


@dataclass(frozen=True)
class World:
    """The processes taking part, as seen from this one."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0


def world(wanted: int | None = None) -> World:
    """The processes a launcher started.

    Args:
        wanted: how many the user meant to start (`--processes`), None if not said.

    Raises:
        UsageError: there are fewer (or more) than were asked for.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    joined = World(int(os.environ.get("RANK", "0")), size)
    if wanted is not None and wanted != size:
        raise UsageError(
            f"{wanted} processes were asked for, {size} started; start them with: "
            f"torchrun --nproc_per_node {wanted} -m brie train …"
        )
    # accelerate sets an address to meet at whenever it was asked for several processes; on a
    # CPU without MPI it then starts one, without a word.
    alone = "WORLD_SIZE" not in os.environ
    if alone and "MASTER_ADDR" in os.environ and _FORMAT in os.environ:
        raise UsageError(
            "accelerate was asked for several processes and started one (it needs MPI for several on "
            "a CPU); use: torchrun --nproc_per_node N -m brie train …"
        )
    return joined


def join(here: World, device: str) -> None:
    """Meet the other processes."""
    if here.size > 1:
        from accelerate import PartialState

        # The recipe says the number format, whatever a launcher's config does.
        os.environ.pop(_FORMAT, None)
        PartialState(cpu=device == "cpu")


def share(here: World, value: str | None) -> str:
    """The first process's text, in all of them."""
    if here.size == 1:
        return str(value)
    from accelerate.utils import broadcast_object_list

    return str(broadcast_object_list([value])[0])


def leave(here: World) -> None:
    """Part from the other processes in an orderly way."""
    if here.size > 1:
        import torch.distributed

        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
