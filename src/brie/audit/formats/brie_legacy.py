"""Files of the original Brie scripts: A is always the baseline, whatever is shown first.

    {"prompt": "…", "baseline_response": "…", "brie_response": "…", "judgment": "…Winner: B…",
     "presentation_order": "BA", "winner": "brie", "judge_model": "gpt-4o"}

Winners are read again from `judgment`, never trusted; texts that begin with ERROR are errors.
"""

from __future__ import annotations

import re

from pydantic import JsonValue

from brie.audit.keys import judge, text
from brie.audit.rows import Item, Row, texts
from brie.reading.skipped import Skipped
from brie.records import SCORE, Status, Winner

IDENTIFIES = "order, but not the letter: A is always the baseline"
_WINNER = re.compile(
    r"^[^\w\n]{0,40}winner\W{0,40}?[:=]\W{0,40}(?:response\s+|a\s+(?=tie))?(a|b|tie|neither)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SIDES: dict[str, Winner] = {"a": "baseline", "b": "candidate", "tie": "tie", "neither": "tie"}
_MODELS = "brie", "baseline"
_STORED: dict[str, Winner] = {"brie": "candidate", "baseline": "baseline", "tie": "tie"}


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    answers = {"baseline_response", "brie_response"}, {"baseline_output", "brie_output"}
    return {"prompt", "judgment"} <= value.keys() and any(keys <= value.keys() for keys in answers)


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """One judged comparison."""
    if not fits(value):
        return [Skipped(number, "lacks prompt, judgment or the two answers")]
    ending = "response" if "brie_response" in value else "output"
    judgment = str(value["judgment"] or "")
    in_text = winner(judgment)
    failed = judgment.lstrip().upper().startswith("ERROR") or not judgment.strip()
    status = Status.ERROR if failed else Status.OK if in_text else Status.INVALID
    order = {"AB": -1, "BA": 1}.get(str(value.get("presentation_order")), 0)
    row = Row(
        line=number,
        models=_MODELS,
        judge=judge(value, "judge_model"),
        category=text(value, "category", default="all"),
        rank=text(value, "timestamp"),
        status=status,
        score=SCORE[in_text] if in_text and status is Status.OK else float("nan"),
        position=order,
        label=-1,
        stored=_STORED.get(str(value.get("winner"))),
        in_text=in_text,
        why="" if in_text or failed else "the judge's text names no winner, or two",
        **texts(
            prompt=str(value["prompt"]),
            first=str(value[f"brie_{ending}"]),
            second=str(value[f"baseline_{ending}"]),
        ),
    )
    return [row]


def winner(judgment: str) -> Winner | None:
    """The winner a judgment states; None where it states none, or two different ones."""
    winners = {match.lower() for match in _WINNER.findall(judgment)}
    return _SIDES[winners.pop()] if len(winners) == 1 else None
