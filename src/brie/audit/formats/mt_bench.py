"""MT-bench (FastChat `llm_judge`): pairs, every pair of models, and votes of people.

    {"question_id": 81, "model_1": "mine", "model_2": "base", "g1_winner": "model_1",
     "g2_winner": "tie", "judge": ["gpt-4", "pair-v2"], "turn": 1}

The second game shows the answers exchanged. Votes have `winner`: `model_a`, `model_b` or `tie`, and
a person as `judge`; which answer stood first is then unknown. Neither model is the candidate by
itself. Both turns are of one question: they are samples of its prompt, not categories.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.keys import asked, judge, last_said, text
from brie.audit.rows import FromAnswers, Item, Models, Row, of_answers, shortened
from brie.audit.vocabulary import FIRST, SECOND, failed, place, plain
from brie.digest import digest
from brie.reading.skipped import Skipped
from brie.records import Status

IDENTIFIES = "order and letter only together: A is always shown first"
_GAMES = {"g1_winner", "g2_winner", "model_1", "model_2", "question_id"}
_VOTES = {"winner", "model_a", "model_b", "question_id", "turn"}
_SCORES = {FIRST: 1.0, SECOND: 0.0}


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    if value.keys() >= _GAMES:
        return True
    return value.keys() >= _VOTES and not {"anony", "tstamp"} <= value.keys()


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """Both games of a pair, or one vote."""
    if value.keys() >= _GAMES:
        models = text(value, "model_1"), text(value, "model_2")
        return [
            row_of(number, value, models, value["g1_winner"], position=1, both=True),
            row_of(number, value, models, value["g2_winner"], position=-1, both=True),
        ]
    if not value.keys() >= _VOTES - {"turn"}:
        return [Skipped(number, "lacks question_id, models or winners")]
    return [row_of(number, value, (text(value, "model_a"), text(value, "model_b")), value["winner"])]


def row_of(
    number: int,
    value: dict[str, JsonValue],
    models: Models,
    winner: JsonValue,
    *,
    position: int = 0,
    both: bool = False,
) -> Item:
    """One game: a winner that names a place."""
    if not models[0] or not models[1]:
        return Skipped(number, "names no two models")
    status, score, why = outcome(winner)
    question = text(value, "question_id")
    return Row(
        line=number,
        prompt=digest(question),
        name=shortened(question),
        models=models,
        defined=False,
        both=both,
        judge=judge(value, "judge"),
        category=text(value, "category", default="all"),
        sample=f"turn {value['turn']}" if "turn" in value else "",
        status=status,
        score=score,
        position=position,
        label=position,
        why=why,
        **_answers(value),
    )


def outcome(winner: JsonValue) -> tuple[Status, float, str]:
    """Status, score of the first model, and what could not be read."""
    word = plain(winner)
    where = place(word)
    if where is not None:
        return Status.OK, _SCORES.get(where, 0.5), ""
    status = failed(word)
    return status or Status.INVALID, float("nan"), "" if status else f"the winner {winner!r} is unknown"


def _answers(value: dict[str, JsonValue]) -> FromAnswers:
    first, second = (last_said(value.get(f"conversation_{side}"), "assistant") for side in "ab")
    return of_answers(first=first, second=second) if first and second else {}


def prompt_of(value: dict[str, JsonValue]) -> str:
    """What a battle's conversations ask; "" where they are not there."""
    return asked(value.get("conversation_a"))
