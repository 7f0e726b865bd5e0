"""Which answers are right: machine checks, and references that are labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brie.analyse.accuracy import NO_LABEL, SIDES, Graded, accuracy_of
from brie.analyse.win_rate import Settings
from brie.evaluation.rows import EvaluationData
from brie.judge.machine_checks import bare, passes
from brie.records import MachineCheck, Prompt, Side
from brie.records.accuracy import Accuracy

MOST_LABELS = 20
LONGEST_LABEL = 40
"""Characters."""
LABEL = "label"
"""Kind of a check that a prompt does not name: its reference is a label, and is to be said."""


def right_and_wrong(
    data: EvaluationData, settings: Settings, unseen_sources: Collection[str] | None
) -> Accuracy | None:
    """What is known of right and wrong; None where no prompt says what is right.

    Args:
        data: plan and answers; prompts whose answers are not all there are left out.
        settings: of the intervals.
        unseen_sources: sources that training has not seen; None: not known.
    """
    plan = data.manifest.plan
    key = Key.of(plan.suite.prompts)
    texts = {name: _texts(data, name) for name in data.prompts if name in key.checks}
    names = [name for name, answers in texts.items() if answers is not None]
    if not names:
        return None
    sources = sorted({data.work.prompts[name].source for name in names})
    source = [data.work.prompts[name].source for name in names]
    grades = {
        side: [[key.grade(name, text) for text in (texts[name] or {})[side]] for name in names]
        for side in SIDES
    }
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


def _texts(data: EvaluationData, prompt: str) -> dict[Side, list[str]] | None:
    """Every answer to a prompt; None where one is not there yet."""
    samples = range(data.manifest.plan.samples)
    keys = {side: [data.work.key(side, prompt, sample) for sample in samples] for side in SIDES}
    if any(key not in data.completions for side in SIDES for key in keys[side]):
        return None
    return {side: [data.completions[key].text for key in keys[side]] for side in SIDES}


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

    @classmethod
    def of(cls, prompts: Sequence[Prompt]) -> Key:
        """The key of a suite."""
        labels, truth = _labels(prompts)
        checks = {
            prompt.id: prompt.check or MachineCheck(kind="exact", value=labels[truth[prompt.id]])
            for prompt in prompts
            if prompt.check is not None or prompt.id in truth
        }
        says = [{checks[name] for name in truth if truth[name] == code} for code in range(len(labels))]
        if any(len(same) != 1 for same in says):  # a label that is checked in several ways is no class
            return cls({p.id: p.check for p in prompts if p.check is not None}, (), {}, ())
        return cls(checks, labels, truth, tuple(same.pop() for same in says))

    def grade(self, prompt: str, answer: str) -> Grade:
        """An answer to a prompt."""
        right = passes(self.checks[prompt], answer)
        if right and prompt in self.truth:
            return Grade(right, self.truth[prompt])
        others = [c for c, check in enumerate(self.says) if not right and passes(check, answer)]
        return Grade(right, others[0] if len(others) == 1 else len(self.labels))

    def kind(self, prompt: str, prompts: Mapping[str, Prompt]) -> str:
        """The kind of a prompt's check."""
        check = prompts[prompt].check
        return check.kind if check is not None else LABEL


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
    """What an answer should say, in the fewest words the prompt has for it."""
    exact = prompt.check is not None and prompt.check.kind == "exact"
    return prompt.check.value if prompt.check is not None and exact else prompt.reference or ""
