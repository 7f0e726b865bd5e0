"""Keys to work on, chunk by chunk, while other processes work on theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from brie.records import Status
from brie.store.owner import Owner
from brie.store.store import Kind, Store
from brie.store.waiting import Waiting


def claimed(
    store: Store,
    kind: Kind,
    keys: Sequence[str],
    owner: Owner,
    *,
    chunk: int,
    seconds: float,
    final: Sequence[Status] = (Status.OK,),
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[list[str]]:
    """Claimed keys to work on, chunk by chunk, until every key is done or was yielded once.

    Keys held by another living process are left to it and awaited: its results are ours too,
    and where it dies, its keys are yielded here. What takes long is said.
    """
    waiting: list[str] = []
    told = Waiting(say)
    for start in range(0, len(keys), chunk):
        part = keys[start : start + chunk]
        mine = store.claim(kind, part, owner, seconds=seconds, final=final)
        if mine:
            yield mine
        taken = set(mine)
        waiting += [key for key in part if key not in taken]
    while waiting:
        done = store.present(kind, waiting, final)
        waiting = [key for key in waiting if key not in done]
        mine = store.claim(kind, waiting[:chunk], owner, seconds=seconds, final=final) if waiting else []
        if mine:
            yield mine
            taken = set(mine)
            waiting = [key for key in waiting if key not in taken]
        elif waiting:
            told.look(store.holders(waiting))
            time.sleep(0.2)
