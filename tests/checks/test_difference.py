"""Is a part really different? Permutation tests, held against counting every way there is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import comb

import numpy as np
import pytest

from brie.checks.difference import groups_differ, without
from brie.checks.evidence import Evidence
from tests.checks.cases import Case


def flagged(evidence: Evidence, prompts: int) -> float:
    """p of the removal of the first so many prompts."""
    names = evidence.table.prompts[:prompts]
    rows = ~evidence.of_prompts(names)
    p = without(evidence, rows, evidence.rate("test", rows)).p_value
    assert p is not None
    return p


def one_verdict(won: int, prompts: int = 40) -> Evidence:
    """One exact verdict a prompt; the first ones are won."""
    return Case(
        prompts=prompts, samples=1, sources=1, accuracy=1.0, steady=1.0,
        wins_of=lambda n: float(n < won),
    ).build()  # fmt: skip


def hypergeometric(prompts: int, won: int, flags: int) -> float:
    """Two-sided p by counting every way to flag so many prompts, if all flagged ones are won."""

    def gap(k: int) -> float:
        return abs(won / prompts - (won - k) / (prompts - flags))

    ways = {k: comb(won, k) * comb(prompts - won, flags - k) for k in range(min(won, flags) + 1)}
    return sum(w for k, w in ways.items() if gap(k) >= gap(flags) - 1e-12) / comb(prompts, flags)


@pytest.mark.parametrize(("won", "flags"), [(23, 3), (23, 8), (30, 6), (12, 2)])
def test_flags_that_carry_a_win_have_the_p_of_counting_all_ways_to_flag(won: int, flags: int) -> None:
    exact = hypergeometric(40, won, flags)
    assert flagged(one_verdict(won), flags) == pytest.approx(exact, abs=3.5 * (exact / 999) ** 0.5)


def test_few_flagged_prompts_can_differ_too() -> None:
    assert flagged(one_verdict(3), 3) <= 0.005
    assert flagged(one_verdict(23), 3) > 0.2


def test_flags_of_samples_are_dealt_within_their_prompts() -> None:
    """Of every prompt the flagged sample is won and the two others are lost."""
    evidence = Case(samples=3, prompts=24, sources=1).build()
    table = replace(evidence.table, score=np.where(evidence.table.sample == 0, 1.0, 0.0))
    evidence, rows = replace(evidence, table=table), table.sample != 0
    p = without(evidence, rows, evidence.rate("test", rows)).p_value
    assert p is not None
    assert p < 0.01


def test_random_flags_differ_as_seldom_as_the_level_says() -> None:
    evidence = Case(prompts=40, samples=1, sources=1, rate=0.65).build()
    rng = np.random.default_rng(5)
    p = []
    for _ in range(150):
        names = [evidence.table.prompts[n] for n in rng.permutation(40)[:6]]
        rows = ~evidence.of_prompts(names)
        p.append(without(evidence, rows, evidence.rate("test", rows)).p_value or 0.0)
    assert np.mean(np.array(p) < 0.05) <= 0.1


def test_groups_have_the_p_of_all_ways_to_deal_their_labels() -> None:
    means, code = np.array([1.0, 1.0, 0.5, 0.0, 0.0, 1.0, 0.5]), np.array([0, 0, 1, 1, 1, 0, 2])
    found = groups_differ(means, code, np.random.default_rng(1), deals=20_000)

    def gap(inside: tuple[int, ...]) -> float:
        others = [n for n in range(7) if n not in inside]
        return abs(float(means[list(inside)].mean() - means[others].mean()))

    for group in range(3):
        real = tuple(np.flatnonzero(code == group).tolist())
        ways = [gap(inside) for inside in itertools.combinations(range(7), len(real))]
        exact = np.mean(np.array(ways) >= gap(real) - 1e-9)
        assert found[group] == pytest.approx(exact, abs=0.015)


def test_many_prompts_are_tested_by_the_normal_distribution_alike() -> None:
    rng = np.random.default_rng(2)
    means = (rng.random(6000) < 0.6).astype(float)
    code = (np.arange(6000) % 40 == 0).astype(np.int64) + 2 * (np.arange(6000) == 1)
    means[code == 1] = (rng.random(int((code == 1).sum())) < 0.72).astype(float)
    large = groups_differ(means, code, rng)
    keep = np.flatnonzero(code < 2)[:5000]
    dealt = groups_differ(means[keep], code[keep], rng, deals=2000)
    assert large[1] < 0.05
    assert large[0] < 0.05
    assert dealt[1] < 0.1
    assert large[2] == 1.0


def test_a_group_of_all_prompts_or_none_does_not_differ() -> None:
    means = np.array([0.0, 1.0, 1.0])
    assert groups_differ(means, np.zeros(3, np.int64), np.random.default_rng(0)).tolist() == [1.0]
    assert groups_differ(means, np.full(3, 1), np.random.default_rng(0)).tolist() == [1.0, 1.0]
