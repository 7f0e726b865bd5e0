"""More than two models: never one rate, ranked together, by another computation the same."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from brie.analyse.arrays import generator
from brie.analyse.davidson import fit, has_a_maximum
from brie.analyse.standings import Comparisons, standings
from brie.audit import read_files
from brie.audit.ranking import count, ranked
from brie.cli.audit import command
from brie.records.audit import ModelTable
from tests.audit.test_audit import arena, audited, said, write
from tests.present import present

STRENGTH = {"one": 1.2, "two": 0.4, "three": 0.3, "four": -0.5, "five": -1.4}
NU = 0.6


def battles(
    prompts: int, seed: int = 3, strength: dict[str, float] | None = None
) -> list[dict[str, Any]]:
    """Battles drawn from Davidson's model, every pair on every prompt, either model first."""
    draw, rows = Random(seed), []
    known = strength or STRENGTH
    for n in range(prompts):
        for pair in combinations(known, 2):
            a, b = pair if draw.random() < 0.5 else pair[::-1]
            half = np.exp((known[a] - known[b]) / 2)
            total = half + 1 / half + NU
            u = draw.random() * total
            winner = "model_a" if u < half else "tie" if u < half + NU else "model_b"
            rows.append({"question_id": f"q{n}", "model_a": a, "model_b": b, "winner": winner})
    return rows


def table(path: Path) -> ModelTable:
    return present(said(audited(path)).table)


def test_davidsons_reference_values() -> None:
    wins, ties = np.array([[0, 10.0], [3, 0]]), np.array([[0, 2.0], [2, 0]])
    found = fit(wins, ties)
    assert np.exp(found.theta[0] - found.theta[1]) == pytest.approx(10 / 3)
    assert found.nu == pytest.approx(2 / np.sqrt(30))


def test_the_strengths_are_those_a_general_optimiser_finds(tmp_path: Path) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    rows = read_files([write(tmp_path / "f.jsonl", battles(30))]).rows
    counted = count(rows)
    size = len(counted.models)
    wins, ties = np.zeros((size, size)), np.zeros((size, size))
    for row in rows:
        i, j = (counted.models.index(name) for name in row.models)
        if row.score == 0.5:
            ties[i, j] += 1
        else:
            wins[(i, j) if row.score == 1 else (j, i)] += 1

    def loss(x: np.ndarray[Any, Any]) -> float:
        theta, log_nu = np.append(x[:-1], -x[:-1].sum()), x[-1]
        half = np.exp((theta[:, None] - theta[None, :]) / 2)
        total = half + 1 / half + np.exp(log_nu)
        return float(
            -(wins * np.log(half / total)).sum() - (ties * np.log(np.exp(log_nu) / total)).sum()
        )

    best = optimize.minimize(loss, np.zeros(size), method="BFGS", options={"gtol": 1e-8})
    found, _ = ranked(rows)
    ratings = {model.name: model.rating for model in found.models}
    expected = dict(zip(counted.models, [*best.x[:-1], -best.x[:-1].sum()], strict=True))
    assert ratings == pytest.approx(expected, abs=1e-4)
    assert found.tie == pytest.approx(np.exp(best.x[-1]), abs=1e-4)


def test_models_are_ranked_with_what_is_not_resolved(tmp_path: Path) -> None:
    found = table(write(tmp_path / "f.jsonl", battles(120)))
    names = [model.name for model in found.models]
    assert {names[0], names[-1]} == {"one", "five"}
    assert (found.pairs, found.prompts, found.resamples) == (10, 120, 1000)
    assert ("two", "three") in found.unresolved_pairs or ("three", "two") in found.unresolved_pairs
    close = next(gap for gap in found.neighbours if {gap.ahead, gap.behind} == {"two", "three"})
    assert not close.resolved
    assert present(close.prompts_needed) > 120
    assert close.resolution == pytest.approx(120 / present(close.prompts_needed), rel=0.01)
    first = found.models[0]
    assert (first.rank_low, first.rank_high) == (1, 1)
    for model in found.models:
        assert model.rank_low <= model.rank <= model.rank_high
        assert present(model.expected.low) <= model.expected.value <= present(model.expected.high)


def test_many_models_have_no_rate_and_are_named(tmp_path: Path) -> None:
    analysis = audited(write(tmp_path / "f.jsonl", battles(12)))
    assert analysis.win_rate is None
    assert analysis.verdict is None
    assert "--candidate NAME --baseline NAME" in analysis.notes["win_rate"]
    assert said(analysis).models == tuple(sorted(STRENGTH))
    assert analysis.counts.verdicts == 120


