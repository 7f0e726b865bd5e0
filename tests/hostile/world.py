"""A small project whose models and judges are behind servers that may say anything.

Nothing here knows more of brie than its command line: the same tests can be run on any build.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.openai_server import Body, FakeServer, Reply, answer

SIDES = ("--candidate", "server:lab#tuned", "--baseline", "server:lab#base")
PRICE = '[price]\ninput = 0.1\noutput = 0.1\nsource = "a test"\nread_on = "2026-01-01"\n'
_CASE = re.compile(r"Case number: (\d+)")


def verdict(body: Body, reasons: str = "It is better.", **changes: object) -> Reply:
    """What a judge behind a server says in earnest; `changes` are top-level fields of the reply."""
    case = _CASE.search(body["messages"][-1]["content"])
    text = f"{reasons}\n\nCase: {case[1] if case else ''}\nWinner: A"
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}
    return answer(body, **{"choices": [choice], "usage": usage, **changes})


def is_probe(body: Body) -> bool:
    """Whether a request is the one that only asks whether a judge can be asked."""
    return "What is the first meal of the day called?" in body["messages"][-1]["content"]


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


@dataclass
class World:
    """A project, a server, and the command."""

    folder: Path
    server: FakeServer
    call: Callable[..., Said]
    said: list[Said] = field(default_factory=list)
    judging: Callable[[Body], Reply | None] = verdict
    answering: Callable[[Body], Reply | None] = lambda body: None

    def __post_init__(self) -> None:
        self.server.behave = self._behave

    def _behave(self, body: Body) -> Reply | None:
        return (self.judging if body["model"].startswith("judge") else self.answering)(body)

    def brie(self, *arguments: str) -> Said:
        """Run a command; what it prints is kept."""
        self.said.append(self.call(*arguments))
        return self.said[-1]

    def judge(self, name: str, more: str = "", *, url: str = "", model: str = "judge") -> None:
        """Write a judge's file."""
        (self.folder / "judges").mkdir(exist_ok=True)
        (self.folder / "judges" / f"{name}.toml").write_text(
            f'provider = "openai-compatible"\nmodel = "{model}"\noutput = "text"\nendpoint = "{name}"\n'
            f'base_url = "{url or self.server.base_url}"\n{more}{"" if "[price]" in more else PRICE}',
            "utf-8",
        )

    def settings(self, more: str = "", *, url: str = "") -> None:
        """Write `brie.toml`, whose server answers for both sides."""
        (self.folder / "brie.toml").write_text(
            f'[servers.lab]\nbase_url = "{url or self.server.base_url}"\n{more}', "utf-8"
        )

    def eval(self, *arguments: str, judges: tuple[str, ...] = ("gpt",)) -> Said:
        """`brie eval` of both served models on the small suite."""
        named = [part for name in judges for part in ("--judge", name)]
        return self.brie(
            "eval", "--suite", "small.toml", *SIDES, "--samples", "1", "--controls", "0", *named,
            *(arguments or ("--yes",)),
        )  # fmt: skip

    def evaluation(self) -> Path:
        """The folder of the only evaluation."""
        (folder,) = (self.folder / "runs").glob("eval-*")
        return folder

    def holds(self, word: str) -> list[str]:
        """Where a word stands: in files, or in what was printed."""
        files = [p for p in self.folder.rglob("*") if p.is_file() and not p.is_symlink()]
        told = [p.name for p in files if word.encode() in p.read_bytes()]
        return told + ["printed" for said in self.said if word in said.out + said.err]
