"""Samples that lm-evaluation-harness logs (`--log_samples`): one file a model and task.

    {"doc_id": 0, "doc_hash": "…", "filter": "none", "metrics": ["acc"], "acc": 1.0, "resps": …}

The model is the folder the file lies in, which is how the harness writes them, or else the file's
name. Documents are paired by their content; right and wrong become a paired comparison. Two filters
of one document are two readings of one answer: samples of its prompt. With several metrics one is
named: `--map score=acc_norm`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brie.audit.keys import text
from brie.audit.rows import Item, Point
from brie.audit.vocabulary import number
from brie.digest import digest
from brie.errors import InputError
from brie.reading.skipped import Skipped
from brie.records import Status

KEYS = {"doc_id", "resps"}
IDENTIFIES = "neither order nor letter: each answer was scored alone"
_NO_METRICS = {"doc_id", "target", "doc", "arguments", "resps", "filtered_resps", "filter", "metrics"}


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    return value.keys() >= KEYS


def read(line: int, value: dict[str, JsonValue], columns: Mapping[str, str] | None = None) -> list[Item]:
    """One sample; its model is its file's."""
    if not fits(value):
        return [Skipped(line, "lacks doc_id or resps")]
    metric = (columns or {}).get("score") or _metric(value)
    if metric is None or metric not in value:
        return [Skipped(line, "has no metric")]
    said_of_it = value[metric]
    worth = float(said_of_it) if isinstance(said_of_it, bool) else number(said_of_it)
    name = text(value, "doc_id")
    said = value.get("filtered_resps")
    answer = said[0] if isinstance(said, list) and said and isinstance(said[0], str) else None
    return [
        Point(
            line,
            digest(text(value, "doc_hash") or [name, text(value, "prompt_hash")]),
            f"doc {name}",
            "",
            metric,
            Status.INVALID if worth is None else Status.OK,
            float("nan") if worth is None else worth,
            "" if text(value, "filter") in ("", "none") else text(value, "filter"),
            text(value, "task", default="all"),
            answer,
            worth in (0.0, 1.0),
        )
    ]


def _metric(value: Mapping[str, JsonValue]) -> str | None:
    """The one metric of a sample.

    Raises:
        InputError: there are several.
    """
    listed = value.get("metrics")
    names = [str(name) for name in listed if name in value] if isinstance(listed, list) else []
    if not names:
        names = [
            key
            for key, worth in value.items()
            if key not in _NO_METRICS and not key.endswith("_hash") and isinstance(worth, int | float)
        ]
    if len(names) > 1:
        raise InputError(
            f"the samples have several metrics ({', '.join(names)}): say which, as in "
            f"--map score={names[0]}"
        )
    return names[0] if names else None
