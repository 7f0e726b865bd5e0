"""What the words of a table's winner column mean: settled when all of them are known.

The same word means the same in every row. What nobody has declared and not everybody means by a
word is asked for: the audit stops, and lists the values with their counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import nan

from brie.audit.columns import Shape, normal
from brie.audit.formats.table import Ballot
from brie.audit.rows import SIDES, Row, of_answers, shortened
from brie.audit.vocabulary import (
    FIRST,
    MEANINGS,
    REST,
    SECOND,
    SHOWN_FIRST,
    SHOWN_SECOND,
    TIE,
    Declared,
    failed,
    number,
    place,
    plain,
    status_of,
)
from brie.errors import InputError
from brie.records import Status

_CANDIDATE = {"candidate", "win", "wins", "won"}
_BASELINE = {"baseline", "loss", "lose", "lost"}
_NO_NAMES = {
    "yes", "no", "true", "false", "good", "bad", "better", "worse", "agree", "disagree", "positive",
    "negative", "correct", "incorrect", "pass", "fail", "chosen", "rejected", "none", "both", "unsure",
    "maybe", "perhaps", "unknown", "other",
}  # fmt: skip
"""Words that name no model."""
_COUNTED = re.compile(r"[a-z]+[ _-]?[01]")
"""A noun and a number counted from 0."""
_SCORES = {FIRST: 1.0, SECOND: 0.0, TIE: 0.5}
_SHOWN = 12
"""Values listed when an audit stops."""
_FIRST_SHOWN = {"a", "ab", "1", "normal", "original", "false", "0", "no", "left", "first", "straight"}
_SECOND_SHOWN = {
    "b", "ba", "2", "swapped", "reversed", "flipped", "true", "yes", "right", "second", "swap",
    "reverse",
}  # fmt: skip
_SWAPS = {
    "normal", "original", "straight", "false", "true", "0", "1", "yes", "no", "swapped", "reversed",
    "flipped", "swap", "reverse",
}  # fmt: skip
"""Words that say how the answers were shown without saying which is which."""


def settle(ballots: Sequence[Ballot], shape: Shape, declared: Declared | None = None) -> list[Row]:
    """Ballots as rows.

    Raises:
        InputError: a value of the winner column is no known word, or names a place of which nothing
            says who stood there.
    """
    said = declared or Declared()
    words = Counter(ballot.word for ballot in ballots)
    names = _names(ballots, words, shape, said)
    unknown: Counter[str] = Counter()
    meanings: dict[str, str | float | Status | None] = {}
    rows = []
    from_zero = _from_zero(words, shape)
    by_side = _by_side(shape, ballots) and not names
    shares = by_side and _are_shares(words, said)
    for ballot in ballots:
        if names:
            _name(ballot, names)
        ballot.row.defined = ballot.row.defined or by_side
        position = _position(ballot)
        if ballot.word not in meanings:
            known = _meaning(ballot.word, said, by_side=by_side, shares=shares)
            counted = from_zero.get(ballot.word) if ballot.word not in said.words else None
            meanings[ballot.word] = known if counted is None else counted
        meaning = meanings[ballot.word]
        if isinstance(meaning, float) and ballot.word not in said.words and _is_another(ballot, meaning):
            raise _place_or_name(ballot, meaning)
        if meaning is None or (isinstance(meaning, str) and not isinstance(meaning, Status)):
            meaning = _of_row(ballot, meaning, by_side=by_side)
        if meaning is None:
            unknown[ballot.word] += 1
            continue
        rows.append(_settled(ballot, meaning, position))
    if unknown:
        _stop(unknown, words, shape, SIDES if by_side else (FIRST, SECOND))
    _stop_where_swapped(ballots, words, shape, said)
    return rows


def _from_zero(words: Mapping[str, int], shape: Shape) -> dict[str, float]:
    """What `response 1` means where the answers are counted from 0: the second."""
    columns = shape.answers or shape.models or ()
    by_columns = [normal(column)[-1:] for column in columns] == ["0", "1"]
    if not by_columns and not any(_COUNTED.fullmatch(word) and word[-1] == "0" for word in words):
        return {}
    scores = {"0": 1.0, "1": 0.0}
    return {word: scores[word[-1]] for word in words if _COUNTED.fullmatch(word)}


def _is_another(ballot: Ballot, score: float) -> bool:
    """A word for a place that also names a model of its row, which stands in the other place."""
    models = [plain(model) for model in ballot.row.models]
    return ballot.word in models and models[0] != models[1] and score != float(ballot.word == models[0])


def _place_or_name(ballot: Ballot, score: float) -> InputError:
    word, where = ballot.word, FIRST if score else SECOND
    return InputError(
        f"line {ballot.row.line}: the winner {word!r} is the {where} answer by its place, and the "
        f'other by the name of its model: say which is meant, --winner "{word}={where}" or --winner '
        f'"{word}={word}", and so for every such word'
    )


def _settled(ballot: Ballot, meaning: float | Status | str, position: int) -> Row:
    row = ballot.row
    if position:
        row.position = position
    if row.defined and ballot.letter in ("a", "b"):
        row.label = 1 if ballot.letter == "a" else -1
    if isinstance(meaning, Status):
        row.status, row.score = meaning, nan
    elif isinstance(meaning, str):  # by the place it was shown in
        ends = {SHOWN_FIRST: 1.0, SHOWN_SECOND: 0.0}
        score = ends[meaning] if row.position > 0 else 1 - ends[meaning]
        if not row.position:
            row.why = f"the winner is {meaning}, and the row does not say which answer that was"
            return row
        row.status, row.score = Status.OK, score
    else:
        row.status, row.score = Status.OK, meaning
    return row


def _are_shares(words: Mapping[str, int], said: Declared) -> bool:
    """Numbers from 0 to 1 are the candidate's share only where no number outside says otherwise.

    Beside a 2 or a -1 a 0 may be a tie, and where all are 0 or 1 they may count the answers from 0: it
    is asked for, unless the other numbers are declared.
    """
    counted = (word for word in words if status_of(said.words.get(word, "")) is None)
    numbers = {value for value in map(number, counted) if value is not None}
    return all(0 <= value <= 1 for value in numbers) and (numbers != {0, 1} or bool(said.words))


def _meaning(word: str, said: Declared, *, by_side: bool, shares: bool) -> str | float | Status | None:
    """A word's meaning wherever it stands: a score for the first answer, a status, or a name."""
    meant = said.words.get(word)
    if meant is None and said.scale is not None and word:
        meant_number = number(word)
        low, high, at_low, at_high = said.scale
        if meant_number is not None and low <= meant_number <= high:
            return at_low + (at_high - at_low) * (meant_number - low) / (high - low)
    known = _declared(meant) if meant is not None else _known(word, by_side=by_side, shares=shares)
    return _declared(said.words[REST]) if known is None and REST in said.words else known


