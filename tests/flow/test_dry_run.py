"""What can be known before and after an evaluation without changing anything, as text and as JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.commands import brie
from tests.flow.bench import Bench
from tests.flow.conftest import Demo


def state(folder: Path) -> dict[str, str]:
    """Every file with its digest, but for what SQLite keeps beside a database while it reads."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_a_dry_run_says_what_it_would_be_cost_and_tell_and_changes_nothing(bench: Bench) -> None:
    before = state(bench.folder)
    said = bench.eval("--dry-run")
    assert said.code == 0, said.err
    text = " ".join(said.out.split())
    assert "would be eval-small-" in text
    assert "suite small 1, 8 prompts" in text
    assert "design 1 sample a prompt and side, both orders" in text
    assert "judges claude and gpt" in text
    assert "verdicts to ask for: about $" in text
    assert "nothing leaves this machine" in text
    assert "this design can tell a win rate of about" in text
    assert state(bench.folder) == before
    assert not bench.openai.seen
    assert not bench.openai.probes


def test_a_dry_run_counts_what_is_there_already_and_names_the_same_evaluation(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("gpt",)).code == 0
    told = json.loads(bench.eval("--dry-run", "--json", judges=("gpt",)).out)
    assert told["id"] == bench.manifest()["id"]
    assert "of them there already" in told["rows"]["answers"]
    assert told["quote"] == []  # no verdict is missing
    other = json.loads(bench.eval("--dry-run", "--json", "--temperature", "0.5", judges=("gpt",)).out)
    assert other["id"] != told["id"]
    assert "there already" not in other["rows"]["answers"]


@pytest.mark.slow
def test_verify_says_the_same_as_json_and_by_its_exit_code(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "project")
    done = brie(folder, "verify", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["holds"]) == (0, True)
    assert all(finding["holds"] for finding in document["findings"])
    (manifest,) = folder.glob("runs/eval-*/analysis.json")
    manifest.write_text(manifest.read_text().replace('"verdict": "better"', '"verdict": "worse"', 1))
    broken = brie(folder, "verify", "--json")
    assert broken.returncode == 2
    assert json.loads(broken.stdout)["holds"] is False
    (folder / "text.md").write_text("<!-- brie:prompts @1 -->66\n")
    assert "a claim cites an id" in brie(folder, "verify", "--claims", "text.md").stdout


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("doctor", "--no-smoke"), None),
        (("suite", "check", "demo"), "warnings"),
        (("plan", "--suite", "demo"), "rows"),
    ],
)
def test_what_looks_at_the_project_prints_json(
    demo: Demo, arguments: tuple[str, ...], key: str | None
) -> None:
    done = brie(demo.folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    if key is None:
        assert {"what", "seen", "good"} == set(document[0])
    else:
        assert document[key]