def test_a_prompt_judged_by_more_judges_weighs_no_more(tmp_path: Path) -> None:
    rows = battles(20)
    again = [{**row, "judge": "second"} for row in rows if row["question_id"] in ("q1", "q2")]
    one = table(write(tmp_path / "one.jsonl", rows))
    two = table(write(tmp_path / "two.jsonl", rows + again))
    assert [m.rating for m in one.models] == pytest.approx([m.rating for m in two.models])


def test_a_pair_of_games_judged_in_one_order_leaves_the_table(tmp_path: Path) -> None:
    rows = [{**arena(n), "model": name} for n in range(12) for name in ("x", "y")]
    lame = [{**arena(n, "B>A", None), "model": "x"} for n in range(20, 26)]
    analysis = audited(write(tmp_path / "f.jsonl", rows + lame))
    assert (analysis.counts.half, analysis.counts.invalid) == (6, 6)
    assert present(said(analysis).table).prompts == 12


def test_a_model_that_met_nobody_else_has_no_rank(tmp_path: Path) -> None:
    rows = battles(12)
    rows += [
        {"question_id": f"z{n}", "model_a": "six", "model_b": "seven", "winner": "tie"} for n in range(5)
    ]
    found = table(write(tmp_path / "f.jsonl", rows))
    assert set(found.apart) == {"six", "seven"}
    assert len(found.models) == 5


def test_a_model_that_won_everything_has_a_finite_rating(tmp_path: Path) -> None:
    rows = battles(12)
    rows += [
        {"question_id": f"q{n}", "model_a": "best", "model_b": name, "winner": "model_a"}
        for n in range(12)
        for name in STRENGTH
    ]
    found = table(write(tmp_path / "f.jsonl", rows))
    assert found.finite is False
    assert found.models[0].name == "best"
    assert np.isfinite(found.models[0].rating)
    assert found.models[0].expected.value < 1


def test_a_likelihood_without_a_maximum_is_known() -> None:
    even = np.array([[0, 1.0], [1, 0]])
    lost = np.array([[0, 1.0], [0, 0]])
    assert has_a_maximum(even, np.zeros((2, 2)))
    assert not has_a_maximum(lost, np.zeros((2, 2)))
    assert has_a_maximum(lost, np.array([[0, 1.0], [1, 0]]))


def test_all_ranks_hold_together_in_nineteen_of_twenty_files() -> None:
    """Coverage of the ranks at a small size; three hundred files, 60 prompts, five models."""
    codes = list(combinations(range(5), 2))
    theta = np.array([0.8, 0.5, 0.0, -0.4, -0.9])
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        lean = rng.normal(0, 0.5, (60, 5)) + theta
        entries = [(g, i, j, rng.random() < 1 / (1 + np.exp(lean[g, j] - lean[g, i])))
                   for g in range(60) for i, j in codes]  # fmt: skip
        prompt, first, second, won = (np.array(column) for column in zip(*entries, strict=True))
        zero = np.zeros(len(won))
        data = Comparisons(prompt, first, second, won.astype(float), zero, 1.0 - won, 5, 60)
        found = standings(data, generator(seed, "x"), resamples=200)
        held += all(s.best <= s.model + 1 <= s.worst for s in found.standings)
    assert held >= 35


def test_a_page_of_all_models_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = battles(20) + [
        {"question_id": f"q{n}", "model_a": "<script>x</script>", "model_b": "one", "winner": "tie"}
        for n in range(20)
    ]
    path = write(tmp_path / "f.jsonl", rows)
    done = CliRunner().invoke(command, [str(path), "--leaderboard"])
    assert done.exit_code == 0, done.output
    (page,) = tmp_path.glob("reports/*-models/index.html")
    html = page.read_text("utf-8")
    assert "All models" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "The plan was fixed" not in html
    markdown = page.with_name("report.md").read_text("utf-8")
    assert "## All models" in markdown
    document = json.loads(page.with_name("analysis.json").read_text("utf-8"))
    assert len(document["audit"]["table"]["models"]) == 6


def test_the_headline_of_two_models_far_apart_speaks_of_one_other_and_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {"question_id": f"q{n}", "model_a": "up", "model_b": "down", "winner": "ab"[n % 8 == 0]}
        for n in range(40)
    ]
    path = write(tmp_path / "f.jsonl", [{**r, "winner": f"model_{r['winner']}"} for r in rows])
    done = CliRunner().invoke(command, [str(path), "--leaderboard", "--full"])
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "up is ahead of the other model: it wins" in told
    assert "every pair of models is resolved by 40 prompts" in told


def test_two_models_can_be_ranked_too(tmp_path: Path) -> None:
    rows = [row for row in battles(20) if {row["model_a"], row["model_b"]} == {"one", "five"}]
    found = present(said(audited(write(tmp_path / "f.jsonl", rows), everyone=True)).table)
    assert [model.name for model in found.models] == ["one", "five"]
