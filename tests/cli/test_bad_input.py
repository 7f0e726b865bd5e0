"""A user's mistake gets one clear sentence, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import brie

GOOD = 'name = "mine"\n[[prompt]]\nid = "a"\nprompt = "Why?"\n'


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, one message with these words, no traceback."""
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["eval", "--suite", "demo"], ["no trained model", "brie train --size tiny"]),
        (["eval", "--suite", "demmo"], ["unknown suite 'demmo'", "did you mean 'demo'"]),
        (
            ["eval", "--suite", "demo", "--judge", "referense"],
            ["unknown judge", "did you mean 'reference'"],
        ),
        (["eval", "--suite", "demo", "--panel", "ofline"], ["unknown panel", "'offline'"]),
        (["eval", "--suite", "demo", "--judge", "longer", "--panel", "offline"], ["not both"]),
        (["eval", "--suite", "nowhere.toml"], ["no suite file nowhere.toml"]),
        (["eval", "--suite", "demo", "--candidate", "nobody:best"], ["unknown training run 'nobody'"]),
        (["eval", "--suite", "demo", "--candidate", "thing"], ["unknown model 'thing'"]),
        (["evil"], ["unknown command 'evil'", "did you mean 'eval'"]),
        (["report"], ["there is no evaluation here yet", "brie demo"]),
        (["verify", "eval-x"], ["unknown evaluation 'eval-x'"]),
        (["gate"], ["missing option '--require'", "better, not-worse", "brie gate --help"]),
        (["compare"], ["missing argument", "brie compare --help"]),
        (["judges", "score", "--jugde", "x"], ["no such option '--jugde'", "brie judges score --help"]),
    ],
)
def test_a_missing_or_misspelt_choice(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    refused(brie(tmp_path, *arguments), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("s.toml", 'name = "x"\nname = "y"\n', ["s.toml is not valid TOML", "line 2"]),
        ("s.toml", GOOD + "promt = 1\n", ["s.toml: [[prompt]] 1", "'promt'"]),
        ("s.toml", GOOD + '[[prompt]]\nid = "a"\nprompt = "x"\n', ["[[prompt]] 2 has the id 'a'"]),
        ("s.toml", 'name = "x"\n', ["has no prompts"]),
        ("s.toml", '[[prompt]]\nid = "a"\nprompt = ""\n', ["[[prompt]] 1", "not empty"]),
        ("s.jsonl", '{"id": "a", "prompt": "x"}\n{"id": \n', ["s.jsonl: line 2 is not JSON"]),
        ("s.jsonl", '{"id": "a"}\n', ["line 1 needs exactly one of `prompt` and `messages`"]),
        ("s.jsonl", "", ["has no prompts"]),
    ],
)
def test_a_malformed_suite_is_named_by_file_and_place(
    tmp_path: Path, name: str, content: str, words: list[str]
) -> None:
    (tmp_path / name).write_text(content)
    refused(brie(tmp_path, "eval", "--suite", name, "--judge", "longer"), *words)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_suite_that_is_not_text_is_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b'name = "x"\n[[prompt]]\nid = "\xff"\n')
    refused(brie(tmp_path, "eval", "--suite", "s.toml"), "s.toml: line 3 is not UTF-8")


def test_a_suite_without_references_cannot_be_judged_by_reference(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(GOOD)
    done = brie(tmp_path, "eval", "--suite", "s.toml", "--judge", "reference")
    refused(done, "the rule 'reference' can say nothing of suite 'mine'")


def test_a_malformed_judge_file_is_named_by_key(tmp_path: Path) -> None:
    (tmp_path / "judges").mkdir()
    (tmp_path / "judges" / "mine.toml").write_text('provider = "rulez"\nmodel = "longer"\n')
    done = brie(tmp_path, "eval", "--suite", "demo", "--judge", "mine")
    refused(done, "judges/mine.toml: provider", "'rules'")


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    assert brie(tmp_path, "init", "p").returncode == 0
    assert (tmp_path / "p" / "prompt_suites" / "demo.toml").is_file()
    refused(brie(tmp_path, "init", "p"), "already has", "nothing was changed")


def test_help_is_quick_and_names_the_flow_in_order(tmp_path: Path) -> None:
    done = brie(tmp_path, "--help")
    assert done.returncode == 0
    verbs = ["train", "eval", "report", "verify"]
    places = [done.stdout.index(f"\n  {verb} ") for verb in verbs]
    assert places == sorted(places)


def test_ls_of_an_empty_project_says_what_to_do_first(tmp_path: Path) -> None:
    done = brie(tmp_path, "ls")
    assert done.returncode == 0
    assert "brie demo" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_the_missing_package_is_named_with_the_command(tmp_path: Path) -> None:
    hide = (
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'transformers', 'trl', 'peft', 'datasets'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "from brie.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    assert subprocess.run([sys.executable, "-c", hide, "doctor"], cwd=tmp_path).returncode == 0
    for verb in (["demo"], ["train", "--size", "tiny"], ["perplexity", "--data", "x.jsonl"]):
        done = subprocess.run(
            [sys.executable, "-c", hide, *verb], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
    (tmp_path / "f.jsonl").write_text('{"prompt": "q", "winner": "candidate"}\n' * 3)
    read = subprocess.run(
        [sys.executable, "-c", hide, "audit", "f.jsonl"], capture_output=True, text=True, cwd=tmp_path
    )
    assert read.returncode == 0, read.stderr
