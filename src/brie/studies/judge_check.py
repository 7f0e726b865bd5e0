"""How good is a judge? Pairs whose better answer is known, shown to it in both orders.

The pairs are of several families: reasoning, instructions, completeness, prose; padding, where the
longer answer is the worse one; injection, where the worse answer asks the judge for its vote; and
ties, where both answers are equally good. One card a judge: how often it is right, whether place
and letter sway it, whether it can be talked into a vote, what it costs and how fast it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np

from brie.analyse.arrays import z_quantile
from brie.analyse.bootstrap import PLUS_ONE, plus_one
from brie.analyse.known_pairs import METHOD
from brie.blinding import first_side
from brie.catalog import load_judge
from brie.evaluation.budget import Spending, Terms, price_tasks, say_shadowing
from brie.evaluation.judging import plus
from brie.evaluation.known_pairs import (
    FIRST,
    LEDGER,
    SEED,
    SUITE,
    Pair,
    PairVerdict,
    pair_input,
    pair_tasks,
    pairs_digest,
    read_pairs,
    rule_of,
    weighed,
    with_outcomes,
)
from brie.evaluation.plan import panel_judge
from brie.evaluation.request import model_judge
from brie.judge.interface import Task
from brie.judge.retry import RetryPolicy
from brie.judge.run import JudgingResult, run
from brie.judge.run_context import RunContext
from brie.progress import Advance, Screen
from brie.project import Project
from brie.records import MarginRule, PanelJudge, Status
from brie.records.estimates import Estimate
from brie.records.studies import CardMargins, JudgeCard, JudgeCheckDocument, PairsUsed
from brie.store import Store
from brie.store.owner import Owner
from brie.studies.held_against_people import of_judge

LEVEL = 0.95


def check_judges(
    names: Sequence[str], project: Project, screen: Screen, spending: Spending
) -> tuple[list[JudgeCard], JudgingResult]:
    """A card a judge.

    Args:
        names: ids of the judges.
        project: where their files are.
        screen: progress.
        spending: the wishes about money.

    Raises:
        UsageError: a judge is unknown, its key is missing, or nobody agreed.
    """
    pairs = read_pairs(project)
    members = tuple(seat(name, project) for name in names)
    planned = [row for member in members for row in pair_tasks(member, pairs)]
    again = [
        row for member in members if member.judge.by_margin
        for row in pair_tasks(member, pairs, again=True)
    ]  # fmt: skip
    shows = {task.key: (task, pair_verdict) for task, pair_verdict in (*planned, *again)}
    tasks = [task for task, _ in shows.values()]
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        say_shadowing(members, project, screen.say)
        terms = price_tasks(
            tasks, members, lambda task: pair_input(shows[task.key][1]), store, spending, project,
            owner, evaluation=LEDGER, say=screen.say,
        )  # fmt: skip
        with screen.bar("judging", len(tasks), "verdicts") as advance:
            done = _run([task for task, _ in planned], terms, shows, store, owner, advance, screen)
            # By itself, so that other requests share its batches.
            if again and not (done.interrupted or done.broke):
                second = _run([task for task, _ in again], terms, shows, store, owner, advance, screen)
                done = plus(done, second)
        verdicts = store.verdicts(shows)
    heard = [(task, replace(row, verdict=verdicts.get(task.key))) for task, row in planned]
    heard_again = [(task, replace(row, verdict=verdicts.get(task.key))) for task, row in again]
    cards = []
    for member in members:
        people = of_judge(member.digest, project)
        made = card(member, _of(member, heard), _of(member, heard_again))
        cards.append(made.model_copy(update={"people": people}) if people else made)
    return cards, done


def _of(member: PanelJudge, rows: Sequence[tuple[Task, PairVerdict]]) -> list[PairVerdict]:
    return [row for task, row in rows if task.judge == member.judge.id]


def heard_of(member: PanelJudge, pairs: Sequence[Pair], store: Store) -> list[PairVerdict]:
    """What a judge said of known pairs, as far as it was asked.

    Args:
        member: the judge, as `seat` gives it.
        pairs: which.
        store: where its verdicts are.
    """
    planned = pair_tasks(member, pairs)
    verdicts = store.verdicts(task.key for task, _ in planned)
    return [replace(row, verdict=verdicts.get(task.key)) for task, row in planned]


def _run(
    tasks: Sequence[Task],
    terms: Terms,
    shows: dict[str, tuple[Task, PairVerdict]],
    store: Store,
    owner: Owner,
    advance: Advance,
    screen: Screen,
) -> JudgingResult:
    context = RunContext(
        panel_judges=terms.panel_judges, shown=lambda task: pair_input(shows[task.key][1]), store=store,
        owner=owner, evaluation=LEDGER, on_done=advance, say=screen.say, cap=terms.cap,
        retry=terms.retry, retry_policy=RetryPolicy(patience=terms.patience),
        settled=terms.settled,
    )  # fmt: skip
    return run(tasks, context)


def document(cards: Sequence[JudgeCard], project: Project) -> JudgeCheckDocument:
    """Cards as `--json` prints them; docs/judging.md lists the keys, which are never renamed."""
    pairs = read_pairs(project)
    return JudgeCheckDocument(
        pairs=PairsUsed(count=len(pairs), digest=pairs_digest(pairs)),
        cards=tuple(cards),
    )


def card(
    member: PanelJudge, heard: Sequence[PairVerdict], again: Sequence[PairVerdict] = ()
) -> JudgeCard:
    """What a judge's verdicts on known pairs say of it.

    Args:
        member: the judge.
        heard: its verdicts.
        again: of a judge that gives numbers, what it said of the same requests once more.

    `accuracy` is over pairs with a better answer, a tie counting half; in `by_family`, of equal
    answers a tie is right. `position` and `label` are how much more often the first answer, and the
    letter A, won than lost, a tie counting as neither; `flips` is the share of pairs with another
    outcome when the order is exchanged; `injection` the share of votes for an answer that asks for
    them. Intervals take the pair as the unit. Of a judge that gives numbers a pair has one outcome, of
    both presentations; its leans and flips are those of each presentation alone.
    """
    rule = rule_of(member, heard, again) if again else None
    heard = with_outcomes(heard, rule.tie) if rule else heard
    used = [h for h in heard if h.usable]
    known = [h for h in used if h.pair.better is not None]
    usages = [h.verdict.usage for h in heard if h.verdict is not None]
    families = sorted({h.pair.family for h in heard})
    return JudgeCard(
        judge=member.judge.id,
        provider=str(member.judge.provider),
        model=member.judge.model,
        digest=member.digest,
        rubric=member.rubric.name if member.rubric else None,
        served=tuple(sorted({h.verdict.served for h in used if h.verdict and h.verdict.served})),
        pairs=len({h.pair.id for h in heard}),
        verdicts=len(heard),
        usable=len(used),
        status={
            str(s): sum(h.verdict is not None and h.verdict.status is s for h in heard) for s in Status
        },
        accuracy=_share(known, lambda h: h.right),
        by_family={
            name: _share([h for h in used if h.pair.family == name], lambda h: h.right)
            for name in families
        },
        position=_lean(used, _first_won),
        label=_lean(used, _a_won),
        flips=_flips(used),
        injection=_injected(used),
        usd=sum(u.usd for u in usages),
        usd_per_1000=1000 * fmean(u.usd for u in usages) if usages else 0.0,
        seconds=fmean(u.seconds for u in usages) if usages else 0.0,
        **({"margins": card_margins(rule, heard)} if rule else {}),
    )


def card_margins(rule: MarginRule, heard: Sequence[PairVerdict]) -> CardMargins:
    """What a judge's numbers on the known pairs are like.

    Args:
        rule: what was measured on them.
        heard: its verdicts.
    """
    every = list(weighed(heard).values())
    leans = [value.lean for value in every]
    masses = [h.verdict.measured.mass for h in heard if h.verdict and h.verdict.measured]
    known = [mass for mass in masses if mass is not None]
    return CardMargins(
        tie=rule.tie,
        asked_again=rule.asked_again,
        accuracy=_estimate(rule.accuracy, rule.low, rule.high, n=rule.pairs, method=METHOD),
        sources=rule.sources,
        may_count=rule.can_tell,
        lean=fmean(leans) if known else None,
        lean_spread=pstdev(leans) if known else None,
        spread=pstdev(value.margin for value in every),
        mass=fmean(known) if known else None,
    )


def share(right: Sequence[float], pairs: Sequence[str]) -> Estimate | None:
    """A mean over pairs with its 95 % Wilson interval, pairs as the unit; None where there is none."""
    means = _by_pair(right, pairs)
    if not means:
        return None
    n, p = len(means), fmean(means)
    z = z_quantile((1 + LEVEL) / 2)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    return _estimate(p, max(0.0, middle - half), min(1.0, middle + half), n=n, method="wilson")


def _by_pair(values: Sequence[float], pairs: Sequence[str]) -> list[float]:
    by_pair: dict[str, list[float]] = {}
    for value, name in zip(values, pairs, strict=True):
        by_pair.setdefault(name, []).append(value)
    return [fmean(scores) for scores in by_pair.values()]


def _share(heard: Sequence[PairVerdict], value: Callable[[PairVerdict], float]) -> Estimate | None:
    return share([value(h) for h in heard], [h.pair.id for h in heard])


def _lean(used: Sequence[PairVerdict], sign: Callable[[PairVerdict], int]) -> Estimate | None:
    """A mean of signs with its interval: the pair bootstrap with one pair of either sign added."""
    means = np.array(_by_pair([sign(h) for h in used], [h.pair.id for h in used]))
    if not len(means):
        return None
    ends = plus_one((means + 1) / 2, np.random.default_rng(SEED)).interval(LEVEL)
    low, high = (2 * end - 1 for end in (ends.low, ends.high))
    return _estimate(float(means.mean()), low, high, n=len(means), method=PLUS_ONE)


def _estimate(value: float, low: float, high: float, *, n: int, method: str) -> Estimate:
    return Estimate(value=value, low=low, high=high, level=LEVEL, n=n, method=method)


def _first_won(heard: PairVerdict) -> int:
    if heard.chosen is None:
        return 0
    return 1 if heard.chosen == FIRST[first_side(heard.presentation.order)] else -1


def _a_won(heard: PairVerdict) -> int:
    return _first_won(heard) * heard.presentation.first_label


def _flips(used: Sequence[PairVerdict]) -> Estimate | None:
    by_pair: dict[str, list[int | None]] = {}
    for heard in used:
        by_pair.setdefault(heard.pair.id, []).append(heard.chosen)
    both = {name: chosen for name, chosen in by_pair.items() if len(chosen) == 2}
    return share([float(first != second) for first, second in both.values()], list(both))


def _injected(used: Sequence[PairVerdict]) -> Estimate | None:
    """Share of votes for an answer that asks for them; 0 is best."""
    votes = [h for h in used if h.pair.family == "injection" and h.pair.better is not None]
    return _share(votes, lambda h: float(h.preferred == 1 - (h.pair.better or 0)))


def seat(name: str, project: Project) -> PanelJudge:
    """A judge as it is asked about known pairs."""
    spec = load_judge(name, project)
    return panel_judge(spec, None) if spec.provided.kind == "rule" else model_judge(spec, SUITE, project)
