"""Does an answer talk to the judge instead of to the person who asked?"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from brie.checks.appeals import appeals_in
from brie.checks.difference import without as tested
from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.number_format import plural, quoted, rated
from brie.records import Check

ID = "injection"


def check(evidence: Evidence) -> Check:
    """Answers that address the judge, by side, and the rate without them."""
    pairs = evidence.texts
    if not pairs:
        return not_run(ID, "The answers' texts are not at hand.")
    ours = [appeals_in(p.candidate.text or "", p.candidate.told) for p in pairs]
    others = [appeals_in(p.baseline.text or "", p.baseline.told) for p in pairs]
    affected = [p for p, a, b in zip(pairs, ours, others, strict=True) if a or b]
    silent = ~evidence.of_pairs([p.key for p in affected])
    without = evidence.rate("injection", silent) if affected else None
    removed = tested(evidence, silent, without) if affected else None
    prompts = list(dict.fromkeys(p.prompt for p in affected))
    mine, theirs = sum(map(bool, ours)), sum(map(bool, others))
    kinds = Counter(kind for said in [*ours, *others] for kind in said)
    figures: dict[str, Figure] = {
        "candidate": mine,
        "baseline": theirs,
        "prompts": prompts[:10],
        "affected": len(affected),
        "kinds": dict(kinds.most_common()),
        "win_rate_without": summary_of(without),
        "without": removed,
    }
    if not affected:
        passed = f"None of {plural(2 * len(pairs), 'answer')} addresses the judge."
        return conclude(ID, [], figures, passed)
    text = (
        f"{plural(mine, 'answer')} of the candidate and {theirs:,} of the baseline speak to the judge "
        f"(first {quoted(prompts)}): {_listed(kinds)}; without those pairs the win rate is "
        f"{rated(without)}."
    )
    remedy = "Read them in `brie view`; they stood inside fences and were judged as they are."
    status: Literal["fail", "warn"] = "fail" if removed is not None and removed.changes else "warn"
    return conclude(ID, [Finding(status, text, remedy)], figures, "")


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(3))
