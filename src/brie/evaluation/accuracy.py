"""Which answers are right: machine checks, and references that are labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brie.analyse.accuracy import NO_LABEL, SIDES, Graded, accuracy_of
from brie.analyse.win_rate import Settings
from brie.evaluation.code_checks import Passed, key_of
from brie.evaluation.rows import EvaluationData
from brie.judge.machine_checks import CannotCompile, TooSlow, bare, passes
from brie.records import MachineCheck, Prompt, Side, Suite
from brie.records.accuracy import Accuracy
from brie.suite_code import PYTHON

MOST_LABELS = 20
LONGEST_LABEL = 40
"""Characters."""
LABEL = "label"
"""Kind of a check that a prompt does not name: its reference is a label, and is to be said."""


def right_and_wrong(
    data: EvaluationData,
    settings: Settings,
    unseen_sources: Collection[str] | None,
    by_code: Passed,
) -> Accuracy | None:
    """What is known of right and wrong; None where no prompt says what is right.

    Args:
        data: plan and answers; prompts whose answers are not all there are left out.
        settings: of the intervals.
        unseen_sources: sources that training has not seen; None: not known.
        by_code: what code of the suite said of answers; prompts of which it said nothing are left out.
    """
    plan = data.manifest.plan
    key = Key.of(plan.suite)
    known = {name: by_side for name, by_side in _graded(data, key, by_code) if by_side is not None}
    names = list(known)
    if not names:
        return None
    sources = sorted({data.work.prompts[name].source for name in names})
    source = [data.work.prompts[name].source for name in names]
    grades = {side: [known[name][side] for name in names] for side in SIDES}
    graded = Graded(
        right={side: np.array([[g.right for g in row] for row in grades[side]]) for side in SIDES},
        source=np.array([sources.index(name) for name in source], np.int64),
        sources=tuple(sources),
        labels=key.labels,
        truth=np.array([key.truth.get(name, NO_LABEL) for name in names], np.int64),
        said={side: np.array([[g.said for g in row] for row in grades[side]]) for side in SIDES},
    )
    seen = None
    if unseen_sources is not None:
        seen = np.array([name not in unseen_sources for name in source], np.bool_)
    return accuracy_of(
        graded, settings, plan.seed,
        kinds=Counter(key.kind(name, data.work.prompts) for name in names),
        unchecked=len(data.prompts) - len(names), seen=seen,
    )  # fmt: skip


def _graded(
    data: EvaluationData, key: Key, by_code: Passed
) -> Iterator[tuple[str, dict[Side, list[Grade]] | None]]:
    """Prompt id -> the grades of both sides; None where an answer is not there yet, or has no grade."""
    samples = range(data.manifest.plan.samples)
    for name in data.prompts:
        if name not in key.checks:
            continue
        by_side: dict[Side, list[Grade]] = {}
        for side in SIDES:
            answers = [data.completions.get(data.work.key(side, name, sample)) for sample in samples]
            grades = [key.grade(name, answer.text, by_code) for answer in answers if answer is not None]
            by_side[side] = [grade for grade in grades if grade is not None]
        whole = all(len(grades) == len(samples) for grades in by_side.values())
        yield name, by_side if whole else None


@dataclass(frozen=True)
class Grade:
    """One answer against the key."""

    right: bool
    said: int
    """Code of the label that it says; len(labels) for none, or for several wrong ones."""


@dataclass(frozen=True)
class Key:
    """What is right, prompt by prompt."""

    checks: Mapping[str, MachineCheck]
    """Prompt id -> what its answers are held against; prompts without are not in it."""
    labels: tuple[str, ...]
    """As the references write them; empty where they are no few labels."""
    truth: Mapping[str, int]
    """Prompt id -> code of its label."""
    says: tuple[MachineCheck, ...]
    """Code of a label -> the check that an answer passes which says it."""
    suite: Suite

    @classmethod
    def of(cls, suite: Suite) -> Key:
        """The key of a suite."""
        prompts = suite.prompts
        labels, truth = _labels(prompts)
        checks = {
            prompt.id: prompt.check or MachineCheck(kind="exact", value=labels[truth[prompt.id]])
            for prompt in prompts
            if prompt.check is not None or prompt.id in truth
        }
        says = [{checks[name] for name in truth if truth[name] == code} for code in range(len(labels))]
        if any(len(same) != 1 for same in says):  # a label that is checked in several ways is no class
            return cls({p.id: p.check for p in prompts if p.check is not None}, (), {}, (), suite)
        return cls(checks, labels, truth, tuple(same.pop() for same in says), suite)

    def grade(self, prompt: str, answer: str, by_code: Passed) -> Grade | None:
        """An answer to a prompt; None where only code could tell, and said nothing."""
        check = self.checks[prompt]
        if check.kind == PYTHON:
            said = by_code.get(key_of(self.suite, self._prompts[prompt], answer))
            return None if said is None else Grade(said, len(self.labels))
        right = _passes(check, answer)
        if right and prompt in self.truth:
            return Grade(right, self.truth[prompt])
        others = [c for c, check in enumerate(self.says) if not right and _passes(check, answer)]
        return Grade(right, others[0] if len(others) == 1 else len(self.labels))

    @cached_property
    def _prompts(self) -> dict[str, Prompt]:
        return {prompt.id: prompt for prompt in self.suite.prompts}

    def kind(self, prompt: str, prompts: Mapping[str, Prompt]) -> str:
        """The kind of a prompt's check."""
        check = prompts[prompt].check
        return check.kind if check is not None else LABEL


def _passes(check: MachineCheck, answer: str) -> bool:
    """Whether an answer passes; one on which a pattern finds no end does not."""
    try:
        return passes(check, answer)
    except (TooSlow, CannotCompile):
        return False


def _labels(prompts: Sequence[Prompt]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The labels among the references, and each prompt's; none where references are other than labels.

    Labels are few and short, each is said at least twice on average, and every reference is one.
    """
    named = {p.id: _named(p) for p in prompts}
    written: dict[str, str] = {}
    for text in named.values():
        if text:
            written.setdefault(bare(text), text.strip())
    labelled = [name for name, text in named.items() if text]
    short = all(len(text) <= LONGEST_LABEL and "\n" not in text for text in written.values())
    few = 1 <= len(written) <= min(MOST_LABELS, len(labelled) // 2)
    if not (short and few):
        return (), {}
    codes = {label: code for code, label in enumerate(sorted(written))}
    labels = tuple(written[label] for label in sorted(written))
    return labels, {name: codes[bare(named[name])] for name in labelled}


def _named(prompt: Prompt) -> str:
    """What an answer should say, in the fewest words the prompt has for it; "" where code tells."""
    if prompt.check is not None and prompt.check.kind == PYTHON:
        return ""
    exact = prompt.check is not None and prompt.check.kind == "exact"
    return prompt.check.value if prompt.check is not None and exact else prompt.reference or ""
