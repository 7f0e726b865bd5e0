"""`brie train` and its neighbours, as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from brie.cli import main
from brie.cli import perplexity as perplexity_verb
from brie.cli import prune as prune_verb
from tests.train.world import SETTINGS, demo_rows, make_project

USER = {"role": "user", "content": "Why?"}
ANSWER = {"role": "assistant", "content": "So."}
GOOD = json.dumps({"messages": [USER, ANSWER]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def brie(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    said = capsys.readouterr()
    return int(caught.value.code or 0), said.out, said.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD + '\n{"messages": [', "rows.jsonl:2: is not JSON"),
        (
            json.dumps({"messages": [{"content": "x"}, ANSWER]}),
            "rows.jsonl:1: messages[0] has no `role`",
        ),
        (json.dumps({"messages": [USER, {"role": "assistant", "content": ""}]}), "is empty"),
        (json.dumps({"messages": [USER, ANSWER, USER]}), "ends with a user turn"),
        (json.dumps({"prompt": "word " * 100_000, "completion": "x"}) + "\n" + GOOD, "max_length"),
        (b'{"prompt": "\xff", "completion": "x"}', "rows.jsonl:1: is not valid UTF-8"),
        ("", "holds no rows"),
    ],
    ids=["broken", "no role", "empty answer", "user last", "100k tokens", "latin", "nothing"],
)
def test_a_bad_training_file_is_one_sentence_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str | bytes, words: str
) -> None:
    path = folder / "rows.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, _, err = brie(["train", "--size", "tiny", "--data", "rows.jsonl"], capsys)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert [p.name for p in folder.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--size tiny"),
        (["--size", "tiny", "--recipe", "x.toml"], "both name a recipe"),
        (["--size", "tiny", "--base", "./nowhere"], "there is no model in ./nowhere"),
        (["--size", "tiny", "--set", "lr=1"], "did you mean 'learning_rate'"),
        (["--size", "tiny", "--device", "tpu"], "'tpu' is not one of 'auto', 'cuda', 'mps', 'cpu'"),
        (["--size", "tiny", "--probe"], "--probe belongs to --dry-run"),
        (["--size", "tiny", "--processes", "2"], "2 processes were asked for, 1 started"),
        (["--resume", "nobody"], "unknown training run 'nobody'"),
        (["--size", "reference"], "give a training file: --data FILE.jsonl"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, _, err = brie(["train", *arguments], capsys)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert list(folder.iterdir()) == []


def test_a_dry_run_says_everything_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = brie(["train", "--size", "tiny", "--dry-run"], capsys)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    for label in (
        "base",
        "device",
        "numbers",
        "training",
        "adapter",
        "batch",
        "steps",
        "memory",
        "disk",
    ):
        assert f"\n{label} " in f"\n{out}"
    assert list(folder.iterdir()) == []


def test_train_score_and_prune(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_project(folder, demo_rows(60))
    wanted = ["train", "--size", "tiny", "--data", "rows.jsonl", "--name", "mine"]
    for setting in (*SETTINGS, "max_steps=4", "checkpoint_steps=2"):
        wanted += ["--set", setting]
    code, out, err = brie(wanted, capsys)
    assert code == 0, err
    assert "next  brie eval --candidate mine:best --suite runs/train-tiny-" in out
    assert "/suites/mine-validation.jsonl --judge reference" in out
    assert "done  4 steps, " in out
    assert "tokens/s" in out
    assert "brie train --resume mine" in err
    assert "step 2: training loss" in err

    code, _, err = brie(["pin", "mine"], capsys)
    assert code == 2
    assert "  mine:best\n  mine:last\n  mine:2\n  mine:4" in err
    listed = brie(["ls"], capsys)[1]
    assert "step 4 of 4, training loss" in listed
    assert "last = step 4; checkpoints 2, 4" in listed
    assert " MB" in listed
    row = json.loads(brie(["ls", "--json"], capsys)[1])["runs"][0]
    assert row["next"] == out.splitlines()[-1].removeprefix("next  ")
    asked = row["next"].partition("--suite ")[2].split()[0]
    assert "with: reference 6" in brie(["suite", "check", asked], capsys)[1]
    assert row["pins"]["last"] == 4
    assert row["base_eval_loss"] > 0
    assert row["size_bytes"] > 0

    scored = CliRunner().invoke(perplexity_verb.command, ["--data", "rows.jsonl", "--json"])
    assert scored.exit_code == 0, scored.output
    report = json.loads(scored.stdout)
    assert report["ratio"]["low"] <= report["ratio"]["value"] <= report["ratio"]["high"]

    no = CliRunner().invoke(prune_verb.command, ["mine", "--keep", "0"], input="n\n")
    assert no.exit_code == 0
    assert "nothing was removed" in no.output
    assert len(list(folder.rglob("optimizer.pt"))) == 2
    nobody = CliRunner().invoke(prune_verb.command, ["mine", "--keep", "0"], input="")
    assert "--yes" in str(nobody.exception)
    assert len(list(folder.rglob("optimizer.pt"))) == 2
    yes = CliRunner().invoke(prune_verb.command, ["mine", "--keep", "0", "--yes"])
    assert yes.exit_code == 0, yes.output
    assert not list(folder.rglob("optimizer.pt"))
    assert "named by" in yes.output
    assert brie(["pin", "mine:best"], capsys)[0] == 0
