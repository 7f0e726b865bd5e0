"""The card of a model that was trained and judged here, as it is typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from brie.cli import cli
from brie.errors import UsageError
from tests.flow.conftest import Demo


def test_the_demo_s_card_says_how_it_was_trained_and_judged(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demo.copy(tmp_path / "copy"))
    done = CliRunner().invoke(cli, ["report", "demo:best", "--model-card", "--tag", "toy"])
    assert done.exit_code == 0, done.output
    card, picture, record = (Path(line) for line in done.stdout.split())
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert record.name.endswith(".every_eval_ever.json")
    text = re.sub(r"<!--.*?-->", "", card.read_text("utf-8"))
    for words in (
        "license: apache-2.0",
        '- "toy"',
        "fine-tuned with LoRA (r 8, alpha 16): 77,824 parameters were trained, on 390 conversations of",
        "| `learning_rate` | 0.002 |",
        "![Training and validation loss over the steps](loss.png)",
        "| before training | 0.1",
        "`brie export MODEL --to merged`",
        "a rule, no model",
    ):
        assert words in text, words
    assert str(tmp_path) not in text

    ambiguous = CliRunner().invoke(cli, ["report", "demo", "--model-card"])
    assert isinstance(ambiguous.exception, UsageError)
    assert "2 things are called 'demo'" in str(ambiguous.exception)

    manifest = next(Path("runs").glob("train-*/manifest.json"))
    manifest.write_text(
        re.sub(r'"learning_rate": ?0.002', '"learning_rate": 0.003', manifest.read_text())
    )
    forged = CliRunner().invoke(cli, ["verify", "--claims", str(card)])
    assert isinstance(forged.exception, UsageError)
    assert "the configuration of train-" in forged.output
