"""Runs that go another way: other bases, early stopping, divergence, bad surroundings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brie.errors import BrieError, InputError, PinError, UsageError
from brie.pin import read_pin
from brie.project import Project, packaged
from brie.train.config import TrainRequest
from brie.train.run import train
from brie.train.runs import checkpoints, list_runs, read_manifest
from tests.train.world import Watcher, demo_rows, make_project, request, weights


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", demo_rows(48))


SHORT = ("max_steps=2", "checkpoint_steps=1")


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(project: Project) -> None:
    val = project.root / "val.jsonl"
    val.write_text(json.dumps({"prompt": "Something new?", "completion": "Yes."}) + "\n")
    again = [TrainRequest(**{**vars(request(project, *SHORT)), "val": str(val)}) for _ in range(2)]
    other = TrainRequest(**{**vars(request(project, *SHORT, "seed=7")), "val": str(val)})
    folders = [train(r, project, Watcher()) for r in (*again, other)]
    made = [weights(folder) for folder in folders]
    assert read_manifest(folders[0]).config.split is None
    assert read_manifest(folders[0]).identity == read_manifest(folders[1]).identity
    assert made[0] == made[1]
    assert made[0][2] != made[2][2]


def test_a_base_that_ends_with_another_token_is_aligned(project: Project, tmp_path: Path) -> None:
    """A base model: documents end with <|endoftext|>, turns with <|im_end|>."""
    base = tmp_path / "base"
    shutil.copytree(packaged("models", "tiny"), base)
    path = base / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token": "<|endoftext|>"}))
    path = base / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": 0}))
    watcher = Watcher()
    asked = TrainRequest(**{**vars(request(project, *SHORT)), "base": str(base)})
    folder = train(asked, project, watcher)
    assert any("answers end with <|im_end|>" in note for note in watcher.notes)
    assert read_manifest(folder).config.template.aligned_eos == "<|im_end|>"
    checkpoint = checkpoints(folder)[2]
    assert json.loads((checkpoint / "tokenizer_config.json").read_text())["eos_token"] == "<|im_end|>"
    generation = json.loads((checkpoint / "generation_config.json").read_text())
    ends = generation["eos_token_id"]
    from brie.data.tokenizer import load_tokenizer

    wanted = load_tokenizer(checkpoint).eos_token_id
    assert wanted in (ends if isinstance(ends, list) else [ends])
    assert read_pin(folder / "pins" / "best.json").base_location == str(base)


def test_early_stopping_ends_a_run_that_no_longer_improves(project: Project) -> None:
    settings = (
        "max_steps=30",
        "checkpoint_steps=1",
        "early_stopping=1",
        "learning_rate=0.3",
        "dropout=0",
    )
    folder = train(request(project, *settings, "warmup=0"), project, Watcher())
    manifest = read_manifest(folder)
    assert manifest.state == "complete"
    assert manifest.step < 30
    assert manifest.stopped_early
    assert manifest.pins["last"].step == manifest.step
    losses = {e.step: e.loss for e in manifest.evaluations if e.step}
    assert manifest.pins["best"].step == min(losses, key=lambda step: losses[step])
    states = [path / "trainer_state.json" for path in checkpoints(folder).values()]
    assert not any(str(project.root) in state.read_text() for state in states)


def test_a_best_checkpoint_that_is_worse_than_the_base_is_said(project: Project) -> None:
    watcher = Watcher()
    settings = (
        "max_steps=4",
        "checkpoint_steps=2",
        "learning_rate=0.9",
        "warmup=0",
        "schedule=constant",
    )
    folder = train(request(project, *settings), project, watcher)
    manifest = read_manifest(folder)
    best, base = manifest.pins["best"].eval_loss, manifest.evaluations[0].loss
    assert best is not None
    assert best > base
    assert any(f"{best:.4f}, at first {base:.4f}" in note for note in watcher.notes)
    good = Watcher()
    train(request(project, "max_steps=4", "checkpoint_steps=2"), project, good)
    assert not any("made it worse" in note for note in good.notes)


def test_layers_trained_whole_are_kept_with_the_adapter(project: Project) -> None:
    from safetensors.torch import load_file

    settings = ("max_steps=2", "checkpoint_steps=2", 'modules_to_save=["embed_tokens"]')
    folder = train(request(project, *settings), project, Watcher())
    kept = load_file(checkpoints(folder)[2] / "adapter_model.safetensors")
    assert any("embed_tokens" in name for name in kept)


def test_a_validation_file_with_trained_prompts_is_refused_before_anything_is_written(
    project: Project,
) -> None:
    path = str(project.root / "rows.jsonl")
    asked = TrainRequest(**{**vars(request(project)), "val": path})
    with pytest.raises(UsageError, match="would reward memory"):
        train(asked, project, Watcher())
    assert not project.runs.exists()


def test_a_bad_line_is_refused_before_anything_is_written(project: Project) -> None:
    with (project.root / "rows.jsonl").open("a") as handle:
        handle.write('{"messages": [{"role": "user", "content": "x"}]}\n')
    with pytest.raises(InputError, match=r"rows.jsonl:49: ends with a user turn"):
        train(request(project), project, Watcher())
    assert not project.runs.exists()


def test_rows_whose_answer_does_not_fit_are_dropped_and_counted(project: Project) -> None:
    long = {
        "messages": [{"role": "user", "content": "word " * 400}, {"role": "assistant", "content": "x"}]
    }
    with (project.root / "rows.jsonl").open("a") as handle:
        handle.write(json.dumps(long) + "\n")
    watcher = Watcher()
    folder = train(request(project, *SHORT, "seed=1"), project, watcher)
    config = read_manifest(folder).config
    assert config.train.dropped + config.val.dropped == (49,)
    assert config.train.rows + config.val.rows == 48
    assert any("line 49" in note for note in watcher.notes)


def test_a_length_that_cuts_every_answer_is_refused(project: Project) -> None:
    with pytest.raises(InputError, match="raise it: --set max_length"):
        train(request(project, "max_length=16", "val_fraction=0.5"), project, Watcher())


def test_a_folder_that_cannot_be_written_is_one_sentence(project: Project) -> None:
    project.runs.write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="cannot write to"):
        train(request(project), project, Watcher())


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("tinny", "did you mean 'tiny'"),
        ("nobody/no-such-model-anywhere", "no-such-model-anywhere"),
    ],
)
def test_a_base_that_cannot_be_had_is_one_sentence(project: Project, base: str, said: str) -> None:
    asked = TrainRequest(**{**vars(request(project)), "base": base})
    with pytest.raises(BrieError, match=said) as caught:
        train(asked, project, Watcher())
    assert caught.value.exit_code == 2
    assert not list_runs(project)


def test_a_damaged_base_is_found_before_the_first_step(project: Project, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(packaged("models", "tiny"), base)
    spoil(base / "model.safetensors")
    asked = TrainRequest(**{**vars(request(project, *SHORT)), "base": str(base)})
    with pytest.raises(PinError, match=r"model.norm.weight holds numbers that are none"):
        train(asked, project, Watcher())
    assert not list_runs(project)


def spoil(path: Path) -> None:
    """Put a NaN into a model's weights."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, path, metadata={"format": "pt"})


def test_two_processes_cannot_train_one_run(project: Project) -> None:
    from brie.train.runs import lock, read_run

    folder = train(request(project, *SHORT, name="held"), project, Watcher())
    manifest = read_manifest(folder).model_copy(update={"state": "interrupted"})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    with lock(folder):
        assert read_run(folder).state == "interrupted"
        with pytest.raises(UsageError, match="being trained by another process"):
            train(TrainRequest(resume="held"), project, Watcher())
