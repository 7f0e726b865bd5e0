"""The whole analysis: its invariants, its keys, and a stated reason for everything it cannot say."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from brie.analyse import (
    AnalysisParts,
    ControlTables,
    EarlyStopping,
    Options,
    StatusCode,
    VerdictTable,
    analyse_verdicts,
    look,
)
from brie.analyse.sequential import wealth
from brie.records.analysis import Analysis
from tests.analyse.tables import (
    Judge,
    always_a,
    always_b,
    coin,
    design,
    first,
    mirrored,
    names,
    often,
    one_verdict_each,
    second,
    ties,
)
from tests.present import present

FAST = Options(resamples=299)


def plain(parts: AnalysisParts) -> dict[str, Any]:
    """The parts as JSON has them."""
    dumped: dict[str, Any] = TypeAdapter(AnalysisParts).dump_python(
        parts, mode="json", exclude_unset=True
    )
    return dumped


def run(table: VerdictTable, **keywords: Any) -> AnalysisParts:
    """Analyse, and insist on JSON without a NaN."""
    parts = analyse_verdicts(table, **{"options": FAST, "seed": 5, **keywords})
    json.dumps(plain(parts), allow_nan=False)
    return parts


def rich(prompts: int = 24, seed: int = 1, **columns: Any) -> VerdictTable:
    """Three judges with a position habit, two samples, lengths and features."""
    judges: list[Judge] = [often(first, 0.1, 0.7), coin(0.65), often(always_b, 0.1, 0.6)]
    base = design(judges, prompts=prompts, samples=2, seed=seed, **columns)
    rng = np.random.default_rng(seed)
    length = rng.normal(10, 50, (prompts, 2))[base.prompt, base.sample]
    lists = rng.normal(size=(prompts, 2))[base.prompt, base.sample]
    return replace(base, length_difference=length, features={"lists": lists})


def test_the_keys_are_those_of_the_document() -> None:
    fields = set(plain(run(rich())))
    assert fields - {"sequential"} <= set(Analysis.model_fields)


def test_exchanging_the_sides_turns_every_rate_into_its_complement() -> None:
    one, other = run(rich()), run(mirrored(rich()))
    assert one.win_rate is not None
    assert other.win_rate is not None
    assert one.win_rate.value == pytest.approx(1 - other.win_rate.value, abs=1e-12)
    assert one.win_rate.low == pytest.approx(1 - (other.win_rate.high or 0), abs=1e-12)
    assert one.win_rate.p_value == pytest.approx(other.win_rate.p_value, abs=1e-12)
    for name in one.by_judge:
        ours, theirs = (present(parts.by_judge[name].win_rate) for parts in (one, other))
        assert ours.value == pytest.approx(1 - theirs.value, abs=1e-12)
        assert present(one.by_judge[name].position).effect == pytest.approx(
            present(other.by_judge[name].position).effect, abs=1e-9
        )
    assert one.length_controlled is not None
    assert other.length_controlled is not None
    assert present(one.length_controlled).value == pytest.approx(
        1 - present(other.length_controlled).value, abs=1e-9
    )
    assert (one.outcomes.win, one.outcomes.loss) == (other.outcomes.loss, other.outcomes.win)
    assert {one.verdict, other.verdict} in ({"better", "worse"}, {"undecided"})


def shuffled(table: VerdictTable, seed: int) -> VerdictTable:
    """The same verdicts with rows, prompts and judges listed in another order."""
    rng = np.random.default_rng(seed)
    prompts, judges = rng.permutation(len(table.prompts)), rng.permutation(len(table.judges))
    back_prompt, back_judge = np.argsort(prompts), np.argsort(judges)
    rows = rng.permutation(len(table.score))
    other = replace(
        table,
        prompt=back_prompt[table.prompt], judge=back_judge[table.judge],
        prompts=tuple(table.prompts[i] for i in prompts), judges=tuple(table.judges[i] for i in judges),
        category=table.category[prompts], source=table.source[prompts],
    )  # fmt: skip
    return other.select(rows)


def assert_equal(one: Any, other: Any, where: str = "") -> None:
    """Equal to 1e-12, numbers in nested data included."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_equal(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_equal(a, b, f"{where}[{index}]")
    elif isinstance(one, float) and isinstance(other, float):
        assert one == pytest.approx(other, abs=1e-11, rel=1e-9), where
    else:
        assert one == other, where


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_prompts_judges_and_rows_changes_nothing(seed: int) -> None:
    one, other = plain(run(rich())), plain(run(shuffled(rich(), seed)))
    assert_equal(one, other)


