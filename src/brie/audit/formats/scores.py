"""Scores of single answers: one row a model and question, paired by question.

    {"question_id": "q1", "model": "my-tune", "score": 7, "judge_model": "…", "parse_error": null}

    {"prompt": "…", "model_a": "my-tune", "model_b": "base", "score_a": 8, "score_b": 6}

Where rows name no model, each file is one. Two scores in a row are those of two models, by their names
or by those of the columns. The higher score wins and equal ones tie. Without a score, `correct` or
`passed` is one, or `rank`, of which the lowest wins. A score that could not be read is an unusable
verdict, and so is a refusal; a -1 beside a judgment's text is FastChat's mark of one.
`--map score=COLUMN,model=COLUMN,prompt=COLUMN` names the columns where they are called otherwise,
`--map score_a=COLUMN,score_b=COLUMN` two of one row; two that may both be the score are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

from brie.audit.columns import ALIASES, normal, score_columns, shape_of
from brie.audit.keys import asked, judge, text
from brie.audit.rows import Item, Point, shortened, text_id
from brie.audit.vocabulary import failed, number, plain
from brie.errors import InputError
from brie.reading.skipped import Skipped
from brie.records import Status

IDENTIFIES = "neither order nor letter: each answer was judged alone"
_MODELS = ("model", "model_variant", "model_name", "model_id", "variant", "system", "generator",
           "candidate_model", "answer_model")  # fmt: skip
_SCORES = ("score", "rating", "grade", "points", "overall_score", "judge_score", "overall", "mark")
_RIGHT = ("correct", "is_correct", "passed", "pass", "success")
_RANKS = ("rank", "ranking")
"""Of these the lowest is the best."""
_TRUTHS = {"true": 1.0, "false": 0.0}
_FRACTION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:/|out of)\s*(\d+)\s*")
_ANSWERS = ("response", "answer", "output", "completion", "generation", "model_output", "text")
_PARSE = ("parse_error", "parsing_error", "invalid")
_REFUSED = ("refused", "refusal", "is_refusal")
_ERRORS = ("error", "api_error", "failed")


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row has a question and a score, and no winner; without a model, its file is one."""
    names = {normal(key) for key in value if isinstance(key, str)}
    if not names & {*ALIASES["prompt"]}:
        return False
    if score_columns([key for key in value if isinstance(key, str)]):
        return True
    if {"winner", "verdict", "choice"} & names or {"model_a", "model_1"} & names:
        return False
    return bool(names & {*_SCORES, *(_RIGHT if names & {*_MODELS} else ()), *_RANKS})


def read(
    number_: int, value: dict[str, JsonValue], columns: Mapping[str, str] | None = None
) -> list[Item]:
    """One answer's score, or the two of a row."""
    named = {normal(key): key for key in value if isinstance(key, str)}
    mapped = columns or {}
    prompt = mapped.get("prompt") or _prompt(named)
    sides = _sides(value, mapped)
    scores = [score for _, score, _ in sides] or [mapped.get("score") or _score(named, value) or "score"]
    lacking = [f"column {column!r}" for column in (prompt or "prompt", *scores) if column not in value]
    if lacking or not prompt:
        return [Skipped(number_, f"lacks the {' and the '.join(lacking)}")]
    model = mapped.get("model") or _known(named, _MODELS)
    if not sides:
        name = text(value, model, default="unnamed") if model else ""
        sides = [(name, scores[0], _known(named, _ANSWERS))]
    question = asked(value[prompt]) or str(value[prompt])
    rater = mapped.get("judge") or _known(named, ALIASES["judge"])
    category = mapped.get("category") or _known(named, ALIASES["category"])
    sample = mapped.get("sample") or _known(named, ALIASES["sample"])
    points: list[Item] = []
    for name, score, answer in sides:
        status, worth, out_of = _status(value, named, score)
        points.append(
            Point(
                number_,
                text_id(question),
                shortened(question),
                name,
                judge(value, rater) if rater else "unnamed",
                status,
                worth,
                text(value, sample) if sample else "",
                text(value, category, default="all") if category else "all",
                str(value[answer]) if answer and isinstance(value.get(answer), str) else None,
                plain(value[score]) in _TRUTHS,
                out_of,
            )
        )
    return points


def _prompt(named: Mapping[str, str]) -> str | None:
    """The column of the question; beside a judgment the user's prompt is what the judge was asked."""
    if {"judgment", "question_id"} <= named.keys():
        return named["question_id"]
    return _known(named, ALIASES["prompt"])


def _sides(
    value: Mapping[str, JsonValue], mapped: Mapping[str, str]
) -> list[tuple[str, str, str | None]]:
    """Name, score's column and answer's column of the two models of a row; none where it scores one."""
    one, two = mapped.get("score_a"), mapped.get("score_b")
    pair = (one, two) if one and two else None if "score" in mapped else score_columns(value.keys())
    if pair is None:
        return []
    shape = shape_of([key for key in value if key not in pair], _of_pairs(mapped))
    answers = shape.answers or (None, None)
    names = [text(value, column) for column in shape.models] if shape.models else list(pair)
    return [
        (name or column, column, answer)
        for name, column, answer in zip(names, pair, answers, strict=True)
    ]


def _of_pairs(mapped: Mapping[str, str]) -> dict[str, str]:
    return {name: column for name, column in mapped.items() if not name.startswith("score")}


def _known(named: Mapping[str, str], aliases: tuple[str, ...]) -> str | None:
    return next((named[alias] for alias in aliases if alias in named), None)


def _score(named: Mapping[str, str], value: Mapping[str, JsonValue]) -> str | None:
    """The one column that may be the score.

    Raises:
        InputError: two may be, and say different things.
    """
    columns = [named[alias] for alias in _SCORES if alias in named]
    if len({plain(value[column]) for column in columns}) > 1:
        raise InputError(
            f"the columns {' and '.join(repr(c) for c in columns)} may both be the score: say which, as "
            f"in --map score={columns[0]}"
        )
    return columns[0] if columns else _known(named, (*_RIGHT, *_RANKS))


def _worth(column: str, score: JsonValue) -> tuple[float | None, float]:
    """A score as a number, the higher the better, and the number it is out of; 0: none is said.

    Raises:
        InputError: it is an object.
    """
    if isinstance(score, dict):
        options = " or ".join(f"--map score={column}.{name}" for name in list(score)[:6])
        raise InputError(f"the scores are objects: say which number in them is meant, {options}")
    if plain(score) in _TRUTHS:
        return _TRUTHS[plain(score)], 0
    if isinstance(score, str) and (written := _FRACTION.fullmatch(score)):
        return float(written[1]), float(written[2])
    worth = number(score)
    return -worth if worth is not None and normal(column) in _RANKS else worth, 0


def _status(
    value: Mapping[str, JsonValue], named: Mapping[str, str], column: str
) -> tuple[Status, float, float]:
    """Status, score and what it is out of; flags of the row go before its number."""
    score = value[column]
    flags = ((_ERRORS, Status.ERROR), (_PARSE, Status.INVALID), (_REFUSED, Status.REFUSED))
    for names, status in flags:
        if any(plain(value.get(named.get(name, ""))) not in ("", "false", "0", "no") for name in names):
            return status, float("nan"), 0
    if plain(score) == "-1" and "judgment" in named:
        return Status.INVALID, float("nan"), 0
    worth, out_of = _worth(column, score)
    if worth is None:
        return failed(plain(score)) or Status.INVALID, float("nan"), 0
    return Status.OK, worth, out_of
