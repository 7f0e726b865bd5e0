"""Checks of imported judgments: what they advise must be possible for who has only the files."""

from __future__ import annotations

import re

from brie.records import Check
from brie.records.analysis import Analysis
from brie.records.estimates import Effect

_OURS = re.compile(r"`?\bbrie [a-z]|--[a-z]|same command|more samples|the suite")
"""An advice that needs an evaluation of brie's own."""
_INSTEAD = {
    "judges": "Have a second judge or person judge the same pairs, and audit both files together.",
    "blinding": "Where the pairs can be judged again: cross order and letter.",
    "position": "Count a pair only where it was judged in both orders, or balance which stands first.",
    "sources": "Where rows come from several sources, name the column: `--map source=COLUMN`.",
    "truncation": "Ask who made the answers whether a limit ended them.",
    "injection": "Read them in the file: they were judged as they are.",
    "length": "Length may be part of being better: read pairs of equal length in the file.",
}
_ONE_ANSWER = (
    "The files hold one answer a prompt and model: how much of the result is the draw of it cannot be "
    "told."
)
_JOINT = "Place and letter together (they cannot be told apart here): "


def fitting(check: Check, analysis: Analysis, *, joint: Effect | None) -> Check:
    """A check as it is said of imported judgments."""
    update: dict[str, object] = {}
    if check.remedy is not None and _OURS.search(check.remedy):
        update["remedy"] = _INSTEAD.get(check.id)
    if check.id == "sampling" and check.status == "warn":
        update |= {"status": "not_run", "remedy": None}
        if "One answer a prompt" in check.summary:
            update["summary"] = _ONE_ANSWER
    if check.id == "position" and joint is not None and check.status != "not_run":
        update["summary"] = _JOINT + check.summary[:1].lower() + check.summary[1:]
    if check.id == "truncation" and check.status in ("warn", "fail"):
        update |= _guessed(check, analysis)
    return check.model_copy(update=update) if update else check


def _guessed(check: Check, analysis: Analysis) -> dict[str, object]:
    """Where nothing but endings says that answers are cut off, it is a suspicion."""
    facts = analysis.audit
    if facts is None or not facts.guessed_endings:
        return {}
    text = (
        f"By their endings alone, which may be meant so: {check.summary[:1].lower()}{check.summary[1:]}"
    )
    return {"status": "warn", "summary": text, "evidence": {**check.evidence, "without": None}}
