"""Every verb's output at 60 and at 200 columns: no line breaks inside a word, and none is cut."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from brie.cli import PLUMBING, VERBS, cli, main
from tests.flow.conftest import Demo

Call = Callable[..., str]
PRINTED = [
    ("ls",),
    ("plan", "--suite", "demo"),
    ("plan", "--suite", "in_domain", "--panel", "default", "--samples", "1"),
    ("suite", "check", "smoke"),
    ("data", "check", "{data}"),
    ("data", "overlap", "{data}", "--suite", "demo"),
    ("data", "preview", "{data}", "--rows", "1"),
    ("train", "--size", "tiny", "--dry-run"),
    ("judges", "ls"),
    ("judges", "cost"),
    ("pin", "demo:best"),
    ("doctor", "--no-smoke"),
    ("gate", "--require", "better"),
    ("verify",),
    ("analyse",),
    ("analyse", "--full"),
    ("agreement",),
    ("compare", "demo", "nobody"),
    ("report", "nobody-knows-this-evaluation"),
    ("eval", "--suite", "in_doman", "--candidate", "demo:best"),
    ("train", "--resume", "a run that is not here"),
    ("bundle", "demo"),
    ("jobs",),
    ("jobs", "attach", "nobody"),
    ("audit", "{votes}"),
    ("audit", "{votes}", "--claim", "0.77", "--full"),
    ("help", "--all"),
    ("explain",),
    ("explain", "length"),
    ("check", "nothing-of-this-name"),
    ("export", "nobody:best", "--to", "merged"),
]
HELP = [
    *((verb,) for table in (*VERBS.values(), *PLUMBING.values()) for verb in table),
    *(("data", word) for word in ("check", "preview", "split", "overlap", "prefs")),
    *(("judges", word) for word in ("ls", "score", "drift", "cost")),
    ("suite", "check"),
    *(("jobs", word) for word in ("attach", "cancel")),
]


@pytest.fixture(scope="module")
def folder(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's project, with a file of training rows and one of votes."""
    made = demo.copy(tmp_path_factory.mktemp("width") / "project")
    rows = [
        f'{{"messages": [{{"role": "user", "content": "Question {n} of a longer kind?"}}, '
        f'{{"role": "assistant", "content": "Answer {n}, at some length."}}]}}'
        for n in range(12)
    ]
    (made / "rows.jsonl").write_text("\n".join(rows) + "\n")
    votes = ["prompt,candidate,baseline,winner,judge"]
    votes += [
        f"Question {n}?,It is {n}.,No {n}.,{'candidate' if n % 3 else 'tie'},me" for n in range(24)
    ]
    (made / "votes.csv").write_text("\n".join(votes) + "\n")
    return made


@pytest.fixture
def call(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command as on a terminal of so many columns; all that it prints."""
    monkeypatch.chdir(folder)
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, columns: int) -> str:
        named = [word.format(data="rows.jsonl", votes="votes.csv") for word in arguments]
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["brie", *named])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main(named)
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run


def words(text: str) -> set[str]:
    """What is read as a word: scales, bars and the ends of shortened texts are none."""
    named = {word.rstrip(".,:;") for word in text.split() if not word.endswith("…")}
    return {word for word in named if re.search(r"\w", word)}


def too_wide(text: str, columns: int) -> list[str]:
    """Lines that a terminal would cut, though they could have been folded: a digest cannot be."""
    lines = [line for line in text.splitlines() if cell_len(line) > columns]
    return [line for line in lines if max(map(cell_len, line.split())) < columns - 20]


@pytest.mark.parametrize("arguments", PRINTED, ids=" ".join)
def test_no_line_of_any_verb_breaks_inside_a_word(call: Call, arguments: tuple[str, ...]) -> None:
    narrow = call(*arguments, columns=60)
    assert narrow.strip()
    assert too_wide(narrow, 60) == []
    wide = call(*arguments, columns=200)
    assert too_wide(wide, 200) == []
    assert words(narrow) - words(wide) == set()


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_no_line_of_any_help_breaks_inside_a_word(call: Call, arguments: tuple[str, ...]) -> None:
    narrow = call(*arguments, "--help", columns=60)
    assert "Usage:" in narrow
    assert too_wide(narrow, 60) == []
    assert words(narrow) - words(call(*arguments, "--help", columns=200)) == set()


def test_every_verb_is_among_them() -> None:
    printed = {arguments[0] for arguments in PRINTED}
    asked_or_served = {
        "demo",
        "init",
        "curve",
        "view",
        "generate",
        "judge",
        "perplexity",
        "unbundle",
        "prune",
    }
    assert printed | asked_or_served | {"help"} == {*cli.list_commands(None), "help"}  # type: ignore[arg-type]
