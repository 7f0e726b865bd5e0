"""The first lines of the README hold: its three doors open, and its picture shows what its words say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.screenshots import write_judgments
from brie.cli import cli
from tests.data.rows import row, write
from tests.train.world import SETTINGS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
HEAD = README.splitlines()[:24]
DOORS = [line for line in HEAD if line.startswith("brie ") and "--" in line]
SMALL = [f"--set={setting}" for setting in (*SETTINGS, "max_steps=2", "checkpoint_steps=2")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, as a newcomer's."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small(words: list[str]) -> list[str]:
    """A command of the README with a rule for the paid judge, and the tiny size."""
    free = ["longer" if word == "claude-haiku" else word for word in words]
    if free[0] == "train":
        return ["tiny" if word == "0.5b" else word for word in free] + SMALL
    if free[:2] == ["eval", "--suite"]:
        return [*free, "--judge=longer", "--samples=1", "--controls=0", "--max-new-tokens=4"]
    return free


def opened(door: str) -> str:
    """What the commands of one line print, one after the other; each must succeed."""
    printed = ""
    for part in door.split(" && "):
        program, *words = shlex.split(part)
        assert program == "brie"
        done = CliRunner().invoke(cli, small(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        printed += done.stdout
    return " ".join(printed.split())


def test_a_newcomer_is_shown_three_doors() -> None:
    assert [shlex.split(door)[1] for door in DOORS] == ["audit", "eval", "train"]


def test_a_file_of_judgments_gives_what_the_picture_and_its_words_say(folder: Path) -> None:
    write_judgments(folder / "judgments.csv")
    printed = opened(DOORS[0])
    (words,) = re.findall(r"^!\[(.*)\]\(docs/claim\.png\)$", README, re.MULTILINE)
    assert "These 13 prompts support 33 to 87 %" in words
    assert "These 13 prompts support 33 to 87 %" in printed
    assert printed.startswith("UNDECIDED my-tune against its-base")
    assert (ROOT / "docs" / "claim.png").is_file()


def test_two_columns_of_answers_are_judged(folder: Path) -> None:
    rows = [f"Question {n}?,It is {'very ' * (n % 4)}good,It is {n * n}" for n in range(12)]
    table = "\n".join(["prompt,my-tune,gpt-4o", *rows])
    (folder / "answers.csv").write_text(table, "utf-8")
    assert "my-tune against gpt-4o" in opened(DOORS[1])


def test_conversations_are_trained_on_and_others_asked(folder: Path) -> None:
    for name, count in (("my", 40), ("test", 6)):
        rows = [row(f"What does {name} jar {n} hold?", f"Tea number {n * n}.") for n in range(count)]
        write(folder / f"{name}.jsonl", rows)
    assert "suite test, 6 prompts" in opened(DOORS[2])
    (analysis,) = folder.glob("runs/eval-*/analysis.json")
    assert json.loads(analysis.read_text("utf-8"))["baseline"]["name"] == "brie/tiny"
