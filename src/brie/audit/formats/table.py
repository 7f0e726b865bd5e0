"""Any table: one row a verdict, whatever its columns are called.

    prompt,winner,judge                             winner says candidate, baseline or tie, or a share
    prompt,model_a,model_b,winner                   winner says a place, or the model's name
    prompt,response_a,response_b,presented_as_A,presented_as_B,verdict
    prompt,response_1,response_2,choice             with --winner "1=first,2=second,0=tie"
    id,model_a,model_b,winner_model_a,winner_model_b,winner_tie
    prompt,response_1,response_2,ann,bob            with --raters ann,bob

`order` says which answer stood first, `letter` which letter the candidate carried. Other names of
columns are mapped: `--map prompt=question,winner=choice,a=model_left,b=model_right`. What the words
of the winner column mean is settled when all of them have been read (`brie.audit.ballots`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from brie.audit.columns import ALIASES, Shape, normal, shape_of
from brie.audit.keys import asked, judge, text
from brie.audit.rows import SIDES, Item, Models, Row, of_answers, shortened, text_id
from brie.audit.vocabulary import plain
from brie.reading.skipped import Skipped
from brie.records import Status

IDENTIFIES = "what its columns allow"
_SET = {"1", "1.0", "true", "yes", "x"}
_BRACKETS = re.compile(r"\[\[([^\[\]]{1,12})\]\]")
ONE_HOT = ("model a", "model b", "tie")
"""What a row of 1s and 0s says, as a word."""


@dataclass(slots=True)
class Ballot:
    """A row whose winner is still a word."""

    row: Row
    word: str
    raw: JsonValue
    order: str
    """What the column of the order says, as a word."""
    letter: str
    value: dict[str, JsonValue] | None = None
    """The whole row, where a name among the winners may be that of a column."""


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row has columns that are known for a prompt and for a winner."""
    shape = shape_of([key for key in value if isinstance(key, str)])
    return bool(shape["prompt"] and (shape["winner"] or shape.one_hot))


def read(number: int, value: dict[str, JsonValue]) -> list[Item]:
    """One row of a table by itself; a file's rows go through `ballots_of` and are settled together."""
    from brie.audit.ballots import settle

    ballots = ballots_of(number, value, shape_of(value.keys()))
    return [ballots] if isinstance(ballots, Skipped) else [*settle(ballots, shape_of(value.keys()))]


def ballots_of(number: int, value: dict[str, JsonValue], shape: Shape) -> list[Ballot] | Skipped:
    """The ballots of one row: one, or one a rater."""
    wanted = [name for name in ("prompt",) if not shape[name] or shape[name] not in value]
    if not (shape.raters or shape.one_hot or (shape["winner"] and shape["winner"] in value)):
        wanted.append("winner")
    if wanted:
        return Skipped(number, f"lacks the column {(shape[wanted[0]] or wanted[0])!r}")
    missing = [column for column in shape.raters if column not in value]
    if missing:
        return Skipped(number, f"lacks the column {missing[0]!r}")
    said: list[tuple[str, JsonValue]] = [(name, value[name]) for name in shape.raters]
    if not said:
        rater = shape["judge"]
        word = _one_hot(value, shape) if shape["winner"] not in value else value[str(shape["winner"])]
        said = [(judge(value, rater) if rater else "unnamed", word)]
    return [
        Ballot(
            _row(number, value, shape, who), _word(word), word,
            plain(_cell(value, shape, "order")), _letter(plain(_cell(value, shape, "letter"))),
            None if shape.models or shape.named else value,
        )
        for who, word in said
    ]  # fmt: skip


def _word(cell: JsonValue) -> str:
    """A cell as a word: of a judge's text, what it states in double brackets."""
    stated = {mark.lower() for mark in _BRACKETS.findall(cell)} if isinstance(cell, str) else set()
    return f"[[{stated.pop()}]]" if len(stated) == 1 else plain(cell)


def _row(number: int, value: dict[str, JsonValue], shape: Shape, rater: str) -> Row:
    prompt = asked(_cell(value, shape, "prompt")) or str(_cell(value, shape, "prompt") or "")
    answers = [str(value.get(column) or "") for column in shape.answers or ()]
    shown = 1 if shape.shown else 0
    return Row(
        line=number,
        prompt=text_id(prompt),
        name=shortened(prompt),
        judge=rater,
        status=Status.INVALID,
        models=_models(value, shape),
        defined=shape.defined,
        position=shown,
        label=shown,
        category=_text(value, shape, "category", "all"),
        source=_text(value, shape, "source", "unknown"),
        sample=_text(value, shape, "sample", ""),
        **(
            of_answers(first=answers[0], second=answers[1]) if len(answers) == 2 and all(answers) else {}
        ),
    )


def _models(value: dict[str, JsonValue], shape: Shape) -> Models:
    if shape.models:
        return text(value, shape.models[0]), text(value, shape.models[1])
    both = value.get("models")
    if isinstance(both, list) and len(both) == 2 and not shape.defined:
        return str(both[0]), str(both[1])
    return shape.named or SIDES


def _letter(word: str) -> str:
    """The candidate's letter, in lower case; also where a column says whether it was the first one."""
    return {"true": "a", "1": "a", "yes": "a", "false": "b", "0": "b", "no": "b"}.get(word, word)


def _one_hot(value: dict[str, JsonValue], shape: Shape) -> JsonValue:
    cells = [plain(value.get(column)) in _SET for column in shape.one_hot or () if column]
    if sum(cells) != 1:
        return "" if not any(cells) else "several winners"
    return ONE_HOT[cells.index(True)]


def _cell(value: Mapping[str, JsonValue], shape: Shape, name: str) -> JsonValue:
    column = shape[name]
    return value.get(column) if column else None


def _text(value: dict[str, JsonValue], shape: Shape, name: str, default: str) -> str:
    column = shape[name]
    return text(value, column, default=default) if column else default


def passed_over(keys: Mapping[str, JsonValue], shape: Shape) -> list[str]:
    """Columns that are not used: they are named, so that nobody thinks they were."""
    used = {column for column in shape.single.values() if column} | set(shape.raters) | {"models"}
    for pair in (shape.models, shape.answers, shape.one_hot):
        used |= {column for column in pair or () if column}
    return [key for key in keys if key not in used and normal(key) not in ALIASES]
