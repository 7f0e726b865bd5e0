"""The project of these tests, in the current folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.cli import main
from tests.fakes.openai_server import FakeServer
from tests.hostile.world import Said, World


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """The project, in the current folder."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    prompts = "".join(f'[[prompt]]\nid = "p{n}"\nprompt = "Question {n}?"\n' for n in range(3))
    (tmp_path / "small.toml").write_text(f'name = "small"\n{prompts}', "utf-8")

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["brie", *arguments])
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    with FakeServer(models=("base", "tuned", "judge")) as server:
        made = World(tmp_path, server, call)
        made.settings()
        yield made
