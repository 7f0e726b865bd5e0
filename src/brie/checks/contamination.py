"""Were the suite's prompts, or its references, in the training file?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from brie.checks.difference import Without
from brie.checks.difference import without as tested
from brie.checks.evidence import Evidence, Training
from brie.checks.exposure import Halves, by_prompt
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.data.near import Match
from brie.lines import command
from brie.number_format import listed, percent, plural, quoted, rated
from brie.records import Check

ID = "contamination"
MANY = 0.05
"""Share of prompts found in the training file from which the rate may be the memory's: if all of
them are won for that, it moves by 2.5 points and more."""
_SHOWN = 10
_SPENT = (
    "Evaluate on other prompts: `brie plan --suite NAME --candidate MODEL` counts those that are left."
)
_LOOK = "See them: `brie data overlap FILE --suite NAME`; leave them out of one of the two."


def check(evidence: Evidence) -> Check:
    """Exact, contained and near prompts; the rate near to and far from the training data."""
    training = evidence.training
    if training is None:
        why = evidence.no_training or "nothing says what the candidate was trained on"
        text = f"Not compared with training data: {why}."
        return not_run(ID, text, "Compare two files yourself: `brie data overlap FILE --suite NAME`.")
    spent = [part for part in training.chain if part.taught is not None]
    # What was learned as it is; of a model that only learned from pairs there is nothing.
    training = next(
        (part for part in training.chain if part.taught is None),
        training.model_copy(update={"nearest": {}, "references": {}}),
    )
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
        **_of_pairs(spent),
    }
    findings = [
        *(finding for part in spent for finding in _spent(part, prompts)),
        *_prompts(training, halves, prompts, again),
        *_references(_own_references(evidence, training)),
        *_validation(training),
    ]
    read = {part.file: f"the {part.rows:,} rows of {part.file}" for part in (*spent, training)}
    where = listed(list(read.values()), "or")
    passed = f"None of {plural(prompts, 'prompt')} is in or near {where}."
    return conclude(ID, findings, figures, passed)


def _of_pairs(spent: Sequence[Training]) -> dict[str, Figure]:
    """Figures of the preference pairs a model learned from, where it did."""
    if not spent:
        return {}
    nearest = {name: match for part in reversed(spent) for name, match in part.nearest.items()}
    return {
        "pairs_files": [part.file for part in spent],
        "spent": len(nearest),
        "spent_ways": _counts(nearest),
        "spent_closest": _closest(nearest),
    }


def _spent(pairs: Training, prompts: int) -> Iterator[Finding]:
    """Prompts that a model's pairs came from, or near them: what was judged on them it was taught."""
    nearest, taught = pairs.nearest, pairs.taught
    if nearest:
        ways = ", ".join(f"{number} {way}" for way, number in _counts(nearest).items() if number)
        verb = "is" if len(nearest) == 1 else "are"
        text = (
            f"{len(nearest):,} of {plural(prompts, 'prompt')} {verb} in or near the preference pairs "
            f"that the candidate learned from ({pairs.file}: {ways}; first {quoted(sorted(nearest))}): "
            "what judges prefer there is what it was trained on."
        )
        yield Finding("fail", text, _SPENT)
    if taught is not None and taught.by_digest:
        text = (
            f"{pairs.file} is not here: its prompts were compared by digest, so near ones are not found."
        )
        yield Finding("warn", text, "Put the file back, and compare again: `brie report`.")
    if pairs.earlier_unknown:
        text = f"What it was trained on before its pairs is not compared: {pairs.earlier_unknown}."
        yield Finding("warn", text, "Compare two files yourself: `brie data overlap FILE --suite NAME`.")


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
        f"{len(nearest):,} of {plural(prompts, 'prompt')} are in {training.file} ({ways}; "
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
