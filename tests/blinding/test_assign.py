"""Order and letter are crossed, balanced, and never move (invariant I1)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brie.blinding import BALANCED, BOTH, Cell, assign, presentations
from brie.records import Positions

JUDGES = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
MODES: tuple[Positions, ...] = ("both", "balanced")


def _prompts(counts: dict[str, int]) -> list[tuple[str, str]]:
    return [(f"{category}-{n}", category) for category, count in counts.items() for n in range(count)]


@pytest.mark.parametrize("positions", MODES)
@given(
    counts=st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), min_size=1),
    samples=st.integers(1, 6),
    seed=st.integers(0, 50),
)
def test_counts_differ_by_at_most_one_in_every_judge_and_category(
    positions: Positions, counts: dict[str, int], samples: int, seed: int
) -> None:
    prompts = _prompts(counts)
    for judge in JUDGES:
        codes = assign(prompts, samples, positions, seed=seed, judge=judge)
        for category in counts:
            dealt = Counter("".join(codes[name] for name, own in prompts if own == category))
            every = [dealt[code] for code in (BOTH if positions == "both" else BALANCED)]
            assert max(every) - min(every) <= 1


@pytest.mark.parametrize("positions", MODES)
@given(
    samples=st.integers(1, 5), more=st.integers(1, 4), extra=st.integers(0, 5), seed=st.integers(0, 50)
)
def test_adding_samples_or_prompts_moves_nothing(
    positions: Positions, samples: int, more: int, extra: int, seed: int
) -> None:
    few = _prompts({"a": 5, "b": 3})
    many = few + [(f"new-{n}", "a") for n in range(extra)]
    before = assign(few, samples, positions, seed=seed, judge=JUDGES[0])
    after = assign(many, samples + more, positions, seed=seed, judge=JUDGES[0])
    assert all(after[name].startswith(code) for name, code in before.items())


def test_judges_and_seeds_are_dealt_apart() -> None:
    prompts = _prompts({"a": 40})
    one, two = (assign(prompts, 1, "both", seed=0, judge=judge) for judge in JUDGES)
    other_seed = assign(prompts, 1, "both", seed=1, judge=JUDGES[0])
    assert one != two
    assert one != other_seed


@pytest.mark.parametrize("code", sorted(BOTH))
def test_both_orders_take_complementary_cells(code: str) -> None:
    shown = presentations(
        code, positions="both", prompt=JUDGES[0], candidate=JUDGES[1], baseline=JUDGES[0]
    )
    assert {p.order for p in shown} == {"candidate_first", "baseline_first"}
    assert {p.candidate_letter for p in shown} == {"A", "B"}
    assert sum(p.position for p in shown) == 0
    assert sum(p.label for p in shown) == 0


def test_all_four_cells_occur_when_each_comparison_is_shown_once() -> None:
    cells: set[Cell] = {cell for codes in BALANCED.values() for cell in codes}
    assert len(cells) == 4
