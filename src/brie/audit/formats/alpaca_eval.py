"""AlpacaEval annotations: `output_1` is the baseline, `preference` in [1, 2], 2 = candidate.

    {"instruction": "…", "output_1": "…", "output_2": "…", "generator_2": "my-model",
     "annotator": "weighted_alpaca_eval_gpt4_turbo", "preference": 1.98, "dataset": "koala"}

Fractions come from letter probabilities: the soft score is `preference - 1`. The file does not
say which answer was shown first, so neither position nor letter is identified.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import JsonValue

from brie.audit.rows import Item, Row, Skipped, texts
from brie.records import Status

KEYS = {"instruction", "output_1", "output_2", "preference"}
IDENTIFIES = "neither order nor letter: the file does not keep which answer was shown first"


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    return value.keys() >= KEYS


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """One annotation."""
    if not fits(value):
        return [Skipped(number, f"lacks {', '.join(sorted(KEYS - value.keys()))}")]
    status, score = _score(value["preference"])
    if status is None:
        return [Skipped(number, f"preference {value['preference']!r} is outside [1, 2]")]
    row = Row(
        line=number,
        judge=str(value.get("annotator") or "annotator"),
        category=str(value.get("dataset") or "all"),
        status=status,
        score=score,
        **texts(
            prompt=str(value["instruction"]),
            candidate=str(value["output_2"]),
            baseline=str(value["output_1"]),
        ),
    )
    return [row]


def _score(preference: JsonValue) -> tuple[Status | None, float]:
    if preference is None:
        return Status.INVALID, float("nan")
    if not isinstance(preference, (str, int, float, Decimal)):  # Parquet has decimals
        return None, float("nan")
    try:
        number = float(preference)
    except ValueError:
        return None, float("nan")
    if number != number:
        return Status.INVALID, number
    return (Status.OK, number - 1) if 1 <= number <= 2 else (None, number)
