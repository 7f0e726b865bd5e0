"""How good is a judge? Pairs whose better answer is known, shown to it in both orders.

The pairs are of several families: reasoning, instructions, completeness, prose; padding, where the
longer answer is the worse one; injection, where the worse answer asks the judge for its vote; and
ties, where both answers are equally good. One card a judge: how often it is right, whether place
and letter sway it, whether it can be talked into a vote, what it costs and how fast it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np
from pydantic import Field

from brie.analyse.arrays import z_quantile
from brie.analyse.bootstrap import PLUS_ONE, plus_one
from brie.blinding import JudgeInput, Presentation, assign, first_side, judge_input, presentations
from brie.catalog import build, load_judge
from brie.digest import digest
from brie.errors import InputError
from brie.evaluation.budget import Spending, Terms, price_tasks, say_shadowing
from brie.evaluation.plan import panel_judge
from brie.evaluation.request import model_judge
from brie.judge.interface import Task
from brie.judge.retry import RetryPolicy
from brie.judge.run import JudgingResult, run
from brie.judge.run_context import RunContext
from brie.progress import Advance, Screen
from brie.project import Project, packaged
from brie.reading.texts import json_lines
from brie.records import Message, PanelJudge, Prompt, Record, Side, Status, Suite, Verdict
from brie.records.estimates import Estimate
from brie.records.studies import JudgeCard, JudgeCheckDocument, PairsUsed
from brie.store import Store
from brie.store.owner import Owner
from brie.studies.held_against_people import of_judge

LEVEL = 0.95
LEDGER = "judge-check"
"""What these calls are booked under."""
_SEED = 0


class Pair(Record):
    """One line of `judges/judge_check.jsonl`."""

    id: str
    family: str
    category: str
    prompt: str
    answers: tuple[str, str]
    better: Literal[0, 1] | None
    """Place of the better answer; None: neither is."""
    ground: str = Field(min_length=1)
    """Why that is so."""
    source: str


_ANSWER: dict[Side, int] = {"candidate": 0, "baseline": 1}
"""Place of an answer in its pair, by the side it stands as."""


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What a judge said of one presentation of a pair."""

    pair: Pair
    presentation: Presentation
    """The pair's first answer stands as candidate, its second as baseline."""
    verdict: Verdict | None

    @property
    def chosen(self) -> int | None:
        """The answer that won: 0 or 1; None for a tie or no verdict."""
        letter = self.verdict.letter if self.usable and self.verdict else None
        winner = self.presentation.unblind(letter) if letter else "tie"
        return None if winner == "tie" else _ANSWER[winner]

    @property
    def usable(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict is not None and self.verdict.status is Status.OK

    @property
    def right(self) -> float:
        """1 for the better answer, 0 for the worse, ½ for a tie; of equal ones a tie is right."""
        if self.pair.better is None:
            return float(self.chosen is None)
        return 0.5 if self.chosen is None else float(self.chosen == self.pair.better)


def read_pairs(project: Project) -> list[Pair]:
    """The project's own pairs, else those brie ships.

    Raises:
        InputError: a line is wrong; the message names it.
    """
    project_file = project.root / "judges" / "judge_check.jsonl"
    path = project_file if project_file.is_file() else packaged("judges", "judge_check.jsonl")
    pairs = [build(Pair, row, f"{path}: line {number}") for number, row in json_lines(path)]
    if not pairs:
        raise InputError(f"{path} has no pairs.")
    return pairs


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
    suite = Suite(name=LEDGER, prompts=tuple(_prompt(pair) for pair in pairs))
    members = tuple(_seat(name, suite, project) for name in names)
    planned = [row for member in members for row in _tasks(member, pairs)]
    shows = {task.key: (task, pair_verdict) for task, pair_verdict in planned}
    tasks = [task for task, _ in shows.values()]
    with Store.open(project.store) as store, Owner(project.runs / ".owners") as owner:
        say_shadowing(members, project, screen.say)
        terms = price_tasks(
            tasks, members, lambda task: _shown(shows[task.key][1]), store, spending, project,
            owner, evaluation=LEDGER, say=screen.say,
        )  # fmt: skip
        with screen.bar("judging", len(tasks), "verdicts") as advance:
            done = _run(tasks, terms, shows, store, owner, advance, screen)
        verdicts = store.verdicts(shows)
    cards = []
    for member in members:
        heard = [
            PairVerdict(pair_verdict.pair, pair_verdict.presentation, verdicts.get(task.key))
            for task, pair_verdict in planned
            if task.judge == member.judge.id
        ]
        people = of_judge(member.digest, project)
        made = card(member, heard)
        cards.append(made.model_copy(update={"people": people}) if people else made)
    return cards, done


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
        panel_judges=terms.panel_judges, shown=lambda task: _shown(shows[task.key][1]), store=store,
        owner=owner, evaluation=LEDGER, on_done=advance, say=screen.say, cap=terms.cap,
        retry=terms.retry, retry_policy=RetryPolicy(patience=terms.patience),
        settled=terms.settled,
    )  # fmt: skip
    return run(tasks, context)


