"""promptfoo's results (`-o results.json`): providers on the same tests, paired by their variables.

    {"results": {"results": [{"provider": {"id": "…"}, "vars": {…}, "success": true, "score": 0.9,
     "response": {"output": "…"}}]}}

The higher score wins and equal ones tie. A response that is an error is one.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.keys import text
from brie.audit.rows import Item, Point, shortened
from brie.audit.vocabulary import number
from brie.digest import digest
from brie.reading.skipped import Skipped
from brie.records import Status

KEYS = {"provider", "vars"}
IDENTIFIES = "neither order nor letter: each answer was graded alone"


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    return value.keys() >= KEYS and bool({"score", "success"} & value.keys())


def read(line: int, value: dict[str, JsonValue]) -> list[Item]:
    """One provider's answer to one test."""
    if not fits(value):
        return [Skipped(line, "lacks provider, vars or a score")]
    provider, variables, response = value["provider"], value["vars"], value.get("response")
    name = text(provider, "label", "id") if isinstance(provider, dict) else str(provider)
    told = " ".join(str(part) for part in variables.values()) if isinstance(variables, dict) else ""
    success = value.get("success")
    worth = number(value.get("score"))
    if worth is None and isinstance(success, bool):
        worth = float(success)
    output = response.get("output") if isinstance(response, dict) else None
    failed = isinstance(response, dict) and bool(response.get("error")) and output is None
    return [
        Point(
            line,
            digest([variables if isinstance(variables, dict) else str(variables)]),
            shortened(told) or f"test {text(value, 'testIdx')}",
            name or "unnamed",
            "promptfoo",
            Status.ERROR if failed else Status.INVALID if worth is None else Status.OK,
            float("nan") if worth is None or failed else worth,
            f"prompt {text(value, 'promptIdx')}" if text(value, "promptIdx") not in ("", "0") else "",
            "all",
            output if isinstance(output, str) else None,
        )
    ]
