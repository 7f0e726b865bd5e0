"""`--balance`: every label is seen equally often, no row is lost, and the weights are recorded."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from brie.data.encode import Encoded
from brie.errors import Stopped, UsageError
from brie.project import Project
from brie.train.balance import balance_of, baselines_of, repeated
from brie.train.config import SplitInfo, TrainRequest
from brie.train.recipes import Recipe, load_recipe
from brie.train.run import train
from brie.train.runs import read_manifest
from brie.train.sources import Source, drawn, read_data
from tests.data.rows import row, write
from tests.present import present
from tests.train.world import Watcher, make_project, request


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path.resolve())


@pytest.fixture
def recipe(project: Project) -> Recipe:
    return load_recipe("tiny", project)


def source(project: Project, recipe: Recipe) -> Source:
    """45 rows of one label, 20 of another, 25 of a third."""
    labels = ["a"] * 45 + ["b"] * 20 + ["c"] * 25
    rows = [row(f"{n}?", label, grade=n % 2, source="xyz"[n % 3]) for n, label in enumerate(labels)]
    path = write(project.root / "rows.jsonl", rows)
    whole = read_data(TrainRequest(data=str(path), hold_out_source=("z",)), recipe, project)
    return whole[0]


def encoded(train: Source) -> list[Encoded]:
    """A stretch of tokens a row; what is in it does not matter here."""
    return [Encoded(line=r.line, ids=[1], labels=[1], length=1, cut="whole") for r in train.rows]


def test_rows_of_rare_labels_come_several_times_and_none_is_lost(
    project: Project, recipe: Recipe
) -> None:
    train = source(project, recipe)
    balance = present(balance_of(TrainRequest(balance="label"), train))
    assert (balance.key, balance.asked) == ("answer", "label")
    label = {r.line: r.messages[1].content for r in train.rows}
    before = Counter(label.values())
    rows = repeated(encoded(train), balance, train, 42)
    times = Counter(r.line for r in rows)
    assert set(times) == set(label)
    assert Counter(label[r.line] for r in rows) == dict.fromkeys("abc", max(before.values()))
    assert balance.rows == len(rows) == 3 * max(before.values())
    for name in "abc":  # as evenly as whole numbers allow
        of_label = [times[line] for line in label if label[line] == name]
        assert max(of_label) - min(of_label) <= 1
        assert balance.weights[name] == pytest.approx(sum(of_label) / len(of_label))
    assert rows == repeated(encoded(train), balance, train, 42)
    assert repeated(encoded(train), None, train, 42) == encoded(train)


def test_any_key_of_the_rows_can_be_balanced(project: Project, recipe: Recipe) -> None:
    train = source(project, recipe)
    assert present(balance_of(TrainRequest(balance="grade"), train)).key == "grade"
    assert sorted(present(balance_of(TrainRequest(balance="source"), train)).weights) == ["x", "y"]
    assert balance_of(TrainRequest(), train) is None
    with pytest.raises(UsageError, match="unknown label 'grad'; did you mean 'grade'"):
        balance_of(TrainRequest(balance="grad"), train)


def test_without_labels_balance_says_what_can_be_named(project: Project, recipe: Recipe) -> None:
    path = write(project.root / "free.jsonl", [row(f"{n}?", f"Answer {n}.") for n in range(40)])
    train, val, split = read_data(TrainRequest(data=str(path)), recipe, project)
    with pytest.raises(UsageError, match="name a key"):
        balance_of(TrainRequest(balance="label"), train)
    assert baselines_of(train, val, split) is None


def test_a_source_held_out_is_what_is_validated_on(project: Project, recipe: Recipe) -> None:
    rows = [row(f"{n}?", "yes" if n % 2 else "no", source="xyz"[n % 3]) for n in range(60)]
    path = write(project.root / "rows.jsonl", rows)
    asked = TrainRequest(data=str(path), hold_out_source=("z",))
    train, val, info = read_data(asked, recipe, project)
    assert {r.source for r in val.rows} == {"z"}
    assert {r.source for r in train.rows} == {"x", "y"}
    assert present(info).held_out == ("z",)
    assert present(info).words() == "of source z, held out"
    again = drawn(
        [*train.rows, *val.rows], SplitInfo.model_validate_json(present(info).model_dump_json())
    )
    assert (set(again.train), set(again.val)) == (set(train.rows), set(val.rows))
    tried = present(baselines_of(train, val, info))
    assert (tried.rows, len(tried.scores)) == (20, 2)
    assert "validation rows of source z, held out" in tried.words()
    with pytest.raises(UsageError, match="unknown source 'zz'"):
        read_data(TrainRequest(data=str(path), hold_out_source=("zz",)), recipe, project)
    with pytest.raises(UsageError, match="leave one out"):
        read_data(TrainRequest(data=str(path), val=str(path), hold_out_source=("z",)), recipe, project)


def test_a_held_out_source_that_asks_the_same_is_no_test(project: Project, recipe: Recipe) -> None:
    rows = [row(f"{n // 2}?", "yes" if n % 3 else "no", source="xy"[n % 2]) for n in range(60)]
    path = write(project.root / "rows.jsonl", rows)
    with pytest.raises(UsageError, match="30 of 30 held-out rows ask what other sources ask too"):
        read_data(TrainRequest(data=str(path), hold_out_source=("y",)), recipe, project)


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_source_held_out_and_its_balance(tmp_path: Path) -> None:
    rows = [row(f"Number {n}?", "yes" if n % 4 else "no", source="xyz"[n % 3]) for n in range(60)]
    project = make_project(tmp_path / "p", [json.dumps(r) for r in rows])
    asked = replace(request(project, name="held"), hold_out_source=("z",), balance="label")
    with pytest.raises(Stopped):
        train(asked, project, Watcher(interrupt_at=5))
    with pytest.raises(UsageError, match="leave out --balance"):
        train(TrainRequest(resume="held", balance="source"), project, Watcher())
    manifest = read_manifest(train(TrainRequest(resume="held"), project, Watcher()))
    assert (manifest.state, manifest.step) == ("complete", 12)
    assert present(manifest.config.split).held_out == ("z",)
    assert present(manifest.config.balance).weights == {"no": 3.0, "yes": 1.0}
