"""What judging may cost: priced before anything is asked, agreed to, and capped afterwards.

The missing verdicts are counted and priced (`agree`): dollars, minutes, who receives prompts and
answers, and what the design can tell at all. After that the cap holds, whatever happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from brie import judge
from brie.analyse.power import smallest_detectable, variance_ratio
from brie.blinding import JudgeInput
from brie.catalog import load_defaults
from brie.errors import UsageError
from brie.evaluation.gather import without_collection
from brie.evaluation.missing import missing_of
from brie.evaluation.request_sizes import Sizes, sizes_of, sizes_of_tasks
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.judge.prices import is_paid, price_of
from brie.judge.probe import ProbeTerms, probe
from brie.judge.providers.adapter import Shape
from brie.judge.quote import CallStats, JudgeQuote, quote
from brie.judge.retry import PATIENCE
from brie.judge.run_context import FINAL, FINAL_ON_RETRY
from brie.judge.settings import LEAVE_OUT, WITHOUT_KEYS, check_keys, missing_key
from brie.number_format import dollars, percent, plural
from brie.project import Project
from brie.records import PanelJudge, Status
from brie.store import Store
from brie.store.owner import Owner
from brie.wire.files import shadowing


@dataclass(frozen=True, slots=True)
class Quote:
    """What judging will cost, take and be able to tell."""

    judges: tuple[JudgeQuote, ...]
    cap: float
    """US dollars the evaluation may cost in all."""
    spent: float
    """US dollars it has cost already."""
    told: str
    """What the design can tell, in one sentence."""
    servers: tuple[str, ...] = ()
    """Hosts of servers that answer for a side, and so receive prompts."""
    beside: str = ""
    """What some of the verdicts are for that are not the evaluation's own."""

    @property
    def expected(self) -> float:
        """US dollars, usually."""
        return sum(quoted.expected for quoted in self.judges)

    @property
    def worst(self) -> float:
        """US dollars, at most and without the cap."""
        return sum(quoted.worst for quoted in self.judges)

    @property
    def leaves(self) -> bool:
        """Whether anything leaves this machine, or costs anything."""
        return bool(self.servers) or any(quoted.host for quoted in self.judges) or self.worst > 0

    @property
    def short(self) -> str:
        """What a cap below the price buys; "" where it is above."""
        left = max(0.0, self.cap - self.spent)
        if self.expected <= left:
            return ""
        enough = math.ceil(self.spent + 1.25 * self.expected)
        return (
            f"The cap buys about {percent(left / self.expected)} of them. Then judging stops, the "
            f"report is INTERIM and has no verdict. For all of them: --budget {enough}"
        )

    def lines(self) -> list[str]:
        """The quote in words."""
        calls = sum(quoted.calls for quoted in self.judges)
        minutes = max((quoted.minutes for quoted in self.judges), default=0.0)
        told = [
            f"{calls:,} verdicts to ask for: about {dollars(self.expected)}, at most "
            f"{dollars(self.worst)}, in about {_minutes(minutes)}; cap {dollars(self.cap)}"
            + (f", {dollars(self.spent)} of it spent" if self.spent else "")
            + "."
        ]
        told += [f"  {_line(quoted)}" for quoted in self.judges if quoted.calls]
        told += [line for line in (self.beside, self.short) if line]
        return [*told, self.told] if self.told else told


def detectable(prompts: int, samples: int) -> str:
    """What a design of this size can tell, in one sentence."""
    rate = smallest_detectable(prompts, variance_ratio(samples))
    size = f"{plural(prompts, 'prompt')}, {plural(samples, 'sample')} each"
    if rate is None:
        return f"{size}: too few; this design cannot tell even a win rate of 100 % from an even one."
    return f"{size}: this design can tell a win rate of about {percent(rate)} or more from an even one."


def _line(quoted: JudgeQuote) -> str:
    where = f"prompts and answers go to {quoted.host}" if quoted.host else "nothing leaves this machine"
    where += f" through the proxy of {quoted.proxy}" if quoted.proxy else ""
    where += ", and the key over plain http, which others can read on the way" if quoted.exposed else ""
    if not quoted.paid:
        return f"{quoted.judge}: {quoted.calls:,} calls, free; {where}"
    source = f" ({quoted.price.source})" if quoted.price else ""
    price = f"{dollars(quoted.expected)} to {dollars(quoted.worst)}{source}"
    return f"{quoted.judge}: {quoted.calls:,} calls, {price}; {where}"


def _minutes(minutes: float) -> str:
    return "a minute" if minutes < 1.5 else f"{minutes:.0f} minutes"


