"""What is shown before anything starts: hardware, price, time, disk, and what would stop it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from brie.errors import UsageError
from brie.lines import command
from brie.number_format import dollars, duration, size
from brie.remote.errand import Errand
from brie.remote.estimate import Estimate, estimated, time_limit
from brie.remote.launcher import Fact, Launcher, Offer

_WHEEL_BYTES = 6_000_000
"""Of brie itself, which is sent along."""
_FULL = 0.9
"""Share of the memory beyond which it hardly fits."""


@dataclass(frozen=True)
class Preflight:
    """All that is known before a job is started."""

    errand: Errand
    on: str
    offer: Offer
    estimate: Estimate
    minutes: int | None
    """The time limit; None: none is set."""
    send: tuple[str, ...]

    @property
    def usd_at_most(self) -> float | None:
        """Price of the time limit; None where nobody charges."""
        if self.offer.usd_an_hour is None or self.minutes is None:
            return None
        return self.offer.usd_an_hour * self.minutes / 60

    @property
    def rows(self) -> tuple[Fact, ...]:
        """The table, a row a fact."""
        offer, load = self.offer, self.errand.load
        free = offer.price_unknown or "none"
        price = free if offer.usd_an_hour is None else f"{dollars(offer.usd_an_hour)} an hour"
        limit = f"{self.minutes} minutes" if self.minutes is not None else "none"
        rows = [
            Fact("work", self.errand.subject),
            Fact("runs", command(*self.errand.arguments)),
            Fact("on", self.on),
            Fact("hardware", offer.hardware),
            *offer.facts,
            Fact("time", self._time()),
            Fact("time limit", limit),
            Fact("price", price),
        ]
        if self.usd_at_most is not None:
            rows.append(Fact("at most", dollars(self.usd_at_most)))
        rows += [Fact("memory", _beside(load.memory_bytes, offer.memory_bytes)), self._disk()]
        sent = f"about {size(load.sent_bytes + _WHEEL_BYTES)}: its files, and brie itself"
        return (
            *rows,
            Fact("sent", sent + (f"; and the values of {', '.join(self.send)}" * bool(self.send))),
        )

    def _time(self) -> str:
        minutes, why = self.estimate.minutes, self.estimate.why
        return why if minutes is None else f"about {duration(60 * minutes)} ({why})"

    def _disk(self) -> Fact:
        need, free = self.errand.load.disk_bytes, self.offer.disk_bytes
        short = need is not None and free is not None and need > free
        why = (
            f"{self.on} has {size(free or 0)} of disk left, it needs {size(need or 0)}." if short else ""
        )
        return Fact("disk", _beside(need, free), why)

    def refuse(self) -> None:
        """Stop where something would not work.

        Raises:
            UsageError: what, and what to do.
        """
        for fact in self.rows:
            if fact.refused:
                raise UsageError(fact.refused)
        if self.offer.timeout and self.minutes is None:
            raise UsageError(
                f"how long it takes is {self.estimate.why}, and {self.on} ends jobs at a limit; say "
                "one: --timeout MINUTES"
            )

    def document(self) -> dict[str, JsonValue]:
        """For `--json`."""
        return {
            "on": self.on,
            "kind": self.errand.kind,
            "arguments": list(self.errand.arguments),
            "estimated_minutes": self.estimate.minutes,
            "minutes": self.minutes,
            "usd_an_hour": self.offer.usd_an_hour,
            "usd_at_most": self.usd_at_most,
            "table": {fact.label: fact.text for fact in self.rows},
            "refused": next((fact.refused for fact in self.rows if fact.refused), None),
        }


def look(errand: Errand, launcher: Launcher, *, timeout: int | None) -> Preflight:
    """Ask what there is for an errand; nothing is started.

    Args:
        errand: what is to be done.
        launcher: where.
        timeout: minutes after which it is ended; None: what fits the estimate, where one is needed.

    Raises:
        UsageError: it cannot be asked.
        Unreachable: nobody answers.
    """
    offer = launcher.look(errand.load)
    estimate = estimated(errand.load, offer)
    if timeout is None and offer.timeout and estimate.minutes is not None:
        timeout = time_limit(estimate.minutes)
    return Preflight(errand, launcher.target.on, offer, estimate, timeout, launcher.target.send)


def _beside(need: int | None, there: int | None) -> str:
    needs = "unknown" if need is None else f"about {size(need)} needed"
    has = "" if there is None else f", {size(there)} there"
    tight = need is not None and there is not None and need > _FULL * there
    return f"{needs}{has}{': it hardly fits' if tight else ''}"
