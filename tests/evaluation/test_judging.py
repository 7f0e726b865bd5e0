"""The judges' part of an evaluation: who is asked for what, and what is written down of a stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.evaluation.budget import Terms
from brie.evaluation.judging import judge_all, plus, why_stopped, with_stops
from brie.evaluation.manifest import broken_links
from brie.evaluation.work import Work
from brie.judge import JudgingResult
from brie.records import Manifest, Side
from brie.store import Store
from brie.store.owner import Owner
from tests.flow.world import Quiet, World, rules, sealed

NOTHING = JudgingResult(0, 0)


def text(side: Side, prompt: int, sample: int) -> str:
    """Answers that differ, but for the first prompt's."""
    return "the same" if prompt == 0 else f"{side} {'word ' * (prompt % 3)}{sample}"


class Bench:
    """A sealed evaluation of two rules with all its answers, and the store that holds them."""

    def __init__(self, folder: Path, store: Store, owner: Owner) -> None:
        self.world = World.make(folder / "w")
        self.panel = rules("longer", "first")
        self.manifest = sealed(self.world.asked(panel_judges=self.panel, prompts=6))
        self.work, self.store, self.owner = Work(self.manifest.plan), store, owner
        store.add_completions(self.world.answers(self.work, text))

    def judge(self, *names: str, prompts: tuple[str, ...] | None = None) -> JudgingResult:
        """Ask some of the judges for what is missing."""
        terms = Terms(tuple(p for p in self.panel if p.judge.id in names), None)
        return judge_all(
            self.work, self.store, self.owner, Quiet(), terms, evaluation="eval-made", prompts=prompts
        )

    def stops(self, manifest: Manifest, **stopped: str) -> Manifest:
        """The manifest after a run in which these judges were stopped."""
        return with_stops(manifest, JudgingResult(0, 0, stopped=stopped), self.work, self.store)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Store.open(tmp_path / "brie.sqlite") as store, Owner(tmp_path / ".owners") as owner:
        yield Bench(tmp_path, store, owner)


def test_only_judges_that_were_agreed_to_are_asked_and_never_about_equal_answers(bench: Bench) -> None:
    done = bench.judge("longer")
    assert done == JudgingResult(computed=5 * 2, reused=0)
    verdicts = bench.store.verdicts(task.key for task in bench.work.tasks())
    judged = [task for task in bench.work.tasks() if task.key in verdicts]
    assert {task.judge for task in judged} == {"longer"}
    assert {task.prompt for task in judged} == set(bench.work.plan.order) - {"p000"}


def test_some_prompts_are_judged_and_the_rest_later_none_twice(bench: Bench) -> None:
    order = [name for name in bench.work.plan.order if name != "p000"]
    assert bench.judge("longer", "first", prompts=tuple(order[:2])).computed == 2 * 2 * 2
    rest = bench.judge("longer", "first")
    assert (rest.computed, rest.reused) == (3 * 2 * 2, 2 * 2 * 2)
    assert bench.store.calls("eval-made")[0] == 5 * 2 * 2


def test_a_stop_is_written_down_once_with_how_many_verdicts_there_were(bench: Bench) -> None:
    bench.judge("longer")
    stopped = bench.stops(bench.manifest, first="no key")
    (link,) = stopped.amendments
    assert (link.kind, link.detail) == ("stopped", {"judge": "first", "said": "no key"})
    assert link.verdicts_before == 5 * 2
    assert broken_links(stopped) == []
    assert bench.stops(stopped, first="still no key") == stopped


def test_without_a_stop_the_manifest_is_the_same_object(bench: Bench) -> None:
    assert bench.stops(bench.manifest) is bench.manifest


def test_a_stopped_judge_is_back_once_it_has_judged_everything(bench: Bench) -> None:
    stopped = bench.stops(bench.manifest, first="no key")
    order = [name for name in bench.work.plan.order if name != "p000"]
    bench.judge("first", prompts=tuple(order[-2:]))
    assert bench.stops(stopped) is stopped
    bench.judge("first")
    back = bench.stops(stopped)
    assert [link.kind for link in back.amendments] == ["stopped", "resumed"]
    assert back.amendments[1].detail == {"judge": "first"}
    assert back.amendments[1].verdicts_before == 5 * 2
    again = bench.stops(back, first="no key")
    assert [link.kind for link in again.amendments] == ["stopped", "resumed", "stopped"]


def test_two_runs_of_the_judges_add_up() -> None:
    first = JudgingResult(1, 2, 3, {"a": "x"}, True, False)
    second = JudgingResult(10, 20, 30, {"b": "y"}, False, True)
    assert plus(first, second) == JudgingResult(11, 22, 33, {"a": "x", "b": "y"}, True, True)
    quiet = JudgingResult(0, 0, 0, {}, False, False)
    assert plus(quiet, quiet) == quiet


def test_why_an_evaluation_stopped_and_how_to_go_on() -> None:
    again = "brie eval --budget 0.5 --suite x"
    assert why_stopped(JudgingResult(1, 1, 0, {}, False, False), again) is None
    broke = why_stopped(JudgingResult(1, 1, 0, {}, True, False), again)
    assert broke is not None
    assert broke.endswith("Go on: brie eval --suite x --budget USD")
    stopped = why_stopped(JudgingResult(1, 1, 2, {"a": "no key"}, False, True), again)
    assert stopped is not None
    assert stopped.startswith("judge a was stopped: no key; interrupted; 2 verdicts ended in errors")
    assert stopped.endswith(f"Go on: {again}")
