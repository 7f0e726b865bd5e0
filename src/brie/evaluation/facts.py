"""From a sealed plan and the store to facts: one row a planned verdict, and tables of them.

Letters are turned back into sides here, through `Presentation.unblind`, and nowhere else.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from brie.analyse.arrays import Floats, Ints
from brie.analyse.compare import rates_by_prompt
from brie.analyse.sequential import sequence
from brie.analyse.table import StatusCode, VerdictTable
from brie.digest import Canonical, digest
from brie.evaluation.plan import Work
from brie.evaluation.votes import votes_by_prompt
from brie.judge.seam import Task
from brie.records import SCORE, Completion, Kept, Manifest, Status, Winner
from brie.results import (
    ComparisonView,
    JudgedView,
)
from brie.store import Store


@dataclass(frozen=True, slots=True)
class Fact:
    """One planned verdict and what is known of it."""

    task: Task
    identical: bool
    verdict: Kept | None

    @property
    def status(self) -> StatusCode:
        """As the analysis codes it; byte-identical answers are ties without a call."""
        if self.identical:
            return StatusCode.OK
        return StatusCode[self.verdict.status.name] if self.verdict else StatusCode.MISSING

    @property
    def winner(self) -> Winner | None:
        """The side that won, where there is a usable verdict."""
        if self.identical:
            return "tie"
        if self.verdict is None or self.verdict.status is not Status.OK or self.verdict.letter is None:
            return None
        return self.task.presentation.unblind(self.verdict.letter)

    @property
    def score(self) -> float:
        """1, 0.5 or 0 for the candidate; NaN where there is no usable verdict."""
        return SCORE[self.winner] if self.winner else float("nan")


@dataclass(frozen=True)
class Facts:
    """Everything an evaluation's numbers are computed from."""

    manifest: Manifest
    work: Work
    completions: Mapping[str, Completion]
    facts: tuple[Fact, ...]
    prompts: tuple[str, ...]
    """Prompts reached: all of them, unless the evaluation stopped early."""

    def of(self, kind: str) -> list[Fact]:
        """Facts of the evaluation proper (`main`) or of a control."""
        return [fact for fact in self.facts if fact.task.kind == kind]

    def digest(self) -> str:
        """Digest over every completion and every verdict the numbers use."""
        texts: Canonical = [
            [key, row.text, row.finish_reason, row.tokens, row.measures]
            for key, row in sorted(self.completions.items())
        ]
        verdicts = sorted(
            [v.key, v.judge, v.presentation, v.status, v.letter, v.reason, v.reply, v.scores]
            for v in (fact.verdict for fact in self.facts)
            if v is not None
        )
        return digest({"completions": texts, "verdicts": verdicts})


def gather(manifest: Manifest, store: Store) -> Facts:
    """Read what the store knows of an evaluation's plan, up to where it stopped."""
    work = Work.of(manifest)
    found = Facts(manifest, work, {}, (), ())
    with _without_collection():
        for block in work.blocks():
            found = _extended(found, store, block)
            if _is_unfinished(found) or is_decided(found):
                break
        votes = tuple(_votes(found, store))
    return replace(found, facts=(*found.facts, *votes)) if votes else found


def _votes(facts: Facts, store: Store) -> Iterator[Fact]:
    """The votes people have cast, on prompts that were reached; a withdrawn one is none."""
    cast = votes_by_prompt(facts.manifest, facts.work)
    tasks = [task for prompt in facts.prompts for task in cast.get(prompt, ())]
    found = store.kept(task.key for task in tasks)
    for task in tasks:
        if _is_cast(found.get(task.key)) and _answered(task, facts.completions):
            yield Fact(task, False, found[task.key])


def _is_cast(vote: Kept | None) -> bool:
    return vote is not None and vote.status is Status.OK


def _answered(task: Task, completions: Mapping[str, Completion]) -> bool:
    return task.presentation.candidate in completions and task.presentation.baseline in completions