def document(cards: Sequence[JudgeCard], project: Project) -> JudgeCheckDocument:
    """Cards as `--json` prints them; docs/judging.md lists the keys, which are never renamed."""
    pairs = read_pairs(project)
    return JudgeCheckDocument(
        pairs=PairsUsed(count=len(pairs), digest=digest([pair.model_dump() for pair in pairs])),
        cards=tuple(cards),
    )


def card(member: PanelJudge, heard: Sequence[PairVerdict]) -> JudgeCard:
    """What a judge's verdicts on known pairs say of it.

    `accuracy` is over pairs with a better answer, a tie counting half; in `by_family`, of equal
    answers a tie is right. `position` and `label` are how much more often the first answer, and the
    letter A, won than lost, a tie counting as neither; `flips` is the share of pairs with another
    outcome when the order is exchanged; `injection` the share of votes for an answer that asks for
    them. Intervals take the pair as the unit.
    """
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
    ends = plus_one((means + 1) / 2, np.random.default_rng(_SEED)).interval(LEVEL)
    low, high = (2 * end - 1 for end in (ends.low, ends.high))
    return _estimate(float(means.mean()), low, high, n=len(means), method=PLUS_ONE)


def _estimate(value: float, low: float, high: float, *, n: int, method: str) -> Estimate:
    return Estimate(value=value, low=low, high=high, level=LEVEL, n=n, method=method)


def _first_won(heard: PairVerdict) -> int:
    if heard.chosen is None:
        return 0
    return 1 if heard.chosen == _ANSWER[first_side(heard.presentation.order)] else -1


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
    return _share(votes, lambda h: float(h.chosen == 1 - (h.pair.better or 0)))


def _seat(name: str, suite: Suite, project: Project) -> PanelJudge:
    spec = load_judge(name, project)
    return panel_judge(spec, None) if spec.provided.kind == "rule" else model_judge(spec, suite, project)


def _prompt(pair: Pair) -> Prompt:
    return Prompt(
        id=pair.id, messages=(Message(role="user", content=pair.prompt),), category=pair.family
    )


def _tasks(member: PanelJudge, pairs: Sequence[Pair]) -> list[tuple[Task, PairVerdict]]:
    """Both presentations of every pair, orders and letters crossed as in an evaluation."""
    codes = assign([(p.id, p.family) for p in pairs], 1, "both", seed=_SEED, judge=member.digest)
    planned = []
    for pair in pairs:
        keys = [digest({"judge_check": pair.prompt, "answer": text}) for text in pair.answers]
        shown = presentations(
            codes[pair.id],
            positions="both",
            prompt=digest(pair.prompt),
            candidate=keys[0],
            baseline=keys[1],
        )
        for p in shown:
            planned.append(
                (Task.plan("main", member, p, prompt=pair.id, sample=0), PairVerdict(pair, p, None))
            )
    return planned


def _shown(heard: PairVerdict) -> JudgeInput:
    shown = heard.presentation
    texts = dict(zip((shown.candidate, shown.baseline), heard.pair.answers, strict=True))
    prompt = _prompt(heard.pair)
    return judge_input(shown, prompt, prompt.messages, texts)
