"""A sweep from Python and the command line: planned, sealed, trained once, evaluated and compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from brie.analyse.crossed import recipe_rate, settings_table
from brie.cli import ls
from brie.cli.sweeps import rows
from brie.errors import BrieError, InputError, UsageError
from brie.evaluation.budget import Spending
from brie.evaluation.request import EvalRequest
from brie.evaluation.training_data import trained_half
from brie.progress import Silent
from brie.project import Project
from brie.records import Manifest
from brie.records.sweeps import RecipeTable, SweepManifest, SweepTable
from brie.report.sweep_figure import write_sweep_figure
from brie.report.sweeps import recipe_lines, table_lines
from brie.store import Store
from brie.studies.sweep_runs import (
    asked_of,
    evaluate_runs,
    evaluated,
    recipe_measured,
    settings_compared,
)
from brie.train.config import TrainRequest
from brie.train.run import train
from brie.train.runs import list_runs, read_run
from brie.train.sources import read_data
from brie.train.sweep_files import find_sweep, sweeps
from brie.train.sweep_values import asks_for_several, settings_of, values_of
from brie.train.sweeps import plan, sweep
from tests.commands import brie
from tests.present import present
from tests.train.world import Watcher, demo_rows, make_project, request

STEPS = ("max_steps=1", "checkpoint_steps=1", "max_length=48", "warmup=0")
SUITE = 'name = "small"\n[sampling]\ntemperature = 1.0\nmax_new_tokens = 4\n' + "".join(
    f'[[prompt]]\nid = "p{n}"\nprompt = "What is {n}?"\nreference = "{n}"\n' for n in range(8)
)
asked_for = ("data_share=.5,1", *STEPS)


def made(project: Project) -> SweepManifest:
    return sweep(replace(request(project, *asked_for, name="sizes"), seeds=2), project, Watcher())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A sweep of two shares of the data with two seeds, and a small suite."""
    folder = make_project(tmp_path_factory.mktemp("sweep"), demo_rows(30))
    made(folder)
    (folder.root / "small.toml").write_text(SUITE)
    return folder


def last_run(project: Project) -> str:
    manifest = find_sweep("sizes", project)
    return manifest.done[manifest.plan.runs[-1].identity].run


def test_values_are_parted_at_commas_outside_brackets_and_quotes() -> None:
    assert values_of("r=8,16, 32") == ("8", "16", "32")
    assert values_of('target_modules=["q_proj","v_proj"],all-linear') == (
        '["q_proj","v_proj"]',
        "all-linear",
    )
    assert values_of('chat_template="a,b"') == ('"a,b"',)


def test_settings_are_every_combination_and_the_rest_is_the_same_for_all(project: Project) -> None:
    asked = request(project, "r=4,8", "alpha=16", "dropout=0,.1")
    names = ["r=4,dropout=0", "r=4,dropout=.1", "r=8,dropout=0", "r=8,dropout=.1"]
    assert list(settings_of(asked)) == names
    assert settings_of(asked)["r=8,dropout=.1"][-3:] == ("alpha=16", "r=8", "dropout=.1")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("seed=1,2", "--seeds N"),
        ("r=8,,16", "a value is missing"),
        ("target_modules=q_proj,v_proj", "write each list with brackets"),
        ("r=4,4.5", "r"),
        ("data_share=.5,0.5", "are the same training"),
        ("data_share=0,1", "data_share"),
    ],
)
def test_a_wrong_value_is_said_before_anything_is_trained(
    project: Project, setting: str, said: str
) -> None:
    before = len(list_runs(project))
    with pytest.raises(BrieError, match=said):
        sweep(request(project, setting, *STEPS), project, Watcher())
    assert len(list_runs(project)) == before


def test_one_value_and_no_seeds_are_an_ordinary_run(project: Project) -> None:
    assert not asks_for_several(request(project, "r=4"), project)
    assert asks_for_several(request(project, "r=4,8"), project)
    assert asks_for_several(replace(request(project), seeds=1), project)


def test_the_plan_is_sealed_over_what_decides_the_weights_of_every_run(project: Project) -> None:
    manifest = find_sweep("sizes", project)
    assert [(run.setting, run.seed) for run in manifest.plan.runs] == [
        ("data_share=.5", 42), ("data_share=1", 42), ("data_share=.5", 43), ("data_share=1", 43),
    ]  # fmt: skip
    runs = {run.manifest.identity: run.id for run in list_runs(project)}
    assert {run.identity: manifest.done[run.identity].run for run in manifest.plan.runs} == runs


