"""A core installation, without any extra: no verb ends in a traceback, and each says what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from brie.cli import EXTRAS, PLUMBING, VERBS
from brie.provenance import install_command
from tests.flow.conftest import Demo

SERVED = {"view"}
"""Verbs that serve until they are ended."""
NEEDS = [
    ["demo"],
    ["train", "--size", "tiny"],
    ["train", "--size", "0.5b", "--dry-run"],
    ["data", "preview", "rows.jsonl"],
    ["data", "check", "rows.jsonl", "--size", "tiny"],
    ["data", "check", "rows.parquet"],
    ["pin", "hf:Qwen/Qwen2.5-0.5B-Instruct"],
    ["eval", "--suite", "demo", "--candidate", "hf:me/x", "--judge", "reference"],
    ["eval", "--suite", "smoke", "--candidate", "demo:best", "--judge", "longer"],
    ["curve", "demo", "--suite", "demo", "--judge", "reference", "--samples", "1"],
    ["perplexity", "--data", "rows.jsonl"],
    ["judges", "score", "--judge", "qwen-local"],
    ["audit", "rows.parquet"],
    ["export", "demo:best", "--to", "merged", "--out", "merged"],
    ["check", "demo:best"],
    ["view", "--try", "--candidate", "demo:best"],
]
"""Commands that need something of an extra here."""
WORKS = [
    ["ls"], ["doctor"], ["data", "check", "rows.jsonl"], ["data", "split", "rows.jsonl"],
    ["suite", "check", "smoke"], ["plan", "--suite", "demo"], ["audit", "votes.csv"], ["report"],
    ["analyse"], ["agreement"], ["verify"], ["gate", "--require", "better"], ["explain", "length"],
    ["judges", "ls"], ["judges", "score", "--judge", "longer"], ["judge", "--judge", "longer"],
    ["bundle", "@1", "-o", "out.zip"], ["verify", "out.zip"], ["unbundle", "out.zip"], ["generate"],
    ["compare", "@1", "@1"], ["init", "mine"], ["pin", "demo:best"], ["prune", "demo", "--yes"],
    ["help", "--all"], ["jobs"],
]  # fmt: skip
"""Commands that do without, or say in a sentence why not."""
CHILD = """
import contextlib, io, json, sys
HIDDEN = set(json.loads(sys.argv[1]))
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in HIDDEN:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Hidden())
from brie.cli import main
said = []
for arguments in json.loads(sys.argv[2]):
    sys.argv = ['brie', *arguments]
    both = io.StringIO()
    try:
        with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
            main(arguments)
    except SystemExit as ended:
        said.append([ended.code or 0, both.getvalue()])
    except BaseException as error:
        said.append([1, f'Traceback: {error!r}'])
print(json.dumps(said))
"""
Said = tuple[list[str], int, str]


@pytest.fixture(scope="module")
def said(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> list[Said]:
    """Every command in one process in which no package of an extra can be imported."""
    folder = demo.copy(tmp_path_factory.mktemp("core") / "project")
    chat = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    rows = [{"messages": [{**chat[0], "content": f"Why {n}?"}, chat[1]]} for n in range(20)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "rows.parquet").write_bytes(b"PAR1" + bytes(64) + b"PAR1")
    votes = "".join(f"q{n},x {n},y {n},candidate\n" for n in range(12))
    (folder / "votes.csv").write_text(f"prompt,candidate,baseline,winner\n{votes}")
    hidden = sorted({*EXTRAS, "pandas", "mkdocs"})
    commands = [*NEEDS, *WORKS]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(hidden), json.dumps(commands)],
        cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(c, *answer) for c, answer in zip(commands, json.loads(done.stdout), strict=True)]


def test_no_verb_ends_in_a_traceback(said: list[Said]) -> None:
    assert [(command, text) for command, code, text in said if code == 1 or "Traceback" in text] == []


def test_what_needs_an_extra_names_the_package_and_the_command_that_installs_it(
    said: list[Said],
) -> None:
    for command, code, text in said[: len(NEEDS)]:
        extra = "parquet" if command[-1].endswith(".parquet") else "train"
        assert code == 2, (command, text)
        assert f"needs {'pyarrow' if extra == 'parquet' else ''}" in text, command
        assert install_command(extra) in text, (command, text)


def test_what_needs_none_works(said: list[Said]) -> None:
    for command, code, text in said[len(NEEDS) :]:
        assert code in (0, 2), (command, text)
        assert "pip install" not in text or command[0] in ("doctor", "generate"), command
    by_verb = {command[0]: code for command, code, _ in said[len(NEEDS) :] if command[0] != "compare"}
    assert {verb for verb, code in by_verb.items() if code} <= {"generate", "unbundle"}


def test_every_verb_was_tried(said: list[Said]) -> None:
    every = {verb for table in (*VERBS.values(), *PLUMBING.values()) for verb in table}
    assert {command[0] for command, _, _ in said} >= every - SERVED


def test_a_checkout_is_told_to_install_itself() -> None:
    root = Path(__file__).parents[2]
    assert install_command("train") == f"pip install -e '{root}[train]'"
