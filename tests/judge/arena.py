"""Presentations, judges and a store for tests that ask a local server through the real SDKs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brie.blinding import JudgeInput, assign, presentations
from brie.catalog import load_rubric
from brie.digest import digest
from brie.evaluation.plan import panel_judge
from brie.judge import JudgingResult, RunContext, run
from brie.judge.interface import Task
from brie.project import Project
from brie.records import JudgeSpec, Message, PanelJudge, Price, Provider, Rubric, Verdict, Winner
from brie.store import Store
from brie.store.owner import Owner
from tests.fakes.judge_servers import JudgeServer

RUBRIC: Rubric = load_rubric("general", Project(Path(__file__).parents[2]))
PRICE = Price(input=3.0, output=15.0, source="a test", read_on="2026-01-01")


def judge(server: JudgeServer, api: str = "openai", **changes: Any) -> PanelJudge:
    """A judge at a local server."""
    provider = {
        "openai": Provider.OPENAI_COMPATIBLE,
        "anthropic": Provider.ANTHROPIC,
        "gpt": Provider.OPENAI,
        "responses": Provider.OPENAI_RESPONSES,
        "azure": Provider.AZURE_OPENAI,
    }[api]
    settings: dict[str, Any] = {
        "id": api,
        "provider": provider,
        "model": "a-model",
        "base_url": server.anthropic if api in ("anthropic", "azure") else server.openai,
        "endpoint": "test",
        "output": "tool" if api == "anthropic" else "json_schema",
        "max_concurrency": 16,
        "timeout": 120.0,
        **changes,
    }
    return panel_judge(JudgeSpec(**settings), RUBRIC)


@dataclass
class Arena:
    """Comparisons with known answers, in a store."""

    store: Store
    owner: Owner
    panel_judges: Sequence[PanelJudge]
    prompts: int = 20
    text: Callable[[str, int], str] = lambda side, n: f"{'long ' * 5 if side == 'candidate' else ''}{n}"
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [(f"p{n:04}", "all") for n in range(self.prompts)]
        codes = {s.judge.id: assign(names, 1, "both", seed=0, judge=s.digest) for s in self.panel_judges}
        self.tasks = [
            Task.plan("main", place, shown, prompt=name, sample=n)
            for n, (name, _) in enumerate(names)
            for place in self.panel_judges
            for shown in presentations(
                codes[place.judge.id][name],
                positions="both",
                prompt=digest(name),
                candidate=digest(["candidate", n]),
                baseline=digest(["baseline", n]),
            )
        ]

    def shown(self, task: Task) -> JudgeInput:
        """What the judge sees."""
        p = task.presentation
        first, second = p.in_order(
            candidate=self.text("candidate", task.sample), baseline=self.text("baseline", task.sample)
        )
        return JudgeInput(
            messages=(Message(role="user", content=f"Question {task.sample}?"),),
            reference=None,
            check=None,
            first=first,
            second=second,
            first_letter=p.first_letter,
        )

    def run(self, **named: Any) -> JudgingResult:
        """Judge what is missing."""
        how = {name: named.pop(name) for name in ("batch", "polling") if name in named}
        return run(self.tasks, self.context(**named), **how)

    def context(self, **named: Any) -> RunContext:
        """What a run of these judges needs."""
        named.setdefault("on_done", lambda n: None)
        return RunContext(
            panel_judges=tuple(self.panel_judges), shown=self.shown, store=self.store, owner=self.owner,
            evaluation="eval-test", say=self.said.append, **named,
        )  # fmt: skip

    def verdicts(self) -> list[Verdict]:
        """The verdicts that count, in the order of work; those missing are left out."""
        found = self.store.verdicts(task.key for task in self.tasks)
        return [found[task.key] for task in self.tasks if task.key in found]

    def winners(self) -> list[Winner | None]:
        """Who won each presentation."""
        found = self.store.verdicts(task.key for task in self.tasks)
        return [
            task.presentation.unblind(v.letter) if (v := found.get(task.key)) and v.letter else None
            for task in self.tasks
        ]

    @property
    def spent(self) -> float:
        """US dollars in the ledger."""
        return sum(row.usd for row in self.store.ledger())


@contextmanager
def arena(folder: Path, panel_judges: Sequence[PanelJudge], **named: Any) -> Iterator[Arena]:
    """An arena with a store in a folder."""
    with Store.open(folder / "brie.sqlite") as store, Owner(folder / ".owners") as owner:
        yield Arena(store, owner, panel_judges, **named)
