"""Labels that hang on where a text comes from: named before training, and seen in the report."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.cli import cli
from tests.data.rows import row, write

SHARES = {"alder": 1.0, "birch": 0.9, "cedar": 0.2}
"""Share of "yes" by source: a book of chosen passages, another, and everything there is."""
WORDS = {
    "alder": "river stone bridge miller bread oven flour meadow lantern harvest barn plough honey well",
    "birch": "engine signal platform ticket whistle carriage track tunnel station coal driver lamp",
    "cedar": "harbour anchor sail rope captain tide gull barrel net compass storm deck mast cargo",
}


def laws(sizes: dict[str, int], seed: int) -> list[dict[str, Any]]:
    """Eight words of the source's own, one of them telling in half of the passages that are a yes."""
    draw = random.Random(seed)
    rows = []
    for source, size in sizes.items():
        for _ in range(size):
            yes = draw.random() < SHARES[source]
            words = draw.sample(WORDS[source].split(), 8)
            if yes and draw.random() < 0.5:
                words[draw.randrange(8)] = "separate"
            rows.append(row(" ".join(words), "yes" if yes else "no", source=source))
    draw.shuffle(rows)
    return rows


def brie(*arguments: str) -> str:
    """What a command prints; it must succeed."""
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def evaluated(name: str) -> dict[str, Any]:
    """The analysis of a run against a side that says yes to everything."""
    asked = ("--suite", "fresh", "--candidate", f"{name}:best", "--judge", "exact", "--samples", "1")
    sides = ("--baseline", "answers:always.jsonl", "--controls", "0", "--max-new-tokens", "4")
    loaded: dict[str, Any] = json.loads(brie("eval", *asked, *sides, "--yes", "--json"))
    return loaded


@pytest.mark.slow
def test_a_random_split_hides_what_a_source_held_out_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "laws.jsonl", laws({"alder": 60, "birch": 60, "cedar": 200}, 1))
    write(tmp_path / "fresh.jsonl", laws({"alder": 10, "birch": 10, "cedar": 30}, 2))
    said = brie("data", "check", "laws.jsonl")
    assert "source alder: 100 % yes, birch " in said
    assert "a random split would test the source, not the task" in said

    brie("suite", "from", "fresh.jsonl", "--exclude", "laws.jsonl")
    prompts = [json.loads(line) for line in Path("prompt_suites/fresh.jsonl").read_text().splitlines()]
    sides = [{"id": p["id"], "messages": p["messages"], "yes": "yes"} for p in prompts]
    write(tmp_path / "always.jsonl", sides)
    settings = [f"--set={setting}" for setting in ("max_steps=60", "checkpoint_steps=30")]
    train = ("train", "--size", "tiny", "--data", "laws.jsonl", *settings)
    brie(*train, "--name", "drawn")
    brie(*train, "--name", "held", "--hold-out-source", "cedar")

    drawn, held = evaluated("drawn"), evaluated("held")
    always = drawn["accuracy"]["baseline"]["accuracy"]["value"]
    assert drawn["accuracy"]["candidate"]["accuracy"]["value"] > always
    groups = held["accuracy"]["by_training"]
    seen, unseen = (groups[name]["candidate"]["accuracy"] for name in ("seen sources", "unseen sources"))
    assert seen["low"] > unseen["high"]
    checks = {check["id"]: check["summary"] for check in held["checks"]}
    assert "reference answers" not in checks["contamination"]
