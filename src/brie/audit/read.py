"""Files in, rows out: which format a file has and why, what was skipped and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Protocol

from pydantic import JsonValue

from brie.audit.ballots import settle
from brie.audit.columns import COLUMNS, Shape, shape_of
from brie.audit.formats import (
    alpaca_eval,
    arena_battles,
    arena_hard,
    brie_legacy,
    inspect,
    judgebench,
    label_studio,
    lm_eval,
    mt_bench,
    preferences,
    promptfoo,
    scores,
    table,
)
from brie.audit.nested import deepened, names_in
from brie.audit.points import paired, with_failures
from brie.audit.rows import UNNAMED, Item, Point, Row, Texts
from brie.audit.vocabulary import Declared
from brie.errors import InputError, UsageError, unknown
from brie.number_format import plural
from brie.reading.skipped import Skipped
from brie.reading.stream import Content, Value, content


class Format(Protocol):
    """What a module of `formats` offers."""

    IDENTIFIES: str
    """What of order and letter the format keeps."""

    def fits(self, value: dict[str, JsonValue]) -> bool:
        """Whether a row looks like this format."""

    def read(self, number: int, value: dict[str, JsonValue]) -> list[Item]:
        """The verdicts of one row, by its number in the file."""


FORMATS: dict[str, Format] = {
    "alpaca_eval": alpaca_eval,
    "arena_hard": arena_hard,
    "mt_bench": mt_bench,
    "brie_legacy": brie_legacy,
    "arena_battles": arena_battles,
    "judgebench": judgebench,
    "preferences": preferences,
    "lm_eval": lm_eval,
    "inspect": inspect,
    "promptfoo": promptfoo,
    "label_studio": label_studio,
    "scores": scores,
    "table": table,
}
"""Formats in the order in which `auto` tries them."""
SCORED = {"scores": scores.read, "lm_eval": lm_eval.read, "inspect": inspect.read}
"""Those of which columns can be mapped: a score, and with `scores` a model, a prompt, two scores."""
_OF_SCORES = ("score", "model", "score_a", "score_b")
_NAMED = 16
"""Columns of a row that are listed."""
_LOOKED_AT = 20
"""Rows read to decide a format."""


@dataclass(frozen=True)
class Wishes:
    """How files are to be read, where they do not say it themselves."""

    format: str = "auto"
    """A name of `FORMATS`, or `auto`."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of tables: brie's name -> the file's column."""
    raters: tuple[str, ...] = ()
    """Of tables: columns of one judge each."""
    declared: Declared = field(default_factory=Declared)
    """Of tables: what the words of the winner column mean."""

    @property
    def table(self) -> bool:
        """Something is wished that only a table of winners has."""
        winners = not self.declared.of_failures_alone
        return not self.scored and bool(self.columns or self.raters or winners or self.declared.scale)

    @property
    def scored(self) -> bool:
        """A column of scores is named."""
        return bool({"score", "score_a"} & self.columns.keys())

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that is named."""
        return (*self.columns.values(), *self.raters)


@dataclass
class Judgments:
    """Everything read from some files."""

    format: str
    reason: str
    """Why this format."""
    identifies: str
    """What of order and letter the format keeps."""
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)
    passed_over: tuple[str, ...] = ()
    """Columns of a table that are not used."""
    points: int = 0
    """Answers judged alone that the rows were made from."""
    right_or_wrong: bool = False
    """These were right or wrong."""


def read_files(
    paths: Sequence[Path],
    wanted: str = "auto",
    columns: Mapping[str, str] | None = None,
    wishes: Wishes | None = None,
) -> Judgments:
    """Read judgment files of one format.

    Args:
        paths: the files; several hold several judges, or parts.
        wanted: a name of `FORMATS`, or `auto`.
        columns: for `table`: brie's name -> the file's column.
        wishes: all that and more in one; `wanted` and `columns` are then left out.

    Raises:
        InputError: a file is of another kind, or no more than half of its rows could be used, or a
            winner's word is not known.
        UsageError: no such format, or files of different formats.
    """
    how = wishes or Wishes(wanted, columns or {})
    if how.format != "auto" and how.format not in FORMATS:
        raise unknown("format", how.format, [*FORMATS, "auto"])
    for name in how.columns:
        if name not in (*COLUMNS, *_OF_SCORES):
            raise unknown("column to map", name, (*COLUMNS, *_OF_SCORES))
    formats = {path: detect(path, how) for path in paths}
    names = {name for name, _ in formats.values()}
    if len(names) > 1:
        listing = ", ".join(f"{path.name}: {name}" for path, (name, _) in formats.items())
        raise UsageError(f"these files are of different formats ({listing}); audit them one at a time.")
    name, reason = formats[paths[0]]
    judgments = Judgments(name, reason, FORMATS[name].IDENTIFIES)
    _read(judgments, paths, name, how)
    _own_prompts(judgments.rows)
    _judges_by_file(judgments, len(paths))
    _refuse_unusable(judgments, paths[0])
    return judgments


def detect(path: Path, wishes: Wishes | None = None) -> tuple[str, str]:
    """The format of a file, with the reason.

    Raises:
        InputError: no reader knows it; the message says what the first row looks like.
    """
    how = wishes or Wishes()
    if how.format != "auto":
        return how.format, "asked for"
    if how.table:
        return "table", "columns were mapped" if how.columns else "its winners were declared"
    opened = content(path, is_row)
    first = list(islice(opened.rows, _LOOKED_AT))
    seen = [value for _, value in _numbered(first) if isinstance(value, dict)]
    inside = f", in the list `{opened.where}` of the file's object," if opened.where else ""
    known = {name: FORMATS[name] for name in SCORED} if how.scored else FORMATS
    for name, reader in known.items():
        fitting = sum(bool(reader.fits(value)) for value in seen)
        if fitting and fitting * 2 >= len(seen):
            return name, _fitting(fitting, len(seen), inside, name)
    if how.scored and seen:
        return "scores", "columns were mapped"
    opening = f"{path} has none of the formats brie knows ({', '.join(FORMATS)}); "
    if not seen:
        broken = next(
            (item for item in first if isinstance(item, Skipped)), Skipped(1, "it has no row with keys")
        )
        raise InputError(f"{opening}line {broken.line}: {broken.why}.")
    where = f"the first row of its list `{opened.where}`" if opened.where else "its first row"
    keys = names_in(seen[0])
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    raise InputError(
        f"{opening}{where} has: {', '.join(keys[:_NAMED])}{more}. Name the columns: --map "
        "prompt=COLUMN,winner=COLUMN,judge=COLUMN; two columns of scores: --map "
        "prompt=COLUMN,score_a=COLUMN,score_b=COLUMN; a column of winners for each rater: --raters "
        "COLUMN,COLUMN"
    )


def _fitting(count: int, looked_at: int, inside: str, name: str) -> str:
    if looked_at == 1:
        return f"its only row{inside} has the keys of {name}"
    has = "has" if count == 1 else "have"
    return f"{count} of its first {looked_at} rows{inside} {has} the keys of {name}"


def is_row(value: dict[str, JsonValue]) -> bool:
    """Whether an object that is all of a file is one row of a format with lists in its rows."""
    return any(reader.fits(value) for name, reader in FORMATS.items() if name != "table")


def _numbered(items: Iterable[Value]) -> Iterable[tuple[int, JsonValue]]:
    return (item for item in items if not isinstance(item, Skipped))


def _read(judgments: Judgments, paths: Sequence[Path], name: str, how: Wishes) -> None:
    ballots: list[table.Ballot] = []
    points: list[Point] = []
    shape: Shape | None = None
    names = names_of(paths)
    for path in paths:
        opened = content(path, is_row)
        if name == "table":
            before = len(ballots)
            opened.rows = deepened(opened.rows, how.named)
            shape = _read_table(judgments, opened, how, ballots)
            for ballot in ballots[before:]:
                ballot.row.file = names[path]
            continue
        reader = FORMATS[name].read
        if name in SCORED and how.columns:
            reader = partial(SCORED[name], columns=how.columns)
        for item in deepened(opened.rows, how.named):
            for made in _one(item, reader):
                if isinstance(made, Point) and not made.model:
                    made = made._replace(model=names[path])
                if isinstance(made, Row):
                    made.file = names[path]
                _take(judgments, made, points)
    if shape is not None and ballots:
        for row in settle(ballots, shape, how.declared):
            _take(judgments, row, points)
    for made in paired(with_failures(points, how.declared)):
        _take(judgments, made, [])
    judgments.points = len(points)
    judgments.right_or_wrong = bool(points) and all(point.right for point in points)


def names_of(paths: Sequence[Path]) -> dict[Path, str]:
    """What to call the model of a file that names none: its folder, or the file where all lie in one."""
    folders = {path.resolve().parent for path in paths}
    if len(folders) > 1:
        return {path: path.resolve().parent.name for path in paths}
    return {path: path.name.split(".json")[0] for path in paths}


def _read_table(
    judgments: Judgments, opened: Content, how: Wishes, ballots: list[table.Ballot]
) -> Shape | None:
    """Ballots of one file; the shape of its columns, from its first rows."""
    shape: Shape | None = None
    ahead = list(islice(opened.rows, _LOOKED_AT))
    keys = dict.fromkeys(
        key for _, value in _numbered(ahead) if isinstance(value, dict) for key in value
    )
    shape = shape_of(list(keys), how.columns, how.raters, opened.about)
    judgments.passed_over = tuple(table.passed_over(dict.fromkeys(keys), shape))
    for source in (ahead, opened.rows):
        for item in source:
            if isinstance(item, Skipped) or not isinstance(item[1], dict):
                judgments.skipped += [s for s in _one(item, _none) if isinstance(s, Skipped)]
                continue
            made = table.ballots_of(item[0], item[1], shape)
            if isinstance(made, Skipped):
                judgments.skipped.append(made)
            else:
                ballots += made
    return shape


def _none(number: int, value: dict[str, JsonValue]) -> list[Item]:
    return []


def _take(judgments: Judgments, made: Item, points: list[Point]) -> None:
    if isinstance(made, Skipped):
        judgments.skipped.append(made)
    elif isinstance(made, Point):
        points.append(made)
    else:
        judgments.texts.take(made)
        made.prompt, made.name, made.judge = intern(made.prompt), intern(made.name), intern(made.judge)
        made.models = intern(made.models[0]), intern(made.models[1])
        judgments.rows.append(made)


def _one(item: Value, reader: Callable[[int, dict[str, JsonValue]], list[Item]]) -> list[Item]:
    if isinstance(item, Skipped):
        return [item]
    number, value = item
    if not isinstance(value, dict):
        return [Skipped(number, "is not a table of keys")]
    return reader(number, value)


def _own_prompts(rows: Sequence[Row]) -> None:
    """Rows that name no prompt get one each, by what they say and how often it was said before."""
    seen: Counter[tuple[str, str, str, str, str]] = Counter()
    for row in rows:
        if not row.prompt:
            key = (*row.models, row.judge, str(row.score), row.pair)
            seen[key] += 1
            row.prompt = row.name = f"{' '.join(key)} {seen[key]}"


def _judges_by_file(judgments: Judgments, files: int) -> None:
    """Files that name no judge, and hold verdicts on the same comparisons, are of a judge each."""
    rows = judgments.rows
    if files < 2 or any(row.judge != UNNAMED or not row.file for row in rows):
        return
    known: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        known.setdefault(row.file, set()).add((row.prompt, row.pair))
    one, *others = sorted(known.values(), key=len)
    if not others or not all(2 * len(one & other) >= len(one) for other in others):
        return
    for row in rows:
        row.judge = row.file
    judgments.reason += "; no row names its judge, so each file is one"


def _refuse_unusable(judgments: Judgments, path: Path) -> None:
    """More than half of a file's rows are not what its format says: it is another."""
    unread = [Skipped(row.line, row.why) for row in judgments.rows if row.why]
    bad = [*judgments.skipped, *unread]
    usable = len(judgments.rows) - len(unread)
    if len(bad) < usable:
        return
    first = min(bad, default=Skipped(1, "it is empty"))
    raise InputError(
        f"{path}: {f'only {usable}' if usable else 'none'} of {plural(usable + len(bad), 'row')} can be "
        f"used as {judgments.format} ({judgments.reason}); line {first.line}: {first.why}. "
        f"Other formats: --format {' | '.join(FORMATS)}"
    )
