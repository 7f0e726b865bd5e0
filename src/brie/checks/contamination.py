"""Were the suite's prompts, or its references, in the training file?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from brie.checks.difference import Without
from brie.checks.difference import without as tested
from brie.checks.evidence import Evidence, Training
from brie.checks.exposure import Halves, by_prompt
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.data.near import Match
from brie.lines import command
from brie.number_format import percent, plural, quoted, rated
from brie.records import Check

ID = "contamination"
MANY = 0.05
"""Share of prompts found in the training file from which the rate may be the memory's: if all of
them are won for that, it moves by 2.5 points and more."""
_SHOWN = 10
_LOOK = "See them: `brie data overlap FILE --suite NAME`; leave them out of one of the two."


def check(evidence: Evidence) -> Check:
    """Exact, contained and near prompts; the rate near to and far from the training data."""
    training = evidence.training
    if training is None:
        why = evidence.no_training or "nothing says what the candidate was trained on"
        text = f"Not compared with training data: {why}."
        return not_run(ID, text, "Compare two files yourself: `brie data overlap FILE --suite NAME`.")
    halves = by_prompt(evidence)
    again = _without(evidence, training, halves)
    counts = _counts(training.nearest)
    prompts = len(evidence.table.prompts)
    figures = {
        "file": training.file,
        "rows": training.rows,
        "prompts": prompts,
        **counts,
        "references_found": len(_own_references(evidence, training)),
        "closest": _closest(training.nearest),
        "win_rate_near": summary_of(halves.seen) if halves else None,
        "win_rate_far": summary_of(halves.unseen) if halves else None,
        "validation_rows_shared": training.shared,
        **again,
    }
    findings = [
        *_prompts(training, halves, prompts, again),
        *_references(_own_references(evidence, training)),
        *_validation(training),
    ]
    where = f"the {training.rows:,} rows of {training.file}"
    passed = f"None of {plural(prompts, 'prompt')} is in or near {where}."
    return conclude(ID, findings, figures, passed)


def _counts(nearest: Mapping[str, Match]) -> dict[str, int]:
    ways = [match.way for match in nearest.values()]
    return {way: ways.count(way) for way in ("exact", "near", "contained")}


def _closest(nearest: Mapping[str, Match]) -> list[dict[str, str | float]]:
    ordered = sorted(nearest.items(), key=lambda item: (-item[1].similarity, item[0]))
    return [
        {"prompt": name, "row": m.right, "way": m.way, "similarity": m.similarity}
        for name, m in ordered[:_SHOWN]
    ]


def _without(evidence: Evidence, training: Training, halves: Halves | None) -> dict[str, Figure]:
    """The verdict without the prompts trained on, and without those near to the training data too."""
    if not training.nearest or halves is None:
        return {}
    certain = [name for name, match in training.nearest.items() if match.way != "near"]
    others = ~evidence.of_prompts(certain)
    again = evidence.rate("contamination", others)
    far = ~evidence.of_prompts(list(training.nearest))
    return {
        "trained_on": len(certain),
        "win_rate_without": summary_of(again),
        "without": tested(evidence, others, again),
        "without_near": tested(evidence, far, halves.unseen),
    }


def _prompts(
    training: Training, halves: Halves | None, prompts: int, again: Mapping[str, Figure]
) -> list[Finding]:
    nearest = training.nearest
    if not nearest or halves is None:
        return []
    counts = _counts(nearest)
    ways = ", ".join(f"{number} {way}" for way, number in counts.items() if number)
    certain = counts["exact"] + counts["contained"]
    lost = _lost(again, certain)
    text = (
        f"{len(nearest)} of {plural(prompts, 'prompt')} are in {training.file} ({ways}; "
        f"first {quoted(sorted(nearest))}): near to it the win rate is {rated(halves.seen)}, far from "
        f"it {rated(halves.unseen)}."
    )
    return [Finding("fail" if certain > MANY * prompts or lost else "warn", text, _LOOK)]


def _lost(again: Mapping[str, Figure], certain: int) -> bool:
    """Without what was trained on the verdict is gone, or without what is near, by test."""
    without, far = again.get("without"), again.get("without_near")
    return (certain > 0 and isinstance(without, Without) and not without.holds) or (
        isinstance(far, Without) and far.changes
    )


def _own_references(evidence: Evidence, training: Training) -> list[str]:
    """Prompts whose reference was found; a checked one that prompts share is a label, and no memory."""
    prompts = [prompt for prompt in evidence.plan.suite.prompts if prompt.check] if evidence.plan else []
    shared = Counter(prompt.reference for prompt in prompts)
    labels = {prompt.id for prompt in prompts if shared[prompt.reference] > 1}
    return [name for name in training.references if name not in labels]


def _references(names: list[str]) -> list[Finding]:
    if not names:
        return []
    number = len(names)
    text = (
        f"{plural(number, 'reference answer')} {'is' if number == 1 else 'are'} in the training answers."
    )
    return [Finding("warn", text, _LOOK)]


def _validation(training: Training) -> list[Finding]:
    if not training.shared:
        return []
    part = training.shared / max(training.validation_rows, 1)
    text = (
        f"{percent(part)} of the validation rows ask what training rows ask, so the validation loss, "
        "and the step it chose, reward memory."
    )
    return [
        Finding(
            "warn", text, f"Split anew: `{command('data', 'split', training.file, '--by', 'prompt')}`."
        )
    ]