def test_the_same_seed_gives_the_same_analysis_and_another_seed_the_same_rate() -> None:
    one, again, other = run(rich()), run(rich()), run(rich(), seed=6)
    assert plain(one) == plain(again)
    assert one.win_rate is not None
    assert other.win_rate is not None
    assert one.win_rate.value == other.win_rate.value


def test_duplicated_verdicts_leave_the_estimate_and_do_not_shrink_the_interval() -> None:
    table = rich()
    twice = replace(table, sample=table.sample + 10)
    both = VerdictTable.build(
        prompts=table.prompts, judges=table.judges, both_orders=True,
        prompt=np.tile(table.prompt, 2), judge=np.tile(table.judge, 2),
        sample=np.concatenate([table.sample, twice.sample]), score=np.tile(table.score, 2),
        position=np.tile(table.position, 2), label=np.tile(table.label, 2),
    )  # fmt: skip
    one, other = run(table).win_rate, run(both).win_rate
    assert one is not None
    assert other is not None
    assert other.value == pytest.approx(one.value, abs=1e-12)
    assert other.low == pytest.approx(one.low, abs=1e-12)
    assert other.high == pytest.approx(one.high, abs=1e-12)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-12)


@given(st.data())
@settings(deadline=None, max_examples=15)
def test_one_more_win_never_lowers_the_rate(data: st.DataObject) -> None:
    table = design([coin(0.5), coin(0.5)], prompts=9)
    index = data.draw(st.integers(0, len(table.score) - 1))
    raised = table.score.copy()
    raised[index] = 1.0
    before = run(table).win_rate
    after = run(replace(table, score=raised)).win_rate
    assert before is not None
    assert after is not None
    assert after.value >= before.value - 1e-12


@pytest.mark.parametrize("judge", [first, second, always_a, always_b, ties])
def test_judges_that_never_read_give_exactly_one_half_and_prove_nothing(judge: Judge) -> None:
    controls = ControlTables(damaged=design([judge], prompts=20), aa=design([judge], prompts=20))
    parts = run(design([judge], prompts=200), controls=controls)
    assert parts.win_rate is not None
    assert parts.win_rate.value == 0.5
    assert parts.verdict == "undecided"


def test_equal_models_under_able_judges_can_be_equivalent() -> None:
    """900 prompts, three samples, judges that follow quality and know damage when they see it."""
    parts = run(
        design([coin(0.5)] * 3, prompts=900, samples=2),
        controls=ControlTables(damaged=design([coin(0.97)] * 3, prompts=30)),
    )
    assert parts.position is not None
    # Coins flip half the time: that alone forbids it.
    assert present(parts.position).flip_rate == pytest.approx(0.5, abs=0.03)
    steady = design([ties], prompts=900)
    halves = np.where(steady.prompt % 2, 1.0, 0.0)
    parts = run(
        design([ties], prompts=900, score=halves),
        controls=ControlTables(damaged=design([coin(0.97)], prompts=30)),
    )
    assert parts.verdict == "equivalent"
    assert run(design([ties], prompts=900, score=halves)).verdict == "undecided"


def test_missing_verdicts_are_shown_at_both_extremes() -> None:
    table = rich(prompts=30)
    status = np.where(table.prompt == 0, StatusCode.ERROR, StatusCode.OK)
    parts = run(replace(table, status=status, score=np.where(status, np.nan, table.score)))
    assert parts.win_rate is not None
    low, high = parts.win_rate.bounds
    assert low < parts.win_rate.value < high
    assert high - low == pytest.approx(1 / 30, abs=1e-9)
    assert parts.counts["error"] == 12
    assert parts.win_rate.prompts == 29
    assert parts.verdict_survives_missing in (True, False)


def test_a_verdict_that_hangs_on_missing_ones_does_not_survive() -> None:
    """10 of 13 against 10 of 12: p = .092 or .039 (docs/statistics.md 1.3)."""
    found = run(one_verdict_each([1.0] * 12 + [np.nan] * 6)).verdict_survives_missing
    assert found is False
    assert run(one_verdict_each([1.0] * 60 + [np.nan])).verdict_survives_missing is True


