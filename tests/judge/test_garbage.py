"""Garbage is not looked for in what a run of the judges cannot free."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.blinding import JudgeInput
from brie.judge import garbage
from brie.judge.interface import Task
from tests.fakes.judge_servers import JudgeServer
from tests.judge.arena import Arena, arena, judge


@pytest.fixture(autouse=True)
def nothing_frozen() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


class Watched(Arena):
    """Sees how much is spared while a judge is being asked."""

    spared: int = 0

    def shown(self, task: Task) -> JudgeInput:
        self.spared = gc.get_freeze_count()
        return super().shown(task)


def test_what_was_there_is_spared_while_judges_are_asked_and_not_after(tmp_path: Path) -> None:
    with JudgeServer() as server, arena(tmp_path, [judge(server)], prompts=1) as found:
        watched = Watched(found.store, found.owner, found.panel_judges, prompts=1)
        assert not watched.run().errors
    assert watched.spared > 1000
    assert gc.get_freeze_count() == 0


def test_it_is_searched_again_after_an_error() -> None:
    sparing = garbage.spared()
    sparing.__enter__()
    assert gc.get_freeze_count() > 0
    assert not sparing.__exit__(ValueError, ValueError("it broke"), None)
    assert gc.get_freeze_count() == 0


def test_what_the_program_around_brie_has_frozen_stays_as_it_is() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    new = [[number] for number in range(10_000)]
    with garbage.spared():
        assert gc.get_freeze_count() < before + len(new)
    assert gc.get_freeze_count() > before / 2