def _declared(meant: str) -> str | float | Status:
    status = status_of(meant)
    if status is not None:
        return status
    lower = meant.lower()
    if lower in _SCORES:
        return _SCORES[lower]
    return lower if lower in MEANINGS else f"={lower}"


def _known(word: str, *, by_side: bool, shares: bool) -> float | Status | None:
    status = failed(word)
    if status is not None:
        return status
    where = place(word)
    if where == TIE:
        return _SCORES[TIE]
    if by_side:
        if word in _CANDIDATE or word in _BASELINE:
            return 1.0 if word in _CANDIDATE else 0.0
        return number(word) if shares else None
    return None if where is None else _SCORES[where]


def _of_row(ballot: Ballot, meaning: str | None, *, by_side: bool) -> str | float | None:
    """What a word means in its row: the name of one of its models, or of a column of it."""
    if meaning in (SHOWN_FIRST, SHOWN_SECOND):
        return meaning
    if meaning in SIDES and by_side:
        return 1.0 if meaning == SIDES[0] else 0.0
    word = meaning.removeprefix("=") if meaning else ballot.word
    models = [plain(model) for model in ballot.row.models]
    if word in models and models[0] != models[1]:
        return 1.0 if word == models[0] else 0.0
    if by_side and ballot.letter in ("a", "b") and ballot.word in ("a", "b"):
        return 1.0 if ballot.letter == ballot.word else 0.0
    return None


