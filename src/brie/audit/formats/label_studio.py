"""Label Studio's export of a pairwise project: tasks with annotations that select left or right.

    [{"data": {"prompt": "…", "answer1": "…", "answer2": "…"}, "annotations": [{"completed_by": 1,
      "result": [{"type": "pairwise", "to_name": "answer1,answer2", "value": {"selected": "left"}}]}]}]

Left is the first text that the tag names, and stood first. A choice among words (`choices`) that names a
place counts as well: of the two texts of the task's data. A cancelled annotation is a skipped one.
Where the task's data names the models (`model1`, `model2`, or `model_left`, …) they are the sides;
otherwise the two texts are, by their names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from brie.audit.columns import shape_of
from brie.audit.keys import asked, judge, text
from brie.audit.rows import FromAnswers, Item, Models, Row, of_answers, shortened, text_id
from brie.audit.vocabulary import FIRST, SECOND, TIE, place, plain
from brie.reading.skipped import Skipped
from brie.records import Status

IDENTIFIES = "order and letter only together: left is the first text"
_SCORES = {"left": 1.0, "right": 0.0}
_OF_PLACE = {FIRST: 1.0, SECOND: 0.0, TIE: 0.5}
_PLACES: Models = ("left", "right")


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a task has annotations that compare two texts."""
    return isinstance(value.get("data"), dict) and isinstance(value.get("annotations"), list)


def read(line: int, value: dict[str, JsonValue]) -> list[Item]:
    """The annotations of one task; one that is malformed costs itself."""
    data, annotations = value.get("data"), value.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        return [Skipped(line, "lacks data or annotations")]
    if not annotations:
        return [Skipped(line, "has no annotation")]
    return [_annotation(line, data, annotation) for annotation in annotations]


def _annotation(line: int, data: Mapping[str, JsonValue], annotation: JsonValue) -> Item:
    if not isinstance(annotation, dict):
        return Skipped(line, "has an annotation that is none")
    results = annotation.get("result")
    results = results if isinstance(results, list) else []
    cancelled = bool(annotation.get("was_cancelled"))
    score, names, why = _selected(results, data)
    prompt = _prompt(data, names)
    usable = score is not None and not cancelled
    return Row(
        line=line,
        prompt=text_id(prompt),
        name=shortened(prompt),
        judge=judge(annotation, "completed_by"),
        status=Status.OK if usable else Status.INVALID,
        score=score if usable and score is not None else float("nan"),
        models=_models(data, names),
        defined=False,
        position=1,
        label=1,
        why="" if usable or cancelled else why,
        **_answers(data, names),
    )


def _selected(
    results: Sequence[JsonValue], data: Mapping[str, JsonValue]
) -> tuple[float | None, list[str], str]:
    """The score of the first text, the names of both, and what could not be read."""
    by_type = {str(r.get("type")): r for r in reversed(results) if isinstance(r, dict)}
    said = by_type.get("pairwise") or by_type.get("choices") or {}
    worth = said.get("value")
    worth = worth if isinstance(worth, dict) else {}
    if said.get("type") == "choices":
        chosen = worth.get("choices")
        word = chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else None
        score = _OF_PLACE.get(place(plain(word)) or "")
        return score, list(shape_of(list(data)).answers or ()), f"the choice is {chosen!r}"
    names = str(said.get("to_name", "")).split(",") if said else []
    if not said:
        types = ", ".join(sorted(by_type))
        return None, names, f"its results are of the type {types}" if types else ""
    selected = worth.get("selected")
    # The tag's own way of saying that neither was selected.
    score = 0.5 if selected is None else _SCORES.get(str(selected).lower())
    return score, names, f"selected is {selected!r}"


def _prompt(data: Mapping[str, JsonValue], names: list[str]) -> str:
    column = shape_of([key for key in data if key not in names])["prompt"]
    return (asked(data[column]) or str(data[column])) if column else text(data, *data)


def _models(data: Mapping[str, JsonValue], names: list[str]) -> Models:
    columns = shape_of(list(data)).models
    if columns and text(data, columns[0]) and text(data, columns[1]):
        return text(data, columns[0]), text(data, columns[1])
    return (names[0], names[1]) if len(names) == 2 and all(names) else _PLACES


def _answers(data: Mapping[str, JsonValue], names: list[str]) -> FromAnswers:
    said = [data.get(name.strip()) for name in names]
    if len(said) == 2 and isinstance(said[0], str) and isinstance(said[1], str):
        return of_answers(first=said[0], second=said[1])
    return {}
