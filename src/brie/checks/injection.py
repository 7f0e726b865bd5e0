"""Does an answer talk to the judge instead of to the person who asked?"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from brie.checks.difference import without as tested
from brie.checks.evidence import Evidence
from brie.checks.findings import Figure, Finding, conclude, not_run, summary_of
from brie.number_format import plural, quoted, rated
from brie.records import Check

ID = "injection"
_ADDRESSED = re.compile(
    r"\b(?:dear|hello,?|hey,?|note to(?: the)?|attention,?|as (?:the|an) (?:impartial|fair))\s+"
    r"(?:judge|evaluator|grader|rater)s?\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+|the\s+|your\s+)*(?:previous|above|prior|earlier)\s+"
    r"(?:instructions?|rules?|prompts?|criteria)"
    r"|\b(?:pick|choose|select|prefer|vote for|rate|score)\s+(?:this|my)\s+"
    r"(?:response|answer|output|reply)\b"
    r"|\b(?:pick|choose|select|prefer|vote for)\s+the\s+(?:first|second)\s+response\b"
    r"|\b(?:response|answer|assistant|output|model)\s+\W?[AB]\W?\s+(?:is|wins|should win|was)\s+"
    r"(?:the\s+|clearly\s+|much\s+)*(?:better|best|winner|superior|preferred)"
    r"|\[\[\s*(?:A|B|C|tie)\s*\]\]"
    r"|^\W*(?:winner|verdict|final (?:verdict|decision))\W*[:=]\W*(?:(?:response|answer|assistant)\s+)?"
    r"(?:A|B|tie)\b"
    r"|[\"']winner[\"']\s*:\s*[\"'](?:A|B|tie)[\"']"
    r"|<\|(?:im_start|im_end|start_header_id|eot_id)\|>",
    re.IGNORECASE | re.MULTILINE,
)
"""Addresses to a judge, orders to one, verdicts put into its mouth, and turns of a conversation that
only a template may open."""


def check(evidence: Evidence) -> Check:
    """Answers that address the judge, by side, and the rate without them."""
    pairs = evidence.texts
    if not pairs:
        return not_run(ID, "The answers' texts are not at hand.")
    candidates = [addresses_judge(p.candidate.text or "") for p in pairs]
    two = [addresses_judge(p.baseline.text or "") for p in pairs]
    affected = [p for p, a, b in zip(pairs, candidates, two, strict=True) if a or b]
    silent = ~evidence.of_pairs([p.key for p in affected])
    without = evidence.rate("injection", silent) if affected else None
    removed = tested(evidence, silent, without) if affected else None
    prompts = list(dict.fromkeys(p.prompt for p in affected))
    mine, theirs = int(np.sum(candidates)), int(np.sum(two))
    figures: dict[str, Figure] = {
        "candidate": mine,
        "baseline": theirs,
        "prompts": prompts[:10],
        "affected": len(affected),
        "win_rate_without": summary_of(without),
        "without": removed,
    }
    if not affected:
        passed = f"None of {plural(2 * len(pairs), 'answer')} addresses the judge."
        return conclude(ID, [], figures, passed)
    text = (
        f"{plural(mine, 'answer')} of the candidate and {theirs} of the baseline speak to the judge "
        f"(first {quoted(prompts)}); without those pairs the win rate is {rated(without)}."
    )
    remedy = "Read them in `brie view`; they stood inside fences and were judged as they are."
    status: Literal["fail", "warn"] = "fail" if removed is not None and removed.changes else "warn"
    return conclude(ID, [Finding(status, text, remedy)], figures, "")


def addresses_judge(text: str) -> bool:
    """Whether a text speaks to whoever judges it."""
    return _ADDRESSED.search(text) is not None
