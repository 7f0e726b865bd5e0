"""Questions that span evaluations: agreement, comparison, checkpoint ladders, planning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brie.analyse.compare import dev_half
from brie.analyse.power import variance_ratio
from brie.cli.agreement import lines
from brie.cli.curve import lines as curve_lines
from brie.errors import UsageError
from brie.records import Manifest, Message, Suite
from brie.records.estimates import VarianceComponents
from brie.report.agreement_words import roll_words
from brie.report.curve_figure import write_curve_figure
from brie.store import Store
from brie.studies import agreement, compare_evaluations, curve, design, disagreement_views, selected
from brie.studies.planning import Earlier
from brie.studies.run_curve import count_look
from tests.flow.planted import CRITERIA, Said, leaning, planted
from tests.flow.test_invariants import texts
from tests.flow.world import World, rules, suite
from tests.present import present


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path / "w")


def _store(world: World) -> Store:
    return Store.open(world.root / "brie.sqlite", read_only=True)


def test_agreement_names_every_pair_with_all_coefficients(world: World) -> None:
    _, manifest = world.evaluate(
        texts(1, 0.3), panel_judges=rules("reference", "longer", "first"), prompts=30
    )
    with _store(world) as store:
        found = agreement([manifest], store)
    assert len(found.agreement.pairs) == 3
    for pair in found.agreement.pairs:
        assert {"percent", "kappa", "alpha", "alpha_ordinal", "ac1", "marginals", "confusion"} <= (
            pair.model_fields_set
        )
    assert present(found.agreement.panel).effective_judges is None
    assert found.notes["effective_judges"] == "needs human labels"
    assert all(len(line) <= 80 for line in lines(found))


def test_the_length_rule_is_found_to_reward_length(world: World) -> None:
    _, manifest = world.evaluate(texts(1), panel_judges=rules("reference", "longer"), prompts=40)
    with _store(world) as store:
        rewards = agreement([manifest], store).by_judge["longer"].rewards
    assert rewards is not None
    assert rewards.text["length"].low > 0.1


def test_agreement_over_two_evaluations_keeps_prompts_as_units(world: World) -> None:
    both = [
        world.evaluate(texts(seed), panel_judges=rules("reference", "longer"), seed=seed, prompts=20)[1]
        for seed in (0, 1)
    ]
    with _store(world) as store:
        one, two = agreement(both[:1], store), agreement(both, store)
    assert two.prompts == one.prompts == 20
    assert two.agreement.pairs[0].n > one.agreement.pairs[0].n


def test_what_judges_reward_keeps_every_difference_and_their_own_scores(world: World) -> None:
    manifests = [
        planted(world, texts(seed, 0.2), {n: leaning(CRITERIA[0]) for n in ("a", "b")}, seed=seed)
        for seed in (0, 1)
    ]
    with _store(world) as store:
        rewards = agreement(manifests, store).by_judge["a"].rewards
    assert rewards is not None
    assert set(rewards.criteria) == set(CRITERIA)
    assert rewards.criteria[CRITERIA[0]].low > 0
    assert {"length", "distinct words"} <= set(rewards.text)


def test_instruments_are_in_the_pairs_and_not_in_the_panel(world: World) -> None:
    judges = {name: leaning(CRITERIA[0]) for name in ("a", "b")}
    alone = planted(world, texts(1, 0.2), judges)
    beside = planted(world, texts(1, 0.2), judges, instruments=("longer",))
    with _store(world) as store:
        one, two = agreement([alone], store), agreement([beside], store)
    assert len(two.agreement.pairs) == 3
    assert present(two.agreement.panel).n == present(one.agreement.panel).n
    assert two.who["longer"].role == "beside"
    panel = present(two.agreement.panel)
    pair = next(p for p in two.agreement.pairs if p.judges == ("a", "b"))
    assert present(panel.percent).value == pytest.approx(present(pair.percent).value)
    assert all(set(row.scores) == {"a", "b"} for row in two.agreement.disagreements)
    aside = {**two.who, "b": two.who["b"].model_copy(update={"role": "beside"})}
    document = two.model_copy(update={"who": aside})
    assert roll_words(document, beside=True) == "1 further judge, 1 instrument"


def test_a_judge_asked_again_has_its_consistency_in_the_report(world: World) -> None:
    judges = {name: leaning(CRITERIA[0]) for name in ("a", "b")}
    manifest = planted(world, texts(1), judges, repeats={"b": 2})
    with _store(world) as store:
        found = agreement([manifest], store).by_judge
    assert present(found["b"].consistency).n == 24 * 2 * 2
    assert 0.4 < present(present(found["b"].consistency).same).value < 1
    assert found["a"].consistency is None


def test_disagreements_are_found_again_in_their_own_evaluation(world: World) -> None:
    judges = {"a": leaning(CRITERIA[0]), "b": leaning(CRITERIA[1])}
    manifests = [planted(world, texts(s), judges, seed=s, samples=2) for s in (0, 1)]
    with _store(world) as store:
        found = agreement(manifests, store)
        views = disagreement_views(found, manifests, store)
    rows = found.agreement.disagreements[: len(views)]
    assert len(views) == 12
    assert {row.evaluation for row in rows} == {m.id for m in manifests}
    for row, view in zip(rows, views, strict=True):
        assert (row.id, row.sample) == (view.prompt_id, view.sample)
        said = {name: [v.winner for v in view.verdicts if v.judge == name] for name in ("a", "b")}
        means = {
            n: sum({"candidate": 1, "tie": 0.5}.get(w or "", 0) for w in ws) / 2
            for n, ws in said.items()
        }
        assert means == row.scores


def test_a_judge_that_changed_and_verdicts_still_missing_are_said(world: World) -> None:
    judges = {name: leaning(CRITERIA[0]) for name in ("a", "b")}
    manifest = planted(world, texts(1), judges, leave_out=6)
    with _store(world) as store:
        (said,) = agreement([manifest], store).warnings
    assert "6 verdicts are still missing" in said


def test_prompts_of_one_number_and_another_text_are_never_paired(world: World) -> None:
    renamed = [p.model_copy(update={"messages": (Message(role="user", content=f"Other {p.id}"),)})
               for p in suite(24).prompts]  # fmt: skip
    other = Suite(name="other", prompts=tuple(renamed))
    judges = {name: leaning(CRITERIA[0]) for name in ("a", "b")}
    one, two = planted(world, texts(1), judges), planted(world, texts(1), judges, made=other)
    with _store(world) as store:
        assert agreement([one, two], store).prompts == 48
        with pytest.raises(UsageError, match="share no judged prompt"):
            compare_evaluations([one, two], store)


def test_a_judge_that_always_says_the_same_has_no_kappa(world: World) -> None:
    judges = {"a": leaning(CRITERIA[0]), "stubborn": lambda *_: Said("candidate")}
    manifest = planted(world, texts(1), judges)
    with _store(world) as store:
        found = agreement([manifest], store)
    assert found.agreement.pairs[0].kappa is None
    assert found.agreement.pairs[0].ac1 is not None
    assert "always says the same" in found.notes["agreement.pairs.a.stubborn.kappa"]


def test_where_nothing_varies_there_is_no_interval_of_no_width(world: World) -> None:
    won = planted(world, texts(1), {n: lambda *_: Said("candidate") for n in ("a", "b")})
    tied = planted(world, texts(1), {n: lambda *_: Said("tie") for n in ("c", "d")})
    with _store(world) as store:
        percent = present(agreement([won], store).agreement.pairs[0].percent)
        (difference,) = compare_evaluations([won, tied], store).differences
    assert percent.value == 1.0
    assert present(percent.low) < present(percent.high) == 1.0
    assert difference.value == 0.5
    assert present(difference.low) < 0.5 < present(difference.high)


def test_one_judge_has_nobody_to_agree_with(world: World) -> None:
    _, manifest = world.evaluate(texts(1))
    with _store(world) as store, pytest.raises(UsageError, match="one judge"):
        agreement([manifest], store)


def test_comparing_pairs_by_prompt_and_warns_of_other_judges(world: World) -> None:
    _, strong = world.evaluate(texts(1, 0.45), prompts=40)
    _, weak = world.evaluate(texts(1), prompts=40, seed=1)
    _, other = world.evaluate(texts(1), prompts=40, panel_judges=rules("longer"))
    with _store(world) as store:
        found = compare_evaluations([strong, weak], store)
        with_other = compare_evaluations([strong, other], store)
    (difference,) = found.differences
    assert difference.value > 0
    assert difference.prompts == 40
    assert found.warnings == ()
    assert any("judges differ" in warning for warning in with_other.warnings)


def test_comparing_an_evaluation_with_itself_is_refused(world: World) -> None:
    _, manifest = world.evaluate(texts(1))
    with _store(world) as store, pytest.raises(UsageError, match="two different"):
        compare_evaluations([manifest, manifest], store)


def test_comparing_wants_two_and_a_shared_prompt(world: World) -> None:
    _, manifest = world.evaluate(texts(1))
    with _store(world) as store, pytest.raises(UsageError, match="two different"):
        compare_evaluations([manifest], store)


def test_a_curve_has_one_rung_a_checkpoint(world: World) -> None:
    manifests: dict[str, Manifest] = {}
    for seed, lean in enumerate((0.0, 0.2, 0.45)):
        _, manifests[str(seed)] = world.evaluate(texts(seed, lean), prompts=30, seed=seed)
    with _store(world) as store:
        found = curve(manifests, store)
    assert [rung.name for rung in found.checkpoints] == ["0", "1", "2"]
    assert all(rung.low <= rung.value <= rung.high for rung in found.checkpoints)


def ladder_of(world: World, leans: dict[int, float], **kwargs: Any) -> dict[str, Manifest]:
    """Checkpoints that lean towards the reference by so much; `kwargs` go to the suite."""
    found = {}
    for step, lean in leans.items():
        _, manifest = world.evaluate(texts(step, lean), made=suite(**kwargs), seed=step)
        pin = manifest.plan.candidate.model_copy(update={"step": step})
        plan = manifest.plan.model_copy(update={"candidate": pin})
        found[str(step)] = manifest.model_copy(update={"plan": plan, "seal": plan.seal()})
    return found


def test_selection_by_judges_quotes_only_prompts_that_did_not_choose(world: World) -> None:
    manifests = ladder_of(world, {10: 0.0, 20: 0.45, 30: 0.1}, prompts=60, sources=10)
    with _store(world) as store:
        found = selected(manifests, store)
        whole = curve(manifests, store, best="30")
    chosen = present(found.selection)
    assert chosen.step == 20
    assert chosen.dev_prompts + chosen.quoted_prompts == 60
    assert all(rung.prompts == chosen.dev_prompts for rung in found.checkpoints)
    rate = next(r.value for r in whole.checkpoints if r.step == 20)
    mixed = chosen.dev_prompts * chosen.dev_win_rate
    mixed += chosen.quoted_prompts * chosen.win_rate.value
    assert mixed / 60 == pytest.approx(rate)
    assert chosen.win_rate.prompts == chosen.quoted_prompts
    assert whole.best_by_validation_loss == "30"


def test_equal_checkpoints_are_not_made_better_by_choosing_among_them() -> None:
    """Over 300 ladders of ten equal checkpoints the quoted half is even, the choosing one is not."""
    rng = np.random.default_rng(5)
    prompts = [(f"p{n}", f"c{n % 2}", f"s{n % 10}") for n in range(60)]
    dev = dev_half(prompts, "made 1")
    choosing, quoted = [], []
    for _ in range(300):
        rates = rng.random((10, 60))
        inside = np.array([name in dev for name, _, _ in prompts])
        best = int(rates[:, inside].mean(axis=1).argmax())
        choosing.append(rates[best, inside].mean())
        quoted.append(rates[best, ~inside].mean())
    assert np.mean(choosing) > 0.56
    assert abs(float(np.mean(quoted)) - 0.5) < 0.01


def test_a_suite_that_cannot_be_halved_is_refused(world: World) -> None:
    manifests = ladder_of(world, {10: 0.0, 20: 0.4}, prompts=24, sources=1)
    with _store(world) as store, pytest.raises(UsageError, match="cannot be halved"):
        selected(manifests, store)


def test_the_terminal_says_what_to_quote_in_80_columns(world: World) -> None:
    manifests = ladder_of(world, {10: 0.0, 20: 0.45}, prompts=60, sources=10)
    with Store.open(world.root / "brie.sqlite") as store:
        found = selected(manifests, store, best="10")
        before = store.looks(present(found.selection).suite)
        found = count_look(found, store)
        assert present(found.selection).looks == before + 1
        found = count_look(found, store)
        assert present(found.selection).looks == before + 1
        shown = list(curve_lines(found)) + list(curve_lines(curve(manifests, store, "10")))
    assert all(len(line) <= 80 for line in shown)
    assert any(line.startswith("quote this: ") for line in shown)
    assert sum("best by loss" in line for line in shown) == 2


def test_the_curve_is_drawn_the_same_every_time(world: World, tmp_path: Path) -> None:
    manifests = ladder_of(world, {10: 0.0, 20: 0.45}, prompts=60, sources=10)
    with _store(world) as store:
        found = selected(manifests, store)
    one, two = (write_curve_figure(found, "x", tmp_path / f"{n}.svg").read_bytes() for n in "ab")
    assert one == two
    assert len(one) > 5_000


def test_planning_uses_what_was_measured_and_says_so() -> None:
    assumed = design(suite(100), (1, 3), ("both",))
    assert assumed.measured is None
    assert [row.power.ratio for row in assumed.rows] == [variance_ratio(1), variance_ratio(3)]
    assert assumed.rows[0].power.detectable == pytest.approx(0.64, abs=0.01)
    intervals: dict[str, tuple[float | None, float | None]]
    intervals = {"prompt": (0.0, 0.02), "sample": (0.01, 0.03)}
    parts = VarianceComponents(prompt=0.01, sample=0.02, samples=3, judges=1, intervals=intervals)
    known = design(suite(100), (1, 3), ("both",), earlier={"both": Earlier("eval-x", 0.6, parts)})
    assert known.measured == "eval-x"
    assert known.rows[0].power.detectable is not None
    assert assumed.rows[0].power.detectable is not None
    assert known.rows[0].power.detectable < assumed.rows[0].power.detectable