Consent = Callable[[Quote], None]
"""Agrees to a quote, or raises UsageError."""


def unasked(quoted: Quote) -> None:
    """Consent where nobody can be asked: only what is free and stays here is agreed to.

    Raises:
        UsageError: it costs something, or sends something away.
    """
    if quoted.leaves:
        what = (
            "answering would send prompts"
            if quoted.servers
            else "judging would send prompts and answers"
        )
        raise UsageError(
            f"{what} away, and may cost money; nobody is here to agree. Say so beforehand: --yes"
        )


@dataclass(frozen=True, slots=True)
class Spending:
    """How judging may spend, and what it asks again."""

    budget: float | None = None
    """US dollars the evaluation may cost in all; None: the project's `budget`."""
    consent: Consent = unasked
    retry: bool = False
    """Ask again for `invalid` and `refused` verdicts too."""
    batch: bool = False
    """Use the providers' batches, at half the price."""
    without_keys: str = WITHOUT_KEYS
    """What can be done about missing keys with the command at hand."""
    patience: float = PATIENCE
    """Seconds a judge that does not answer is waited for."""
    probe: bool = True
    """Ask every judge one small thing before anything is made or sealed."""
    drift: Literal["auto", "off"] = "auto"
    """Ask judges with sealed anchors those again where that was long ago, or never."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Verdicts that are asked for besides an evaluation's own, as a part of its quote."""

    tasks: tuple[Task, ...]
    shown: Mapping[str, JudgeInput]
    """What is shown, by the verdict's key."""
    told: str
    """What they are for, in one sentence."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: the judges as they are reached, and the cap."""

    panel_judges: tuple[PanelJudge, ...]
    cap: float | None
    retry: bool = False
    batch: bool = False
    patience: float = PATIENCE
    settled: dict[str, Shape] = field(default_factory=dict)
    """How requests to each judge are put, as its probe found, and the run goes on finding."""


def agree(
    work: Work,
    panel_judges: Sequence[PanelJudge],
    store: Store,
    spending: Spending,
    project: Project,
    owner: Owner,
    *,
    evaluation: str,
    say: Callable[[str], None],
    known: Callable[[], Mapping[str, str]] = dict,
    beside: Beside | None = None,
) -> Terms:
    """Price what is missing of an evaluation and have it agreed to.

    Args:
        work: the evaluation's work.
        panel_judges: its judges, as their files say now.
        store: what is there already.
        spending: the wishes about money.
        project: whose budget holds where none is given.
        owner: this process.
        evaluation: its id; what it has spent counts.
        say: where the quote goes.
        known: completion key -> text, of answers that exist and are not in the store yet.
        beside: what else is asked.

    Raises:
        UsageError: a key is missing, a price is unknown, nobody agreed, or a judge cannot be asked.
    """
    _refuse_older_formats(work, panel_judges, store)
    say_shadowing(panel_judges, project, say)
    if not any(panel_judge.judge.provided.remote for panel_judge in panel_judges):
        return Terms(tuple(panel_judges), None, spending.retry, spending.batch)
    final = FINAL_ON_RETRY if spending.retry else FINAL
    missing = missing_of(work.planned(), store, final, known)
    sizes = sizes_of(missing, work)
    if beside is not None:
        shown, also = beside.shown, judge.missing(beside.tasks, store, final)
        for name, more in sizes_of_tasks(also, lambda task: shown[task.key]).items():
            sizes[name] = sizes.get(name, Sizes()).plus(more)
    return _price(
        sizes, panel_judges, store, spending, project, owner, evaluation=evaluation, say=say,
        told=detectable(len(work.plan.order), work.plan.samples), beside=beside.told if beside else "",
    )  # fmt: skip


def say_shadowing(
    panel_judges: Sequence[PanelJudge], project: Project, say: Callable[[str], None]
) -> None:
    """Say which judges are the project's own files where brie ships another judge of that name.

    Args:
        panel_judges: who is asked.
        project: whose files come first.
        say: where it is said.
    """
    for path in shadowing([panel_judge.judge.id for panel_judge in panel_judges], project):
        file = project.relative(path)
        say(f"{path.stem} is this project's own judge ({file}), not the one brie ships.")


