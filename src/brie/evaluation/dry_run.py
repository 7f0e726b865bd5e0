"""What an evaluation would be, cost and be able to tell, before anything is sealed, made or asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from brie.evaluation.benchmark_plan import told_of_tasks
from brie.evaluation.budget import Quote, Spending, agree, detectable
from brie.evaluation.drift import beside, due_before
from brie.evaluation.folders import evaluation_id
from brie.evaluation.gather import without_collection
from brie.evaluation.plan import ResolvedRequest
from brie.evaluation.run import known_texts, planned, spent_in
from brie.evaluation.work import Work
from brie.number_format import listed, plural
from brie.project import Project
from brie.records import Plan
from brie.store import Store
from brie.store.owner import Owner

if TYPE_CHECKING:
    from brie.records import Pin


@dataclass(frozen=True, slots=True)
class DryRun:
    """An evaluation that was only planned."""

    id: str
    """The id it would have."""
    rows: dict[str, str]
    """What it would be, in words: label -> text."""
    quote: tuple[str, ...]
    """What judging would cost, and who would receive prompts and answers."""
    told: str
    """What it could tell, in one sentence."""


@without_collection()
def dry_run(asked: ResolvedRequest, project: Project, spending: Spending) -> DryRun:
    """Plan an evaluation and price it; nothing is written, made or asked.

    Args:
        asked: what would be evaluated.
        project: whose store says what is there already.
        spending: the wishes about money; nobody is asked to agree.

    Raises:
        UsageError: the plan cannot be made, a key is missing, or a price is not known.
    """
    plan, reason = planned(asked)
    work, said = Work.shared(plan), list[str]()
    with reading(project) as (store, owner):
        keys = work.answer_keys()
        there = len(store.present("completions", keys))
        tasks_words = told_of_tasks(plan, asked, store) if asked.tasks else ""
        only_priced = replace(spending, consent=unseen, probe=False)
        dues = due_before(work, asked.panel_judges, store, project, spending)
        agree(
            work, asked.panel_judges, store, only_priced, project, owner,
            evaluation=evaluation_id(plan), say=said.append, known=partial(known_texts, work, asked),
            beside=beside(dues),
        )  # fmt: skip
    told = detectable(len(plan.order), plan.samples)
    rows = {**_rows(plan, asked), "on": reason, "answers": _answers(len(keys), there)}
    if spent := spent_in(asked, project):
        rows["spent"] = spent
    rows["verdicts"] = plural(len(work.planned()), "verdict") + " with controls, at most"
    if asked.tasks:
        rows["tasks"] = tasks_words
    return DryRun(evaluation_id(plan), rows, tuple(line for line in said if line != told), told)


def unseen(_: Quote) -> None:
    """Nothing is spent, so nobody has to agree."""


@contextmanager
def reading(project: Project) -> Iterator[tuple[Store, Owner]]:
    """The project's store to read, or an empty one where there is none; nothing of it is written."""
    with TemporaryDirectory() as folder:
        path, read_only = project.store, project.store.is_file()
        if not read_only:
            path = Path(folder) / "brie.sqlite"
        with Store.open(path, read_only=read_only) as store, Owner(Path(folder) / "owners") as owner:
            yield store, owner


def _rows(plan: Plan, asked: ResolvedRequest) -> dict[str, str]:
    seats = [seat.judge.id + (" (instrument)" if seat.instrument else "") for seat in plan.seats]
    orders = "both orders" if plan.positions == "both" else "one order each, balanced"
    if plan.criteria_orders > 1:
        orders += f", criteria in {plan.criteria_orders} orders"
    return {
        "candidate": _side(asked.candidate.name, plan.candidate),
        "baseline": _side(asked.baseline.name, plan.baseline),
        "suite": f"{plan.suite.name} {plan.suite.version}, {plural(len(plan.order), 'prompt')}",
        "design": f"{plural(plan.samples, 'sample')} a prompt and side, {orders}, seed {plan.seed}",
        "judges": listed(seats),
    }


def _side(name: str, pin: Pin) -> str:
    from brie.digest import short

    return f"{name} (pin {short(pin.digest)})"


def _answers(planned_answers: int, there: int) -> str:
    made = plural(planned_answers, "answer")
    return f"{made}, {there:,} of them there already" if there else made
