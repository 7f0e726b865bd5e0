"""Planned verdicts as columns say what each says as a task, and know what is missing of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brie.evaluation.missing import missing_of
from brie.evaluation.planned import KINDS, Planned
from brie.evaluation.work import Work, answer_keys, is_identical
from brie.judge.interface import Reply, Task
from brie.judge.run import missing
from brie.judge.run_context import FINAL
from brie.records import Side, Status
from brie.records.base import CRITERIA_ORDERS
from brie.store import Store
from tests.flow.test_criteria_order import of_server
from tests.flow.world import World, rules, sealed


def text(side: Side, prompt: int, sample: int) -> str:
    """Every third prompt has equal answers."""
    return "the same" if prompt % 3 == 0 else f"{side} {prompt} {sample}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("planned") / "w")


@pytest.fixture(scope="module")
def work(world: World) -> Work:
    """Two judges, one asked again, and one that joined; criteria in three orders, and controls."""
    asked = world.asked(
        panel_judges=(of_server(), *rules("longer")), prompts=9, samples=2, controls=3, criteria_orders=3
    )
    return Work(sealed(asked).plan, rules("first"), {"longer": 2})


@pytest.fixture
def store(world: World, work: Work, tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "brie.sqlite") as opened:
        opened.add_completions(world.answers(work, text))
        yield opened


def answer(store: Store, tasks: list[Task], status: Status = Status.OK) -> None:
    reply = Reply(status, "A" if status is Status.OK else None, text="x")
    rows = [(task.verdict(reply), task.judge) for task in tasks]
    store.keep(rows, evaluation="e")


def as_columns(planned: Planned) -> list[tuple[object, ...]]:
    shown = planned.presentations
    return [
        (
            KINDS[planned.kind[at]], planned.judges[planned.judge[at]],
            planned.prompts[planned.prompt[at]], planned.sample[at], planned.repeat[at],
            planned.position[at], planned.label[at], CRITERIA_ORDERS[planned.criteria[at]],
            shown.candidates[planned.pair[at]], shown.baselines[planned.pair[at]], planned.keys[at],
            shown.digests[planned.shown[at]],
        )
        for at in range(len(planned))
    ]  # fmt: skip


def as_tasks(tasks: list[Task]) -> list[tuple[object, ...]]:
    return [
        (
            task.kind, task.judge, task.prompt, task.sample, task.repeat, task.presentation.position,
            task.presentation.label, task.presentation.criteria, *answer_keys(task), task.key,
            task.presentation.digest(),
        )
        for task in tasks
    ]  # fmt: skip


def test_a_column_says_what_the_task_says(work: Work) -> None:
    planned, tasks = work.planned(), work.tasks()
    assert set(Counter(task.kind for task in tasks)) == {"main", "damaged", "a_a", "repeat"}
    assert as_columns(planned) == as_tasks(tasks)
    assert [planned[at] for at in range(len(planned))] == tasks
    assert planned.counts() == Counter(task.judge for task in tasks)
    assert list(planned[::7]) == tasks[::7]
    assert {key: planned.by_key[key] for key in planned.by_key} == {task.key: task for task in tasks}


def test_a_part_is_named_by_numbers_or_by_a_mask(work: Work) -> None:
    planned, tasks = work.planned(), work.tasks()
    again = planned.take(planned.is_of("repeat"))
    assert list(again) == [task for task in tasks if task.kind == "repeat"]
    assert list(again.take(np.array([5, 2]))) == [list(again)[5], list(again)[2]]
    late = planned.take(planned.is_by({"first", "nobody"}))
    assert list(late) == [task for task in tasks if task.judge == "first"]
    rest = planned.without(np.flatnonzero(planned.is_by({"first"})))
    assert list(rest) == [task for task in tasks if task.judge != "first"]
    assert late.answers() == list(dict.fromkeys(late.answers()))
    assert set(late.answers()) == {key for task in late for key in answer_keys(task)}


def test_what_is_missing_is_neither_stored_nor_of_equal_answers(work: Work, store: Store) -> None:
    planned, tasks = work.planned(), work.tasks()
    texts = store.texts(work.texts_needed())
    answer(store, tasks[::2])
    answer(store, tasks[1::6], Status.ERROR)
    left = [task for task in tasks[1::2] if not is_identical(task, texts)]
    now = missing_of(planned, store)
    assert list(now.tasks) == left
    same = [at for at, task in enumerate(tasks) if at % 2 and is_identical(task, texts)]
    assert now.identical.tolist() == same
    assert [now.texts[key] for task in left for key in answer_keys(task)] == [
        texts[key] for task in left for key in answer_keys(task)
    ]
    assert list(missing(planned, store)) == list(missing(tasks, store))
    answer(store, left[:4])
    assert list(missing_of(planned, store).tasks) == left[4:]


def test_texts_that_are_not_stored_yet_are_told(work: Work, tmp_path: Path, world: World) -> None:
    known = {answer.key: answer.text for answer in world.answers(work, text)}
    with Store.open(tmp_path / "empty.sqlite") as empty:
        unwritten = missing_of(work.planned(), empty)
        assert (len(unwritten.tasks), unwritten.texts) == (len(work.planned()), {})
        told = missing_of(work.planned(), empty, known=lambda: known)
    assert list(told.tasks) == [task for task in work.tasks() if not is_identical(task, known)]


def test_two_stores_are_not_taken_for_one(work: Work, store: Store, tmp_path: Path) -> None:
    planned, tasks = work.planned(), work.tasks()
    answer(store, tasks)
    assert len(planned.missing(store, FINAL)) == 0
    with Store.open(tmp_path / "other.sqlite") as other:
        assert len(planned.missing(other, FINAL)) == len(tasks)
    before = store.newest()
    with store.as_of(before - 3):
        assert list(planned.missing(store, FINAL)) == tasks[-3:]
    assert len(planned.missing(store, FINAL)) == 0
