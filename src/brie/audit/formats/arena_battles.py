"""Battles of an arena: two models, the answers under A and B, and which place won.

    {"question_id": "…", "model_a": "my-tune", "model_b": "its-base", "winner": "model_b",
     "judge": "arena_user_7", "conversation_a": [{"role": "user", "content": "…"}, …], …}

Either model may stand on either side, and neither is the candidate by itself. `tie (bothbad)` is a
tie. A battle without a question and without conversations is a prompt of its own.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.formats.mt_bench import outcome, prompt_of
from brie.audit.keys import judge, last_said, text
from brie.audit.rows import FromAnswers, Item, Row, of_answers, shortened, text_id
from brie.audit.vocabulary import place, plain
from brie.reading.skipped import Skipped

KEYS = {"winner", "model_a", "model_b"}
IDENTIFIES = "order and letter together where the battles are an arena's, which shows A first"
_OF_AN_ARENA = {"anony"}
_PROMPTS = ("prompt", "question", "instruction", "question_id", "id")


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format: its winner names a place, or nobody."""
    if not value.keys() >= KEYS:
        return False
    if {"response_a", "answer_a", "output_a", "presented_as_A"} & value.keys():
        return False
    return place(plain(value["winner"])) is not None


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """One battle."""
    first, second = text(value, "model_a"), text(value, "model_b")
    if not first or not second:
        return [Skipped(number, "lacks model_a or model_b")]
    status, score, why = outcome(value.get("winner"))
    prompt = prompt_of(value) or text(value, *_PROMPTS)
    rater = judge(value, "judge", "user", "voter")
    shown = 1 if _OF_AN_ARENA & value.keys() or rater.startswith("arena_user") else 0
    row = Row(
        line=number,
        prompt=text_id(prompt) if prompt else "",
        name=shortened(prompt),
        models=(first, second),
        defined=False,
        judge=rater,
        category=text(value, "category", "language", default="all"),
        sample=f"turn {value['turn']}" if value.get("turn", 1) != 1 else "",
        status=status,
        score=score,
        position=shown,
        label=shown,
        why=why,
        **_answers(value),
    )
    return [row]


def _answers(value: dict[str, JsonValue]) -> FromAnswers:
    first, second = (last_said(value.get(f"conversation_{side}"), "assistant") for side in "ab")
    return of_answers(first=first, second=second) if first and second else {}
