"""Answers that workers make: who gets what, what a lost worker costs, and that no text depends on it."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from brie.digest import digest
from brie.errors import PinError, Stopped
from brie.generate import Request
from brie.generate.shared import Order, SharedEngine, blocks
from brie.generate.turns import Given, Local, Source, open_engine
from brie.pin import GivenText
from brie.records import Completion, Environment
from tests.fakes.thread_workers import ThreadLine, ThreadWorkers
from tests.generate.conftest import Ask


@dataclass
class Sides:
    """An adapter and its base, and requests for both."""

    sources: dict[str, Source]
    requests: list[Request]


@pytest.fixture(scope="module")
def sides(base: Path, adapter: Path, ask: Ask) -> Sides:
    pins = (digest("tuned"), digest("base"))
    sources: dict[str, Source] = {pins[0]: Local(base, adapter), pins[1]: Local(base)}
    requests = [
        replace(r, pin=pin, key=digest([pin, r.key]), adapter=None)
        for pin in sorted(pins)
        for r in ask(12, limit=4, temperature=0.8)
    ]
    return Sides(sources, requests)


@pytest.fixture(scope="module")
def alone(sides: Sides, cpu: Environment) -> dict[str, Completion]:
    """What one process makes of the requests."""
    with open_engine(sides.sources, cpu) as engine:
        return {c.key: c for c in engine.generate(sides.requests)}


def _without_time(made: dict[str, Completion]) -> dict[str, Completion]:
    return {key: row.model_copy(update={"seconds": 0.0}) for key, row in made.items()}


def _orders(line: ThreadLine) -> list[Order]:
    return [pickle.loads(message) for message in line.sent]


def test_three_workers_make_what_one_process_makes(
    sides: Sides, alone: dict[str, Completion], cpu: Environment
) -> None:
    workers, said = ThreadWorkers(3), list[str]()
    with SharedEngine(sides.sources, cpu, workers, said.append) as engine:
        made = {c.key: c for c in engine.generate(sides.requests)}
        assert engine.batch_variance() is None, "known not to matter in float32 on a CPU"
        assert not engine.idle
    assert _without_time(made) == _without_time(alone)
    assert said == ["made by threads."]
    handed_out = [request.key for line in workers.lines for o in _orders(line) for request in o.requests]
    assert sorted(handed_out) == sorted(request.key for request in sides.requests)
    assert all(any(order.requests for order in _orders(line)) for line in workers.lines)


def test_a_lost_worker_costs_what_it_had_not_made_and_the_others_make_that(
    sides: Sides, alone: dict[str, Completion], cpu: Environment
) -> None:
    workers, said = ThreadWorkers(2, ends_after={0: 3}), list[str]()
    with SharedEngine(sides.sources, cpu, workers, said.append) as engine:
        made = list(engine.generate(sides.requests))
    assert Counter(row.key for row in made) == Counter(alone.keys())
    assert _without_time({row.key: row for row in made}) == _without_time(alone)
    assert said[1:] == ["worker 1 was switched off; 5 answers of its block are left to the others."]


def test_without_a_worker_the_work_stops_and_what_came_is_kept(sides: Sides, cpu: Environment) -> None:
    workers, kept = ThreadWorkers(2, ends_after={0: 2, 1: 1}), list[Completion]()
    engine = SharedEngine(sides.sources, cpu, workers, lambda text: None)
    with engine, pytest.raises(Stopped, match="kept"):
        kept.extend(engine.generate(sides.requests))
    assert len(kept) == 3


def test_what_was_broken_off_is_not_measured(sides: Sides, cpu: Environment) -> None:
    workers = ThreadWorkers(2)
    with SharedEngine(sides.sources, cpu, workers, lambda text: None) as engine:
        next(engine.generate(sides.requests))
        assert engine.batch_variance() is None
        assert not any(order.measure for line in workers.lines for order in _orders(line))


def test_a_model_that_no_worker_can_load_is_said_in_its_own_words(
    sides: Sides, cpu: Environment, tmp_path: Path
) -> None:
    gone = {pin: Local(tmp_path) for pin in sides.sources}
    engine = SharedEngine(gone, cpu, ThreadWorkers(2), lambda text: None)
    with engine, pytest.raises(PinError, match="is no model"):
        list(engine.generate(sides.requests))


def test_answers_that_exist_are_handed_out_here_and_no_worker_is_started(
    ask: Ask, cpu: Environment
) -> None:
    (request,) = ask(1)
    given = Given(lambda: {request.prompt: [GivenText("It is so.", "stop")]})
    workers = ThreadWorkers(2)
    with SharedEngine({request.pin: given}, cpu, workers, lambda text: None) as engine:
        assert [c.text for c in engine.generate([request])] == ["It is so."]
        assert engine.batch_variance() is None
    assert workers.lines == []


@pytest.mark.parametrize(
    ("many", "workers", "device", "sizes"),
    [
        (3, 4, "cpu", [3]),
        (40, 2, "cpu", [10, 8, 8, 8, 6]),
        (64, 1, "cpu", [32, 16, 8, 8]),
        (
            5000,
            2,
            "cuda",
            [1024, 994, 746, 559, 420, 315, 236, 177, 133, 99, 75, 56, 42, 32, 32, 32, 28],
        ),
    ],
)
def test_blocks_are_large_at_first_small_at_the_end_and_never_smaller_than_a_batch(
    many: int, workers: int, device: str, sizes: list[int], ask: Ask, cpu: Environment
) -> None:
    (one,) = ask(1)
    requests = [replace(one, key=str(number)) for number in range(many)]
    there = cpu.model_copy(update={"device": device})
    shared = list(blocks(requests, workers, there))
    assert [len(block) for block in shared] == sizes
    assert [request for block in shared for request in block] == requests


def test_a_block_is_of_one_model(ask: Ask, cpu: Environment) -> None:
    requests = [replace(r, pin=pin) for pin in "ab" for r in ask(12)]
    assert all(len({r.pin for r in block}) == 1 for block in blocks(requests, 1, cpu))
