"""The whole flow on the tiny model: run, rerun, kill, race, tamper."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brie.ci.documents import differences
from tests.commands import brie
from tests.flow.conftest import Demo

SMALL = [
    "eval",
    "--suite",
    "small.toml",
    "--candidate",
    "demo:best",
    "--panel",
    "offline",
    "--samples",
    "2",
    "--controls",
    "2",
]


def small_suite(folder: Path) -> None:
    """Six prompts with short answers: an evaluation of seconds."""
    lines = ['name = "small"', "[sampling]", "max_new_tokens = 24"]
    for number, thing in enumerate(["rain", "a kettle", "bread", "a hammer", "snow", "a lantern"]):
        lines += ["[[prompt]]", f'id = "p{number}"', f'category = "c{number % 2}"']
        lines += [f'prompt = "Tell me about {thing}."', f'reference = "Something about {thing}."']
    (folder / "small.toml").write_text("\n".join(lines) + "\n")


def evaluation(folder: Path, suite: str) -> Path:
    """The folder of the only evaluation of a suite."""
    (found,) = (folder / "runs").glob(f"eval-{suite}-*")
    return found


def analysis(folder: Path, suite: str) -> dict[str, Any]:
    """The numbers of record."""
    loaded: dict[str, Any] = json.loads((evaluation(folder, suite) / "analysis.json").read_text())
    return loaded


def test_the_demo_ends_with_a_report_and_a_verdict_for_the_fine_tune(demo: Demo) -> None:
    said = analysis(demo.folder, "demo")
    report = demo.folder / "reports" / said["id"] / "index.html"
    assert report.is_file()
    assert "report" in demo.output
    assert str(report.relative_to(demo.folder)) in demo.output
    assert next(iter(said)) == "schema"
    assert said["schema"] == "brie.analysis/1"
    reference = said["by_judge"]["reference"]["win_rate"]
    assert said["verdict"] == "better"
    assert reference["low"] > 0.5
    assert said["counts"]["error"] == said["counts"]["missing"] == 0


def test_the_fine_tune_changed_and_ends_its_answers_by_itself(demo: Demo) -> None:
    generation = analysis(demo.folder, "demo")["generation"]
    assert generation["candidate"]["truncated"] <= 0.05
    assert generation["candidate"]["tokens"] != generation["baseline"]["tokens"]
    measured = {"answers", "truncated", "empty", "tokens", "seconds"}
    measured |= {"repetition", "special_tokens", "refusal"}
    assert set(generation["candidate"]) == set(generation["baseline"]) == measured
    assert generation["candidate"]["seconds"] > 0


def test_a_second_run_computes_nothing_and_gives_the_same_numbers(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "again")
    before = analysis(folder, "demo")
    done = brie(folder, "demo")
    assert done.returncode == 0, done.stderr
    assert "0 completions and 0 verdicts" in done.stderr
    assert list(differences(before, analysis(folder, "demo"))) == []


def test_base_against_itself_with_the_same_samples_is_exactly_even(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "aa")
    sides = ("--candidate", "baseline", "--samples", "1")
    done = brie(folder, "eval", "--suite", "demo", "--panel", "offline", *sides, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["win_rate"]["value"] == 0.5
    assert said["outcomes"]["win"] == said["outcomes"]["loss"] == 0
    assert said["counts"]["identical"] == said["counts"]["comparisons"]
    assert said["outcomes"]["tie"] == 0
    assert said["verdict"] == "equivalent"


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_in_the_same_numbers(demo: Demo, tmp_path: Path) -> None:
    _kill_and_compare(demo, tmp_path, kills=3, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_ten_moments_it_ends_in_the_same_numbers(demo: Demo, tmp_path: Path) -> None:
    _kill_and_compare(demo, tmp_path, kills=10, seed=2)


def _kill_and_compare(demo: Demo, tmp_path: Path, *, kills: int, seed: int) -> None:
    whole, killed = demo.copy(tmp_path / "whole"), demo.copy(tmp_path / "killed")
    small_suite(whole)
    small_suite(killed)
    start = time.monotonic()
    assert brie(whole, *SMALL).returncode == 0
    length = time.monotonic() - start
    draw = random.Random(seed)
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-m", "brie", *SMALL],
            cwd=killed,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(draw.uniform(0.3, 1.0) * length)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = brie(killed, *SMALL)
    assert done.returncode == 0, done.stderr
    assert list(differences(analysis(whole, "small"), analysis(killed, "small"))) == []


@pytest.mark.slow
def test_two_processes_on_one_plan_make_everything_once(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "race")
    small_suite(folder)
    command = [sys.executable, "-m", "brie", *SMALL]
    both = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=280)
        assert process.returncode == 0, errors
    said = analysis(folder, "small")
    with sqlite3.connect(folder / "runs" / "brie.sqlite") as db:
        attempts = db.execute("SELECT COUNT(*), COUNT(DISTINCT key) FROM verdicts").fetchone()
        (calls,) = db.execute(
            "SELECT COUNT(*) FROM calls WHERE evaluation = ?", (said["id"],)
        ).fetchone()
        (claims,) = db.execute("SELECT COUNT(*) FROM claims").fetchone()
    assert attempts[0] == attempts[1]
    assert claims == 0
    assert calls == said["cost"]["calls"]
    assert said["counts"]["missing"] == 0


def test_verify_passes_on_what_was_not_touched(demo: Demo) -> None:
    done = brie(demo.folder, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout


def _flip_adapter(folder: Path) -> None:
    (weights,) = {
        p.resolve()
        for p in folder.glob("runs/train-*/checkpoints/*/adapter_model.safetensors")
        if p.parent.name in (folder / "runs").glob("train-*/pins/best.json").__next__().read_text()
    }
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))


def _edit_reason(folder: Path) -> None:
    with sqlite3.connect(folder / "runs" / "brie.sqlite") as db:
        row, body = db.execute("SELECT id, body FROM verdicts ORDER BY id LIMIT 1").fetchone()
        changed = json.dumps({**json.loads(body), "reason": "because I say so"})
        db.execute("UPDATE verdicts SET body = ? WHERE id = ?", (changed, row))


def _edit_letter(folder: Path) -> None:
    with sqlite3.connect(folder / "runs" / "brie.sqlite") as db:
        query = 'SELECT id, body FROM verdicts WHERE body LIKE \'%"letter":"A"%\' LIMIT 1'
        row, body = db.execute(query).fetchone()
        db.execute("UPDATE verdicts SET body = ? WHERE id = ?",
                   (body.replace('"letter":"A"', '"letter":"B"'), row))  # fmt: skip


def _edit_assignment(folder: Path) -> None:
    path = evaluation(folder, "demo") / "manifest.json"
    manifest = json.loads(path.read_text())
    codes = manifest["plan"]["assignments"]["reference"]
    first = next(iter(codes))
    codes[first] = codes[first].translate(str.maketrans("01", "10"))
    path.write_text(json.dumps(manifest))


def _edit_number(folder: Path) -> None:
    path = evaluation(folder, "demo") / "analysis.json"
    said = json.loads(path.read_text())
    said["win_rate"]["value"] += 1e-6
    path.write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (_flip_adapter, "not what the pin says"),
        (_edit_reason, "was changed since"),
        (_edit_letter, "was changed since"),
        (_edit_assignment, "not the one that was sealed"),
        (_edit_number, "numbers differ at: win_rate.value"),
    ],
)
def test_verify_fails_on_one_change(
    demo: Demo, tmp_path: Path, tamper: Callable[[Path], None], words: str
) -> None:
    folder = demo.copy(tmp_path / "tampered")
    tamper(folder)
    done = brie(folder, "verify")
    assert done.returncode == 2
    assert words in done.stdout
    assert "Traceback" not in done.stderr


def test_verify_fails_where_the_record_of_the_training_data_was_changed(
    demo: Demo, tmp_path: Path
) -> None:
    folder = demo.copy(tmp_path / "trained")
    path = evaluation(folder, "demo") / "training.json"
    path.write_text(path.read_text().replace('"rows": ', '"rows": 1'))
    done = brie(folder, "verify")
    assert done.returncode == 2
    assert "what training and suite share is NOT what the file says" in done.stdout


@pytest.mark.slow
def test_held_out_sources_are_shown_beside_the_others(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "held")
    named = ["--candidate", "demo:best", "--panel", "offline"]
    command = ["eval", "--suite", "demo", *named, "--json"]
    held = ["--hold-out-source", "postcard", "--hold-out-source", "museum"]
    done = brie(folder, *command, *held)
    assert done.returncode == 0, done.stderr
    assert "0 completions and 0 verdicts" in done.stderr
    said = json.loads(done.stdout)
    assert {"seen sources", "unseen sources"} <= said["by_training"].keys()
    (sources,) = (check for check in said["checks"] if check["id"] == "sources")
    assert sources["evidence"]["unseen_sources"] == ["museum", "postcard"]
    assert "unseen" in sources["summary"]
    wrong = brie(folder, *command, "--hold-out-source", "postcards")
    assert wrong.returncode == 2
    assert "did you mean 'postcard'" in wrong.stderr


def test_a_flipped_byte_in_the_adapter_stops_an_evaluation_before_it_starts(
    demo: Demo, tmp_path: Path
) -> None:
    folder = demo.copy(tmp_path / "flipped")
    _flip_adapter(folder)
    small_suite(folder)
    done = brie(folder, *SMALL)
    assert done.returncode == 2
    assert "not what the pin says" in done.stderr
    assert not list((folder / "runs").glob("eval-small-*"))


def test_with_two_runs_the_candidate_must_be_named(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "two")
    (run,) = (folder / "runs").glob("train-*")
    shutil.copytree(run, run.with_name(run.name[:-4] + "ffff"))
    manifest = run.with_name(run.name[:-4] + "ffff") / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"demo"', '"other"'))
    done = brie(folder, "eval", "--suite", "demo")
    assert done.returncode == 2
    assert "--candidate demo:best" in done.stderr
    assert "--candidate other:best" in done.stderr


def test_ls_report_and_pin_speak_of_what_is_there(demo: Demo, tmp_path: Path) -> None:
    folder = demo.copy(tmp_path / "look")
    listed = brie(folder, "ls")
    assert "demo" in listed.stdout
    assert "better" in listed.stdout
    pinned = brie(folder, "pin", "demo:best")
    assert pinned.returncode == 0
    assert "the files are what the pin says" in pinned.stdout
    shutil.rmtree(folder / "reports")
    again = brie(folder, "report")
    assert again.returncode == 0, again.stderr
    assert Path(again.stdout.strip()).is_file()
