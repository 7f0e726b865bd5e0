"""arena-hard judgments: two games a question; the baseline is A in the first, B in the second.

    {"uid": "…", "model": "my-model", "judge": "gpt-4.1", "games": [{"score": "A>B"}, {"score": "B>>A"}]}

Order and letter move together (A is always shown first), so only their sum is identified.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.keys import judge, text
from brie.audit.rows import SIDES, Item, Row, shortened
from brie.digest import digest
from brie.reading.skipped import Skipped
from brie.records import Status

SCORES = {"A>>B": 1.0, "A>B": 1.0, "A=B": 0.5, "B=A": 0.5, "B>A": 0.0, "B>>A": 0.0}
"""Score of the answer under A. Strong verdicts count once here, not three times."""
IDENTIFIES = "order and letter only together: A is always shown first"


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    games = value.get("games")
    return isinstance(games, list) and bool({"question_id", "uid"} & value.keys())


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """Both games of a question; a game that cannot be read costs that game."""
    games = value.get("games")
    if not isinstance(games, list) or not fits(value):
        return [Skipped(number, "lacks games or question_id")]
    if not games:
        return [Skipped(number, "has no games")]
    return [_game(number, value, second=bool(index), game=game) for index, game in enumerate(games[:2])]


def _game(number: int, value: dict[str, JsonValue], *, second: bool, game: JsonValue) -> Item:
    said = game.get("score") if isinstance(game, dict) else game
    known = isinstance(said, str) and said.strip() in SCORES
    score = SCORES[str(said).strip()] if known else float("nan")
    side = 1 if second else -1
    name = text(value, "uid", "question_id")
    unread = not known and (said is not None or not isinstance(game, dict))
    return Row(
        line=number,
        prompt=digest(name),
        name=shortened(name),
        models=(
            text(value, "model", default=SIDES[0]), text(value, "baseline", default=SIDES[1]),
        ),
        both=True,
        judge=judge(value, "judge"),
        category=text(value, "category", default="all"),
        status=Status.OK if known else Status.INVALID,
        score=score if second else 1 - score,
        position=side,
        label=side,
        why=f"game {1 + second} has the unknown score {said!r}" if unread else "",
    )  # fmt: skip
