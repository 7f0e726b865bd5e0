"""Checks as they are said of imported judgments: what the files cannot tell is no finding."""

from __future__ import annotations

from brie.records import Check
from brie.records.analysis import Analysis
from brie.records.estimates import Effect

_ONE_ANSWER = (
    "The files hold one answer a prompt and model: how much of the result is the draw of it cannot be "
    "told."
)
_REPEATED = "gave one answer to"
_JOINT = "Place and letter together (they cannot be told apart here): "


def said_of_files(check: Check, analysis: Analysis, *, joint: Effect | None) -> Check:
    """A check as it is said of imported judgments."""
    update: dict[str, object] = {}
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
    if _REPEATED in check.summary:  # that is no guess
        return {"evidence": {**check.evidence, "without": None}}
    text = (
        f"By their endings alone, which may be meant so: {check.summary[:1].lower()}{check.summary[1:]}"
    )
    return {"status": "warn", "summary": text, "evidence": {**check.evidence, "without": None}}
