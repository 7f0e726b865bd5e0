"""Blind votes of people: who voted, what a voter is shown, and which verdicts are votes.

A voter is a judge `human:NAME`. Each comparison is shown once, in one of the four cells, the cells
balanced for that voter within each category (`positions = "balanced"`): a person who sees the
same pair twice remembers it. Prompts come at random, first one random sample of each.

Pairs drawn for people (`brie judge EVAL --people N`) are all that anybody is asked from then on; votes
cast before are kept. Whatever is asked, the cells are dealt by the voter's own digest; on a ballot that
was sent as a file, made before its voter had a name, by the ballot's (`deal`), which the evaluation's
chain keeps with the voter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from heapq import nsmallest
from typing import Literal, get_args

from pydantic import TypeAdapter

from brie import versions
from brie.blinding import codes_at, presentations
from brie.digest import lots, text_digest
from brie.errors import UsageError
from brie.evaluation.plan import panel_judge
from brie.evaluation.side_keys import prompt_digest
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Amendment, JudgeSpec, Manifest, PanelJudge, Plan, Provider
from brie.store import Store

Pair = tuple[str, int]
"""A prompt and one of its samples."""
Pick = Callable[[Plan, str], Sequence[Pair]]
"""From a plan and a deal to the pairs that are asked, in their order."""
_PAIRS = TypeAdapter(tuple[Pair, ...])
Choice = Literal["A", "B", "tie"]
Saw = Literal["result", "viewer"]
"""Why a vote is not blind: that browser was shown a result, or could open the viewer."""
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
    links = people_links(manifest)
    return _pairs(links[-1]) if links else ()


def people_links(manifest: Manifest) -> list[Amendment]:
    """The draws for people, oldest first."""
    return [link for link in manifest.amendments if link.kind == "people"]


def _pairs(link: Amendment) -> tuple[Pair, ...]:
    return _PAIRS.validate_python(link.detail["pairs"])


def pick_of(manifest: Manifest) -> Pick:
    """What people are asked, and in which order: the pairs that were drawn for them, or everything."""
    pairs = asked_of_people(manifest)
    return (lambda _, deal: shuffled(pairs, deal)) if pairs else drawn


def seen_by(manifest: Manifest) -> dict[str, tuple[Saw, ...]]:
    """Voters who voted although they had seen a result, or could open the viewer; and what it was."""
    seen: dict[str, tuple[Saw, ...]] = {}
    for link in manifest.amendments:
        saw = link.detail.get("saw") if link.kind == "voter" else None
        if isinstance(saw, list):
            seen[link.judge] = tuple(kind for kind in get_args(Saw) if kind in saw)
    return seen


def imported(manifest: Manifest) -> frozenset[str]:
    """Voters whose votes were read from a file: in which order they saw the answers is not known."""
    links = [link for link in manifest.amendments if link.kind == "voter"]
    return frozenset(str(link.detail["judge"]) for link in links if link.detail.get("imported"))


def deals(manifest: Manifest) -> dict[str, str]:
    """What the cells of those who voted on a ballot that was sent to them were dealt by."""
    links = [link for link in manifest.amendments if link.kind == "voter" and link.detail.get("deal")]
    return {str(link.detail["judge"]): str(link.detail["deal"]) for link in links}


def asked_of(work: Work, manifest: Manifest, voter: PanelJudge) -> list[Task]:
    """What a voter is asked, in the order of asking: the pairs drawn for people, if any were."""
    pairs, deal = asked_of_people(manifest), deal_of(manifest, voter)
    return dealt(work, voter, deal, shuffled(pairs, deal)) if pairs else cast_by(work, manifest, voter)


def cast_by(work: Work, manifest: Manifest, voter: PanelJudge) -> list[Task]:
    """Every vote that a voter may have cast: on pairs that were ever drawn for people, and on what
    everybody was asked before."""
    return dealt(work, voter, deal_of(manifest, voter), may_cast_on(manifest, voter))


def may_cast_on(manifest: Manifest, voter: PanelJudge) -> list[Pair]:
    """The pairs that a voter may have voted on; one that was drawn twice stands there twice."""
    plan, deal = manifest.plan, deal_of(manifest, voter)
    ever = [pair for link in people_links(manifest) for pair in _pairs(link)]
    sent = voter.judge.id in deals(manifest)
    return [*(_every(plan) if sent else drawn(plan, deal)), *ever]


def deal_of(manifest: Manifest, voter: PanelJudge) -> str:
    """What a voter's cells are dealt by."""
    return deals(manifest).get(voter.judge.id, voter.digest)


