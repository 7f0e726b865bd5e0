"""One small request a judge before anything is generated or sealed: can it be asked, and how?

The pair is made up and no part of any suite. What comes back settles the address, the key, the model,
and how requests are put (form, system's turn, the limit's name), and the workers start from there. It
is in the ledger and within the budget, and is never a verdict. What cannot work is known in seconds; a
server that is loading its model is waited for. A reply that is cut, empty or unreadable stops nothing:
the pairs of the suite may fare better.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from brie.blinding import judge_input, presentations
from brie.digest import digest, text_digest
from brie.errors import UsageError
from brie.judge.faults import Fault
from brie.judge.interface import Reply
from brie.judge.providers import open_judge
from brie.judge.providers.adapter import Shape
from brie.judge.providers.remote import RemoteJudge
from brie.judge.run_context import CLAIM_SECONDS
from brie.number_format import duration
from brie.records import Message, PanelJudge, Prompt, Usage
from brie.store import Store
from brie.store.owner import Owner

_ASKED = Prompt(
    id="probe",
    messages=(Message(role="user", content="What is the first meal of the day called?"),),
)
_ANSWERS = {text_digest(answer): answer for answer in ("It is called breakfast.", "Breakfast.")}
_ONE, _OTHER = _ANSWERS
_PRESENTED = presentations(
    "0", positions="both", prompt=text_digest("probe"), candidate=_ONE, baseline=_OTHER
)[0]
SHOWN = judge_input(_PRESENTED, _ASKED, _ASKED.messages, _ANSWERS)
"""The pair."""
_SLOW = 5.0
"""Seconds without a reply after which it is said that one is waited for."""
_LONGEST_WAIT = 15.0
"""Seconds between two tries while a server loads its model, unless it asks for more."""
_TRIES = 2
"""Requests whose faults say nothing about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTerms:
    """What a probe may do, and where its cost is booked."""

    store: Store
    owner: Owner
    evaluation: str
    """Id its calls are booked under."""
    cap: float | None
    """US dollars the evaluation may cost in all."""
    patience: float
    """Seconds a server that is not ready is waited for."""
    say: Callable[[str], None]


def probe(panel_judges: Sequence[PanelJudge], terms: ProbeTerms) -> dict[str, Shape]:
    """Ask every judge once; how requests to each are to be put, by its id.

    Args:
        panel_judges: judges that will be asked over the wire; others are left alone.
        terms: money, patience, and where messages go.

    Raises:
        UsageError: a judge cannot be asked; says why, and what to change.
    """
    findings = asyncio.run(_all(panel_judges, terms))
    problems = [finding for finding in findings if finding.problem]
    if not problems:
        return {finding.judge: finding.shape for finding in findings if finding.shape}
    if len(problems) == 1:
        told = f"judge {problems[0].judge!r} cannot be asked: {problems[0].problem}"
    else:
        listed = "".join(f"\n  {finding.judge}: {finding.problem}" for finding in problems)
        told = f"judges that cannot be asked:{listed}\n"
    raise UsageError(
        f"{told.rstrip('.')}{'' if told.endswith(chr(10)) else '. '}"
        "Mend that and give the same command again, or see who else can judge: brie judges ls"
    )


@dataclass(frozen=True, slots=True)
class _Finding:
    judge: str
    shape: Shape | None = None
    """How requests are put; None: nothing was found out."""
    problem: str = ""
    """Why the judge cannot be asked."""


async def _all(panel_judges: Sequence[PanelJudge], terms: ProbeTerms) -> list[_Finding]:
    opened = [judge for judge in map(open_judge, panel_judges) if isinstance(judge, RemoteJudge)]
    try:
        return await asyncio.gather(*(_Probe(judge, terms).run() for judge in opened))
    finally:
        await asyncio.gather(*(judge.close() for judge in opened))


@dataclass
class _Probe:
    """One judge's."""

    judge: RemoteJudge
    terms: ProbeTerms

    def __post_init__(self) -> None:
        self._name = self.judge.spec.id
        self._key = digest(["probe", self.terms.evaluation, self._name, secrets.token_hex(8)])
        self._said_slow = False

    async def run(self) -> _Finding:
        """Ask until something is known, or patience ends."""
        loop = asyncio.get_running_loop()
        start, tries = loop.time(), 0
        while True:
            tries += 1
            if not self._set_aside():
                return _Finding(self._name)
            try:
                reply = await self._reply()
            except Fault as fault:
                self._book(Usage(usd=self._worst if fault.billed else 0.0))
                if fault.kind == "all" or fault.cause == "unreachable":
                    return _Finding(self._name, problem=_with_remedy(fault, self.judge))
                if fault.outage and loop.time() - start >= self.terms.patience:
                    waited = duration(loop.time() - start)
                    return _Finding(self._name, problem=f"{fault}, for {waited}")
                if not fault.outage and (fault.kind == "this" or tries >= _TRIES):
                    self.terms.say(
                        f"{self._name}: the probe brought nothing ({fault}); the run goes on."
                    )
                    return _Finding(self._name, self.judge.adapter.shape)
                await self._wait(fault, tries, start + self.terms.patience - loop.time())
            else:
                self._book(reply.usage)
                if reply.remark:
                    self.terms.say(f"{self._name}: {reply.remark}.")
                return _Finding(self._name, self.judge.adapter.shape)

    @property
    def _worst(self) -> float:
        return self.judge.worst(SHOWN)

    async def _reply(self) -> Reply:
        asking = asyncio.ensure_future(self.judge.ask(SHOWN))
        try:
            done, _ = await asyncio.wait({asking}, timeout=_SLOW)
            if not done:
                self._say_waiting("no reply yet")
            return await asking
        finally:
            asking.cancel()

    async def _wait(self, fault: Fault, tries: int, left: float) -> None:
        self._say_waiting(str(fault))
        # Spreads tries in time; no number depends on it.
        pause = min(_LONGEST_WAIT, 0.5 * 2.0 ** min(tries, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
        await asyncio.sleep(max(0.0, min(max(pause, fault.wait or 0.0), left)))

    def _say_waiting(self, why: str) -> None:
        if not self._said_slow:
            self._said_slow = True
            most = duration(self.terms.patience)
            self.terms.say(f"{self._name}: {why}; it is waited for, {most} at most (--patience).")

    def _set_aside(self) -> bool:
        """Reserve the worst a request can cost; False where the budget leaves nothing for it."""
        terms = self.terms
        reserved = terms.store.reserve(
            [self._key], terms.owner, seconds=CLAIM_SECONDS, usd={self._key: self._worst},
            evaluation=terms.evaluation, judge=self._name, cap=terms.cap,
        )  # fmt: skip
        return bool(reserved.mine)

    def _book(self, usage: Usage) -> None:
        self.terms.store.book_probe(self.terms.evaluation, self._name, self._key, usage)


def _with_remedy(fault: Fault, judge: RemoteJudge) -> str:
    """A fault, and what to do about a server that is not there."""
    if fault.cause != "unreachable":
        return str(fault)
    if judge.spec.base_url is None:
        return f"{fault}. This machine has no way to that host: look at its network"
    return f"{fault}. Start that server, or mend `base_url` in judges/{judge.spec.id}.toml"
