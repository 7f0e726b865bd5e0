"""Whose win rate: the candidate and the baseline among the models of some rows.

A format that says so is followed. Two models without it: the first by name is the candidate, and
every sentence names both. More than two are never one rate: one pair is chosen, or all are ranked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from brie.audit.rows import SIDES, Models, Row
from brie.errors import InputError, UsageError
from brie.number_format import listed
from brie.records import Winner

_LISTED = 12
_TURNED: dict[Winner, Winner] = {"candidate": "baseline", "baseline": "candidate", "tie": "tie"}


@dataclass(frozen=True)
class Chosen:
    """Rows of one pair of models, the candidate the first in each."""

    candidate: str
    baseline: str
    defined: bool
    """The file says which is the candidate, or the reader did."""
    rows: list[Row]
    others: int = 0
    """Rows of other pairs, left out."""


def models_of(rows: Sequence[Row]) -> list[str]:
    """Every model, by name."""
    return sorted({name for row in rows for name in row.models})


def choose(
    rows: Sequence[Row],
    *,
    candidate: str | None = None,
    baseline: str | None = None,
    claim: bool = False,
) -> Chosen | None:
    """The rows of one pair of models; None where there are more than two and none is chosen.

    Args:
        rows: as read.
        candidate: the side whose win rate is wanted.
        baseline: what it is compared with, where the file has more than two models.
        claim: somebody claims a rate, so whose it is must be known.

    Raises:
        UsageError: no such model, or a choice is missing; the message lists the candidates.
        InputError: every row compares a model with itself, or turns the same answers round.
    """
    models = models_of(rows)
    pairs = Counter(frozenset(row.models) for row in rows if row.models[0] != row.models[1])
    if not pairs:
        raise InputError(f"every row compares {models[0] if models else 'nothing'} with itself.")
    for name in (candidate, baseline):
        if name is not None and name not in models:
            raise _no_model(name, models)
    if candidate is None and baseline is None:
        if len(pairs) > 1 or len(models) > 2:
            if claim:
                raise _which(models, "a claim is about one model")
            return None
        return _by_the_file(rows, models, claim=claim)
    pair = _pair(candidate, baseline, pairs)
    return oriented(rows, pair, defined=True)


def oriented(rows: Sequence[Row], pair: Models, *, defined: bool) -> Chosen:
    """The rows of a pair, every one with the candidate first."""
    wanted = set(pair)
    kept = [
        row if row.models[0] == pair[0] else turned(row) for row in rows if set(row.models) == wanted
    ]
    _refuse_turned(kept, pair)
    return Chosen(*pair, defined, kept, len(rows) - len(kept))


def _by_the_file(rows: Sequence[Row], models: Sequence[str], *, claim: bool) -> Chosen:
    said = {row.models for row in rows if row.defined}
    if len(said) == 1 and all(row.defined for row in rows):
        return oriented(rows, said.pop(), defined=True)
    if set(models) == set(SIDES):
        return oriented(rows, SIDES, defined=True)
    if claim:
        raise _which(models, "the file does not say whose win rate is claimed")
    return oriented(rows, (models[0], models[1]), defined=False)


def _pair(candidate: str | None, baseline: str | None, pairs: Counter[frozenset[str]]) -> Models:
    """The pair that a choice means: a model alone, where it met one other.

    Raises:
        UsageError: it met several, or the two never met.
    """
    chosen = {name for name in (candidate, baseline) if name is not None}
    if candidate == baseline:
        raise UsageError("candidate and baseline are the same model; name two.")
    fitting = [pair for pair in pairs if chosen <= pair]
    if not fitting:
        raise UsageError(f"{listed(sorted(chosen))} never met in these files.")
    if len(fitting) > 1:
        known = candidate or baseline
        others = sorted({name for pair in fitting for name in pair} - chosen)
        option = "--baseline" if candidate else "--candidate"
        raise UsageError(
            f"{known} met {len(others)} models ({_some(others)}); choose one: {option} "
            f"{_quote(others[0])}"
        )
    (other,) = fitting[0] - {candidate} if candidate else fitting[0] - {baseline}
    return (candidate, other) if candidate else (other, str(baseline))


def turned(row: Row) -> Row:
    """The same verdict with its second model first."""
    return replace(
        row,
        models=(row.models[1], row.models[0]),
        score=1 - row.score,
        position=-row.position,
        label=-row.label,
        turned=not row.turned,
        length_difference=-row.length_difference,
        cut=(row.cut[1], row.cut[0]),
        length=(row.length[1], row.length[0]),
        right=(row.right[1], row.right[0]) if row.right else None,
        stored=_TURNED[row.stored] if row.stored else None,
        in_text=_TURNED[row.in_text] if row.in_text else None,
    )


def _refuse_turned(rows: Sequence[Row], pair: Models) -> None:
    """Two answers that stand both ways round under columns that name no model are anybody's."""
    ways: dict[tuple[str, str], bool] = {}
    for row in rows:
        if row.defined or not row.pair or pair != tuple(row.models):
            continue
        if ways.setdefault((row.prompt, row.pair), row.turned) != row.turned and _are_places(pair):
            raise InputError(
                f"line {row.line} has the same two answers as another line, the other way round, and "
                f"the columns {pair[0]} and {pair[1]} do not say which model wrote which: map columns "
                "that do, as in --map a=COLUMN,b=COLUMN"
            )


def _are_places(pair: Models) -> bool:
    """Names that differ by a place alone are columns', not models'."""
    return any(pair[0].replace(a, b) == pair[1] for a, b in (("1", "2"), ("a", "b"), ("left", "right")))


def _no_model(name: str, models: Sequence[str]) -> UsageError:
    near = get_close_matches(name, models, n=1, cutoff=0.5)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    return UsageError(f"no model is called {name!r} here{guess} There are: {_some(models)}.")


def _which(models: Sequence[str], why: str) -> UsageError:
    options = " or ".join(_options(models))
    return UsageError(f"{why}: name it, {options} (models here: {_some(models)})")


def _options(models: Sequence[str]) -> Iterator[str]:
    return (f"--candidate {_quote(name)}" for name in models[:2])


def _some(models: Sequence[str]) -> str:
    more = f" and {len(models) - _LISTED} more" if len(models) > _LISTED else ""
    return ", ".join(models[:_LISTED]) + more


def _quote(name: str) -> str:
    from shlex import quote

    return quote(name)