def _names(
    ballots: Sequence[Ballot], words: Mapping[str, int], shape: Shape, said: Declared
) -> tuple[str, str] | None:
    """The two models that a winner column without columns of models names, beside ties."""
    if not ballots or shape.models or shape.named or shape.defined or ballots[0].row.models != SIDES:
        return None
    meant = {said.words.get(word, word).lower() for word in words}
    names = {
        word for word in meant
        if word not in MEANINGS and place(word) is None and failed(word) is None
        and number(word) is None and word not in _NO_NAMES
    }  # fmt: skip
    if names & (_CANDIDATE | _BASELINE) or meant & (_CANDIDATE | _BASELINE) or len(names) != 2:
        return None
    written = {plain(b.raw): str(b.raw).strip() for b in ballots}
    written |= {name.lower(): name for name in said.words.values()}
    first, second = sorted(written[name] for name in names)
    return first, second


def _name(ballot: Ballot, names: tuple[str, str]) -> None:
    """The models of a row that names its winner alone; their answers where columns are called so."""
    row, value = ballot.row, ballot.value or {}
    row.models, row.defined = names, False
    columns = {normal(key): key for key in value}
    answers = [value.get(columns.get(normal(name), "")) for name in names]
    if isinstance(answers[0], str) and isinstance(answers[1], str) and all(answers):
        for field, known in of_answers(first=answers[0], second=answers[1]).items():
            setattr(row, field, known)


def _by_side(shape: Shape, ballots: Sequence[Ballot]) -> bool:
    """The two answers are the candidate's and the baseline's by the file's own words."""
    return shape.defined or (not shape.models and not shape.named and ballots[0].row.models == SIDES)


def _position(ballot: Ballot) -> int:
    """+1 where the order says that the row's first model stood first, -1 the second; else 0."""
    first = ballot.order.removesuffix("_first").removesuffix(" first")
    models = [plain(model) for model in ballot.row.models]
    if not first:
        return 0
    if first in models and models[0] != models[1]:
        return 1 if first == models[0] else -1
    return 1 if first in _FIRST_SHOWN else -1 if first in _SECOND_SHOWN else 0


def _stop_where_swapped(
    ballots: Sequence[Ballot], words: Mapping[str, int], shape: Shape, said: Declared
) -> None:
    """A winner's place and a column that says the answers were exchanged: which place is meant?"""
    orders = {ballot.order for ballot in ballots if ballot.order}
    bare = [
        w
        for w in words
        if w not in said.words and place(w) in (FIRST, SECOND) and not w.startswith("model")
    ]
    if shape.defined or shape.shown or len(orders) < 2 or not orders <= _SWAPS or not bare:
        return
    one, two = sorted(bare)[0], sorted(bare)[-1]
    raise InputError(
        f"the column {shape['order']!r} says that answers were exchanged, and the winners are places "
        f"({', '.join(sorted(bare))}): the places as shown, or the file's own? Say which: "
        f'--winner "{one}=shown_first,{two}=shown_second" or --winner "{one}=first,{two}=second"'
    )


