"""Training on pairs: real short runs of `dpo` and `kto`, what they record, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from brie.cli.ls import run_rows
from brie.data.encode import IGNORED
from brie.errors import InputError, Stopped, UsageError
from brie.pin import resolve
from brie.project import Project
from brie.train.config import RunManifest, TrainRequest
from brie.train.explain import explain
from brie.train.pairs import dpo_rows, kto_rows, paired
from brie.train.prepare import prepare
from brie.train.progress import Silent
from brie.train.run import train
from brie.train.runs import read_manifest
from brie.train.unmoved import unmoved
from tests.data.rows import write
from tests.train.world import Watcher, demo_rows, make_project, request, weights

SHORT = (
    "max_steps=4", "checkpoint_steps=2", "batch_size=4", "micro_batch_size=2", "max_length=128",
    "learning_rate=3e-3", "val_fraction=0.25",
)  # fmt: skip
JUDGES = [{"judge": "likes", "model": "likes-2", "chosen_first": "chosen", "chosen_second": "chosen"}]


def pairs(count: int = 16) -> list[dict[str, Any]]:
    """Pairs of a question of the demo's data, its answer, and the same answer said flatly."""
    rows = [json.loads(line)["messages"] for line in demo_rows(count)]
    return [
        {"prompt": turns[:1], "chosen": turns[1:], "judges": JUDGES, "suite": "asked",
         "rejected": [{"role": "assistant", "content": f"It is a thing, number {n}."}]}
        for n, turns in enumerate(rows)
    ]  # fmt: skip


def asked(project: Project, method: str = "dpo", *settings: str, **more: Any) -> TrainRequest:
    """A short run on the project's pairs, going on from its first run."""
    begin = {"start": "first:best"} | more
    return TrainRequest(
        method="kto" if method == "kto" else "dpo", prefs=str(project.root / "pairs.jsonl"),
        settings=(*SHORT, *settings), **begin,
    )  # fmt: skip