def test_a_plan_that_was_edited_is_refused_and_stops_no_other(project: Project) -> None:
    folder = project.runs / find_sweep("sizes", project).id
    damaged = folder.with_name("sweep-tiny-0badbad0")
    damaged.mkdir()
    text = (folder / "manifest.json").read_text()
    (damaged / "manifest.json").write_text(text.replace('"data_share=1"', '"data_share=2"'))
    with pytest.raises(InputError, match="changed after it was sealed"):
        find_sweep("0badbad0", project)
    assert [manifest.id for manifest in sweeps(project)] == [folder.name]
    (folder / "manifest.json").write_text(text.replace('"data_share=1"', '"data_share=2"'))
    with pytest.raises(InputError, match="changed after it was sealed"):
        made(project)
    (folder / "manifest.json").write_text(text)


def test_all_runs_hold_out_the_same_rows_and_shares_are_nested_within_a_seed(project: Project) -> None:
    manifest = find_sweep("sizes", project)
    configs = [read_run(project.runs / done.run).manifest.config for done in manifest.done.values()]
    assert len({config.val.rows_digest for config in configs}) == 1
    lines: dict[tuple[int, float], set[int]] = {}
    for config in configs:
        recipe = config.recipe
        source, _, _ = read_data(request(project), recipe, project)
        lines[recipe.seed, recipe.data_share] = {row.line for row in source.rows}
        assert source.digest == config.train.rows_digest
    assert lines[42, 0.5] < lines[42, 1.0] == lines[43, 1.0]
    assert lines[42, 0.5] != lines[43, 0.5]


def test_what_a_share_left_out_counts_as_not_learned_from(project: Project) -> None:
    from brie.data.load import load

    rows = load(project.root / "rows.jsonl")
    done = find_sweep("sizes", project).done.values()
    for config in (read_run(project.runs / run.run).manifest.config for run in done):
        assert len(present(trained_half(config, rows))) == config.train.rows


def test_the_same_command_and_resuming_train_nothing_twice(project: Project) -> None:
    before = find_sweep("sizes", project)
    watcher = Watcher()
    assert made(project) == before
    assert watcher.points == []
    assert sweep(TrainRequest(resume="sizes"), project, Watcher()) == before
    assert len(list_runs(project)) == 4


def test_a_plain_run_with_the_first_seed_is_taken_into_the_sweep(project: Project) -> None:
    with pytest.raises(UsageError, match="taken by"):
        train(request(project, *STEPS, name="sizes"), project, Watcher())
    whole = plan(replace(request(project, *STEPS), seeds=1), project, Watcher())
    assert whole[0].identity in find_sweep("sizes", project).done


def test_rows_are_turned_into_tokens_once_for_all_runs(project: Project) -> None:
    half, whole = plan(request(project, *asked_for), project, Watcher())
    assert {id(row) for row in half.job.train} < {id(row) for row in whole.job.train}
    assert half.job.val[0] is whole.job.val[0]


def test_a_sweep_goes_on_with_what_it_was_begun_with_or_not_at_all(project: Project) -> None:
    (project.root / "other.jsonl").write_text("\n".join(demo_rows(20)) + "\n")
    again = TrainRequest(resume="sizes")
    with pytest.raises(UsageError, match="takes its settings from the sweep"):
        sweep(replace(again, settings=("r=4",)), project, Watcher())
    with pytest.raises(UsageError, match="is not what was sealed"):
        sweep(replace(again, data=str(project.root / "other.jsonl")), project, Watcher())


def judged(project: Project, reference: str) -> list[Manifest]:
    """The evaluations of what a reference names, of one answer a prompt."""
    suite = str(project.root / "small.toml")
    wishes = EvalRequest(suite=suite, judges=("longer",), samples=1, controls=0)
    asked = asked_of(reference, project)
    return evaluate_runs(asked, wishes, project, Silent(), command="brie eval", spending=Spending())


