"""Pairs whose better answer is known, shown to judges in both orders, and what a judge's numbers on
them say: from which margin on there is a difference, and whether it can tell at all.

A judge that gives numbers is asked about every pair twice, the second time in another sequence and
so in other batches. What that changes is no difference between answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from brie.analyse.known_pairs import accuracy, tie_threshold
from brie.blinding import JudgeInput, Presentation, Weighed, assign, judge_input, presentations, weigh
from brie.catalog import build, load_rubric
from brie.digest import digest
from brie.errors import InputError, UsageError
from brie.evaluation.plan import panel_judge
from brie.judge.interface import Kind, Task
from brie.project import Project, packaged
from brie.reading.texts import json_lines
from brie.records import (
    MarginRule,
    Message,
    PanelJudge,
    Positions,
    Prompt,
    Record,
    Side,
    Status,
    Suite,
    Verdict,
    Winner,
)
from brie.records.base import Letter
from brie.store import Store

LEDGER = "judge-check"
"""What these calls are booked under."""
SUITE = Suite(name=LEDGER, prompts=())
"""Names the rubric of judges that name none."""
SEED = 0
FIRST: dict[Side, int] = {"candidate": 0, "baseline": 1}
"""Place of an answer in its pair, by the side it stands as."""


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


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What a judge said of one presentation of a pair."""

    pair: Pair
    presentation: Presentation
    """The pair's first answer stands as candidate, its second as baseline."""
    verdict: Verdict | None
    outcome: Winner | None = None
    """Of a judge that gives numbers: what both presentations together say; None: nothing, or it is
    another kind of judge."""

    @property
    def chosen(self) -> int | None:
        """The answer that won: 0 or 1; None for a tie or no verdict."""
        letter = self.verdict.letter if self.usable and self.verdict else None
        winner = self.presentation.unblind(letter) if letter else "tie"
        return None if winner == "tie" else FIRST[winner]

    @property
    def preferred(self) -> int | None:
        """The answer that the judge prefers in the end, as `chosen`."""
        if self.outcome is None:
            return self.chosen
        return None if self.outcome == "tie" else FIRST[self.outcome]

    @property
    def usable(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict is not None and self.verdict.status is Status.OK

    @property
    def right(self) -> float:
        """1 for the better answer, 0 for the worse, ½ for a tie; of equal ones a tie is right."""
        if self.pair.better is None:
            return float(self.preferred is None)
        return 0.5 if self.preferred is None else float(self.preferred == self.pair.better)


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


def pairs_digest(pairs: Sequence[Pair]) -> str:
    """Names the pairs."""
    return digest([pair.model_dump() for pair in pairs])


def prompt_of(pair: Pair) -> Prompt:
    """A pair's question as a prompt."""
    return Prompt(
        id=pair.id, messages=(Message(role="user", content=pair.prompt),), category=pair.family
    )


def pair_tasks(
    member: PanelJudge, pairs: Sequence[Pair], *, again: bool = False
) -> list[tuple[Task, PairVerdict]]:
    """Both presentations of every pair, orders and letters crossed as in an evaluation.

    Args:
        member: who is asked.
        pairs: what is shown.
        again: the very same once more, in another sequence.
    """
    codes = assign([(p.id, p.family) for p in pairs], 1, "both", seed=SEED, judge=member.digest)
    kind: Kind = "again" if again else "main"
    planned = []
    for pair in sorted(pairs, key=lambda p: digest(["again", p.id])) if again else pairs:
        keys = [digest({"judge_check": pair.prompt, "answer": text}) for text in pair.answers]
        shown = presentations(
            codes[pair.id],
            positions="both",
            prompt=digest(pair.prompt),
            candidate=keys[0],
            baseline=keys[1],
        )
        for p in shown:
            task = Task.plan(kind, member, p, prompt=pair.id, sample=0, repeat=int(again))
            planned.append((task, PairVerdict(pair, p, None)))
    return planned


def pair_input(heard: PairVerdict) -> JudgeInput:
    """What a judge sees of a pair."""
    shown = heard.presentation
    texts = dict(zip((shown.candidate, shown.baseline), heard.pair.answers, strict=True))
    prompt = prompt_of(heard.pair)
    return judge_input(shown, prompt, prompt.messages, texts)


def with_rules(
    members: Sequence[PanelJudge], positions: Positions, project: Project, *, early: bool = False
) -> tuple[PanelJudge, ...]:
    """A panel, its judges that give numbers with their rules.

    Args:
        members: the panel.
        positions: of the plan.
        project: where the known pairs and what was said of them are.
        early: whether the plan may stop early.

    Raises:
        UsageError: the plan shows each comparison once, or may stop early; or see `with_rule`.
    """
    for member in members:
        refuse_design(member, positions, early=early)
    return tuple(with_rule(member, project) for member in members)


def refuse_design(member: PanelJudge, positions: Positions, *, early: bool = False) -> None:
    """Refuse a judge that gives numbers where the design has no use for them.

    Raises:
        UsageError: says which option to leave out.
    """
    spec = member.judge
    if not spec.by_margin:
        return
    if positions == "balanced" and not spec.provided.scores:
        raise UsageError(
            f"judge {spec.id!r} gives the probabilities of two letters: only a comparison shown in both "
            "orders takes its liking for one of them out. Leave --positions balanced out, or take "
            f'output = "json_schema" in judges/{spec.id}.toml.'
        )
    if early and not member.instrument:
        raise UsageError(
            f"judge {spec.id!r} gives numbers, and counts only where its controls pass in the whole "
            "evaluation, so nothing can be decided before its end. Leave --until-decided out."
        )


def with_rule(member: PanelJudge, project: Project) -> PanelJudge:
    """A judge with the rule by which its margins become outcomes; one that gives no numbers as it is.

    Raises:
        UsageError: it has not been scored on the known pairs, or gave no numbers on them.
    """
    if not member.judge.by_margin:
        return member
    return member.model_copy(update={"margins": _sealed_rule(member, project)})


def _sealed_rule(member: PanelJudge, project: Project) -> MarginRule:
    spec, pairs = member.judge, read_pairs(project)
    rubric = None if spec.provided.scores else load_rubric(spec.rubric or SUITE.rubric, project)
    asked = panel_judge(spec, rubric)
    heard = [_stored(pair_tasks(asked, pairs, again=again), project) for again in (False, True)]
    if any(row.verdict is None for rows in heard for row in rows):
        raise UsageError(
            f"judge {spec.id!r} gives numbers, not words: which of them are a tie, and whether it can "
            f"tell at all, is measured first, on pairs whose better answer is known: "
            f"brie judges score --judge {spec.id}"
        )
    rule = rule_of(asked, *heard)
    if rule is None:
        raise UsageError(
            f"judge {spec.id!r} gave no number on the known pairs, so its margins have no unit: see "
            f"what it said with: brie judges score --judge {spec.id}"
        )
    return rule


def _stored(planned: Sequence[tuple[Task, PairVerdict]], project: Project) -> list[PairVerdict]:
    if not project.store.is_file():
        return [heard for _, heard in planned]
    with Store.open(project.store, read_only=True) as store:
        verdicts = store.verdicts(task.key for task, _ in planned)
    return [PairVerdict(h.pair, h.presentation, _answered(verdicts.get(t.key))) for t, h in planned]


def _answered(verdict: Verdict | None) -> Verdict | None:
    """A verdict that stays; an `error` is asked for again."""
    return None if verdict is None or verdict.status is Status.ERROR else verdict


def rule_of(
    member: PanelJudge, first: Sequence[PairVerdict], again: Sequence[PairVerdict]
) -> MarginRule | None:
    """What the known pairs say of a judge's numbers; None where it gave none.

    A pair on which a presentation has no number counts half: nothing was told.

    Args:
        member: the judge.
        first: what it said of every pair.
        again: what it said when it was asked the same again.
    """
    before, after = weighed(first), weighed(again)
    changes = [after[name].margin - before[name].margin for name in before if name in after]
    if not changes:
        return None
    tie = tie_threshold(changes)
    known = {row.pair.id: row.pair for row in first if row.pair.better is not None}
    outcomes = {name: value.winner(tie) for name, value in before.items()}
    rows = [
        PairVerdict(pair, first[0].presentation, None, outcomes.get(name, "tie"))
        for name, pair in known.items()
    ]
    if not rows:
        return None
    pairs = list({row.pair.id: row.pair for row in first}.values())
    known_right = accuracy(
        [row.right for row in rows], [r.pair.family for r in rows], [r.pair.source for r in rows]
    )
    return MarginRule(
        tie=tie, asked_again=len(changes), accuracy=known_right.value, low=known_right.low or 0.0,
        high=1.0 if known_right.high is None else known_right.high, pairs=known_right.n,
        sources=len({row.pair.source for row in rows}), known=pairs_digest(pairs),
        rubric=member.rubric.name if member.rubric else None,
    )  # fmt: skip


def with_outcomes(heard: Sequence[PairVerdict], tie: float) -> list[PairVerdict]:
    """The same with what both presentations of each pair say together."""
    of_pair = weighed(heard)
    return [
        PairVerdict(h.pair, h.presentation, h.verdict, of_pair[h.pair.id].winner(tie))
        if h.pair.id in of_pair
        else h
        for h in heard
    ]


def weighed(heard: Sequence[PairVerdict]) -> dict[str, Weighed]:
    """Pair -> margin and lean, for pairs of which every presentation has numbers."""
    shown: dict[str, list[tuple[Presentation, Mapping[Letter, float]]]] = {}
    silent: set[str] = set()
    for row in heard:
        if row.usable and row.verdict is not None and row.verdict.measured is not None:
            shown.setdefault(row.pair.id, []).append((row.presentation, row.verdict.measured.by_letter))
        else:
            silent.add(row.pair.id)
    return {name: weigh(each) for name, each in shown.items() if name not in silent}
