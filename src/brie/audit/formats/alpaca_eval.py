"""AlpacaEval annotations: `output_1` is the reference's, `preference` in [1, 2], 2 = the model.

    {"instruction": "…", "output_1": "…", "generator_1": "gpt4_1106_preview", "output_2": "…",
     "generator_2": "my-model", "annotator": "weighted_alpaca_eval_gpt4_turbo", "preference": 1.98}

Fractions come from letter probabilities: the soft score is `preference - 1`. Version 1 writes a tie
as 0. The file does not say which answer was shown first, so neither position nor letter is identified.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import JsonValue

from brie.audit.keys import lacks, text
from brie.audit.rows import SIDES, Item, Row, texts
from brie.reading.skipped import Skipped
from brie.records import Status

KEYS = {"instruction", "output_1", "output_2", "preference"}
IDENTIFIES = "neither order nor letter: the file does not keep which answer was shown first"
_TIE = 0


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    return value.keys() >= KEYS


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """One annotation."""
    if not fits(value):
        return [Skipped(number, lacks(value, KEYS))]
    status, score = _score(value["preference"])
    row = Row(
        line=number,
        models=(
            text(value, "generator_2", "generator", default=SIDES[0]),
            text(value, "generator_1", default=SIDES[1]),
        ),
        judge=text(value, "annotator", default="annotator"),
        category=text(value, "dataset", default="all"),
        status=status or Status.INVALID,
        score=score if status is Status.OK else float("nan"),
        why="" if status else f"preference {value['preference']!r} is outside [1, 2]",
        **texts(
            prompt=str(value["instruction"]),
            first=str(value["output_2"]),
            second=str(value["output_1"]),
        ),
    )
    return [row]


def _score(preference: JsonValue) -> tuple[Status | None, float]:
    """Status and score; no status where the number means nothing."""
    if preference is None:
        return Status.INVALID, float("nan")
    if isinstance(preference, bool) or not isinstance(preference, (str, int, float, Decimal)):
        return None, float("nan")  # Parquet has decimals
    try:
        number = float(preference)
    except (ValueError, OverflowError):
        return None, float("nan")
    if number != number:
        return Status.INVALID, number
    if number == _TIE:
        return Status.OK, 0.5
    return (Status.OK, number - 1) if 1 <= number <= 2 else (None, number)