def test_half_comparisons_are_counted() -> None:
    table = rich()
    hole = (table.prompt == 2) & (table.judge == 1) & (table.sample == 0) & (table.position == 1)
    parts = run(replace(table, score=np.where(hole, np.nan, table.score), status=hole.astype(int)))
    assert parts.counts["half"] == 1
    assert parts.by_judge["j01"].half == 1
    assert parts.counts["comparisons"] == 48
    assert parts.counts["presentations"] == 96
    assert parts.counts["verdicts"] == 288


def test_every_part_is_there_for_a_full_design() -> None:
    parts = run(rich(prompts=48, categories=4))
    assert set(parts.by_category) == {"c0", "c1", "c2", "c3"}
    assert all(part.adjustment == "holm" for part in parts.by_category.values())
    assert all(present(part.win_rate).pooled is not None for part in parts.by_category.values())
    assert len(parts.by_source) == 8
    assert set(parts.by_sample) == {"0", "1"}
    for part in (
        parts.categories,
        parts.majority,
        parts.length_controlled,
        parts.agreement,
        parts.variance,
    ):
        assert part is not None
    assert parts.variance is not None
    components = parts.variance
    for component in (components.prompt, components.sample, components.judge, components.noise):
        assert component is not None
    assert present(parts.ranges.judges).low <= present(parts.ranges.judges).high
    assert present(parts.by_judge["j00"].rewards).text.keys() == {"length", "lists"}
    assert parts.win_rate is not None
    assert parts.win_rate.by_source_interval is not None


@pytest.mark.parametrize("sources", [1, 2, 7, 8])
def test_below_eight_sources_there_is_a_mean_of_source_means_and_no_interval(sources: int) -> None:
    parts = run(rich(prompts=56, sources=sources))
    rate = present(parts.win_rate)
    note = parts.notes.get("win_rate.by_source_interval", "")
    if sources == 1:
        assert (rate.mean_of_sources, rate.sources, rate.by_source_interval) == (None, None, None)
        return
    means = [present(part.win_rate).value for part in parts.by_source.values()]
    assert rate.mean_of_sources == pytest.approx(np.mean(means))
    assert rate.sources == sources
    assert (rate.by_source_interval is None) is (sources < 8)
    assert note == ("" if sources == 8 else f"{sources} sources: nothing can be said of new ones")
    assert "sources" not in parts.verdict_reason or sources == 8


def test_many_categories_are_exploration() -> None:
    parts = run(rich(prompts=56, categories=7))
    assert {part.adjustment for part in parts.by_category.values()} == {"benjamini-hochberg"}


def test_soft_scores_get_their_second_line() -> None:
    soft = np.random.default_rng(1).uniform(0.4, 0.7, 20)
    parts = run(one_verdict_each(soft))
    assert parts.win_rate is not None
    assert parts.win_rate.soft_interval is not None
    hard = run(one_verdict_each([1.0] * 12 + [0.0] * 8))
    assert hard.win_rate is not None
    assert hard.win_rate.soft_interval is None


def test_early_stopping_reports_the_sequences_interval() -> None:
    table = design([coin(0.95)], prompts=30)
    rule = EarlyStopping(order=table.prompts, alpha=0.05, max_prompts=200)
    parts = run(table, stopping=rule)
    assert parts.win_rate is not None
    assert parts.sequential is not None
    assert parts.verdict == "better"
    assert "stopped early" in parts.verdict_reason
    assert parts.win_rate.method == "e-process"
    assert (parts.win_rate.low, parts.win_rate.high) == (
        present(parts.sequential).low,
        present(parts.sequential).high,
    )
    assert present(parts.sequential).stopped_early
    assert parts.win_rate.p_value == pytest.approx(1 / present(present(parts.sequential).wealth))
    undecided = run(design([coin(0.5)], prompts=30), stopping=rule)
    assert undecided.verdict == "undecided"


def test_a_look_says_what_the_final_analysis_will() -> None:
    table = design([coin(0.95)], prompts=30)
    order = tuple(np.random.default_rng(2).permutation(table.prompts).tolist())
    rule = EarlyStopping(order=order, alpha=0.05, max_prompts=200)
    seen = look(table, rule)
    parts = run(table, stopping=rule)
    assert seen is not None
    assert parts.sequential is not None
    assert (seen.stopped_at, seen.low) == (
        present(parts.sequential).stopped_at,
        present(parts.sequential).low,
    )
    first_block = table.select(np.isin(table.prompt, [table.prompts.index(p) for p in order[:10]]))
    assert look(first_block, rule) is not None
    assert look(table.select(table.prompt < 0), rule) is None


