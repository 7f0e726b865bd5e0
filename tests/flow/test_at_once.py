"""Judges, viewers and vote files of several processes on one evaluation, round after round."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from brie.evaluation.folders import find_evaluation
from brie.evaluation.results import rebuild
from brie.project import Project
from tests.flow.bench import Bench
from tests.flow.test_answers import pairs, plain_rows, write_table
from tests.flow.test_state import RULES, held, imported, joined, voted

Work = tuple[Callable[[Project, str, str], None], str]
ROUNDS = int(os.environ.get("BRIE_ROUNDS", "50"))


def work_of(number: int) -> list[Work]:
    """Two to six pieces of work, each of a process of its own, of other kinds in every round."""
    every: list[Work] = [(joined, rule) for rule in RULES]
    every += [(voted, "Ann"), (voted, "Bob"), (imported, "Cem"), (imported, "Dee"), (voted, "Eve")]
    start = number % len(every)
    return [*every[start:], *every[:start]][: 2 + number % 5]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_is_lost_in_fifty_rounds(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    write_table(bench.folder / "answers.csv", plain_rows(6))
    assert bench.call("eval", *pairs("mine", "theirs"), "--judge", "longer").code == 0
    (name,) = [path.name for path in bench.folder.glob("runs/eval-*")]
    folder = tmp_path_factory.mktemp("rounds")
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(6, mp_context=spawned) as pool:
        for number in range(ROUNDS):
            root = folder / f"{number:02}"
            shutil.copytree(bench.folder, root, symlinks=True)
            project, work = Project(root), work_of(number)
            for done in [pool.submit(act, project, name, who) for act, who in work]:
                done.result()
            _nothing_is_lost(project, name, work)
            shutil.rmtree(root)


def _nothing_is_lost(project: Project, name: str, work: list[Work]) -> None:
    manifest = find_evaluation(name, project).manifest
    people = {f"human:{who}" for act, who in work if act is not joined}
    judges = {who for act, who in work if act is joined}
    assert {link.judge for link in manifest.amendments if link.kind == "voter"} == people
    assert sum(link.kind == "judge" for link in manifest.amendments) == len(judges)
    held(project, name)
    numbers = rebuild(find_evaluation(name, project), project).analysis.by_judge
    assert {*people, *judges} <= set(numbers)
    assert all(numbers[who].votes == 1 for who in people)
    held(project, name)


def test_work_differs_from_round_to_round() -> None:
    rounds = [work_of(number) for number in range(50)]
    assert {len(work) for work in rounds} == {2, 3, 4, 5, 6}
    assert {act for work in rounds for act, _ in work} == {joined, voted, imported}
