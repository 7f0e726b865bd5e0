"""A run root, a symbolic link or a duplicate is explained, never followed silently."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from brie.cli.pin import command
from brie.errors import UsageError
from brie.pin import duplicates, explain
from brie.pin.explain import by_step
from tests.pin.folders import make_adapter

LOSSES = {50: 2.92, 100: 2.85, 150: 2.81, 200: 2.80, 250: 2.79}


def trainer_state(**changes: object) -> str:
    """A trainer's state as the library writes it: a row of losses every ten steps, others between."""
    trained = [
        {
            "epoch": step / 145, "grad_norm": 0.9, "learning_rate": 9e-05, "loss": 3.3 - step / 600,
            "mean_token_accuracy": 0.46, "num_tokens": 6_000.0 * step, "step": step,
        }
        for step in range(10, 300, 10)
    ]  # fmt: skip
    measured = [
        {"epoch": step / 145, "eval_loss": loss, "eval_runtime": 9.1, "step": step}
        for step, loss in LOSSES.items()
    ]
    state: dict[str, object] = {
        "best_global_step": 250, "best_metric": 2.79,
        "best_model_checkpoint": "runs/x/checkpoint-200", "epoch": 2.0, "eval_steps": 50,
        "global_step": 290, "is_world_process_zero": True, "logging_steps": 10, "max_steps": 290,
        "num_train_epochs": 2, "save_steps": 100, "train_batch_size": 2, "trial_params": None,
        "log_history": sorted([*trained, *measured], key=lambda row: row["step"]),
    }  # fmt: skip
    return json.dumps({**state, **changes}, indent=2)


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """Shaped like the original: eval every 50, save every 100, the root equal to checkpoint-200."""
    run = tmp_path / "old-run"
    for step in (100, 200, 290):
        make_adapter(run / f"checkpoint-{step}", fill=step % 251)
    for file in (run / "checkpoint-200").iterdir():
        shutil.copy(file, run)
    (run / "checkpoint-290" / "trainer_state.json").write_text(trainer_state())
    return run


def test_an_old_run_root_gives_all_three_facts_and_the_choices(old_run: Path) -> None:
    found = explain(old_run)
    text = "\n".join(found.facts)
    assert "byte-identical to checkpoint-200" in text
    assert "lowest at step 250" in text
    assert "step 250, the best one measured, was never saved" in text
    assert len(found.choices) == 3


def test_the_trainers_own_state_says_when_losses_were_measured_and_what_it_calls_the_best(
    old_run: Path,
) -> None:
    text = "\n".join(explain(old_run).facts)
    assert "every 50 steps and was lowest at step 250, the last one measured." in text
    assert "was never saved: checkpoints were kept every 100 steps" in text
    assert "calls checkpoint-200 the best, which it was not" in text


def test_the_command_refuses_a_run_root_and_lists_what_to_pin(old_run: Path) -> None:
    result = CliRunner().invoke(command, [str(old_run)])
    assert isinstance(result.exception, UsageError)
    assert "checkpoint-200" in str(result.exception)
    assert "byte-identical" in result.output


def test_what_the_adapter_was_really_trained_with_is_read_from_its_own_file(old_run: Path) -> None:
    output = " ".join(CliRunner().invoke(command, [str(old_run)]).output.split())
    assert "LoRA r=8 alpha=16 on q_proj, v_proj, for me/base of no commit" in output


def test_a_symbolic_link_is_named(old_run: Path) -> None:
    link = old_run.parent / "latest"
    link.symlink_to(old_run / "checkpoint-100")
    assert "symbolic link" in explain(link).facts[0]


def test_a_duplicate_checkpoint_is_named(old_run: Path) -> None:
    assert duplicates(old_run / "checkpoint-200") == ["checkpoint-200 has the same weights as old-run."]
    assert duplicates(old_run / "checkpoint-100") == []


def test_checkpoints_are_folders_that_are_numbered(tmp_path: Path) -> None:
    for name in ("checkpoint-4", "checkpoint-012", "checkpoint-last", "12"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-8").touch()
    folders = by_step(tmp_path.glob("checkpoint-*"))
    assert {step: path.name for step, path in folders.items()} == {
        4: "checkpoint-4",
        12: "checkpoint-012",
    }
