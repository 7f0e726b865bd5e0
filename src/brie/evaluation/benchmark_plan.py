"""What an evaluation's benchmarks would be, and about how long they would take."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from brie.evaluation.benchmarks import missing_tasks
from brie.number_format import duration, listed, plural
from brie.pin import Resolved
from brie.pin.tensors import tensors
from brie.records import Environment, Plan
from brie.store import Store

if TYPE_CHECKING:
    from brie.evaluation.plan import ResolvedRequest

_CHARACTERS = 3.5
"""Of a token, about."""
_REQUEST = 0.002
"""Seconds that a request costs whatever the model is."""
_WRITING = 4
"""How much more a token costs to be written than to be read, in small batches."""
_SIZE = 1024


def told_of_tasks(plan: Plan, asked: ResolvedRequest, store: Store) -> str:
    """The tasks with their documents, how many results are there already, and the time of the rest.

    Args:
        plan: with the tasks.
        asked: the tasks as they were loaded, and the models.
        store: what is there already.
    """
    missing = missing_tasks(plan, store)
    every = 2 * sum(spec.documents for spec in plan.tasks)
    lacking = sum(len(keys) for _, _, keys in missing)
    work = {task.spec.name: task.work for task in asked.tasks}
    speed = _speed(plan.environment) if missing else 1.0
    sides = {"candidate": asked.candidate, "baseline": asked.baseline}
    seconds = 0.0
    for side, spec, _ in missing:
        reading, share = work[spec.name], spec.documents / (spec.of or spec.documents)
        tokens = reading.characters / _CHARACTERS + _WRITING * reading.tokens
        computing = 2 * _parameters(sides[side]) * tokens / speed
        seconds += share * (computing + _REQUEST * reading.requests)
    names = listed([f"{spec.name} ({plural(spec.documents, 'document')})" for spec in plan.tasks])
    told = f"{names}: {plural(every, 'result')}"
    if lacking < every:
        told += f", {every - lacking:,} of them there already"
    return f"{told}; roughly {duration(seconds)}" if missing else told


def _parameters(side: Resolved) -> int:
    """Of a side's base."""
    files = side.base_folder.glob("*.safetensors")
    return sum(tensor.size for file in files for tensor in tensors(file).values())


def _speed(environment: Environment) -> float:
    """Operations a second of a matrix product here, in the format that answers are made in."""
    import torch

    dtype = getattr(torch, environment.dtype)
    one = torch.ones(_SIZE, _SIZE, dtype=dtype, device=environment.device)
    float((one @ one)[0, 0])  # the first one sets up
    start = perf_counter()
    float((one @ one)[0, 0])  # reading a number waits for it
    return 2 * _SIZE**3 / max(perf_counter() - start, 1e-6)
