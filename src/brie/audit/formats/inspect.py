"""Logs of inspect (`.eval`, or `.json`): one file a model, paired by sample id.

    {"eval": {"model": "openai/…", "task": "…"}, "samples": [{"id": 1, "epoch": 1, "input": "…",
     "output": {"completion": "…"}, "scores": {"match": {"value": "C", "answer": "…"}}}]}

C is right, I and N are wrong, P is half; numbers stand as they are. A sample that failed is an error,
and one without a score is invalid. With several scorers one is named: `--map score=model_graded_qa`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brie.audit.keys import asked, text
from brie.audit.rows import Item, Point, shortened
from brie.audit.vocabulary import number
from brie.digest import digest
from brie.errors import InputError
from brie.reading.skipped import Skipped
from brie.records import Status

IDENTIFIES = "neither order nor letter: each answer was scored alone"
_LETTERS = {"c": 1.0, "i": 0.0, "n": 0.0, "p": 0.5}


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row is a sample of a log, with the log's header."""
    return (
        isinstance(value.get("eval"), dict) and "id" in value and ("scores" in value or "error" in value)
    )


def read(line: int, value: dict[str, JsonValue], columns: Mapping[str, str] | None = None) -> list[Item]:
    """One sample's score."""
    header = value.get("eval")
    if not isinstance(header, dict) or "id" not in value:
        return [Skipped(line, "is no sample of a log")]
    worth, scorer = _score(value, (columns or {}).get("score"))
    failed = bool(value.get("error"))
    question, output = asked(value.get("input")), value.get("output")
    answer = output.get("completion") if isinstance(output, dict) else None
    task = text(header, "task", default="all")
    return [
        Point(
            line,
            digest([task, text(value, "id"), question]),
            shortened(question) or text(value, "id"),
            text(header, "model"),
            scorer,
            Status.ERROR if failed else Status.INVALID if worth is None else Status.OK,
            float("nan") if worth is None or failed else worth,
            f"epoch {text(value, 'epoch', default='1')}",
            task,
            answer if isinstance(answer, str) else None,
            failed or worth in (0.0, 1.0),
        )
    ]


def _score(value: Mapping[str, JsonValue], wanted: str | None) -> tuple[float | None, str]:
    """The value and the scorer's name.

    Raises:
        InputError: there are several scorers.
    """
    scores = value.get("scores")
    if not isinstance(scores, dict) or not scores:
        return None, wanted or "scorer"
    if wanted is None and len(scores) > 1:
        raise InputError(
            f"the samples have several scorers ({', '.join(scores)}): say which, as in "
            f"--map score={next(iter(scores))}"
        )
    name = wanted or next(iter(scores))
    score = scores.get(name)
    worth = score.get("value") if isinstance(score, dict) else score
    if isinstance(worth, bool):
        return float(worth), name
    if isinstance(worth, str) and worth.lower() in _LETTERS:
        return _LETTERS[worth.lower()], name
    return number(worth), name
