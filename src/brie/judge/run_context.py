"""What every part of a run of the judges needs, decided once before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from brie.blinding import JudgeInput
from brie.judge.interface import Judge, Task
from brie.judge.providers import open_judge
from brie.judge.providers.adapter import Shape
from brie.judge.providers.remote import RemoteJudge
from brie.judge.retry import RetryPolicy
from brie.records import PanelJudge, Status
from brie.store import Store
from brie.store.owner import Owner

FINAL = (Status.OK, Status.INVALID, Status.REFUSED)
"""Statuses a rerun leaves alone (invariant I5); `error` and what is missing are asked again."""
FINAL_ON_RETRY = (Status.OK,)
"""With --retry `invalid` and `refused` are asked again too."""
CLAIM_SECONDS = 6 * 3600.0
"""A claim of a dead process is free at once; only one that hangs is waited for so long."""


def _unheard(_: str) -> None:
    """Nobody reads what is said."""


def open_as(panel_judge: PanelJudge, shape: Shape | None) -> Judge:
    """A judge, ready to be asked.

    Args:
        panel_judge: which.
        shape: how requests to it are put, where that is known.

    Raises:
        UsageError: it cannot be opened.
    """
    judge = open_judge(panel_judge)
    if isinstance(judge, RemoteJudge) and shape is not None:
        judge.adapter.reshape(shape)
    return judge


class Sharing(Protocol):
    """Has judges asked by others than this process."""

    def shared(self, judges: Mapping[str, Judge], context: RunContext) -> dict[str, Judge]:
        """The same judges, each asked elsewhere.

        Args:
            judges: opened here, where it is known what a request costs.
            context: of the run.

        Raises:
            UsageError: nobody can be had to ask them.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """Who judges, what is shown, where verdicts go, and what the run may do."""

    panel_judges: tuple[PanelJudge, ...]
    """The panel, with prices and addresses."""
    shown: Callable[[Task], JudgeInput]
    """What the judge of a task sees."""
    store: Store
    """Where verdicts are kept."""
    owner: Owner
    """This process."""
    evaluation: str
    """Id the calls are booked under."""
    on_done: Callable[[int], None]
    """Called with the number of verdicts just stored."""
    say: Callable[[str], None] = _unheard
    """Where a message for people goes."""
    cap: float | None = None
    """US dollars the evaluation may cost in all; None: no cap."""
    retry: bool = False
    """Ask again for `invalid` and `refused` too."""
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    """How long one verdict is tried for."""
    settled: dict[str, Shape] = field(default_factory=dict)
    """How requests to each judge are put, by its id: as probes found, and the run goes on finding."""
    sharing: Sharing | None = None
    """Who asks the judges that do not answer at once; None: this process."""

    def open(self, name: str) -> Judge:
        """A judge, ready to be asked in the way its server takes.

        Raises:
            UsageError: it cannot be opened.
        """
        return open_as(self.by_id[name], self.settled.get(name))

    def settle(self, name: str, judge: Judge) -> None:
        """Remember how requests to a judge are put."""
        if isinstance(judge, RemoteJudge):
            self.settled[name] = judge.adapter.shape

    @cached_property
    def by_id(self) -> Mapping[str, PanelJudge]:
        """The panel by judge id."""
        return {panel_judge.judge.id: panel_judge for panel_judge in self.panel_judges}

    @cached_property
    def _remarked(self) -> set[tuple[str, str]]:
        return set()

    def remark(self, judge: str, text: str) -> None:
        """Say something of a judge, once; nothing where there is nothing to say."""
        if text and (judge, text) not in self._remarked:
            self._remarked.add((judge, text))
            self.say(f"{judge}: {text}.")

    @cached_property
    def _served(self) -> dict[str, dict[str, None]]:
        return {}

    def served_before(self, judge: str) -> dict[str, None]:
        """What the provider has said answered for a judge so far, the newest first."""
        if judge not in self._served:
            names = self.store.served_names(self.by_id[judge].digest)
            self._served[judge] = dict.fromkeys(names)
        return self._served[judge]

    def look_who_answered(self, judge: str, served: str) -> None:
        """Say at once where the provider names another model than any before.

        Args:
            judge: its id; `served_before` was asked before this verdict was stored.
            served: what the provider said answered; "": nothing.
        """
        known = self.served_before(judge)
        if served and known and served not in known:
            before = next(iter(known))
            self.say(
                f"{judge}: `{served[:80]}` answers now, before it was `{before[:80]}`: another model "
                "may judge under this name. Whether it judges otherwise: brie judges drift"
            )
        if served:
            known[served] = None

    @property
    def final(self) -> tuple[Status, ...]:
        """Statuses of verdicts that are not asked for again."""
        return FINAL_ON_RETRY if self.retry else FINAL