def bad_inputs() -> dict[str, VerdictTable]:
    """The issue's list of bad input."""
    nothing: list[Any] = []
    full = design([coin(0.5), coin(0.5)], prompts=12, samples=2)
    rng = np.random.default_rng(0)
    return {
        "no rows": VerdictTable.build(
            prompts=nothing,
            judges=nothing,
            prompt=nothing,
            judge=nothing,
            score=nothing,
            both_orders=True,
        ),
        "zero valid verdicts": one_verdict_each(np.full(20, np.nan)),
        "one judge": design([coin(0.6)]),
        "one prompt": design([coin(0.6), coin(0.6)], prompts=1),
        "one category, one source": design([coin(0.6)], categories=1, sources=1),
        "all ties": design([ties, ties]),
        "all wins": design([coin(1.0), coin(1.0)]),
        "all losses": design([coin(0.0), coin(0.0)]),
        "missing cells": full.select(rng.random(len(full.score)) < 0.6),
        "unequal samples": full.select((full.sample == 0) | (full.prompt < 5)),
        "soft scores outside [0, 1]": one_verdict_each(rng.normal(0.5, 1, 30)),
        "infinite scores": one_verdict_each(np.array([np.inf, -np.inf, 1.0, 0.0] * 5)),
        "a source a prompt": design([coin(0.6)], prompts=300, sources=300),
        "a category a prompt": design([coin(0.6)], prompts=300, categories=300),
        "constant length": replace(full, length_difference=np.zeros(len(full.score))),
        "infinite length": replace(full, length_difference=np.full(len(full.score), np.inf)),
    }


@pytest.mark.parametrize("name", bad_inputs())
def test_bad_input_gets_a_reason_and_never_a_nan(name: str) -> None:
    table = bad_inputs()[name]
    parts = run(table, controls=ControlTables(aa=table, damaged=table))
    optional = ("categories", "majority", "length_controlled", "agreement", "variance")
    for field in optional:
        if getattr(parts, field) is None:
            assert parts.notes[field]
    if parts.win_rate is None:
        assert parts.verdict is None
        assert parts.notes["win_rate"]
        assert parts.notes["verdict"]


def test_scores_outside_the_range_are_counted_as_invalid() -> None:
    parts = run(one_verdict_each([1.7, 1.0, 0.5, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]))
    assert parts.counts["invalid"] == 1
    assert parts.win_rate is not None
    assert parts.win_rate.prompts == 8


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_no_table_makes_it_crash(seed: int) -> None:
    rng = np.random.default_rng(seed)
    prompts, judges, rows = (int(rng.integers(1, top)) for top in (25, 4, 150))
    table = VerdictTable.build(
        prompts=names("p", prompts), judges=names("j", judges),
        category=[f"c{rng.integers(0, 3)}" for _ in range(prompts)],
        source=[f"s{rng.integers(0, 9)}" for _ in range(prompts)],
        prompt=rng.integers(0, prompts, rows), judge=rng.integers(0, judges, rows),
        sample=rng.integers(0, 3, rows), score=rng.choice([0, 0.5, 1, 0.3, np.nan, 9], rows),
        position=rng.integers(-1, 2, rows), label=rng.integers(-1, 2, rows),
        repeat=rng.integers(0, 2, rows), length_difference=rng.normal(size=rows),
        both_orders=bool(rng.integers(0, 2)),
    )  # fmt: skip
    run(table, stopping=EarlyStopping(table.prompts, 0.05, 50) if seed % 2 else None)


def test_a_hundred_thousand_verdicts_take_seconds() -> None:
    """One million: `bench/analysis_speed.py`."""
    import time

    table = design([coin(0.6)] * 5, prompts=10_000, sources=40)
    start = time.process_time()
    analyse_verdicts(table)
    assert time.process_time() - start < 15


