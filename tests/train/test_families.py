"""Families of chat templates through `brie train` and `brie eval`, on bases of random weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from brie.cli import main
from brie.data.families import FAMILIES
from brie.project import Project
from brie.train.runs import list_runs
from tests.data.families import family_base
from tests.data.rows import write

QUICK = ("qwen3", "deepseek-r1", "gemma2")
SUITE = """
name = "few"
version = "1"
rubric = "general"
system = "Be kind."

[[prompt]]
id = "a"
category = "c"
source = "s"
prompt = "Say something about tea."

[[prompt]]
id = "b"
category = "c"
source = "s"
prompt = "Say something about rain."
"""


def brie(*arguments: str) -> int:
    """Exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a few rows, single and multi-turn, with and without a system turn."""
    monkeypatch.chdir(tmp_path)
    assert brie("init", ".") == 0
    (tmp_path / "prompt_suites" / "few.toml").write_text(SUITE)
    write(tmp_path / "rows.jsonl", [{"messages": _talk(n)} for n in range(12)])
    return tmp_path


def _talk(number: int) -> Sequence[dict[str, str]]:
    turns = [{"role": "user", "content": f"Number {number}?"}, _answer(f"It is {number}.")]
    if number % 3 == 0:
        turns += [{"role": "user", "content": "And then?"}, _answer(f"Then {number + 1}.")]
    if number % 4 == 0:
        turns.insert(0, {"role": "system", "content": "Count."})
    return turns


def _answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _train(*more: str) -> int:
    settings = (
        "max_steps=2",
        "checkpoint_steps=2",
        "batch_size=2",
        "micro_batch_size=2",
        "max_length=512",
    )
    options = [part for value in settings for part in ("--set", value)]
    return brie("train", "--size", "tiny", "--data", "rows.jsonl", "--name", "one", *options, *more)


def _eval(*more: str) -> int:
    return brie(
        "eval", "--suite", "few", "--candidate", "one:best", "--judge", "longer", "--samples", "1",
        "--controls", "0", "--max-new-tokens", "4", "--yes", *more,
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in FAMILIES]
)
def test_a_family_is_trained_and_evaluated(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = family_base(name, folder / "base")
    fold = ["--system", "fold"] if name == "gemma2" else []
    assert _train("--base", str(base), *fold) == 0
    said = capsys.readouterr().err
    assert "compared with what an evaluation asks, token for token" in " ".join(said.split())
    assert _eval() == 0
    manifest = list_runs(Project(folder.resolve()))[0].manifest
    assert (manifest.config.template.given is not None) == (name == "gemma2")


def test_a_base_without_a_template_is_trained_and_evaluated_with_the_one_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = family_base("llama3", folder / "base", template="")
    assert _train("--base", str(base)) == 2
    assert "--chat-template chatml" in capsys.readouterr().err
    assert _train("--base", str(base), "--chat-template", "chatml") == 0
    capsys.readouterr()
    assert _eval("--json") == 0
    analysis = json.loads(capsys.readouterr().out)
    assert analysis["counts"]["prompts"] == 2
    (checkpoint,) = folder.glob("runs/train-*/checkpoints/checkpoint-*")
    assert "<|eot_id|>" in (checkpoint / "chat_template.jinja").read_text()
    assert brie("verify", analysis["id"]) == 0


def test_a_suite_with_a_system_prompt_names_the_prompt_and_the_way_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = family_base("gemma2", folder / "base")
    rows = [{"messages": [turn for turn in _talk(n) if turn["role"] != "system"]} for n in range(12)]
    write(folder / "rows.jsonl", rows)
    assert _train("--base", str(base)) == 0
    capsys.readouterr()
    assert _eval() == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "prompt a: the chat template has no place for a system turn; --system fold" in said
    assert _eval("--system", "fold", "--json") == 0
    evaluation = json.loads(capsys.readouterr().out)["id"]
    assert brie("verify", evaluation) == 0
