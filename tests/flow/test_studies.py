"""Questions that span evaluations: agreement, comparison, checkpoint ladders, planning."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.analyse.power import variance_ratio
from brie.cli.agreement import lines
from brie.errors import UsageError
from brie.records import Manifest
from brie.store import Store
from brie.studies import agreement, compare_evaluations, curve, design
from tests.flow.test_invariants import texts
from tests.flow.world import World, rules


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path / "w")


def _store(world: World) -> Store:
    return Store.open(world.root / "brie.sqlite", read_only=True)


def test_agreement_names_every_pair_with_all_coefficients(world: World) -> None:
    _, manifest = world.evaluate(texts(1, 0.3), seats=rules("reference", "longer", "first"), prompts=30)
    with _store(world) as store:
        found = agreement([manifest], store)
    assert len(found["agreement"]["pairs"]) == 3
    for pair in found["agreement"]["pairs"]:
        assert {"percent", "kappa", "alpha", "alpha_ordinal", "ac1", "marginals", "confusion"} <= set(
            pair
        )
    assert found["agreement"]["panel"]["effective_judges"] is None
    assert found["notes"]["effective_judges"] == "needs human labels"
    assert all(len(line) <= 80 or "base rates" in line for line in lines(found))


def test_the_length_rule_is_found_to_reward_length(world: World) -> None:
    _, manifest = world.evaluate(texts(1), seats=rules("reference", "longer"), prompts=40)
    with _store(world) as store:
        rewards = agreement([manifest], store)["by_judge"]["longer"]["rewards"]
    assert rewards["text"]["length"]["low"] > 0.1


def test_agreement_over_two_evaluations_keeps_prompts_as_units(world: World) -> None:
    both = [
        world.evaluate(texts(seed), seats=rules("reference", "longer"), seed=seed, prompts=20)[1]
        for seed in (0, 1)
    ]
    with _store(world) as store:
        one, two = agreement(both[:1], store), agreement(both, store)
    assert two["prompts"] == one["prompts"] == 20
    assert two["agreement"]["pairs"][0]["n"] > one["agreement"]["pairs"][0]["n"]


def test_one_judge_has_nobody_to_agree_with(world: World) -> None:
    _, manifest = world.evaluate(texts(1))
    with _store(world) as store, pytest.raises(UsageError, match="one judge"):
        agreement([manifest], store)


def test_comparing_pairs_by_prompt_and_warns_of_other_judges(world: World) -> None:
    _, strong = world.evaluate(texts(1, 0.45), prompts=40)
    _, weak = world.evaluate(texts(1), prompts=40, seed=1)
    _, other = world.evaluate(texts(1), prompts=40, seats=rules("longer"))
    with _store(world) as store:
        found = compare_evaluations([strong, weak], store)
        with_other = compare_evaluations([strong, other], store)
    (difference,) = found["differences"]
    assert difference["value"] > 0
    assert difference["prompts"] == 40
    assert found["warnings"] == []
    assert any("judges differ" in warning for warning in with_other["warnings"])


def test_comparing_wants_two_and_a_shared_prompt(world: World) -> None:
    _, manifest = world.evaluate(texts(1))
    with _store(world) as store, pytest.raises(UsageError, match="at least two"):
        compare_evaluations([manifest], store)


def test_a_curve_has_one_rung_a_checkpoint(world: World) -> None:
    manifests: dict[str, Manifest] = {}
    for seed, lean in enumerate((0.0, 0.2, 0.45)):
        _, manifests[str(seed)] = world.evaluate(texts(seed, lean), prompts=30, seed=seed)
    with _store(world) as store:
        found = curve(manifests, store)
    assert [rung["name"] for rung in found["checkpoints"]] == ["0", "1", "2"]
    assert all(rung["low"] <= rung["value"] <= rung["high"] for rung in found["checkpoints"])


def test_planning_uses_what_was_measured_and_says_so() -> None:
    assumed = design(100, (1, 3), None, None, rate=0.5, judges=1, both_orders=True)
    assert assumed.measured is None
    assert [row.ratio for row in assumed.rows] == [variance_ratio(1), variance_ratio(3)]
    assert assumed.rows[0].detectable == pytest.approx(0.64, abs=0.01)
    parts = {"prompt": {"value": 0.01}, "sample": {"value": 0.02}, "noise": {"value": 0.0}}
    known = design(100, (1, 3), parts, "eval-x", rate=0.6, judges=1, both_orders=True)
    assert known.measured == "eval-x"
    assert known.rows[0].detectable is not None
    assert assumed.rows[0].detectable is not None
    assert known.rows[0].detectable < assumed.rows[0].detectable
