"""One real run on the tiny base: what it leaves behind, and that it can be relied on."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brie.bundle.merge import unbundle
from brie.bundle.pack_runs import pack_run
from brie.catalog import load_suite
from brie.data.load import load
from brie.data.overlap import asked
from brie.errors import InputError, PinError, Stopped, UsageError
from brie.evaluation.training_data import trained_half
from brie.pin import (
    canonical_config,
    lora_summary,
    pin_base,
    read_pin,
    resolve,
    verify_files,
)
from brie.pin.tensors import tensors
from brie.project import Project, packaged
from brie.train.config import RunManifest, TrainConfig, TrainRequest
from brie.train.recipes import SEVEN
from brie.train.run import train, train_or_reuse
from brie.train.runs import checkpoints, find_equal, list_runs, read_manifest, read_run
from tests.train.world import Watcher, demo_rows, make_project, prompts, request, weights


@dataclass(frozen=True)
class Done:
    """The run most tests look at."""

    project: Project
    folder: Path
    watcher: Watcher

    @property
    def manifest(self) -> RunManifest:
        return read_manifest(self.folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    project, watcher = make_project(tmp_path_factory.mktemp("project")), Watcher()
    return Done(project, train(request(project, name="first"), project, watcher), watcher)


# --- what is left behind -----------------------------------------------------------------


def test_the_folder_has_the_files_the_design_names_and_no_adapter_at_its_root(done: Done) -> None:
    found = {p.name for p in done.folder.iterdir() if not p.name.startswith(".")}
    assert found == {
        "manifest.json",
        "config.json",
        "metrics.jsonl",
        "checkpoints",
        "pins",
        "suites",
        "tensorboard",
    }
    assert [p.name for p in checkpoints(done.folder).values()] == [
        "checkpoint-004",
        "checkpoint-008",
        "checkpoint-012",
    ]
    assert not list((done.folder / "checkpoints").glob(".*"))
    assert not any(p.is_symlink() for p in done.folder.rglob("*"))
    assert list((done.folder / "tensorboard").iterdir())


def test_the_validation_rows_are_a_suite_that_can_be_asked(done: Done) -> None:
    path = read_run(done.folder).suite
    assert path == done.folder / "suites" / "first-validation.jsonl"
    suite = load_suite(str(path), done.project)
    assert suite.name == "first-validation"
    assert len(suite.prompts) == done.manifest.config.val.prompts
    assert all(prompt.reference for prompt in suite.prompts)
    half = trained_half(done.manifest.config, load(done.project.root / "rows.jsonl"))
    assert half is not None
    assert len(half) == done.manifest.config.train.rows
    trained = [entry for row in half for entry in asked(row)]
    assert not {prompt.messages[-1].content for prompt in suite.prompts} & set(trained)


def test_every_checkpoint_was_measured_and_every_measured_step_but_the_first_was_saved(
    done: Done,
) -> None:
    assert [e.step for e in done.manifest.evaluations] == [0, 4, 8, 12]
    assert list(checkpoints(done.folder)) == done.watcher.saves == [4, 8, 12]


def test_the_loss_falls(done: Done) -> None:
    losses = [e.loss for e in done.manifest.evaluations]
    assert losses == sorted(losses, reverse=True)
    trained = [p.loss for p in done.manifest.history]
    assert sum(trained[-3:]) < sum(trained[:3])


def test_pins_name_the_checkpoint_with_the_lowest_loss_and_the_last_one(done: Done) -> None:
    manifest = done.manifest
    best = min((e for e in manifest.evaluations if e.step), key=lambda e: e.loss)
    for which, step in (("best", best.step), ("last", 12)):
        pin = read_pin(done.folder / "pins" / f"{which}.json")
        assert (pin.step, pin.planned_steps, pin.run) == (step, 12, done.folder.name)
        assert pin.digest == manifest.pins[which].digest
        verify_files(pin, checkpoints(done.folder)[step])
        assert resolve(f"first:{which}", done.project).pin.digest == pin.digest


def test_every_checkpoint_is_recorded_and_compared_with_what_was_recorded(
    done: Done, tmp_path: Path
) -> None:
    assert set(done.manifest.digests) == {"4", "8", "12"}
    side = resolve("first:8", done.project)
    assert side.compared
    assert side.pin.digest == done.manifest.digests["8"]
    shutil.copytree(done.project.root, tmp_path / "copy", symlinks=True)
    copy = Project(tmp_path / "copy")
    (weights_file,) = copy.runs.glob("train-*/checkpoints/checkpoint-008/adapter_model.safetensors")
    data = bytearray(weights_file.read_bytes())
    data[-2] ^= 1
    weights_file.write_bytes(bytes(data))
    with pytest.raises(PinError, match="is not the checkpoint that first saved"):
        resolve("first:8", copy)
    assert resolve("first:4", copy).compared


def test_a_bundled_run_with_a_file_its_pin_does_not_list_is_not_taken(
    done: Done, tmp_path: Path
) -> None:
    shutil.copytree(done.project.root, tmp_path / "copy", symlinks=True)
    copy = Project(tmp_path / "copy")
    whole, more = tmp_path / "whole.zip", tmp_path / "more.zip"
    pack_run(copy.runs / done.folder.name, copy, whole, adapter=True)
    assert unbundle(whole, Project(tmp_path / "there")).new
    pin = read_pin(copy.runs / done.folder.name / "pins" / "best.json")
    checkpoint = copy.runs / done.folder.name / "pins" / str(pin.checkpoint)
    template = (packaged("models", "tiny") / "chat_template.jinja").read_text("utf-8")
    (checkpoint / "chat_template.jinja").write_text(template)
    pack_run(copy.runs / done.folder.name, copy, more, adapter=True)
    with pytest.raises(InputError, match=r"chat_template\.jinja"):
        unbundle(more, Project(tmp_path / "elsewhere"))


def test_all_seven_linear_layers_are_adapted_and_the_file_says_so(done: Done) -> None:
    for folder in checkpoints(done.folder).values():
        summary = lora_summary(folder)
        assert set(summary.target_modules) == set(SEVEN)
        assert (summary.r, summary.alpha) == (8, 16)
        names = tensors(folder / "adapter_model.safetensors")
        assert {m for m in SEVEN if any(f".{m}." in name for name in names)} == set(SEVEN)


def test_no_file_holds_a_path_of_this_machine(done: Done) -> None:
    here = [str(done.project.root), str(packaged("models")), str(Path.home())]
    for path in done.folder.rglob("*.json*"):
        text = path.read_text("utf-8")
        assert not [place for place in here if place in text], path.name
    config = canonical_config(checkpoints(done.folder)[12] / "adapter_config.json")
    assert "base_model_name_or_path" not in config
    raw = json.loads((checkpoints(done.folder)[12] / "adapter_config.json").read_text())
    assert raw["base_model_name_or_path"] == "brie/tiny"


def test_no_checkpoint_holds_a_pickle_of_arguments_or_a_generated_card(done: Done) -> None:
    names = {p.name for f in checkpoints(done.folder).values() for p in f.iterdir()}
    assert names == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
        "trainer_state.json",
    }


def test_the_manifest_says_what_was_done_where_and_with_what(done: Done) -> None:
    manifest = done.manifest
    assert manifest.state == "complete"
    assert manifest.name == "first"
    assert manifest.step == manifest.config.planned_steps == 12
    assert len(manifest.history) == 12
    assert {"torch", "transformers", "trl", "peft", "python"} <= manifest.versions.keys()
    assert manifest.config.base.repo == "brie/tiny"
    assert manifest.config.base.digest == pin_base(packaged("models", "tiny"), repo="brie/tiny").digest
    assert manifest.config.device.type in ("cpu", "cuda", "mps")
    assert manifest.config.dtype.reason
    assert manifest.tokens == manifest.history[-1].tokens > 0
    assert manifest.tokens_per_second
    assert manifest.peak_memory_bytes
    assert manifest.finished
    assert manifest.wall_seconds > 0


def test_config_json_is_the_manifests_config(done: Done) -> None:
    text = (done.folder / "config.json").read_text("utf-8")
    assert TrainConfig.model_validate_json(text) == done.manifest.config


def test_metrics_are_on_disk_as_they_were_told(done: Done) -> None:
    lines = [json.loads(line) for line in (done.folder / "metrics.jsonl").read_text().splitlines()]
    told = [p.step for p in done.watcher.points]
    assert [line["step"] for line in lines if line["kind"] == "train"] == told == list(range(1, 13))
    assert [line["loss"] for line in lines if line["kind"] == "eval"] == [
        e.loss for e in done.watcher.evaluations
    ]


def test_the_resume_command_is_said_before_the_first_step(done: Done) -> None:
    assert done.watcher.start is not None
    assert done.watcher.start.resume_command == "brie train --resume first"
    assert done.watcher.start.first_step == 0


def test_validation_prompts_are_not_trained_on(done: Done) -> None:
    config = done.manifest.config
    assert config.split is not None
    assert config.split.by == "prompt"
    assert config.train.prompts + config.val.prompts == len(prompts(demo_rows()))


# --- reliability -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interrupt_at", [6, *(pytest.param(step, marks=pytest.mark.slow) for step in (1, 4, 8, 9))]
)
def test_an_interrupted_run_resumes_to_the_same_weights_and_figures(
    done: Done, tmp_path: Path, interrupt_at: int
) -> None:
    project, watcher = make_project(tmp_path / "again"), Watcher(interrupt_at)
    with pytest.raises(Stopped, match="brie train --resume again") as caught:
        train(request(project, name="again"), project, watcher)
    assert caught.value.exit_code == 3
    (run,) = list_runs(project)
    assert run.state == "interrupted"
    stopped_at = max(checkpoints(run.folder))
    assert interrupt_at <= stopped_at <= interrupt_at + 1

    folder = train(TrainRequest(resume="again"), project, after := Watcher())
    assert after.start is not None
    assert after.start.first_step == stopped_at
    expected = weights(done.folder)
    assert {step: weights(folder)[step] for step in expected} == expected
    again, first = read_manifest(folder), done.manifest
    assert [p.loss for p in again.history] == [p.loss for p in first.history]
    assert again.evaluations == first.evaluations
    assert again.tokens == first.tokens
    assert again.pins == first.pins
    assert len(again.resumed) == 1
    assert (again.state, again.identity) == ("complete", first.identity)


def test_a_killed_run_resumes_from_its_last_whole_checkpoint(done: Done, tmp_path: Path) -> None:
    """What a power cut leaves: state `running`, half a metric, half a checkpoint."""
    project = make_project(tmp_path / "killed")
    folder = project.runs / done.folder.name
    shutil.copytree(done.folder, folder)
    manifest = read_manifest(folder).model_copy(update={"state": "running", "pins": {}})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    shutil.rmtree(folder / "pins")
    shutil.rmtree(checkpoints(folder)[12])
    half = folder / "checkpoints" / ".writing" / "checkpoint-12"
    half.mkdir(parents=True)
    (half / "adapter_model.safetensors").write_bytes(b"half")
    with (folder / "metrics.jsonl").open("a") as handle:
        handle.write('{"kind": "train", "st')
    assert list_runs(project)[0].state == "interrupted"

    train(TrainRequest(resume="first"), project, Watcher())
    assert weights(folder) == weights(done.folder)
    assert [p.loss for p in read_manifest(folder).history] == [p.loss for p in done.manifest.history]


def test_an_equal_run_is_reused_and_a_different_one_is_not(done: Done) -> None:
    folder, reused = train_or_reuse(request(done.project), done.project, Watcher())
    assert (folder, reused) == (done.folder, True)
    assert find_equal(done.project, "sha256:" + "0" * 64) is None


def test_an_interrupted_equal_run_is_finished_and_a_taken_name_is_left_to_its_owner(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path / "project", demo_rows(48))
    first = request(project, "max_steps=3", "checkpoint_steps=1", name="demo")
    with pytest.raises(Stopped):
        train_or_reuse(first, project, Watcher(interrupt_at=1))
    folder, reused = train_or_reuse(first, project, Watcher())
    assert not reused
    assert [run.folder for run in list_runs(project)] == [folder]
    assert read_manifest(folder).state == "complete"

    other = request(project, "max_steps=1", "checkpoint_steps=1", name="demo")
    second, _ = train_or_reuse(other, project, Watcher())
    assert second != folder
    assert read_manifest(second).name is None


@pytest.mark.parametrize(
    ("again", "said"),
    [
        ({"resume": "first"}, "complete after 12 steps"),
        ({"resume": "frist"}, "did you mean 'first'"),
        ({"size": "tiny", "name": "first"}, "the name 'first' is taken"),
    ],
)
def test_requests_that_make_no_sense_write_nothing(done: Done, again: dict[str, Any], said: str) -> None:
    before = sorted(p.name for p in done.project.runs.iterdir())
    with pytest.raises(UsageError, match=said):
        train(TrainRequest(**again), done.project, Watcher())
    assert sorted(p.name for p in done.project.runs.iterdir()) == before


@pytest.fixture
def unfinished(done: Done, tmp_path: Path) -> Project:
    """A copy of the run that still has steps to go."""
    project = make_project(tmp_path / "copy")
    folder = project.runs / done.folder.name
    shutil.copytree(done.folder, folder)
    manifest = read_manifest(folder).model_copy(update={"state": "interrupted"})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return project


def test_resuming_refuses_other_settings(unfinished: Project) -> None:
    with pytest.raises(UsageError, match=r"leave out --size, --set epochs=2"):
        train(
            TrainRequest(resume="first", size="tiny", settings=("epochs=2", "micro_batch_size=2")),
            unfinished,
            Watcher(),
        )


def test_resuming_refuses_changed_data(unfinished: Project) -> None:
    path = unfinished.root / "rows.jsonl"
    path.write_text(path.read_text("utf-8").replace(" is ", " was ", 1), encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot be continued: .*rows changed"):
        train(TrainRequest(resume="first"), unfinished, Watcher())


def test_resuming_asks_for_data_that_is_gone(unfinished: Project) -> None:
    (unfinished.root / "rows.jsonl").unlink()
    with pytest.raises(UsageError, match="name it again: --data FILE"):
        train(TrainRequest(resume="first"), unfinished, Watcher())


def test_resuming_needs_optimizer_states(unfinished: Project) -> None:
    for state in unfinished.runs.rglob("optimizer.pt"):
        state.unlink()
    with pytest.raises(UsageError, match="were pruned"):
        train(TrainRequest(resume="first"), unfinished, Watcher())


def test_a_smaller_micro_batch_may_be_set_on_resuming_and_is_noted(unfinished: Project) -> None:
    folder = next(unfinished.runs.glob("train-*"))
    shutil.rmtree(checkpoints(folder)[12])
    watcher = Watcher()
    train(TrainRequest(resume="first", settings=("micro_batch_size=2",)), unfinished, watcher)
    assert any("micro_batch_size was 4, is 2" in note for note in watcher.notes)
    assert read_manifest(folder).state == "complete"


# --- use ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_fine_tune_stops_by_itself(done: Done) -> None:
    """At least 95 % of sampled answers end with the end token, not at the limit."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(packaged("models", "tiny"), padding_side="left")
    base = AutoModelForCausalLM.from_pretrained(packaged("models", "tiny"))
    model = PeftModel.from_pretrained(base, checkpoints(done.folder)[12]).eval()
    asked = [[{"role": "user", "content": q}] for q in prompts(demo_rows())[:40]]
    inputs = tokenizer.apply_chat_template(
        asked, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
    )
    torch.manual_seed(0)
    with torch.no_grad():
        out = model.generate(**inputs, max_new_tokens=160, do_sample=True, temperature=0.75)
    answers = out[:, inputs["input_ids"].shape[1] :]
    stopped = sum(tokenizer.eos_token_id in answer.tolist() for answer in answers)
    assert stopped >= 0.95 * len(asked)
