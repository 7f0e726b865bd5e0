"""Blind votes of people: who voted, what a voter is shown, and which verdicts are votes.

A voter is a judge `human:NAME`. Each comparison is shown once, in one of the four cells, the cells
balanced for that voter within each category (`positions = "balanced"`): a person who sees the
same pair twice remembers it. Prompts come at random, first one random sample of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import TypeAdapter

from brie import versions
from brie.blinding import assign, presentations
from brie.digest import text_digest
from brie.errors import UsageError
from brie.evaluation.plan import panel_judge
from brie.evaluation.work import Work, prompt_digest
from brie.judge.interface import Task
from brie.records import JudgeSpec, Manifest, PanelJudge, Plan, Provider

Pair = tuple[str, int]
"""A prompt and one of its samples."""
_PAIRS = TypeAdapter(tuple[Pair, ...])
Choice = Literal["A", "B", "tie"]
HUMAN = "human:"
"""What a voter's id as a judge begins with."""
LONGEST = 600
"""Comparisons on one ballot: more than anybody votes on."""
NAME = re.compile(r"[\w][\w .@+-]{0,39}")


def voter_name(text: str) -> str:
    """A voter's name as it becomes part of a judge's id.

    Raises:
        UsageError: empty, longer than 40 characters, or with signs that a name does not have.
    """
    name = " ".join(text.split())
    if not NAME.fullmatch(name):
        raise UsageError("a name has 1 to 40 letters, digits, spaces, dots or hyphens")
    return name


def voter_judge(plan: Plan, name: str) -> PanelJudge:
    """The voter as a judge of this plan, with the rubric the panel reads, where it reads one."""
    rubric = next((s.rubric for s in plan.seats if s.rubric is not None), None)
    spec = JudgeSpec(id=f"{HUMAN}{name}", provider=Provider.HUMAN, model=name, output="text")
    return panel_judge(spec, rubric, prompt_format=versions.BALLOT)


def voters(manifest: Manifest) -> tuple[PanelJudge, ...]:
    """Everybody who has voted, in the order of their first votes."""
    names = [
        str(link.detail.get("judge", "")).removeprefix(HUMAN)
        for link in manifest.amendments
        if link.kind == "voter"
    ]
    return tuple(voter_judge(manifest.plan, name) for name in dict.fromkeys(names))


def asked_of_people(manifest: Manifest) -> tuple[Pair, ...]:
    """The pairs that were drawn for people; empty where they may vote on everything."""
    links = [link for link in manifest.amendments if link.kind == "people"]
    return _PAIRS.validate_python(links[-1].detail["pairs"]) if links else ()


def imported(manifest: Manifest) -> frozenset[str]:
    """Voters whose votes were read from a file: in which order they saw the answers is not known."""
    links = [link for link in manifest.amendments if link.kind == "voter"]
    return frozenset(str(link.detail["judge"]) for link in links if link.detail.get("imported"))


def votes_by_prompt(manifest: Manifest, work: Work) -> dict[str, list[Task]]:
    """Prompt id -> every vote that may have been cast on it."""
    tasks: dict[str, list[Task]] = {}
    for voter in voters(manifest):
        for task in possible_votes(work, voter, asked_of_people(manifest)):
            tasks.setdefault(task.prompt, []).append(task)
    return tasks


def possible_votes(work: Work, voter: PanelJudge, asked: Sequence[Pair]) -> list[Task]:
    """Every vote a voter may have cast: on the pairs drawn for people, and before they were drawn."""
    every = [*ballot(work, voter, asked), *(ballot(work, voter) if asked else ())]
    return list({task.key: task for task in every}.values())


def ballot(work: Work, voter: PanelJudge, asked: Sequence[Pair] = ()) -> list[Task]:
    """What a voter is asked, in the order of asking.

    Args:
        work: the evaluation.
        voter: who votes.
        asked: the pairs that were drawn for people; empty: everything, up to `LONGEST`.
    """
    plan = work.plan
    blocks = [(p.id, p.category) for p in plan.suite.prompts]
    ballots = shuffled(asked, voter) if asked else drawn(plan, voter)
    named = {prompt for prompt, _ in ballots}
    codes = assign(blocks, plan.samples, "balanced", seed=plan.seed, judge=voter.digest, only=named)
    tasks = [_task(work, voter, codes, *drawn_one) for drawn_one in ballots]
    return list({task.key: task for task in tasks}.values())  # a prompt that stands twice is asked once


def drawn(plan: Plan, voter: PanelJudge) -> list[Pair]:
    """Prompts and samples in the order of asking: every prompt once, in random order and with a
    random sample, before any again; at most `LONGEST`."""
    order: list[Pair] = []
    for turn in range(plan.samples):
        prompts = sorted(
            plan.suite.prompts, key=lambda p: text_digest(f"vote {voter.digest} {turn} {p.id}")
        )
        order += [(p.id, _samples(plan, voter, p.id)[turn]) for p in prompts[: LONGEST - len(order)]]
        if len(order) >= LONGEST:
            break
    return order


def shuffled(asked: Sequence[Pair], voter: PanelJudge) -> list[Pair]:
    """The pairs drawn for people in a voter's own random order."""
    return sorted(asked, key=lambda pair: text_digest(f"vote {voter.digest} 0 {pair[0]}"))


def _samples(plan: Plan, voter: PanelJudge, prompt: str) -> list[int]:
    """A prompt's samples in random order."""
    return sorted(range(plan.samples), key=lambda s: text_digest(f"sample {voter.digest} {s} {prompt}"))


def _task(work: Work, voter: PanelJudge, codes: Mapping[str, str], prompt: str, sample: int) -> Task:
    (presentation,) = presentations(
        codes[prompt][sample],
        positions="balanced",
        prompt=prompt_digest(work.messages[prompt]),
        candidate=work.key("candidate", prompt, sample),
        baseline=work.key("baseline", prompt, sample),
    )
    return Task.plan("vote", voter, presentation, prompt=prompt, sample=sample)
