"""Which order and which letters each digit of a plan stands for, as a table."""

from __future__ import annotations

from collections import Counter

import pytest

from brie.blinding import OWN_ORDER, Cell, assign, drawn, presentations
from brie.digest import digest
from brie.records import Positions

KEYS = {"prompt": digest("prompt"), "candidate": digest("candidate"), "baseline": digest("baseline")}
FIRST, SECOND = "candidate_first", "baseline_first"


@pytest.mark.parametrize(
    ("positions", "code", "cells"),
    [
        ("both", "0", [(FIRST, "A"), (SECOND, "B")]),
        ("both", "1", [(FIRST, "B"), (SECOND, "A")]),
        ("balanced", "0", [(FIRST, "A")]),
        ("balanced", "1", [(FIRST, "B")]),
        ("balanced", "2", [(SECOND, "A")]),
        ("balanced", "3", [(SECOND, "B")]),
    ],
)
def test_a_digit_stands_for_its_cells(positions: Positions, code: str, cells: list[Cell]) -> None:
    shown = presentations(code, positions=positions, criteria=OWN_ORDER, **KEYS)
    assert [(p.order, p.candidate_letter) for p in shown] == cells
    assert {(p.prompt, p.candidate, p.baseline) for p in shown} == {tuple(KEYS.values())}


@pytest.mark.parametrize(("positions", "codes"), [("both", 2), ("balanced", 4)])
def test_every_block_of_prompts_and_samples_is_a_latin_square(positions: Positions, codes: int) -> None:
    prompts = [(f"p{n}", "c") for n in range(3 * codes)]
    dealt = assign(prompts, codes, positions, seed=1, judge=digest("judge"))
    every = {str(code) for code in range(codes)}
    assert all(set(code) == every for code in dealt.values())
    for start in range(0, len(prompts), codes):
        block = [dealt[name] for name, _ in prompts[start : start + codes]]
        for sample in range(codes):
            assert {code[sample] for code in block} == every


def test_two_prompts_of_four_codes_and_two_samples_take_each_code_once() -> None:
    """The corner of a block: two rows and two columns hold both orders and both letters evenly."""
    for seed in range(5):
        dealt = assign([("a", "c"), ("b", "c")], 2, "balanced", seed=seed, judge=digest("judge"))
        assert sorted("".join(dealt.values())) == ["0", "1", "2", "3"]


def test_codes_are_those_they_always_were() -> None:
    prompts = [(f"p{n}", "even" if n % 2 == 0 else "odd") for n in range(6)]
    both = assign(prompts, 3, "both", seed=7, judge=digest("judge"))
    balanced = assign(prompts, 3, "balanced", seed=7, judge=digest("judge"))
    assert " ".join(both.values()) == "101 010 010 101 101 010"
    assert " ".join(balanced.values()) == "320 102 013 231 231 013"


def test_the_codes_of_some_prompts_are_those_among_all() -> None:
    prompts = [(f"p{n}", "c") for n in range(9)]
    every = assign(prompts, 2, "balanced", seed=3, judge=digest("judge"))
    some = assign(prompts, 2, "balanced", seed=3, judge=digest("judge"), only={"p5", "p8"})
    assert some == {name: every[name] for name in ("p5", "p8")}


def test_a_lot_draws_one_of_the_four_cells_and_none_tells_the_next() -> None:
    shown = [drawn(f"lot {n}", **KEYS) for n in range(400)]
    cells = [(p.order, p.candidate_letter) for p in shown]
    counts = Counter(cells)
    assert len(counts) == 4
    assert min(counts.values()) > 60
    blocks = [set(cells[start : start + 4]) for start in range(0, 400, 4)]
    assert not all(len(block) == 4 for block in blocks), "nothing is dealt in blocks"
    assert drawn("lot 1", **KEYS) == shown[1]