@dataclass(frozen=True)
class Done:
    """A project with a run on answers, and one on pairs that went on from it."""

    project: Project
    folder: Path
    watcher: Watcher

    @property
    def manifest(self) -> RunManifest:
        return read_manifest(self.folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    project, watcher = make_project(tmp_path_factory.mktemp("pairs"), demo_rows(24)), Watcher()
    write(project.root / "pairs.jsonl", pairs())
    train(request(project, "max_steps=2", "checkpoint_steps=2", name="first"), project, Silent())
    return Done(project, train(asked(project, name="taught"), project, watcher), watcher)


def test_a_run_on_pairs_is_a_run_like_any_other_with_what_moved(done: Done) -> None:
    manifest, start = done.manifest, resolve("first:best", done.project).pin
    assert manifest.state == "complete"
    assert manifest.checkpoints == (2, 4)
    assert set(manifest.pins) == {"best", "last"}
    assert manifest.config.start is not None
    assert (manifest.config.start.digest, manifest.config.start.run) == (start.digest, start.run)
    first, *_, last = manifest.evaluations
    assert first.loss == pytest.approx(math.log(2))
    assert (first.accuracy, first.margin, first.kl) == (0.5, 0.0, 0.0)
    assert last.loss < first.loss
    assert (last.accuracy or 0) > 0.5
    assert (last.margin or 0) > 0
    assert (last.kl or 0) > 0
    assert [point.margin is not None for point in manifest.history] == [True] * 4
    assert resolve("taught:best", done.project).pin.base == start.base
    lines = (done.folder / "metrics.jsonl").read_text().splitlines()
    assert {"accuracy", "margin", "kl"} <= set(json.loads(lines[0]))


def test_a_run_on_pairs_knows_its_prompts_and_its_judges_and_offers_no_suite_of_them(
    done: Done,
) -> None:
    info = done.manifest.config.pairs
    assert info is not None
    assert (len(info.prompts), info.suites, info.unsigned) == (16, ("asked",), 0)
    assert [(teacher.id, teacher.model) for teacher in info.teachers] == [("likes", "likes-2")]
    assert not (done.folder / "suites").exists()
    config = done.manifest.config
    assert (config.train.rows + config.val.rows, config.recipe.method) == (16, "dpo")
    assert config.recipe.r == resolve("first:best", done.project).pin.lora.r  # type: ignore[union-attr]


def test_an_answer_is_masked_as_it_is_when_it_is_learned_as_it_is(done: Done) -> None:
    job = prepare(asked(done.project), done.project, Silent())
    rows = dpo_rows(job.train)
    better, worse = paired(job.train)[0]
    whole = rows["prompt_ids"][0] + rows["chosen_ids"][0]
    assert whole == better.ids[: len(whole)]
    assert rows["chosen_ids"][0] == [i for i in better.labels if i != IGNORED]
    assert rows["rejected_ids"][0] == [i for i in worse.labels if i != IGNORED]
    alone = kto_rows(job.train, beside=2, seed=1)
    assert sorted(map(len, alone["completion_ids"])) == sorted(
        len(ids) for side in ("chosen_ids", "rejected_ids") for ids in rows[side]
    )
    for at in range(0, len(alone), 2):
        assert alone["KL_completion_ids"][at] == alone["completion_ids"][at + 1]
        assert alone["KL_completion_ids"][at + 1] == alone["completion_ids"][at]
    three = kto_rows(job.train[:4], beside=3, seed=1)
    assert three["KL_completion_ids"][3] == three["completion_ids"][2]


@pytest.mark.parametrize("method", ["dpo", pytest.param("kto", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(done: Done, method: str, tmp_path: Path) -> None:
    project = done.project
    whole = done.folder if method == "dpo" else train(asked(project, "kto"), project, Silent())
    with pytest.raises(Stopped, match="continue with: brie train --resume") as stopped:
        train(asked(project, method), project, Watcher(interrupt_at=2))
    name = str(stopped.value).rsplit(maxsplit=1)[-1]
    resumed = train(TrainRequest(resume=name), project, Silent())
    assert weights(resumed)[4] == weights(whole)[4]
    assert read_manifest(resumed).identity == read_manifest(whole).identity
    last = [read_manifest(folder).evaluations[-1] for folder in (resumed, whole)]
    assert last[0] == last[1]


def test_a_new_adapter_on_a_base_learns_from_pairs_too(done: Done) -> None:
    asked_for = asked(done.project, "dpo", "max_steps=2", start=None, size="tiny")
    manifest = read_manifest(train(asked_for, done.project, Silent()))
    assert manifest.config.start is None
    assert manifest.evaluations[0].loss == pytest.approx(math.log(2))
    assert manifest.evaluations[-1].loss < manifest.evaluations[0].loss


def test_a_dry_run_says_method_reference_and_memory_of_both_answers(done: Done) -> None:
    lines = {line.label: line.text for line in explain(asked(done.project), done.project, Silent())}
    assert lines["loss"].startswith("dpo, beta 0.1, over both answers of a pair; reference: first:best")
    assert lines["training"].startswith("12 rows")
    one = explain(replace(asked(done.project), start=None, size="tiny"), done.project, Silent())
    assert "reference: the base, the adapter off" in next(li.text for li in one if li.label == "loss")


def test_the_list_of_runs_points_one_on_pairs_to_what_it_began_with(done: Done) -> None:
    rows = {row["name"]: row for row in run_rows(done.project)}
    assert " --candidate taught:best --baseline first:best " in str(rows["taught"].get("next"))
    assert " --candidate first:best --suite " in str(rows["first"].get("next"))


def test_the_rate_is_a_tenth_of_a_recipe_for_answers_unless_it_is_given(done: Done) -> None:
    watcher, project = Watcher(), done.project
    named = tuple(s for s in SHORT if not s.startswith("learning_rate"))
    job = prepare(replace(asked(project), settings=named), project, watcher)
    earlier = read_manifest(project.runs / str(resolve("first:best", project).pin.run)).config.recipe
    assert job.config.recipe.learning_rate == pytest.approx(earlier.learning_rate / 10)
    assert any("a tenth of the recipe's" in note for note in watcher.notes)
    recipe = project.root / "mine.toml"
    recipe.write_text('base = "tiny"\nmethod = "kto"\nlearning_rate = 5e-5\nmicro_batch_size = 1\n')
    own = replace(asked(project), method=None, settings=(), recipe=recipe)
    made = prepare(own, project, watcher).config.recipe
    assert (made.method, made.learning_rate, made.micro_batch_size) == ("kto", 5e-5, 2)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"prefs": None}, "dpo learns from pairs: --prefs FILE.jsonl"),
        ({"data": "rows.jsonl"}, "--data belongs to sft; dpo learns from --prefs FILE alone"),
        ({"balance": "label"}, "--balance belongs to sft"),
        ({"method": None, "start": None, "size": "tiny"}, "--method dpo, or kto"),
        ({"method": None}, "--from goes on with preferences"),
        ({"base": "tiny"}, "--base: first:best has its own; leave it out"),
        ({"settings": ("r=4",)}, "--set r: the adapter of first:best has its own"),
        ({"settings": ("packing=true",)}, "packing belongs to sft"),
        ({"settings": ("method=kto",)}, "method has an option of its own"),
        ({"method": "kto", "settings": ("batch_size=3", "micro_batch_size=1")}, "give an even batch"),
        ({"start": "nobody:best"}, "nobody"),
        ({"start": None}, "say what to train"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_with_what_to_do(
    done: Done, more: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(UsageError, match=wrong):
        prepare(replace(asked(done.project), **more), done.project, Silent())


def test_a_file_of_answers_is_no_file_of_pairs_and_pairs_are_no_answers(done: Done) -> None:
    project = done.project
    with pytest.raises(InputError, match=r"rows.jsonl:1: has no `chosen` and `rejected`"):
        prepare(replace(asked(project), prefs=str(project.root / "rows.jsonl")), project, Silent())
    with pytest.raises(InputError, match=r"pairs.jsonl:1: .*--method dpo"):
        prepare(TrainRequest(size="tiny", data=str(project.root / "pairs.jsonl")), project, Silent())


def test_validation_pairs_may_be_a_file_of_their_own_with_other_prompts(done: Done) -> None:
    project = done.project
    with pytest.raises(UsageError, match="prompts"):
        prepare(replace(asked(project), val=str(project.root / "pairs.jsonl")), project, Silent())
    held = {"prompt": "Something new?", "chosen": "Yes.", "rejected": "No.", "suite": "held"}
    val = write(project.root / "val.jsonl", [held])
    config = prepare(replace(asked(project), val=str(val)), project, Silent()).config
    assert (config.train.rows, config.val.rows) == (16, 1)
    assert config.pairs is not None
    assert (len(config.pairs.prompts), config.pairs.suites) == (17, ("asked", "held"))


def test_a_pair_with_an_answer_cut_away_is_dropped_whole(done: Done) -> None:
    project = done.project
    long = {"prompt": "word " * 300, "chosen": "Yes.", "rejected": "No."}
    file = write(project.root / "long.jsonl", [*pairs(), long])
    watcher = Watcher()
    job = prepare(replace(asked(project), prefs=str(file)), project, watcher)
    assert len(job.train) + len(job.val) == 32
    assert any("1 row dropped" in note for note in watcher.notes)


def test_a_loss_that_falls_alone_is_named(done: Done) -> None:
    manifest = done.manifest
    best = next(p for p in manifest.evaluations if p.step == manifest.pins["best"].step)
    rest = tuple(p for p in manifest.evaluations if p is not best)

    def told(**changes: float) -> str | None:
        evaluations = (*rest, best.model_copy(update=changes))
        return unmoved(manifest.model_copy(update={"evaluations": evaluations}))

    assert told(loss=0.5, accuracy=1.0, kl=0.1) is None
    still = told(loss=0.5, accuracy=0.5, kl=0.001)
    assert still is not None
    assert "fell from 0.6931 to 0.5000" in still
    assert "prefers the better answer in 50 % of held-out pairs, as chance does" in still
    assert "almost as its reference does (KL 0.0010 nats a token)" in still
    assert "chance" not in (told(loss=0.5, accuracy=0.9, kl=0.001) or "")
    assert told(loss=0.6931, accuracy=0.5, kl=0.0) is None
