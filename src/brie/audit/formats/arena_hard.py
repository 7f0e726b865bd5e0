"""arena-hard judgments: two games a question; the baseline is A in the first, B in the second.

    {"uid": "…", "model": "my-model", "judge": "gpt-4.1", "games": [{"score": "A>B"}, {"score": "B>>A"}]}

Order and letter move together (A is always shown first), so only their sum is identified.
"""

from __future__ import annotations

from typing import Any

from brie.audit.rows import UNNAMED, Item, Row, Skipped
from brie.digest import digest
from brie.records import Status

SCORES = {"A>>B": 1.0, "A>B": 1.0, "A=B": 0.5, "B=A": 0.5, "B>A": 0.0, "B>>A": 0.0}
"""Score of the answer under A. Strong verdicts count once here, not three times."""
IDENTIFIES = "order and letter only together: A is always shown first"


def fits(value: dict[str, Any]) -> bool:
    """Whether a row looks like this format."""
    games = value.get("games")
    return isinstance(games, list) and bool({"question_id", "uid"} & value.keys())


def read(number: int, value: dict[str, Any]) -> list[Item]:
    """Both games of a question."""
    if not fits(value):
        return [Skipped(number, "lacks games or question_id")]
    name = str(value.get("uid") or value.get("question_id"))
    model = str(value.get("model") or "candidate")
    return [
        _game(number, value, digest(name), digest([name, model]), place, game)
        for place, game in enumerate(value["games"][:2])
    ]


def _game(number: int, value: dict[str, Any], prompt: str, pair: str, place: int, game: Any) -> Item:
    said = game.get("score") if isinstance(game, dict) else None
    if said is not None and said not in SCORES:
        return Skipped(number, f"game {place + 1} has the unknown score {said!r}")
    candidate_is_a = place == 1
    score = float("nan") if said is None else SCORES[said]
    side = 1 if candidate_is_a else -1
    return Row(
        line=number,
        prompt=prompt,
        pair=pair,
        judge=str(value.get("judge") or UNNAMED),
        category=str(value.get("category") or "all"),
        status=Status.INVALID if said is None else Status.OK,
        score=score if candidate_is_a else 1 - score,
        position=side,
        label=side,
    )