@pytest.mark.slow
def test_a_sweep_is_evaluated_run_by_run_and_compared(project: Project) -> None:
    asked, one = asked_of("sizes", project), asked_of("sweep:sizes/data_share=1", project)
    with pytest.raises(UsageError, match="brie eval --suite NAME --candidate sweep:sizes"):
        evaluated(asked, project)
    manifests = judged(project, "sweep:sizes")
    assert len({manifest.id for manifest in manifests}) == 4
    assert evaluated(asked, project) == manifests
    assert judged(project, "sweep:sizes/data_share=1") == evaluated(one, project) == manifests[1::2]
    with Store.open(project.store, read_only=True) as store:
        table = settings_compared(asked, manifests, store)
        recipe = recipe_measured(one, evaluated(one, project), store)
    assert table.evaluations["data_share=1"] == recipe.evaluations
    assert {row.name for row in table.table.settings} == {"data_share=.5", "data_share=1"}
    assert "2 seeds each: too few runs or prompts for intervals" in "\n".join(table_lines(table))
    assert recipe.rate.low is None
    assert "the range of 2 runs; from 5 seeds on there is an interval" in "\n".join(recipe_lines(recipe))
    rates = {row.name: row.value for row in table.table.settings}
    assert rates["data_share=1"] == pytest.approx(recipe.rate.value)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("sweep:size", "unknown sweep 'size'; did you mean 'sizes'?"),
        ("sweep:sizes/r=4", "unknown setting 'r=4'"),
    ],
)
def test_a_wrong_reference_to_a_sweep_is_said(project: Project, reference: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        asked_of(reference, project)


def test_a_sweep_is_listed_with_its_runs_and_the_command_that_comes_next(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    (row,) = rows(project, [])
    assert (row["name"], row["state"], row["runs_done"], row["runs_planned"]) == (
        "sizes",
        "complete",
        4,
        4,
    )
    assert row["next"].startswith("brie eval --candidate sweep:sizes --suite runs/train-tiny-")
    judged(project, "sweep:sizes")
    text = CliRunner().invoke(ls.command, []).stdout
    assert "4 of 4 runs trained: 2 settings, 2 seeds each" in text
    assert "next: brie compare sizes" in text
    gone = project.runs / last_run(project)
    away = gone.rename(project.root / "away")
    (row,) = json.loads(CliRunner().invoke(ls.command, ["--json"]).stdout)["sweeps"]
    away.rename(gone)
    assert (row["state"], row["runs_done"]) == ("unfinished", 3)
    assert row["next"] == "brie train --resume sizes"


@pytest.mark.slow
def test_a_sweep_on_the_command_line(tmp_path: Path) -> None:
    folder = make_project(tmp_path, demo_rows(30)).root
    (folder / "small.toml").write_text(SUITE)
    settings = [word for setting in asked_for for word in ("--set", setting)]
    train = ("train", "--size", "tiny", "--data", "rows.jsonl", "--seeds", "2", "--name", "sizes")
    planned = brie(folder, *train, *settings, "--dry-run")
    assert "4 runs, 4 steps in all" in planned.stdout
    trained = brie(folder, *train, *settings)
    assert "data_share=.5: 2 runs, best validation loss" in trained.stdout
    judge = ("--suite", "small.toml", "--judge", "longer", "--samples", "1", "--yes")
    refused = brie(folder, "eval", "--candidate", "sweep:sizes", "--dry-run", *judge)
    assert refused.returncode == 2
    assert "--dry-run is about one evaluation" in refused.stderr
    shown = brie(folder, "eval", "--candidate", "sweep:sizes", *judge)
    assert "2 runs of each setting" in shown.stdout
    compared = brie(folder, "compare", "sizes", "--json", "--plot", "sizes.svg")
    document = json.loads(compared.stdout)
    assert document["schema"] == "brie.sweep-table/1"
    assert (folder / "sizes.svg").is_file()
    one = brie(folder, "eval", "--candidate", "sweep:sizes/data_share=1", "--json", *judge)
    assert json.loads(one.stdout)["schema"] == "brie.recipe/1"


def documents() -> tuple[SweepTable, RecipeTable]:
    """What two documents with intervals are like."""
    rng = np.random.default_rng(0)
    rates = {
        f"r=8,data_share={share:g}": np.clip(0.3 + 0.4 * share + rng.normal(size=(5, 60)) * 0.2, 0, 1)
        for share in (0.25, 0.5, 1.0)
    }
    shares = {name: ("r=8", float(name.rpartition("=")[2])) for name in rates}
    facts = {"sweep": "sweep-tiny-0123abcd", "name": "sizes", "seal": "sha256:" + "0" * 64,
             "suite": "small", "baseline": "tiny", "judges": ("longer",), "scope": "it is"}  # fmt: skip
    table = settings_table(rates, shares)
    made = SweepTable.model_validate({**facts, "table": table, "evaluations": {}})
    rate = recipe_rate(rates["r=8,data_share=1"])
    told = {**facts, "setting": "r=8,data_share=1", "rate": rate, "evaluations": ()}
    return made, RecipeTable.model_validate(told)


def test_a_table_says_who_is_best_and_what_twice_the_data_brought() -> None:
    lines = list(table_lines(documents()[0]))
    assert lines[1].startswith("* r=8,data_share=1: 69 % (")
    assert "* r=8,data_share=1 is better than all others" in "\n".join(lines)
    assert any("points behind the first (" in line for line in lines)
    assert any(line.startswith("twice the data: +") for line in lines)
    assert any(line.startswith("the last doubling alone: +") for line in lines)


def test_a_recipe_says_where_another_run_would_lie() -> None:
    lines = "\n".join(recipe_lines(documents()[1]))
    assert "the recipe wins 69 % (" in lines
    assert "another training run of this recipe would win between" in lines


def test_a_sweep_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    document = documents()[0]
    first = write_sweep_figure(document, tmp_path / "a.svg").read_bytes()
    assert write_sweep_figure(document, tmp_path / "b.svg").read_bytes() == first
    assert b"data_share=0.25" in first or b"<path" in first
