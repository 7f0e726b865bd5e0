"""A suite made of a file of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brie.catalog import suite_files
from brie.data.load import parse
from brie.data.overlap import Entry, entries, entries_of
from brie.data.questions import Made, at_most, read_questions, suite_of, without, write_suite
from brie.errors import InputError, UsageError
from brie.project import Project
from brie.studies.suite_check import SuiteReport, check_suite

_FOLDER = "prompt_suites"


@dataclass(frozen=True, slots=True)
class SuiteRequest:
    """`brie suite from` as asked for."""

    file: Path
    name: str | None = None
    """None: the file's."""
    exclude: tuple[Path, ...] = ()
    """Training files whose prompts are left out."""
    limit: int | None = None
    """The most prompts."""
    mapping: Mapping[str, str] | None = None
    """Keys of a row that stand elsewhere in it."""


@dataclass(frozen=True, slots=True)
class NewSuite:
    """What was made."""

    path: Path
    made: Made
    read_as: tuple[str, ...]
    report: SuiteReport


def suite_from(request: SuiteRequest, project: Project) -> NewSuite:
    """Make a suite of a file's rows, in the project's `prompt_suites/`.

    Raises:
        InputError: the file cannot be read, or a row of it asks nothing; names the line.
        UsageError: the name is taken, the file is a suite already, or no prompt is left.
    """
    file = request.file
    if file.suffix == ".toml":
        raise UsageError(f"{file} is a suite already; look at it: brie suite check {file}")
    name = request.name or file.name.split(".")[0]
    path = project.root / _FOLDER / f"{name}.jsonl"
    if name in suite_files(project):
        raise UsageError(f"there is a suite {name!r} already; give this one a name: --name NAME")
    asked = read_questions(file, request.mapping)
    made = suite_of(asked.conversations)
    if not made.prompts:
        raise InputError(f"{file}: all {made.rows:,} rows have tools; a suite asks without.")
    made = _left_out(made, request.exclude, request.mapping)
    if request.limit is not None:
        made = at_most(made, request.limit)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_suite(made.prompts, path)
    return NewSuite(path, made, asked.read_as, check_suite(str(path), project))


def _left_out(made: Made, exclude: Sequence[Path], mapping: Mapping[str, str] | None) -> Made:
    """The prompts that stand in none of some files.

    Raises:
        UsageError: none is left.
    """
    if not exclude:
        return made
    trained = [entry for path in exclude for entry in _entries(path, mapping)]
    kept = without(made, trained)
    if not kept.prompts:
        files = ", ".join(map(str, exclude))
        raise UsageError(f"every prompt stands in {files}; a suite asks what was not trained on.")
    return kept


def _entries(path: Path, mapping: Mapping[str, str] | None) -> list[Entry]:
    """A training file's texts; the mapping is the other file's, and used where it fits this one too."""
    if mapping and not (parsed := parse(path, mapping)).problems:
        return entries(parsed.conversations)
    return entries_of(path)