@given(st.permutations([1.0] * 12 + [0.0] * 6), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_the_e_process_bets_in_the_sealed_order(steps: list[float], draw: random.Random) -> None:
    """Looking at prompts in any other order would not be valid at any time."""
    order = names("p", len(steps))
    draw.shuffle(order)
    table = one_verdict_each(steps)
    rule = EarlyStopping(order=tuple(order), alpha=0.05, max_prompts=99)
    in_order = np.array([steps[table.prompts.index(name)] for name in order])
    path = wealth(in_order)
    parts, seen = run(table, stopping=rule), look(table, rule)
    assert seen is not None
    assert parts.sequential is not None
    assert present(parts.sequential).wealth == pytest.approx(path.max())
    assert seen.wealth == pytest.approx(path.max())
    reached = np.flatnonzero(path >= 20)
    assert seen.stopped_at == (reached[0] + 1 if len(reached) else None)


def test_wins_first_decide_and_losses_first_do_not() -> None:
    table = one_verdict_each([1.0] * 14 + [0.0] * 14)
    forward, backward = tuple(table.prompts), tuple(reversed(table.prompts))
    verdicts = {}
    for order in (forward, backward):
        seen = look(table, EarlyStopping(order=order, alpha=0.05, max_prompts=99))
        assert seen is not None
        verdicts[order] = (seen.decided, seen.low > 0.5, seen.high < 0.5)
    assert verdicts == {forward: (True, True, False), backward: (True, False, True)}


def test_missing_verdicts_are_put_into_their_place_in_the_sealed_order() -> None:
    """Twelve wins decide at once; one lost before them and they do not."""
    steps = [np.nan] * 4 + [1.0] * 9
    table = one_verdict_each(steps)
    late = EarlyStopping(order=tuple(reversed(table.prompts)), alpha=0.05, max_prompts=99)
    early = replace(late, order=tuple(table.prompts))
    assert run(table, stopping=late).verdict == "better"
    assert run(table, stopping=late).verdict_survives_missing is True
    assert run(table, stopping=early).verdict == "better"
    assert run(table, stopping=early).verdict_survives_missing is False


def test_outcomes_are_counted_in_each_group_as_one_by_one() -> None:
    table = replace(rich(), score=np.tile([1.0, 0.5, 0.0, 1.0], len(rich().score) // 4))
    parts = run(table)
    for group, codes, entries in (
        (table.categories, table.category, parts.by_category),
        (table.sources, table.source, parts.by_source),
    ):
        for code, name in enumerate(group):
            own = table.score[codes[table.prompt] == code].tolist()
            assert present(entries[name].outcomes).model_dump(exclude={"identical"}) == {
                "win": own.count(1.0),
                "tie": own.count(0.5),
                "loss": own.count(0.0),
            }


def by_sources(rates: list[float], each: int = 12) -> VerdictTable:
    """So many prompts of each source, of which such a share was won."""
    scores = [float(n < each * rate) for rate in rates for n in range(each)]
    sources = [f"s{code}" for code in range(len(rates)) for _ in range(each)]
    return one_verdict_each(scores, source=sources)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (by_sources([1, 1, 1, 0] * 20, each=1), ""),
        (by_sources([1, 1, 1, 1, 0.5, 1, 1, 1, 0.5, 1]), "and for new sources"),
        (by_sources([1, 1, 0, 1, 1, 0.25, 1, 0.25, 1, 0.5]), "but is not shown for new sources"),
    ],
)
def test_a_verdict_says_whether_it_holds_for_new_sources_where_that_is_less_sure(
    table: VerdictTable, said: str
) -> None:
    parts = run(table)
    assert parts.verdict == "better"
    rate = parts.win_rate
    assert rate is not None
    assert rate.by_source_interval is not None
    assert rate.low is not None
    assert rate.high is not None
    low, high = rate.by_source_interval
    assert (high - low > 1.3 * (rate.high - rate.low)) is bool(said)
    if said:
        assert parts.verdict_reason.endswith(f", for new prompts from these sources {said}")
    else:
        assert "sources" not in parts.verdict_reason


@pytest.mark.parametrize(
    ("judges", "samples", "missing"),
    [
        (3, 2, set()),
        (3, 1, {"sample", "prompt_judge"}),
        (1, 2, {"judge", "noise", "prompt_judge"}),
        (1, 1, {"sample", "judge", "noise", "prompt_judge"}),
    ],
)
def test_a_component_that_a_design_cannot_tell_has_a_note_and_no_number(
    judges: int, samples: int, missing: set[str]
) -> None:
    parts = run(design([coin(0.6)] * judges, prompts=24, samples=samples))
    assert parts.variance is not None
    optional = ("sample", "judge", "prompt_judge", "noise")
    assert {name for name in optional if getattr(parts.variance, name) is None} == missing
    assert {name for name in optional if f"variance.{name}" in parts.notes} == missing


@pytest.mark.parametrize(("both", "words"), [(True, " in every planned order"), (False, "")])
def test_where_no_verdict_can_be_used_the_note_names_the_plan(both: bool, words: str) -> None:
    table = replace(one_verdict_each(np.full(20, np.nan)), both_orders=both)
    assert run(table).notes["win_rate"] == f"no prompt has a usable verdict{words}"
