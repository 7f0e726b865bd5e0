"""Where a run's rows come from: files, the recipe's own data, the Hub; and the split."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue

from brie.data.check import refuse_shared_prompts
from brie.data.hub import PREFIX, load_hub
from brie.data.load import parse, rows_digest, whole
from brie.data.mapping import mapping_of
from brie.data.preferences import PairFile, load_pairs, pairs_digest
from brie.data.split import Split, hold_out, prompt_key, share_of, split
from brie.digest import file_digest
from brie.errors import UsageError
from brie.number_format import listed
from brie.project import Project, packaged
from brie.records import Conversation
from brie.train.config import SplitInfo, TrainRequest
from brie.train.recipes import Recipe


@dataclass(frozen=True)
class Source:
    """Rows with where they came from."""

    shown: str
    """As people read it: relative to the project, the recipe's own name for it, or the Hub's."""
    file: str | None
    """Digest of the file's bytes."""
    rows: tuple[Conversation, ...]
    outside: str | None = None
    """Its full path, where the file lies outside the project."""
    mapping: tuple[str, ...] = ()
    """`KEY=PATH`: keys of a row that were read from elsewhere in it."""
    extras: Mapping[int, dict[str, JsonValue]] = field(default_factory=dict)
    """Line -> the row's other keys, such as a label; none are kept of the Hub's rows."""
    notes: tuple[str, ...] = ()
    """What the file was read as, and what is odd about it and harmless: what `brie data check` says."""

    pairs: PairFile | None = None
    """Where rows are pairs, the file's: `rows` have the better answers."""

    @property
    def rejected(self) -> tuple[Conversation, ...]:
        """The worse answers to the rows, in their order; empty where rows are no pairs."""
        return self.pairs.of(self.rows) if self.pairs else ()

    @property
    def digest(self) -> str:
        """Over all that training sees of the rows."""
        return pairs_digest(self.rows, self.rejected) if self.pairs else rows_digest(self.rows)

    @property
    def place(self) -> str:
        """As recorded: what leads to it again."""
        return self.outside or self.shown


def read_data(
    request: TrainRequest, recipe: Recipe, project: Project
) -> tuple[Source, Source, SplitInfo | None]:
    """Training and validation rows; without a validation file a split by prompt is drawn.

    Of the training rows the recipe's share is taken, whatever validates.

    Raises:
        UsageError: no data is named, it cannot be fetched or split, or the validation file shares
            prompts with the training file.
        InputError: a file is wrong; names the line.
    """
    train, val, info = _halves(request, recipe, project)
    return replace(train, rows=share_of(train.rows, recipe.data_share, recipe.seed)), val, info


def _halves(
    request: TrainRequest, recipe: Recipe, project: Project
) -> tuple[Source, Source, SplitInfo | None]:
    train = _training(request, recipe, project)
    if request.hold_out_source:
        return _held_out(train, request, recipe)
    if request.val is not None:
        val = _validation(request.val, recipe, project, request.mapping)
        if not recipe.allow_shared_prompts:
            refuse_shared_prompts(train=train.rows, val=val.rows, names=(train.shown, val.shown))
        return train, val, None
    drawn_by = recipe.seed if recipe.split_seed is None else recipe.split_seed
    info = SplitInfo(by="prompt", fraction=recipe.val_fraction, seed=drawn_by)
    halves = drawn(train.rows, info)
    return (
        replace(train, rows=halves.train),
        replace(train, rows=halves.val, notes=()),
        info,
    )


def _training(request: TrainRequest, recipe: Recipe, project: Project) -> Source:
    """What a run is asked to learn from, or what its recipe has of its own."""
    if recipe.method != "sft":
        return _pairs(_prefs(request, recipe), project)
    if request.prefs is not None:
        raise UsageError("--prefs holds pairs; say how to learn from them: --method dpo, or kto")
    return _named(request.data, project, request.mapping) if request.data else _own(recipe, project)


