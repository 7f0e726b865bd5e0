"""Reward models as judges: scored on known pairs, sealed, and counted only where they can tell."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.flow.bench import Bench, Said
from tests.flow.test_answers import pairs, write_table
from tests.judge.reward_models import asked, better, build_reward_model, shuffled, worse

HELD_OUT = range(2000, 2024)
"""Numbers that no training saw."""


@pytest.fixture(scope="module")
def reward_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that learnt what is better, and one that learnt nothing."""
    folder = tmp_path_factory.mktemp("rewards")
    build_reward_model(folder / "trained")
    build_reward_model(folder / "random", steps=0, seed=4)
    return folder


@pytest.fixture
def project(bench: Bench, reward_models: Path) -> Bench:
    """A project with both as judges, known pairs, and answers of either kind."""
    for name in ("trained", "random"):
        (bench.folder / "judges" / f"{name}.toml").write_text(
            f'provider = "reward"\nmodel = "{reward_models / name}"\n'
        )
    draw = random.Random(1)
    known = []
    for n in HELD_OUT:
        kinds = {"reasoning": (better(n), worse(n)), "prose": (better(n), shuffled(better(n), draw)),
                 "instruction": (worse(n), shuffled(worse(n), draw))}  # fmt: skip
        family = sorted(kinds)[n % 3]
        answers = kinds[family] if n % 2 else tuple(reversed(kinds[family]))
        known.append(
            {"id": f"k{n}", "family": family, "category": "general", "prompt": asked(n),
             "answers": answers, "better": 1 - n % 2, "ground": "it was made so", "source": f"s{n}"}
        )  # fmt: skip
    (bench.folder / "judges" / "judge_check.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in known)
    )
    rows = [(asked(n), better(n) if n % 4 else worse(n), worse(n + 1)) for n in range(3000, 3040)]
    write_table(bench.folder / "answers.csv", rows)
    return bench


def judged(project: Bench, judge: str, *options: str) -> Said:
    """The answers judged by a reward model that was scored before."""
    scored = project.call("judges", "score", "--judge", judge, "--json")
    assert scored.code == 0, scored.err
    project_card = json.loads(scored.out)["cards"][0]
    assert project_card["rubric"] is None
    return project.call("eval", *pairs("mine", "theirs"), "--judge", judge, *options)


@pytest.mark.slow
def test_a_model_that_learnt_the_preference_is_right_on_held_out_pairs_and_counts(
    project: Bench,
) -> None:
    said = judged(project, "trained")
    assert said.code == 0, said.err
    numbers = project.analysis()
    margins = numbers["by_judge"]["trained"]["margins"]
    assert margins["known"]["value"] == 1.0
    assert (margins["kind"], margins["counts"], "lean" in margins) == ("rewards", True, False)
    assert numbers["win_rate"]["value"] > 0.7
    assert numbers["verdict"] == "better"
    outcomes = numbers["outcomes"]
    assert outcomes["win"] + outcomes["tie"] + outcomes["loss"] == 40
    assert numbers["by_judge"]["trained"]["position"]["flip_rate"] == 0
    beside = project.call("judge", "--judge", "longer", "--judge", "random")
    assert (beside.code, "score --judge random" in beside.err) == (2, True)
    assert project.call("judge", "--judge", "longer").code == 0
    assert project.call("agreement").code == 0
    held = project.call("verify")
    assert held.code == 0, held.out


def test_a_random_model_stands_beside_and_never_counts(project: Bench) -> None:
    said = judged(project, "random")
    assert said.code == 0, said.err
    numbers = project.analysis()
    margins = numbers["by_judge"]["random"]["margins"]
    assert margins["known"]["low"] < 0.5
    assert not margins["counts"]
    assert numbers["notes"]["by_judge.random"].startswith("beside, not counted: ")
    assert numbers["win_rate"] is None


def test_one_order_is_enough_for_a_model_that_sees_none(project: Bench) -> None:
    said = judged(project, "trained", "--positions", "balanced")
    assert said.code == 0, said.err
    assert project.analysis()["by_judge"]["trained"]["margins"]["counts"]


def test_what_is_no_reward_model_is_refused(project: Bench, models: Path, tmp_path: Path) -> None:
    build_reward_model(tmp_path / "two", steps=0, labels=2)
    for name, folder in (("two", tmp_path / "two"), ("writes", models / "judge")):
        (project.folder / "judges" / f"{name}.toml").write_text(
            f'provider = "reward"\nmodel = "{folder}"\n'
        )
        said = project.call("judges", "score", "--judge", name)
        assert (said.code, "a reward model is one for" in said.err) == (2, True), said.err
