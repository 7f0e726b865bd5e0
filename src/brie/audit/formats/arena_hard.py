"""arena-hard judgments: two games a question; the baseline is A in the first, B in the second.

    {"uid": "…", "model": "my-model", "judge": "gpt-4.1", "games": [{"score": "A>B"}, {"score": "B>>A"}]}

Order and letter move together (A is always shown first), so only their sum is identified.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.rows import UNNAMED, Item, Row, Skipped
from brie.digest import digest
from brie.records import Status

SCORES = {"A>>B": 1.0, "A>B": 1.0, "A=B": 0.5, "B=A": 0.5, "B>A": 0.0, "B>>A": 0.0}
"""Score of the answer under A. Strong verdicts count once here, not three times."""
IDENTIFIES = "order and letter only together: A is always shown first"


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    games = value.get("games")
    return isinstance(games, list) and bool({"question_id", "uid"} & value.keys())


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """Both games of a question."""
    games = value.get("games")
    if not isinstance(games, list) or not fits(value):
        return [Skipped(number, "lacks games or question_id")]
    name = str(value.get("uid") or value.get("question_id"))
    model = str(value.get("model") or "candidate")
    return [
        _game(
            number,
            value,
            prompt=digest(name),
            pair=digest([name, model]),
            game_index=game_index,
            game=game,
        )
        for game_index, game in enumerate(games[:2])
    ]


def _game(
    number: int, value: dict[str, JsonValue], *, prompt: str, pair: str, game_index: int, game: JsonValue
) -> Item:
    verdict = game.get("score") if isinstance(game, dict) else None
    if verdict is not None and not (isinstance(verdict, str) and verdict in SCORES):
        return Skipped(number, f"game {game_index + 1} has the unknown score {verdict!r}")
    candidate_is_a = game_index == 1
    score = float("nan") if verdict is None else SCORES[verdict]
    side = 1 if candidate_is_a else -1
    return Row(
        line=number,
        prompt=prompt,
        pair=pair,
        judge=str(value.get("judge") or UNNAMED),
        category=str(value.get("category") or "all"),
        status=Status.INVALID if verdict is None else Status.OK,
        score=score if candidate_is_a else 1 - score,
        position=side,
        label=side,
    )
