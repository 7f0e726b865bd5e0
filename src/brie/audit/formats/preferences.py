"""Preference data with the models' names: what was chosen, what was rejected, and who wrote either.

    {"prompt": "…", "chosen": "…", "rejected": "…", "chosen_model": "mine", "rejected_model": "base"}

Without the names every row would be a win of "chosen", which says nothing: it is refused.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.columns import normal
from brie.audit.keys import asked, judge, last_said, text
from brie.audit.rows import Item, Row, texts
from brie.errors import InputError
from brie.reading.skipped import Skipped
from brie.records import Status

IDENTIFIES = "neither order nor letter: the file does not keep how the answers were shown"
_PROMPTS = ("prompt", "question", "instruction", "input")


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    return {"chosen", "rejected"} <= value.keys()


def read(line: int, value: dict[str, JsonValue]) -> list[Item]:
    """One preference.

    Raises:
        InputError: the row does not name the models.
    """
    if not fits(value):
        return [Skipped(line, "lacks chosen or rejected")]
    named = {normal(key): key for key in value}
    models = [text(value, named.get(f"{side}_model", "")) for side in ("chosen", "rejected")]
    if not all(models):
        raise InputError(
            f"line {line} says what was chosen and what was rejected, and not which model wrote it: "
            "without chosen_model and rejected_model nothing can be compared."
        )
    prompt = next((asked(value[key]) for key in _PROMPTS if value.get(key)), "") or asked(
        value["chosen"]
    )
    row = Row(
        line=line,
        models=(models[0], models[1]),
        defined=False,
        judge=judge(value, "judge", "annotator", "source_of_preference"),
        status=Status.OK,
        score=1.0,
        category=text(value, "category", default="all"),
        source=text(value, "source", default="unknown"),
        **texts(prompt=prompt, first=_answer(value["chosen"]), second=_answer(value["rejected"])),
    )
    return [row]


def _answer(value: JsonValue) -> str:
    return last_said(value, "assistant") if isinstance(value, list) else str(value or "")