@contextmanager
def _without_collection() -> Iterator[None]:
    """Millions of objects and no cycles: looking for some again and again would take half the time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _extended(before: Facts, store: Store, prompts: tuple[str, ...]) -> Facts:
    work = before.work
    keys = [request.key for request in work.requests(prompts)] + list(work.damages(prompts))
    completions = store.completions(keys)
    tasks = work.tasks(prompts)
    verdicts = store.kept(task.key for task in tasks)
    facts = [Fact(task, _same(task, completions), verdicts.get(task.key)) for task in tasks]
    return Facts(
        before.manifest,
        work,
        {**before.completions, **completions},
        (*before.facts, *facts),
        (*before.prompts, *prompts),
    )


def _is_unfinished(facts: Facts) -> bool:
    """Whether verdicts of a judge that counts are missing; stopped and added judges hold nothing up."""
    sealed = {s.judge.id for s in facts.manifest.plan.seats}
    waited_for = sealed - set(stopped_judges(facts.manifest))
    return any(f.status is StatusCode.MISSING for f in facts.of("main") if f.task.judge in waited_for)


def is_decided(facts: Facts) -> bool:
    """Whether the sealed rule ends the evaluation: every verdict is in and the e-process decided."""
    stopping = facts.manifest.plan.stopping
    if stopping is None or _is_unfinished(facts):
        return False
    judges = headline_judges(facts.manifest)
    rates = rates_by_prompt(table(facts, facts.of("main"), judges))
    means = [rates[name] for name in facts.prompts if name in rates]
    return bool(means) and sequence(np.array(means), stopping.alpha).decided


def headline_judges(manifest: Manifest) -> list[str]:
    """Judges whose mean is the headline, in the panel's order; a stopped judge has left it."""
    stopped = stopped_judges(manifest)
    return [s.judge.id for s in manifest.plan.seats if not s.instrument and s.judge.id not in stopped]


def stopped_judges(manifest: Manifest) -> dict[str, str]:
    """Judges that were stopped and have not finished since, with what they said.

    Where every judge of the headline was stopped, none has left it: there would be nothing to show.
    """
    stopped: dict[str, str] = {}
    for link in manifest.amendments:
        if link.kind == "stopped":
            stopped[link.detail["judge"]] = str(link.detail["said"])
        elif link.kind == "resumed":
            stopped.pop(link.detail["judge"], None)
    headline = {s.judge.id for s in manifest.plan.seats if not s.instrument}
    return {} if headline <= set(stopped) else stopped


def _same(task: Task, completions: Mapping[str, Completion]) -> bool:
    one = completions.get(task.presentation.candidate)
    two = completions.get(task.presentation.baseline)
    return one is not None and two is not None and one.text == two.text


def table(
    facts: Facts, rows: Sequence[Fact], judges: Sequence[str], *, votes: bool = False
) -> VerdictTable:
    """The analysis table of some facts.

    Args:
        facts: where prompts and completions are looked up.
        rows: one a planned verdict.
        judges: the judges to include.
        votes: the rows are votes of people, who see each comparison once.
    """
    wanted = set(judges)
    used = [fact for fact in rows if fact.task.judge in wanted]
    reached = {fact.task.prompt for fact in used}
    names = [name for name in facts.manifest.plan.order if name in reached]
    prompt_code = {name: code for code, name in enumerate(names)}
    judge_code = {name: code for code, name in enumerate(judges)}
    prompts = facts.work.prompts
    pairs, of_row = _pairs(used)
    return VerdictTable.build(
        prompts=names,
        judges=list(judges),
        prompt=[prompt_code[f.task.prompt] for f in used],
        judge=[judge_code[f.task.judge] for f in used],
        score=[f.score for f in used],
        both_orders=facts.manifest.plan.positions == "both" and not votes,
        category=[prompts[name].category for name in names],
        source=[prompts[name].source for name in names],
        sample=[f.task.sample for f in used],
        position=[f.task.presentation.position for f in used],
        label=[f.task.presentation.label for f in used],
        status=[f.status for f in used],
        repeat=[f.task.repeat for f in used],
        identical=[f.identical for f in used],
        length_difference=_length(facts, pairs, of_row),
        features=_features(facts, pairs, of_row),
        criteria=_criteria(used),
    )


FEATURES: dict[str, Callable[[str], float]] = {
    "lists": lambda text: float(len(re.findall(r"^\s*(?:[-*•]|\d+[.)])\s", text, re.MULTILINE))),
    "headings": lambda text: float(len(re.findall(r"^#{1,6}\s|^\*\*[^*]+\*\*\s*$", text, re.MULTILINE))),
    "questions": lambda text: float(text.count("?")),
    "distinct words": lambda text: _distinct(text.casefold().split()),
}
"""Countable things of an answer's text that judges may reward."""


def _distinct(words: Sequence[str]) -> float:
    return len(set(words)) / len(words) if words else 0.0


def _pairs(rows: Sequence[Fact]) -> tuple[list[tuple[str, str]], Ints]:
    """The distinct pairs of answers, and for every row which of them it is about."""
    code: dict[tuple[str, str], int] = {}
    found = np.fromiter(
        (code.setdefault((f.task.presentation.candidate, f.task.presentation.baseline), len(code))
         for f in rows),
        np.int64,
        len(rows),
    )  # fmt: skip
    return list(code), found


def _features(facts: Facts, pairs: Sequence[tuple[str, str]], of_row: Ints) -> dict[str, Floats]:
    """Each feature, candidate minus baseline, one entry a row."""
    wanted = {key for pair in pairs for key in pair}
    counted = {
        key: {name: count(row.text) for name, count in FEATURES.items()}
        for key, row in facts.completions.items()
        if key in wanted
    }
    return {name: _differences(pairs, of_row, counted, name) for name in FEATURES}


