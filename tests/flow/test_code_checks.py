"""Python of a suite that checks answers: read before, run with consent alone, and kept."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

import brie
from brie.bundle.merge import unbundle
from brie.ci.verify import verify
from brie.evaluation.folders import find_evaluation
from brie.evaluation.results import rebuild
from brie.records.accuracy import Accuracy
from tests.flow.test_answers import code_of, write_table
from tests.present import present

CODE = """
import os
import re

print("output that nobody reads")

def short(answer):
    return len(answer.split()) <= 3

def same(answer, reference):
    if "fail" in answer:
        raise ValueError(answer)
    return answer.strip() == reference

def spy(answer):
    return "{key}" in os.environ
"""
KEY = "OPENAI_API_KEY"


def project(folder: Path, function: str, code: str = CODE) -> list[str]:
    """A suite with a check by code, its file, and answers to it; the command that judges them."""
    (folder / "checks.py").write_text(code.replace("{key}", KEY), encoding="utf-8")
    prompts = [
        {
            "id": f"p{n:02}", "prompt": f"Question {n}?", "reference": f"thing {n}, as it is known",
            "check": {"kind": "python", "value": f"checks.py:{function}"},
        }
        for n in range(12)
    ]  # fmt: skip
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts), "utf-8")
    rows = [
        (
            f"Question {n}?",
            f"thing {n}, as it is known" if n % 2 else "two words",
            "fail" if n == 0 else "x",
        )
        for n in range(12)
    ]
    write_table(folder / "answers.csv", rows)
    sides = ["--pairs", "answers.csv", "--candidate", "mine", "--baseline", "theirs"]
    return ["eval", "--suite", "mine.jsonl", *sides, "--judge", "longer"]


def accuracy_in(folder: Path) -> Accuracy:
    (path,) = folder.glob("runs/eval-*/analysis.json")
    return Accuracy.model_validate(json.loads(path.read_text("utf-8"))["accuracy"])


def test_code_is_run_with_consent_alone_and_its_text_is_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = project(tmp_path, "short")
    assert code_of(*command) == 2
    said = capsys.readouterr().err
    assert "checks.py (" in said
    assert "--allow-code" in said
    assert list(tmp_path.glob("runs/eval-*")) == []
    assert code_of(*command, "--allow-code") == 0
    numbers = accuracy_in(tmp_path)
    assert numbers.kinds == {"python": 12}
    assert numbers.candidate.accuracy.value == pytest.approx(0.5)
    assert numbers.baseline.accuracy.value == 1
    manifest = json.loads(next(tmp_path.glob("runs/eval-*/manifest.json")).read_text("utf-8"))
    assert "def short" in manifest["plan"]["suite"]["code"]["checks.py"]


def test_it_is_given_the_reference_and_no_key_and_its_failures_say_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sk-none")
    assert KEY in os.environ
    for function, right in (("same", 6 / 11), ("spy", 0.0)):
        folder = tmp_path / function
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert code_of(*project(folder, function), "--allow-code") == 0
        numbers = accuracy_in(folder)
        assert numbers.candidate.accuracy.value == pytest.approx(right)
        assert numbers.unchecked == (1 if function == "same" else 0)


def test_reports_verifying_and_bundles_use_what_it_said_and_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert code_of(*project(tmp_path, "short"), "--allow-code") == 0
    (tmp_path / "checks.py").write_text("raise SystemExit('it was run')\n", encoding="utf-8")
    here = brie.Project(tmp_path)
    found = find_evaluation(None, here)
    assert present(rebuild(found, here).analysis.accuracy).kinds == {"python": 12}
    findings = verify(found, here)
    assert all(finding.holds for finding in findings)
    assert any("was not run again" in finding.what for finding in findings)
    assert code_of("bundle", found.manifest.id, "-o", "it.zip") == 0
    there = brie.Project(tmp_path / "there")
    there.root.mkdir()
    moved = find_evaluation(unbundle(tmp_path / "it.zip", there).id, there)
    assert all(finding.holds for finding in verify(moved, there))


@pytest.mark.parametrize(
    ("function", "code", "said"),
    [
        ("gone", CODE, "unknown function of .*checks.py: 'gone'"),
        ("short", "def short(answer:\n", "is no Python"),
        ("short", "import nothing_of_this_name\ndef short(answer): return True\n", "cannot be run"),
    ],
)
def test_code_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    function: str, code: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert code_of(*project(tmp_path, function, code), "--allow-code") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert re.search(said, told)
    assert list(tmp_path.glob("runs/eval-*")) == []


def test_code_that_ends_its_process_says_nothing_and_the_rest_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = "import os\ndef short(answer): os._exit(3)\n"
    assert code_of(*project(tmp_path, "short", code), "--allow-code") == 0
    assert "the check checks.py:short cannot be run" in " ".join(capsys.readouterr().err.split())
    (path,) = tmp_path.glob("runs/eval-*/analysis.json")
    assert "accuracy" not in json.loads(path.read_text("utf-8"))
