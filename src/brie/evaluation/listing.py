"""Evaluations as they are listed, newest first: a row each, the table, and the references `@1`, `@2`, …

A reference is typed and never guessed: `@1` is the newest evaluation of the project, as `brie ls`
numbers them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

from pydantic import JsonValue

from brie.lines import columns, folded
from brie.number_format import dollars, percent, points, span

if TYPE_CHECKING:
    from pathlib import Path

    from brie.evaluation.folders import Evaluation
    from brie.records.analysis import Analysis

REFERENCE = re.compile(r"@[1-9]\d*")
_LISTED = 12
"""Evaluations listed where one has to be chosen; `brie ls` lists all."""
_GAP = "  "


class EvaluationRow(TypedDict):
    """An evaluation as listed; figures as its analysis has them."""

    ref: str
    """What names it while it stands there: `@1` is the newest."""
    id: str
    name: str | None
    created: str
    suite: str
    candidate: str
    baseline: str
    state: Literal["complete", "unfinished"]
    verdict: JsonValue
    standing: JsonValue
    word: str | None
    """The verdict as far as it stands."""
    win_rate: JsonValue
    checks: dict[str, int]
    """How many checks fail and warn."""
    cost_usd: JsonValue
    looks: int
    next: str


def newest_first(every: Sequence[Evaluation]) -> list[Evaluation]:
    """Evaluations in the order in which they are listed and numbered."""
    return sorted(every, key=lambda e: (e.manifest.created, e.manifest.id), reverse=True)


def rows(every: Sequence[Evaluation], looks: Mapping[str, int]) -> list[EvaluationRow]:
    """A row an evaluation, newest first.

    Args:
        every: evaluations of one project.
        looks: digest of a suite -> looks at it.
    """
    return [
        row_of(evaluation, looks, f"@{number}")
        for number, evaluation in enumerate(newest_first(every), 1)
    ]


def row_of(evaluation: Evaluation, looks: Mapping[str, int], ref: str = "") -> EvaluationRow:
    """One evaluation's row; `looks` has those at every suite."""
    from brie.checks.standing import standing_of
    from brie.lines import command
    from brie.report.sentence import verdict_word

    manifest = evaluation.manifest
    analysis = _json(evaluation.analysis_file)
    read = _read(analysis)
    standing = standing_of(read) if read else None
    suite, cost = manifest.plan.suite, analysis.get("cost")
    statuses = [check.status for check in read.checks] if read else []
    finished = bool(analysis) and not analysis.get("interim")
    return {
        "ref": ref,
        "id": manifest.id,
        "name": manifest.name,
        "created": manifest.created,
        "suite": suite.name,
        "candidate": manifest.names["candidate"],
        "baseline": manifest.names["baseline"],
        "state": "complete" if finished else "unfinished",
        "verdict": analysis.get("verdict"),
        "standing": standing.model_dump(mode="json") if standing else None,
        "word": verdict_word(read) if read and not read.interim else None,
        "win_rate": analysis.get("win_rate"),
        "checks": {status: statuses.count(status) for status in ("fail", "warn")},
        "cost_usd": cost.get("usd") if isinstance(cost, dict) else None,
        "looks": looks.get(suite.digest(), 0),
        "next": command("view", manifest.id) if finished else manifest.command,
    }


def table(listed: Sequence[EvaluationRow], width: int) -> list[str]:
    """Rows as a table of so many columns; what has no room in a row stands in the line below it.

    When, name or id, rate, standing, checks (`x1 !3`: so many fail, so many warn), cost; then both
    sides and the suite.
    """
    if not listed:
        return []
    names = [entry["name"] or entry["id"] for entry in listed]
    shown = [
        name if names.count(name) == 1 else entry["id"]
        for name, entry in zip(names, listed, strict=True)
    ]
    head = ("", "when", "evaluation", "rate", "verdict", "checks", "cost")
    cells = [head, *(_cells(entry, name) for entry, name in zip(listed, shown, strict=True))]
    wide = [max(columns(row[at]) for row in cells) for at in range(len(cells[0]))]
    kept = len(wide)
    while kept > 3 and sum(wide[:kept]) + len(_GAP) * (kept - 1) > width:
        kept -= 1
    lines = [_line(cells[0][:kept], wide)]
    indent = " " * (wide[0] + len(_GAP))
    for row, entry in zip(cells[1:], listed, strict=True):
        lines.append(_line(row[:kept], wide))
        below = [f"{entry['candidate']} against {entry['baseline']}", f"suite {entry['suite']}"]
        below += [cell for cell in row[kept:] if cell]
        below += [entry["id"]] if entry["id"] not in row else []
        lines += folded("; ".join(below), width, first=indent, whole=False)
        if entry["state"] == "unfinished":
            lines += folded(f"go on: {entry['next']}", width, first=indent)
    return lines


def which(every: Sequence[Evaluation], command: str, width: int = 78) -> str:
    """The sentence that asks for one of several evaluations, with the table of them.

    Args:
        every: those there are.
        command: what was typed without a name.
        width: columns of the table.
    """
    listed = rows(every, {})
    example = f", for example the newest: {command} {listed[0]['ref']}" if command else ""
    lines = table(listed[:_LISTED], width)
    more = [f"… {len(listed) - _LISTED} more: brie ls"] if len(listed) > _LISTED else []
    return "\n  ".join([f"say which evaluation{example}", *lines, *more])


def _line(row: Sequence[str], wide: Sequence[int]) -> str:
    padded = (cell + " " * (size - columns(cell)) for cell, size in zip(row, wide, strict=False))
    return _GAP.join(padded).rstrip()


def _cells(row: EvaluationRow, name: str) -> tuple[str, ...]:
    cost = row["cost_usd"]
    money = dollars(float(cost)) if isinstance(cost, int | float) else "–"
    return row["ref"], _when(row["created"]), name, _rate(row), _word(row), _checks(row), money


def _when(created: str) -> str:
    """`2026-11-26 18:50`, as it was noted: in UTC."""
    return created[:16].replace("T", " ")


def _rate(row: EvaluationRow) -> str:
    rate = row["win_rate"]
    if not isinstance(rate, dict) or not isinstance(value := rate.get("value"), int | float):
        return "–"
    low, high = rate.get("low"), rate.get("high")
    if isinstance(low, int | float) and isinstance(high, int | float):
        return f"{points(value)} ({span(low, high)})"
    return percent(value)


def _word(row: EvaluationRow) -> str:
    """One word on the verdict: what it is if it stands, else that it does not."""
    if row["state"] == "unfinished":
        return "unfinished"
    standing = row["standing"]
    state = standing.get("state") if isinstance(standing, dict) else "stands"
    if state == "withheld" or row["verdict"] is None:
        return "withheld"
    return f"{row['verdict']}, if" if state == "conditional" else str(row["verdict"])


def _checks(row: EvaluationRow) -> str:
    counts = row["checks"]
    marks = [f"{mark}{counts[key]}" for key, mark in (("fail", "x"), ("warn", "!")) if counts[key]]
    return " ".join(marks) or ("ok" if row["state"] == "complete" else "–")


def _read(analysis: dict[str, JsonValue]) -> Analysis | None:
    from brie.records.analysis import Analysis

    try:
        return Analysis.read(json.dumps(analysis)) if analysis else None
    except ValueError:
        return None


def _json(path: Path) -> dict[str, JsonValue]:
    try:
        loaded: JsonValue = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