def _length(facts: Facts, pairs: Sequence[tuple[str, str]], of_row: Ints) -> Floats:
    """Candidate minus baseline, in tokens, one entry a row."""
    tokens = {key: {"tokens": float(row.tokens)} for key, row in facts.completions.items()}
    return _differences(pairs, of_row, tokens, "tokens")


def _differences(
    pairs: Sequence[tuple[str, str]],
    of_row: Ints,
    measured: Mapping[str, Mapping[str, float]],
    name: str,
) -> Floats:
    """NaN where an answer is not there."""
    nothing = {name: float("nan")}
    each = [measured.get(a, nothing)[name] - measured.get(b, nothing)[name] for a, b in pairs]
    return np.array(each, dtype=np.float64)[of_row]


def _criteria(rows: Iterable[Fact]) -> dict[str, Floats]:
    """Criterion scores, candidate minus baseline, NaN where a judge gave none."""
    listed = list(rows)
    names = sorted({name for f in listed if f.verdict for name in f.verdict.scores})
    return {
        name: np.fromiter((_criterion(f, name) for f in listed), np.float64, len(listed))
        for name in names
    }


def _criterion(fact: Fact, name: str) -> float:
    letters = fact.verdict.scores.get(name, {}) if fact.verdict else {}
    shown = fact.task.presentation
    if shown.candidate_letter in letters and shown.baseline_letter in letters:
        return letters[shown.candidate_letter] - letters[shown.baseline_letter]
    return float("nan")


def comparison_views(manifest: Manifest, store: Store) -> list[ComparisonView]:
    """Every comparison with both answers and all verdicts, for people to read."""
    facts = gather(manifest, store)
    groups: dict[tuple[str, int], list[Fact]] = {}
    for fact in (*facts.of("main"), *facts.of("vote")):
        groups.setdefault((fact.task.prompt, fact.task.sample), []).append(fact)
    return [_view(facts, rows) for rows in groups.values()]


def prompt_views(
    work: Work,
    manifest: Manifest,
    store: Store,
    prompt: str,
    votes: Mapping[str, Sequence[Task]] | None = None,
) -> list[ComparisonView]:
    """The comparisons of one prompt, read alone; those whose answers are not there yet are left out.

    Args:
        work: the plan's work, made once for many calls.
        manifest: the evaluation.
        store: where answers and verdicts are kept.
        prompt: a prompt's id.
        votes: `votes_by_prompt`, where votes are to be read too.
    """
    tasks = [*work.tasks_of(prompt), *(votes or {}).get(prompt, ())]
    keys = {key for t in tasks for key in (t.presentation.candidate, t.presentation.baseline)}
    completions = store.completions(keys)
    verdicts = store.kept(task.key for task in tasks)
    rows: dict[int, list[Fact]] = {}
    for task in tasks:
        cast = task.kind != "vote" or _is_cast(verdicts.get(task.key))
        if cast and _answered(task, completions):
            fact = Fact(task, _same(task, completions), verdicts.get(task.key))
            rows.setdefault(task.sample, []).append(fact)
    every = tuple(f for group in rows.values() for f in group)
    facts = Facts(manifest, work, completions, every, (prompt,))
    return [_view(facts, group) for group in rows.values()]


def _view(facts: Facts, rows: Sequence[Fact]) -> ComparisonView:
    task = rows[0].task
    prompt = facts.work.prompts[task.prompt]
    one = facts.completions[task.presentation.candidate]
    two = facts.completions[task.presentation.baseline]
    counting = {s.judge.id for s in facts.manifest.plan.seats if not s.instrument}
    scores = [f.score for f in rows if f.task.judge in counting]
    usable = scores and all(score == score for score in scores)
    return ComparisonView(
        prompt_id=prompt.id,
        category=prompt.category,
        source=prompt.source,
        sample=task.sample,
        messages=facts.work.messages[prompt.id],
        reference=prompt.reference,
        candidate_text=one.text,
        baseline_text=two.text,
        candidate_finish=one.finish_reason,
        baseline_finish=two.finish_reason,
        score=sum(scores) / len(scores) if usable else None,
        verdicts=tuple(_judged(fact) for fact in rows),
    )


def _judged(fact: Fact) -> JudgedView:
    shown, verdict = fact.task.presentation, fact.verdict
    sides = {shown.candidate_letter: "candidate", shown.baseline_letter: "baseline"}
    scores = verdict.scores if verdict else {}
    return JudgedView(
        judge=fact.task.judge,
        order=shown.order,
        candidate_letter=shown.candidate_letter,
        status=Status.OK if fact.identical else (verdict.status if verdict else Status.ERROR),
        winner=fact.winner,
        reason="the answers are identical" if fact.identical else (verdict.reason if verdict else ""),
        scores={c: {sides[k]: v for k, v in by.items() if k in sides} for c, by in scores.items()},
    )