def votes_by_prompt(manifest: Manifest, work: Work) -> dict[str, list[Task]]:
    """Prompt id -> every vote that may have been cast on it."""
    tasks: dict[str, list[Task]] = {}
    for voter in voters(manifest):
        for task in cast_by(work, manifest, voter):
            tasks.setdefault(task.prompt, []).append(task)
    return tasks


def dealt(work: Work, voter: PanelJudge, deal: str, pairs: Sequence[Pair] | None = None) -> list[Task]:
    """Votes on pairs, their letters dealt by a voter's digest or by a ballot that was sent as a file.

    Args:
        work: the plan's work.
        voter: who votes; a stand-in while nobody has.
        deal: what letters are dealt by.
        pairs: in the order of asking; every comparison by default.
    """
    plan = work.plan
    pairs = _every(plan) if pairs is None else pairs
    places = {prompt: work.places[prompt] for prompt, _ in pairs}
    codes = codes_at(places, plan.samples, "balanced", seed=plan.seed, judge=deal)
    return _once([_task(work, voter, codes, *pair) for pair in pairs])


def _every(plan: Plan) -> list[Pair]:
    return [(p.id, sample) for p in plan.suite.prompts for sample in range(plan.samples)]


def _once(tasks: Sequence[Task]) -> list[Task]:
    """Each task once: a prompt that stands twice in a suite is asked once."""
    return list({task.key: task for task in tasks}.values())


def shuffled(pairs: Sequence[Pair], deal: str) -> list[Pair]:
    """Pairs in the random order of a deal."""
    return sorted(pairs, key=lambda pair: text_digest(f"vote {deal} 0 {pair[0]}"))


def drawn(plan: Plan, deal: str) -> list[Pair]:
    """Prompts and samples in the order of asking: every prompt once, in random order and with a
    random sample, before any again; at most `LONGEST`."""
    order: list[Pair] = []
    names = [p.id for p in plan.suite.prompts]
    for turn in range(plan.samples):
        left = LONGEST - len(order)
        if not left:
            break
        first = nsmallest(left, zip(lots(f"vote {deal} {turn} ", names), names, strict=True))
        order += [(name, _samples(plan, deal, name)[turn]) for _, name in first]
    return order


def _samples(plan: Plan, deal: str, prompt: str) -> list[int]:
    """A prompt's samples in random order."""
    return sorted(range(plan.samples), key=lambda s: text_digest(f"sample {deal} {s} {prompt}"))


def _task(work: Work, voter: PanelJudge, codes: Mapping[str, str], prompt: str, sample: int) -> Task:
    (presentation,) = presentations(
        codes[prompt][sample],
        positions="balanced",
        prompt=prompt_digest(work.messages[prompt]),
        candidate=work.key("candidate", prompt, sample),
        baseline=work.key("baseline", prompt, sample),
    )
    return Task.plan("vote", voter, presentation, prompt=prompt, sample=sample)


def with_two_answers(tasks: list[Task], store: Store) -> list[Task]:
    """Pairs whose answers are both there and differ: identical ones are ties without a vote."""
    pairs = []
    for start in range(0, len(tasks), 250):
        part = tasks[start : start + 250]
        keys = {k for t in part for k in (t.presentation.candidate, t.presentation.baseline)}
        texts = {key: row.text for key, row in store.completions(keys).items()}
        for task in part:
            shown = task.presentation
            candidate, baseline = texts.get(shown.candidate), texts.get(shown.baseline)
            if candidate is not None and baseline is not None and candidate != baseline:
                pairs.append(task)
    return pairs
