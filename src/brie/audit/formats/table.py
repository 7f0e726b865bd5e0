"""Any table: `--map prompt=question,judge=rater,winner=choice,order=shown,category=topic`.

`winner` says candidate, baseline or tie (or win/loss, 1/0/0.5); `order` says which side stood
first; `letter` says which letter the candidate carried; `candidate` and `baseline` may name the
columns with the two answers. Without a map, columns of these names are used.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brie.audit.rows import UNNAMED, Item, Row, Skipped, of_answers
from brie.digest import digest
from brie.records import Status

COLUMNS = (
    "prompt", "judge", "winner", "order", "letter", "category", "source", "candidate", "baseline",
)  # fmt: skip
IDENTIFIES = "what its columns allow"
_WORDS = {
    "candidate": 1.0, "win": 1.0, "won": 1.0, "1": 1.0, "1.0": 1.0,
    "tie": 0.5, "draw": 0.5, "0.5": 0.5,
    "baseline": 0.0, "loss": 0.0, "lost": 0.0, "0": 0.0, "0.0": 0.0,
}  # fmt: skip
_FAILED = {
    "error": Status.ERROR,
    "refused": Status.REFUSED,
    "invalid": Status.INVALID,
    "": Status.INVALID,
}


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row has the columns by name."""
    return {"prompt", "winner"} <= value.keys()


def read(
    number: int, value: dict[str, JsonValue], columns: Mapping[str, str] | None = None
) -> list[Item]:
    """One row of a table; `columns` gives brie's name -> the file's column."""
    names = {name: (columns or {}).get(name, name) for name in COLUMNS}
    cell = {name: value.get(column) for name, column in names.items()}
    missing = [names[name] for name in ("prompt", "winner") if names[name] not in value]
    if missing:
        return [Skipped(number, f"lacks the column {missing[0]!r}")]
    winner = str(cell["winner"] if cell["winner"] is not None else "").strip().lower()
    status, score = _verdict(winner)
    if status is None:
        return [Skipped(number, f"the winner {winner!r} is none of candidate, baseline, tie")]
    candidate, baseline = str(cell["candidate"] or ""), str(cell["baseline"] or "")
    has_answers = bool(candidate and baseline)
    compared = [candidate, baseline] if has_answers else [number]
    row = Row(
        line=number,
        prompt=digest(str(cell["prompt"])),
        pair=digest([str(cell["prompt"]), *compared]),
        judge=str(cell["judge"] or UNNAMED),
        category=str(cell["category"] or "all"),
        source=str(cell["source"] or "unknown"),
        status=status,
        score=score,
        position=_side(cell["order"]),
        label={"a": 1, "b": -1}.get(str(cell["letter"]).strip().lower(), 0),
        **(of_answers(candidate=candidate, baseline=baseline) if has_answers else {}),
    )
    return [row]


def _verdict(winner: str) -> tuple[Status | None, float]:
    if winner in _WORDS:
        return Status.OK, _WORDS[winner]
    if winner in _FAILED:
        return _FAILED[winner], float("nan")
    try:
        number = float(winner)
    except ValueError:
        return None, float("nan")
    return (Status.OK, number) if 0 <= number <= 1 else (None, number)


def _side(order: JsonValue) -> int:
    """+1 where the order says the candidate stood first, -1 where the baseline did."""
    first = str(order or "").strip().lower().replace("_first", "")
    return {"candidate": 1, "baseline": -1, "1": 1, "2": -1}.get(first, 0)
