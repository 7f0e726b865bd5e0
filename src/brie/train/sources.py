"""Where a run's rows come from: files, the recipe's own data, the Hub; and the split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brie.data.check import refuse_shared_prompts
from brie.data.hub import PREFIX, load_hub
from brie.data.load import load, parse, whole
from brie.data.mapping import mapping_of
from brie.data.split import Split, split
from brie.digest import file_digest
from brie.errors import UsageError
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
    notes: tuple[str, ...] = ()
    """What the file was read as, and what is odd about it and harmless: what `brie data check` says."""

    @property
    def place(self) -> str:
        """As recorded: what leads to it again."""
        return self.outside or self.shown


def read_data(
    request: TrainRequest, recipe: Recipe, project: Project
) -> tuple[Source, Source, SplitInfo | None]:
    """Training and validation rows; without a validation file a split by prompt is drawn.

    Raises:
        UsageError: no data is named, it cannot be fetched or split, or the validation file shares
            prompts with the training file.
        InputError: a file is wrong; names the line.
    """
    train = _named(request.data, project, request.mapping) if request.data else _own(recipe, project)
    if request.val is not None:
        val = _named(request.val, project, request.mapping)
        if not recipe.allow_shared_prompts:
            refuse_shared_prompts(train=train.rows, val=val.rows, names=(train.shown, val.shown))
        return train, val, None
    info = SplitInfo(by="prompt", fraction=recipe.val_fraction, seed=recipe.seed)
    halves = drawn(train.rows, info)
    return (
        replace(train, rows=halves.train),
        replace(train, rows=halves.val, notes=()),
        info,
    )


def drawn(rows: Sequence[Conversation], info: SplitInfo) -> Split:
    """The halves of a run's rows, as it drew them.

    Raises:
        UsageError: the rows cannot be split so.
    """
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
            _told(dataset.read_as, dataset.notes),
        )
    path = Path(name)
    parsed = whole(parse(path, table))
    inside = path.resolve().is_relative_to(project.root)
    outside = None if inside else str(path.resolve())
    shown, rows = project.relative(path), parsed.conversations
    notes = _told(parsed.read_as, parsed.notes)
    return Source(shown, file_digest(path), rows, outside, tuple(mapping), notes)


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
    return Source(f"data/{recipe.data}", file_digest(path), load(path))