def _prefs(request: TrainRequest, recipe: Recipe) -> str:
    """The file of pairs that was named.

    Raises:
        UsageError: none is, or an option that belongs to sft.
    """
    foreign = {"--data": request.data, "--map": request.mapping, "--balance": request.balance}
    if named := [option for option, value in foreign.items() if value]:
        raise UsageError(
            f"{listed(named)} belongs to sft; {recipe.method} learns from --prefs FILE alone."
        )
    if request.prefs is None:
        raise UsageError(
            f"{recipe.method} learns from pairs: --prefs FILE.jsonl (brie data prefs EVAL -o FILE.jsonl "
            "makes them of verdicts)"
        )
    return request.prefs


def _validation(name: str, recipe: Recipe, project: Project, mapping: Sequence[str]) -> Source:
    return _pairs(name, project) if recipe.method != "sft" else _named(name, project, mapping)


def _pairs(name: str, project: Project) -> Source:
    """A file of pairs, as rows with the better answers."""
    path = Path(name)
    pairs = load_pairs(path)
    return Source(
        project.relative(path), file_digest(path), pairs.chosen, _outside(path, project), pairs=pairs
    )


def _outside(path: Path, project: Project) -> str | None:
    return None if path.resolve().is_relative_to(project.root) else str(path.resolve())


def _held_out(train: Source, request: TrainRequest, recipe: Recipe) -> tuple[Source, Source, SplitInfo]:
    """Halves by source: the named ones validate, the others are trained on.

    Raises:
        UsageError: a validation file is named too, there is no such source, or both halves ask the same.
    """
    if request.val is not None:
        raise UsageError("--val and --hold-out-source both say what to validate on; leave one out.")
    halves = hold_out(train.rows, *request.hold_out_source)
    trained = {prompt_key(row) for row in halves.train}
    both = [row.line for row in halves.val if prompt_key(row) in trained]
    if both and not recipe.allow_shared_prompts:
        raise UsageError(
            f"{len(both):,} of {len(halves.val):,} held-out rows ask what other sources ask too (first: "
            f"{train.shown}:{both[0]}), so the validation loss would reward memory; accept it: "
            "--set allow_shared_prompts=true"
        )
    share = len(halves.val) / len(train.rows)
    info = SplitInfo(by="source", fraction=share, seed=recipe.seed, held_out=request.hold_out_source)
    return replace(train, rows=halves.train), replace(train, rows=halves.val, notes=()), info


def drawn(rows: Sequence[Conversation], info: SplitInfo) -> Split:
    """The halves of a run's rows, as it drew them.

    Raises:
        UsageError: the rows cannot be split so.
    """
    if info.held_out:
        return hold_out(rows, *info.held_out)
    return split(
        rows,
        by=info.by,
        fraction=info.fraction,
        generator=random.Random(info.seed),  # noqa: S311 - a reproducible draw, not a secret
        seed=info.seed,
    )


def _named(name: str, project: Project, mapping: Sequence[str]) -> Source:
    table = mapping_of(mapping)
    if name.startswith(PREFIX):
        dataset = load_hub(name, table)
        return Source(
            dataset.reference,
            None,
            dataset.conversations,
            None,
            tuple(mapping),
            notes=_told(dataset.read_as, dataset.notes),
        )
    path = Path(name)
    parsed = whole(parse(path, table))
    outside = _outside(path, project)
    shown, rows = project.relative(path), parsed.conversations
    notes = _told(parsed.read_as, parsed.notes)
    file, extras = file_digest(path), parsed.extras
    return Source(shown, file, rows, outside, tuple(mapping), extras, notes)


def _told(read_as: Sequence[str], notes: Sequence[str]) -> tuple[str, ...]:
    return (*(f"read as {form}" for form in read_as), *notes)


def _own(recipe: Recipe, project: Project) -> Source:
    """The recipe's data: looked for in the project's `data/`, then in what brie ships."""
    if recipe.data is None:
        raise UsageError(
            f"recipe {recipe.name} has no data of its own; give a training file: --data FILE.jsonl"
        )
    places = [folder / recipe.data for folder in project.files("data")]
    path = next((p for p in places if p.is_file()), packaged("data", recipe.data))
    parsed = whole(parse(path))
    rows, extras = parsed.conversations, parsed.extras
    return Source(f"data/{recipe.data}", file_digest(path), rows, extras=extras)
