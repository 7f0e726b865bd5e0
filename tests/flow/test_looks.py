"""What could have informed a choice is a look: by the verdicts read, whatever the suite was called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import gather
from brie.evaluation.looks import asked, look_of
from brie.evaluation.manifest import write_manifest
from brie.evaluation.results import rebuild, record_analysis
from brie.project import Project
from brie.records import Manifest, Message, Prompt, Side, Suite
from brie.records.analysis import Analysis
from brie.store import Store
from tests.flow.world import World, rules, suite

Text = Callable[[Side, int, int], str]


def words(side: Side, prompt: int, sample: int) -> str:
    won = (prompt % 5 > 0) == (side == "candidate")
    return f"The reference answer number {prompt} says what is so." if won else f"Nothing, {prompt}."


class Bench:
    """A project in which evaluations are analysed as the command line does it."""

    def __init__(self, root: Path) -> None:
        (root / "runs").mkdir(parents=True)
        self.project = Project(root)
        self.world = World.make(root / "runs")

    def analysed(self, made: Suite, *, curve: str = "", text: Text = words, **knobs: object) -> Analysis:
        """A judged evaluation with its numbers recorded."""
        return self.recorded(self.judged(made, text=text, **knobs), curve=curve)

    def judged(self, made: Suite, *, text: Text = words, **knobs: object) -> Manifest:
        _, manifest = self.world.evaluate(text, made=made, **knobs)  # type: ignore[arg-type]
        slug = made.name.replace(" ", "-")
        named = manifest.model_copy(update={"id": f"eval-{slug}-{manifest.seal[7:15]}"})
        write_manifest(self.project.runs / named.id, named)
        return named

    def recorded(self, manifest: Manifest, *, curve: str = "") -> Analysis:
        folder = Evaluation(self.project.runs / manifest.id, manifest)
        with Store.open(self.project.store) as store:
            data = gather(manifest, store)
            return record_analysis(folder, data, store, self.project, curve=curve)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "project")


def number(analysis: Analysis) -> object:
    (looks,) = (check for check in analysis.checks if check.id == "looks")
    return looks.evidence.get("look")


def summary(analysis: Analysis) -> str:
    return next(check.summary for check in analysis.checks if check.id == "looks")


def test_prompts_picked_after_the_results_and_saved_under_another_name_are_a_second_look(
    bench: Bench,
) -> None:
    whole = suite(66)
    assert number(bench.analysed(whole)) == 1
    picked = whole.model_copy(update={"name": "everyday", "prompts": whole.prompts[::2]})
    again = bench.analysed(picked)
    assert number(again) == 2
    assert "2 times (1 of them in a suite of another name or version)" in summary(again)


def test_fresh_prompts_are_the_first_look(bench: Bench) -> None:
    bench.analysed(suite(20))
    fresh = tuple(
        p.model_copy(update={"messages": (Message(role="user", content=f"Something else {n}?"),)})
        for n, p in enumerate(suite(20).prompts)
    )
    analysis = bench.analysed(Suite(name="fresh", prompts=fresh))
    assert number(analysis) == 1
    assert "No verdicts on these prompts were analysed before" in summary(analysis)


def test_case_and_spacing_make_no_new_prompt() -> None:
    one, two = (
        Prompt(id=name, messages=(Message(role="user", content=text),))
        for name, text in (("a", "Why is  the sky blue?"), ("b", " why is the SKY blue?\n"))
    )
    assert asked(one) == asked(two)


def test_another_judge_and_another_candidate_are_another_look(bench: Bench) -> None:
    bench.analysed(suite(20))
    assert number(bench.analysed(suite(20), panel_judges=rules("longer"))) == 2
    bench.world = bench.world.swapped()
    assert number(bench.analysed(suite(20), panel_judges=rules("distinct"))) == 3


def test_a_run_without_a_usable_verdict_is_no_look(bench: Bench) -> None:
    bench.analysed(suite(20), text=lambda side, prompt, sample: f"The same words {prompt}")
    assert number(bench.analysed(suite(20), seed=1)) == 1


def test_a_report_made_again_keeps_its_number(bench: Bench) -> None:
    first = bench.judged(suite(20))
    assert number(bench.recorded(first)) == 1
    assert number(bench.analysed(suite(20), panel_judges=rules("longer"))) == 2
    again = rebuild(Evaluation(bench.project.runs / first.id, first), bench.project)
    assert number(again.analysis) == 1


def test_instruments_beside_the_headline_change_nothing_of_what_it_is(bench: Bench) -> None:
    beside = tuple(s.model_copy(update={"instrument": True}) for s in rules("longer"))
    bench.analysed(suite(20))
    assert number(bench.analysed(suite(20), panel_judges=(*rules("reference"), *beside))) == 1


def test_checkpoints_of_one_curve_are_one_look(bench: Bench) -> None:
    bench.analysed(suite(20), panel_judges=rules("distinct"))
    numbers = [
        number(bench.analysed(suite(20), curve="run", text=text))
        for text in (words, lambda side, prompt, sample: words(side, prompt + 1, sample))
    ]
    assert numbers == [2, 2]
    assert number(bench.analysed(suite(20), panel_judges=rules("longer"))) == 3


def test_an_unfinished_prompt_was_not_read(bench: Bench) -> None:
    manifest = bench.judged(suite(20))
    with Store.open(bench.project.store) as store:
        data = gather(manifest, store)
        look = look_of(data)
        assert look is not None
        assert len(look.prompts) == 20
        missing = tuple(
            type(fact)(fact.task, fact.identical, None) if fact.task.prompt == "p003" else fact
            for fact in data.facts
        )
        partial = look_of(type(data)(data.manifest, data.work, data.completions, missing, data.prompts))
    assert partial is not None
    assert len(partial.prompts) == 19
    assert partial.headline != look.headline