@without_collection()
def _refuse_older_formats(work: Work, panel_judges: Sequence[PanelJudge], store: Store) -> None:
    """What a judge was asked in one format of the prompt is not completed in another.

    Raises:
        UsageError: verdicts are missing of a judge that was sealed under an older format.
    """
    older = {
        panel_judge.judge.id
        for panel_judge in panel_judges
        if panel_judge.judge.provided.kind != "person"
        and panel_judge.judge.prompt_format(panel_judge.digest) != panel_judge.judge.newest_format
    }
    planned = work.planned()
    theirs = planned.take(planned.is_by(older)) if older else None
    left = len(theirs.rows_missing(store, (Status.OK,))) if theirs is not None else 0
    if left:
        raise UsageError(
            f"{' and '.join(sorted(older))} were sealed under an older format of the judge's prompt, "
            f"and {left:,} of their verdicts are missing. Those that are there stay and are reported; "
            "for all of them in one format, make the evaluation anew: brie eval with the same options."
        )


def price_tasks(
    tasks: Sequence[Task],
    panel_judges: Sequence[PanelJudge],
    shown: Callable[[Task], JudgeInput],
    store: Store,
    spending: Spending,
    project: Project,
    owner: Owner,
    *,
    evaluation: str,
    say: Callable[[str], None],
    beside: str = "",
) -> Terms:
    """Price the tasks that have no verdict yet and have the price agreed to.

    Args:
        tasks: all planned verdicts.
        panel_judges: their judges.
        shown: what the judge of a task sees.
        store: what is there already.
        spending: the wishes about money.
        project: whose budget holds where none is given.
        owner: this process.
        evaluation: what the calls are booked under.
        say: where the quote goes.
        beside: what some of the tasks are for, in one sentence.

    Raises:
        UsageError: a key is missing, a price is unknown, nobody agreed, or a judge cannot be asked.
    """
    missing = judge.missing(tasks, store, FINAL_ON_RETRY if spending.retry else FINAL)
    return _price(
        sizes_of_tasks(missing, shown), panel_judges, store, spending, project, owner,
        evaluation=evaluation, say=say, beside=beside,
    )  # fmt: skip


def _price(
    missing: Mapping[str, Sizes],
    panel_judges: Sequence[PanelJudge],
    store: Store,
    spending: Spending,
    project: Project,
    owner: Owner,
    *,
    evaluation: str,
    say: Callable[[str], None],
    told: str = "",
    beside: str = "",
) -> Terms:
    """`price_tasks` of judges' missing requests.

    Args:
        missing: judge id -> sizes of its requests.
        told: what the design can tell, in one sentence.
    """
    others = any(not (p.instrument or missing_key(p.judge)) for p in panel_judges)
    instead = spending.without_keys if others else spending.without_keys.removeprefix(LEAVE_OUT)
    check_keys([p for p in panel_judges if p.judge.id in missing], instead)
    cap = load_defaults(project).budget if spending.budget is None else spending.budget
    priced = tuple(_priced(p, missing.get(p.judge.id, Sizes()).most) for p in panel_judges)
    quotes = [
        quote(
            panel_judge,
            missing[panel_judge.judge.id].usual,
            CallStats(*store.habits(panel_judge.judge.id)),
            most=missing[panel_judge.judge.id].most,
            batch=spending.batch,
        )
        for panel_judge in priced
        if panel_judge.judge.id in missing
    ]
    quoted = Quote(tuple(quotes), cap, store.committed(evaluation), told, beside=beside)
    if any(quoted_judge.host or quoted_judge.paid for quoted_judge in quotes):
        for line in quoted.lines():
            say(line)
        _know_prices(quoted)
        spending.consent(quoted)
    asked = [p for p in priced if p.judge.id in missing and p.judge.provided.remote]
    settled = {}
    if spending.probe and asked:
        terms = ProbeTerms(
            store=store, owner=owner, evaluation=evaluation, cap=cap, patience=spending.patience, say=say
        )
        settled = probe(asked, terms)
    return Terms(priced, cap, spending.retry, spending.batch, spending.patience, settled)


def _priced(panel_judge: PanelJudge, most: Sequence[int]) -> PanelJudge:
    spec = panel_judge.judge
    if not is_paid(spec):
        return panel_judge
    price = price_of(spec, longest=max(most, default=0))
    return panel_judge.model_copy(update={"judge": spec.model_copy(update={"price": price})})


def _know_prices(quoted: Quote) -> None:
    unknown = [q.judge for q in quoted.judges if q.paid and q.price is None]
    if unknown:
        names = ", ".join(unknown)
        raise UsageError(
            f"the price of {names} is not known, so the budget of {dollars(quoted.cap)} cannot be kept. "
            f"Put it into judges/{unknown[0]}.toml:\n"
            "  [price]\n  input = 0.0     # US dollars per million tokens\n  output = 0.0\n"
            '  source = "where you read it"\n  read_on = "2026-01-31"'
        )
