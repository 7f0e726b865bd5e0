"""What must hold of any evaluation, whatever was answered."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brie.evaluation.plan import work_order
from brie.evaluation.work import Work
from brie.records import Positions, Side, Stopping
from tests.flow.world import Text, World, rules, suite
from tests.present import present

COUNTER = itertools.count()
NEAR = "The reference answer number says what is so".split()  # noqa: SIM905
FAR = "Other words stand here without any bearing upon it".split()  # noqa: SIM905


def texts(seed: int, lean: float = 0.0) -> Text:
    """Random answers; with `lean` the candidate's are made of the reference's words more often."""

    def text(side: Side, prompt: int, sample: int) -> str:
        draw = np.random.default_rng([seed, prompt, sample, side == "candidate"])
        near = draw.random() < 0.5 + (lean if side == "candidate" else 0.0)
        return " ".join(draw.choice(NEAR if near else FAR, size=int(draw.integers(3, 9))))

    return text


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path / f"w{next(COUNTER)}")


def exchanged(text: Text) -> Text:
    """The same answers per model, with the models' roles exchanged."""
    other: dict[Side, Side] = {"candidate": "baseline", "baseline": "candidate"}
    return lambda side, prompt, sample: text(other[side], prompt, sample)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), positions=st.sampled_from(["both", "balanced"]))
def test_swapping_the_sides_turns_the_win_rate_round(
    tmp_path: Path, seed: int, positions: Positions
) -> None:
    world = World.make(tmp_path / f"w{next(COUNTER)}")
    seats = rules("reference", "longer")
    one, _ = world.evaluate(texts(seed, 0.2), panel_judges=seats, positions=positions)
    two, _ = world.swapped().evaluate(
        exchanged(texts(seed, 0.2)), panel_judges=seats, positions=positions
    )
    assert one.win_rate is not None
    assert two.win_rate is not None
    if positions == "both":
        assert one.win_rate.value == pytest.approx(1 - two.win_rate.value, abs=1e-12)
        assert one.win_rate.low == pytest.approx(1 - (two.win_rate.high or 0), abs=1e-12)
        assert one.win_rate.p_value == pytest.approx(two.win_rate.p_value, abs=1e-12)


def test_permuting_judges_and_prompts_changes_no_number(world: World, tmp_path: Path) -> None:
    made = suite(20)
    order = made.model_copy(update={"prompts": made.prompts[::-1]})
    one, _ = world.evaluate(texts(5, 0.2), panel_judges=rules("reference", "longer"), made=made)
    two, _ = World.make(tmp_path / "other").evaluate(
        texts(5, 0.2), panel_judges=rules("longer", "reference"), made=order
    )
    assert one.win_rate == two.win_rate
    assert one.outcomes == two.outcomes
    assert one.by_judge["longer"].win_rate == two.by_judge["longer"].win_rate
    assert one.by_category == two.by_category


def test_a_judge_that_looks_at_the_place_alone_scores_exactly_half(world: World) -> None:
    said, _ = world.evaluate(texts(1, 0.4), panel_judges=rules("first"), prompts=15, samples=3)
    assert said.win_rate is not None
    assert said.win_rate.value == 0.5
    assert said.verdict == "undecided"
    assert said.position is not None
    assert present(said.position).effect == pytest.approx(1.0)


def test_identical_answers_are_exactly_half_and_no_ties(world: World) -> None:
    said, _ = world.evaluate(lambda side, prompt, sample: f"Answer {prompt}", prompts=12)
    assert said.win_rate is not None
    assert said.win_rate.value == 0.5
    assert said.outcomes.model_dump() == {"win": 0, "tie": 0, "loss": 0, "identical": 24}
    assert said.counts.identical == 12
    assert said.cost is not None
    assert said.cost.calls == 0


@pytest.mark.slow
def test_two_hundred_a_a_evaluations_find_an_effect_in_seven_percent_at_most(tmp_path: Path) -> None:
    world = World.make(tmp_path / "w")
    words = [world.evaluate(texts(seed), prompts=16, seed=seed)[0].verdict for seed in range(200)]
    found = sum(word in ("better", "worse") for word in words)
    assert found <= 0.07 * 200, f"{found} of 200 A/A evaluations claim an effect"


def test_a_real_difference_is_found(world: World) -> None:
    said, _ = world.evaluate(texts(3, 0.45), prompts=60)
    assert said.verdict == "better"
    assert said.win_rate is not None
    assert (said.win_rate.low or 0) > 0.5


def test_damaged_controls_are_recognised_by_a_judge_that_reads(world: World) -> None:
    def text(side: Side, prompt: int, sample: int) -> str:
        return f"The reference answer number {prompt} says what is so, take {sample % 7}."

    said, _ = world.evaluate(text, prompts=16, controls=12)
    assert present(said.controls.damaged).recognised is True
    assert present(said.controls.aa).by_judge["reference"].suspicious is False