def _stop(
    unknown: Mapping[str, int], words: Mapping[str, int], shape: Shape, sides: tuple[str, str]
) -> None:
    """The sentence of an audit that stops at words nobody has declared."""
    listed = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    shown = listed[:_SHOWN]
    values = ", ".join(f"{shortened(word) or '(empty)'} ({count:,})" for word, count in shown)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    column = f"the column {shape['winner']!r}" if shape["winner"] else "the winners"
    places = [word for word in unknown if place(word) in (FIRST, SECOND)]
    if len(places) == len(unknown):
        raise InputError(
            f"{column} names places ({values}{more}), and nothing says which model stood there: map the "
            "columns that do, as in --map a=COLUMN,b=COLUMN (names of models), answer_a=COLUMN,"
            "answer_b=COLUMN (answers) or letter=COLUMN (the candidate's letter)"
            f"{_by_order(shape, places)}"
        )
    if any(word.startswith("{") for word in unknown):
        raise InputError(
            f"{column} holds objects ({values}{more}): name what in them is the winner, as in --map "
            f"winner={shape['winner']}.KEY"
        )
    numbers = all(number(word) is not None for word in unknown)
    these = "the two sides" if sides == SIDES else "the answers as the file has them"
    ends = sorted(value for value in map(number, unknown) if value is not None)
    if numbers and len(ends) > len(_SCORES):
        raise InputError(_of_a_scale(f"{column} holds numbers: {values}{more}", ends, sides, these))
    scale = "; numbers between two ends: --scale LOW..HIGH=second..first" if numbers else ""
    raise InputError(
        f"{column} has values that are not known words: {values}{more}. Say what they mean, as in "
        f'--winner "{_example(unknown, words, sides)}" ({sides[0]} and {sides[1]} are {these}; also '
        f"a model's name, invalid, and *=invalid for every other value){scale}"
    )


def _by_order(shape: Shape, places: Sequence[str]) -> str:
    """What may be said besides where a column says who was shown first."""
    if not shape["order"]:
        return ""
    said = ",".join(
        f"{word}={SHOWN_FIRST if place(word) == FIRST else SHOWN_SECOND}" for word in sorted(places)
    )
    return f'; or, where {shape["order"]!r} says who was shown first: --winner "{said}"'


def _of_a_scale(told: str, values: Sequence[float], sides: tuple[str, str], these: str) -> str:
    """What is asked of numbers that are more than the three outcomes."""
    high = max(map(abs, values)) if values[0] < 0 else values[-1]
    low = -high if values[0] < 0 else values[0]
    one, two = sides
    return (
        f"{told}. Say what the scale's two ends mean (its own, used or not): --scale "
        f'"{low:g}..{high:g}={one}..{two}" where {low:g} is a clear win of the {one}, else --scale '
        f'"{low:g}..{high:g}={two}..{one}" ({one} and {two} are {these})'
    )


def _example(unknown: Mapping[str, int], words: Mapping[str, int], sides: tuple[str, str]) -> str:
    """A declaration of the unknown words: winners nobody has named yet, in the order of the words."""
    numbers = all(number(word) is not None for word in unknown)
    asked = [word for word in words if word in unknown or (numbers and number(word) is not None)]
    known = {place(word) for word in words if word not in asked}
    known |= {FIRST for word in words if word in _CANDIDATE} | {
        SECOND for word in words if word in _BASELINE
    }
    free = [
        s for s, where in zip((*sides, TIE), (FIRST, SECOND, TIE), strict=True) if where not in known
    ]
    sides_are_said = bool({*_CANDIDATE, *_BASELINE} & words.keys())
    if sides_are_said or (not numbers and len(free) == len(_SCORES)):
        free = [side for side in free if side != TIE]  # it is a failure, or a name, as likely
    counted_from_0 = set(asked) == {"0", "1"} and sides != SIDES
    asked.sort(key=lambda word: (word in _LESS and not counted_from_0, word))
    meanings = [*free, *["invalid"] * len(asked)]
    return ",".join(
        f"{shortened(word)}={meaning}" for word, meaning in zip(asked[:4], meanings, strict=False)
    )


_LESS = {"0", "false", "no"}
"""Words that stand last in an example."""
