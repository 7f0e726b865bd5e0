"""Votes that people cast elsewhere, read from a CSV file into an evaluation.

    voter,prompt,sample,winner,comment
    Ann,letters-01,0,candidate,warmer
    Ann,letters-02,0,tie,

`winner` is `candidate`, `baseline` or `tie` (`both bad` is one), and empty or `skip` where somebody
skipped; `sample` counts from 0, as in `verdicts.csv`, and is 0 where the column is missing. Other
columns, such as the time stamps of a form, are passed over and named. Whether these votes were blind,
and which answer stood first, nobody can check: the evaluation's chain says that they came from a file,
and no effect of order is computed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import JsonValue

from brie.audit.vocabulary import TIE, failed, place, plain
from brie.digest import file_digest
from brie.errors import InputError, UsageError, unknown
from brie.evaluation.cast import CastVotes, admit, news, ragged, sheet
from brie.evaluation.folders import Evaluation
from brie.evaluation.votes import cast_by, imported, voter_judge, voter_name, voters
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.records import Manifest, Verdict, Winner
from brie.store import Store

COLUMNS = ("voter", "prompt", "sample", "winner", "comment")
_WINNERS: tuple[Winner, ...] = get_args(Winner)
_WHOLE = re.compile(r"\.0+$")
"""What a table makes of a whole number in a column with a gap."""
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Vote:
    """One row of the file."""

    line: int
    voter: str
    prompt: str
    sample: int
    winner: Winner
    comment: str


@dataclass(frozen=True, slots=True)
class VoteFile:
    """What a file holds."""

    votes: tuple[Vote, ...]
    skipped: int
    """Rows without a winner."""
    passed_over: tuple[str, ...]
    """Columns that say nothing of a vote."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    new: int
    file: VoteFile


def import_votes(path: Path, evaluation: Evaluation, store: Store) -> Imported:
    """Add a file's votes to an evaluation: all of them, or none.

    A vote that is there already and says the same is passed over; one that says something else
    supersedes it.

    Raises:
        InputError: a row is wrong; the message names the line.
        UsageError: a voter of the file has voted in the browser.
    """
    file = read_votes(path)

    def cast(manifest: Manifest) -> Iterator[CastVotes]:
        work, voted = Work.of(manifest), {voter.judge.id for voter in voters(manifest)}
        for name in dict.fromkeys(vote.voter for vote in file.votes):
            voter = voter_judge(manifest.plan, name)
            if voter.judge.id in voted and voter.judge.id not in imported(manifest):
                raise UsageError(f"{name} has voted in the browser; give the file's votes another name.")
            votes = [vote for vote in file.votes if vote.voter == name]
            rows = tuple(_rows(votes, cast_by(work, manifest, voter), store, path))
            yield CastVotes(voter, rows, {"imported": file_digest(path)})

    return Imported(admit(evaluation, store, cast), file)


def read_votes(path: Path) -> VoteFile:
    """The votes of a table of text, whatever its delimiter.

    Raises:
        InputError: it is none; the message names the line or the column.
    """
    votes: list[Vote | None] = []
    passed_over: tuple[str, ...] | None = None
    for line, cells in sheet(path):
        if passed_over is None:
            passed_over = _passed_over(cells, path)
        votes.append(_vote(cells, line, path))
    cast = tuple(vote for vote in votes if vote is not None)
    if not cast:
        raise InputError(f"{path} holds no vote; its first line must name voter, prompt, winner.")
    return VoteFile(cast, len(votes) - len(cast), passed_over or ())


def _passed_over(row: JsonValue, path: Path) -> tuple[str, ...]:
    """Names of the columns that say nothing of a vote; one that only seems misspelt is asked about."""
    names = [name.strip().lower() for name in row] if isinstance(row, dict) else []
    if any(names.count(name) != 1 for name in ("voter", "prompt", "winner")):
        raise InputError(
            f"{path}: the first line must name once: voter, prompt, winner; it names "
            f"{', '.join(names)[:200]}."
        )
    others = tuple(name for name in names if name not in COLUMNS)
    for name in others:
        if near := difflib.get_close_matches(name, set(COLUMNS) - set(names), 1, 0.8):
            raise unknown(f"column in {path}:", name, near)
    return others


def _vote(row: JsonValue, line: int, path: Path) -> Vote | None:
    """One row's vote; None where somebody skipped."""
    given = {key.lower(): text for key, text in row.items()} if isinstance(row, dict) else {}
    if any(text is None for text in given.values()):
        raise ragged(path, line)
    cells = {key: str(text).strip() for key, text in given.items()}
    said = plain(cells["winner"])
    if failed(said) is not None:
        return None
    winner = "tie" if place(said) == TIE else next((word for word in _WINNERS if word == said), None)
    if winner is None:
        raise InputError(
            f"{path}: line {line}: winner is candidate, baseline or tie, not {cells['winner'][:40]!r}; "
            "empty or `skip` where somebody skipped."
        )
    sample = _WHOLE.sub("", cells.get("sample") or "0")
    if not (sample.isascii() and sample.isdigit() and len(sample) < 7):
        raise InputError(f"{path}: line {line}: sample is a number from 0.")
    try:
        voter = voter_name(cells["voter"])
    except UsageError as error:
        raise InputError(f"{path}: line {line}: {error}.") from error
    comment = cells.get("comment", "")[:_LONGEST]
    return Vote(line, voter, cells["prompt"], int(sample), winner, comment)


def _rows(votes: list[Vote], possible: Sequence[Task], store: Store, path: Path) -> Iterator[Verdict]:
    tasks = {(task.prompt, task.sample): task for task in possible}
    before = store.verdicts(task.key for task in tasks.values())
    seen: set[tuple[str, int]] = set()
    for vote in votes:
        comparison = (vote.prompt, vote.sample)
        if comparison not in tasks:
            raise InputError(
                f"{path}: line {vote.line}: no comparison of prompt {vote.prompt[:80]!r}, sample "
                f"{vote.sample}, can be voted on; verdicts.csv of the report lists them."
            )
        if comparison in seen:
            raise InputError(f"{path}: line {vote.line} repeats a vote of {vote.voter}.")
        seen.add(comparison)
        task = tasks[comparison]
        letter = task.presentation.letter_of(vote.winner)
        yield from news(task, letter, vote.comment, before=before, how="imported")
