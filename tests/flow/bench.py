"""A project with a tiny fine-tune, a suite, and servers that judge, for whole commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brie.cli import main
from tests.fakes.judge_servers import JudgeServer, prefer_longer
from tests.generate.tinymodel import build_adapter, build_base

CANARY = "sk-canary-4f7a1b9d-do-not-keep"
SECRET = "zanzibar"
"""A name of the adapter's folder that no judge may see."""
PRICE = '[price]\ninput = 3.0\noutput = 15.0\nsource = "a test"\nread_on = "2026-01-01"\n'


@dataclass
class Bench:
    """A project with a tiny fine-tune, a suite, and servers that judge."""

    folder: Path
    openai: JudgeServer
    anthropic: JudgeServer
    call: Callable[..., Said]

    def eval(self, *arguments: str, judges: tuple[str, ...] = ("claude", "gpt")) -> Said:
        """`brie eval` on the small suite."""
        named = [part for name in judges for part in ("--judge", name)]
        return self.call(
            "eval", "--suite", "small.toml", "--candidate", SECRET, "--samples", "1",
            "--controls", "2", *named, *arguments,
        )  # fmt: skip

    def score(self, *judges: str, pairs: int = 2) -> Said:
        """`brie judges score` on a few known pairs, in which the longer answer is the better one."""
        rows = [
            {"id": f"{family}-{n}", "family": family, "category": "general",
             "prompt": f"Which {family} of {n}?", "better": 0, "ground": "it says why",
             "answers": [f"It is {n}, because of {n} reasons.", f"{n}."], "source": f"{family} {n}"}
            for family in ("reasoning", "prose") for n in range(pairs)
        ]  # fmt: skip
        (self.folder / "judges" / "judge_check.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in rows)
        )
        named = [part for name in judges for part in ("--judge", name)]
        return self.call("judges", "score", *named, "--yes")

    def analysis(self) -> dict[str, Any]:
        """The numbers of the only evaluation."""
        (path,) = self.folder.glob("runs/eval-*/analysis.json")
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded

    def manifest(self) -> dict[str, Any]:
        """The manifest of the only evaluation."""
        (path,) = self.folder.glob("runs/eval-*/manifest.json")
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base, an adapter on it, and a base that serves as a judge."""
    folder = tmp_path_factory.mktemp("models")
    base = build_base(folder / "base")
    build_adapter(folder / SECRET, base)
    build_base(folder / "judge", seed=5, context=16_384)
    return folder


@pytest.fixture
def bench(
    tmp_path: Path,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Bench]:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CANARY_KEY", CANARY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / SECRET).symlink_to(models / SECRET)
    (tmp_path / "brie.toml").write_text('panel = "offline"\nbudget = 5.0\n')
    prompts = "".join(
        f'[[prompt]]\nid = "p{n}"\ncategory = "c{n % 2}"\nprompt = "Question {n}?"\nreference = "R"\n'
        for n in range(8)
    )
    head = 'name = "small"\n[sampling]\ntemperature = 1.0\nmax_new_tokens = 12\n'
    (tmp_path / "small.toml").write_text(head + prompts)

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["brie", *arguments])
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    with JudgeServer(mind=prefer_longer) as one, JudgeServer(mind=prefer_longer) as two:
        found = Bench(tmp_path, one, two, call)
        write_judges(found, models / "judge")
        yield found


def write_judges(bench: Bench, local: Path) -> None:
    """Judge files for one judge of every kind."""
    folder = bench.folder / "judges"
    folder.mkdir()
    key = 'api_key_env = "CANARY_KEY"\n'
    files = {
        "claude": f'provider = "anthropic"\nmodel = "a-claude"\n'
        f'base_url = "{bench.anthropic.anthropic}"\nendpoint = "one"\nfamily = "claude"\n'
        f'output = "tool"\n{key}{PRICE}',
        "gpt": f'provider = "openai"\nmodel = "a-gpt"\nbase_url = "{bench.openai.openai}"\n'
        f'endpoint = "two"\nfamily = "gpt"\noutput = "json_schema"\n{key}{PRICE}',
        "served": f'provider = "openai-compatible"\nmodel = "a-model"\n'
        f'base_url = "{bench.openai.openai}"\nendpoint = "three"\noutput = "text"\n',
        "here": f'provider = "transformers"\nmodel = "{local}"\n'
        'output = "logprobs"\nmax_concurrency = 8\n',
    }
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)


def requests_are_blind(bench: Bench) -> None:
    """No name, path or side reaches a judge (invariant I3)."""
    servers = (bench.openai, bench.anthropic)
    for seen in [request for server in servers for request in (*server.seen, *server.probes)]:
        told = (seen.raw + repr(sorted(seen.headers.items())).encode()).decode()
        for word in (SECRET, "candidate", "baseline", "fine-tune", str(bench.folder), "adapter", "qwen"):
            assert word not in told.lower().replace("a better candidate", ""), word


def no_file_holds_the_key(bench: Bench, *said: Said) -> None:
    assert any(seen.key == CANARY for seen in bench.anthropic.seen)
    for path in bench.folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert CANARY.encode() not in path.read_bytes(), path
    assert all(CANARY not in one.out + one.err for one in said)
