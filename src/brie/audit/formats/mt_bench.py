"""MT-bench pairs (FastChat `llm_judge`): the second game shows the answers exchanged.

    {"question_id": 81, "model_1": "mine", "model_2": "base", "g1_winner": "model_1",
     "g2_winner": "tie", "judge": "gpt-4", "turn": 1}

Human votes have `winner`: `model_a`, `model_b` or `tie`, and a person as `judge`; which answer
stood first is then unknown. The candidate is `model_1` (or `model_a`).
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.rows import UNNAMED, Item, Row, Skipped
from brie.digest import digest
from brie.records import Status

GAMES = {"model_1": 1.0, "model_2": 0.0}
VOTES = {"model_a": 1.0, "model_b": 0.0}
IDENTIFIES = "order and letter only together: A is always shown first"


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    games = {"g1_winner", "g2_winner", "model_1", "model_2"}
    votes = {"winner", "model_a", "model_b", "question_id"}
    return "question_id" in value and (value.keys() >= games or value.keys() >= votes)


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """Both games of a pair, or one human vote."""
    if not fits(value):
        return [Skipped(number, "lacks question_id, models or winners")]
    if "g1_winner" in value:
        return [
            _row(number, value, value["g1_winner"], GAMES, 1),
            _row(number, value, value["g2_winner"], GAMES, -1),
        ]
    return [_row(number, value, value["winner"], VOTES, 0)]


def _row(
    number: int, value: dict[str, JsonValue], winner: JsonValue, scores: dict[str, float], position: int
) -> Item:
    text = str(winner).split(" ")[0].lower()
    if text in scores:
        status, score = Status.OK, scores[text]
    elif text.startswith("tie"):
        status, score = Status.OK, 0.5
    elif text == "error":
        status, score = Status.ERROR, float("nan")
    else:
        return Skipped(number, f"the winner {winner!r} is unknown")
    models = [value.get("model_1") or value.get("model_a"), value.get("model_2") or value.get("model_b")]
    name = [value["question_id"], value.get("turn", 1)]
    judge = value.get("judge") or UNNAMED
    return Row(
        line=number,
        prompt=digest([value["question_id"]]),
        pair=digest([*name, *models]),
        judge=str(judge[0] if isinstance(judge, list) else judge),
        category=f"turn {value['turn']}" if "turn" in value else "all",
        status=status,
        score=score,
        position=position,
        label=position,
    )