def test_assignment_and_reuse_survive_added_samples_and_judges(world: World) -> None:
    _, few = world.evaluate(texts(2), samples=2, panel_judges=rules("reference"))
    more, many = world.evaluate(texts(2), samples=4, panel_judges=rules("longer", "reference"))
    for prompt, code in few.plan.assignments["reference"].items():
        assert many.plan.assignments["reference"][prompt].startswith(code)
    assert more.cost is not None
    kept = 24 * 2 * 2
    assert more.cost.reused >= kept - more.counts.identical * 2


def test_a_corrected_reference_asks_again_about_its_prompt_alone(world: World) -> None:
    before = suite(6)
    first, *others = before.prompts
    corrected = first.model_copy(update={"reference": "Something else entirely."})
    after = before.model_copy(update={"prompts": (corrected, *others)})
    _, one = world.evaluate(texts(2), made=before)
    said, two = world.evaluate(texts(2), made=after)
    assert {r.key for r in Work(one.plan).requests()} == {r.key for r in Work(two.plan).requests()}
    mine = [{t.key for t in Work(m.plan).tasks_of(first.id)} for m in (one, two)]
    assert mine[0].isdisjoint(mine[1])
    assert said.cost is not None
    assert (said.cost.calls, said.cost.reused) == (2, 10)


@given(st.integers(0, 100), st.integers(1, 40))
def test_work_is_spread_over_categories_from_the_start(seed: int, half: int) -> None:
    prompts = [(f"{c}{n}", c) for c in "ab" for n in range(half)]
    order = work_order(prompts, seed)
    assert sorted(order) == sorted(name for name, _ in prompts)
    for cut in range(1, len(order) + 1):
        taken = [name[0] for name in order[:cut]]
        assert abs(taken.count("a") - taken.count("b")) <= 2


sizes = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1)


@settings(deadline=None)
@given(sizes, st.integers(0, 100))
def test_every_stretch_of_the_work_holds_each_category_by_its_share(
    sizes: dict[str, int], seed: int
) -> None:
    """Half a prompt from its share at a time, and half a prompt more for each category in between."""
    prompts = [(f"{c}{n}", c) for c, size in sizes.items() for n in range(size)]
    order = work_order(prompts, seed)
    assert sorted(order) == sorted(name for name, _ in prompts)
    for cut in range(len(order) + 1):
        taken = Counter(name[0] for name in order[:cut])
        for category, size in sizes.items():
            share = size / len(prompts)
            assert abs(taken[category] - share * cut) <= 0.5 + share * len(sizes) / 2 + 1e-9


@settings(deadline=None)
@given(sizes, st.integers(0, 100), st.randoms(use_true_random=False))
def test_the_order_of_work_hangs_on_the_seed_and_not_on_the_suites_order(
    sizes: dict[str, int], seed: int, draw: random.Random
) -> None:
    prompts = [(f"{c}{n}", c) for c, size in sizes.items() for n in range(size)]
    order = work_order(prompts, seed)
    draw.shuffle(prompts)
    assert work_order(prompts, seed) == order
    if len(prompts) > 12 and len(sizes) > 1:
        assert work_order(prompts, seed + 1) != order


def test_within_a_category_the_seed_decides_who_comes_first() -> None:
    prompts = [(f"a{n}", "a") for n in range(6)]
    first = {work_order(prompts, seed)[0] for seed in range(60)}
    assert first == {name for name, _ in prompts}


def test_the_seal_covers_content_and_not_names(world: World) -> None:
    _, one = world.evaluate(texts(1))
    renamed = world.candidate.pin.model_copy(update={"name": "other", "run": "r", "checkpoint": "x"})
    assert one.plan.candidate == renamed.sealed()
    assert one.seal == one.plan.seal()
    assert one.plan.model_copy(update={"seed": 1}).seal() != one.seal


def test_a_clear_case_stops_early_and_says_so(world: World) -> None:
    stopping = Stopping(max_prompts=60, block=10)
    said, manifest = world.evaluate(texts(3, 0.5), prompts=60, stopping=stopping)
    assert said.verdict == "better"
    assert said.sequential is not None
    assert said.win_rate is not None
    assert said.win_rate.method == "e-process"
    assert (said.win_rate.low or 0) > 0.5
    assert 8 <= said.win_rate.prompts < 60
    assert said.win_rate.prompts % 10 == 0
    assert said.counts.not_needed == 2 * (60 - said.win_rate.prompts)
    assert said.interim is False
    assert manifest.plan.stopping == stopping


def test_an_even_case_uses_all_prompts_it_may(world: World) -> None:
    stopping = Stopping(max_prompts=24, block=10)
    said, _ = world.evaluate(texts(11), prompts=40, stopping=stopping)
    assert said.verdict == "undecided"
    assert said.win_rate is not None
    assert said.win_rate.prompts == 24
    assert said.counts.not_needed == 2 * 16
