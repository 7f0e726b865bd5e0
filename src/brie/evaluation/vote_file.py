"""Votes that people cast elsewhere, read from a CSV file into an evaluation.

    voter,prompt,sample,winner,comment
    Ann,letters-01,0,candidate,warmer
    Ann,letters-02,0,tie,

`winner` is `candidate`, `baseline` or `tie`; `sample` counts from 0, as in `verdicts.csv`, and is 0
where the column is missing. Whether these votes were blind, and which answer stood first, nobody can
check: the evaluation's chain says that they came from a file, and no effect of order is computed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from brie.catalog import read_text
from brie.digest import file_digest
from brie.errors import InputError, UsageError, unknown
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import amend, write_manifest
from brie.evaluation.votes import ballot, imported, voter_judge, voter_name, voters
from brie.evaluation.work import Work
from brie.judge.interface import Reply
from brie.records import PanelJudge, Status, Verdict, Winner
from brie.store import Store

COLUMNS = ("voter", "prompt", "sample", "winner", "comment")
_WINNERS: tuple[Winner, ...] = get_args(Winner)
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


def import_votes(path: Path, evaluation: Evaluation, store: Store) -> tuple[int, int]:
    """Add a file's votes to an evaluation: all of them, or none; returns how many, and of how many.

    A vote that is there already and says the same is passed over; one that says something else
    supersedes it.

    Raises:
        InputError: a row is wrong; the message names the line.
        UsageError: a voter of the file has voted in the browser.
    """
    votes = list(read_votes(path))
    manifest = evaluation.manifest
    work, voted = Work.of(manifest), {voter.judge.id for voter in voters(manifest)}
    rows: list[tuple[Verdict, str]] = []
    for name in dict.fromkeys(vote.voter for vote in votes):
        voter = voter_judge(manifest.plan, name)
        if voter.judge.id in voted and voter.judge.id not in imported(manifest):
            raise UsageError(f"{name} has voted in the browser; give the file's votes another name.")
        cast = [vote for vote in votes if vote.voter == name]
        rows += [(row, voter.judge.id) for row in _rows(cast, work, voter, store, path)]
        if voter.judge.id not in voted:
            detail = {"judge": voter.judge.id, "digest": voter.digest, "rubric": voter.rubric_digest,
                      "positions": "balanced", "imported": file_digest(path)}  # fmt: skip
            manifest = amend(manifest, "voter", detail, verdicts_before=store.newest())
    if manifest is not evaluation.manifest:
        write_manifest(evaluation.folder, manifest)
    store.keep(rows, evaluation=f"{manifest.id}/votes", booked=False)
    return len(rows), len(votes)


def read_votes(path: Path) -> Iterator[Vote]:
    """The rows of a CSV file of votes.

    Raises:
        InputError: it is not one; the message names the line or the column.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        for name in columns:
            if name not in COLUMNS:
                raise unknown(f"column in {path}:", name, COLUMNS)
        lacking = {"voter", "prompt", "winner"} - set(columns)
        if lacking or len(set(columns)) < len(columns):
            raise InputError(f"{path}: the first line must name once: voter, prompt, winner.")
        reader.fieldnames = columns
        empty = True
        for row in reader:
            empty = False
            yield _vote(row, reader.line_num, path)
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num} is not CSV: {error}.") from error
    if empty:
        raise InputError(f"{path} holds no vote.")


def _vote(row: dict[str, str | None], line: int, path: Path) -> Vote:
    cells = {name: (text or "").strip() for name, text in row.items() if isinstance(name, str)}
    if None in row or any(text is None for text in row.values()):
        raise InputError(f"{path}: line {line} has another number of cells than the first line.")
    winner = next((word for word in _WINNERS if word == cells["winner"]), None)
    if winner is None:
        raise InputError(f"{path}: line {line}: winner is candidate, baseline or tie.")
    sample = cells.get("sample") or "0"
    if not (sample.isascii() and sample.isdigit() and len(sample) < 7):
        raise InputError(f"{path}: line {line}: sample is a number from 0.")
    try:
        voter = voter_name(cells["voter"])
    except UsageError as error:
        raise InputError(f"{path}: line {line}: {error}.") from error
    comment = cells.get("comment", "")[:_LONGEST]
    return Vote(line, voter, cells["prompt"], int(sample), winner, comment)


def _rows(
    votes: list[Vote], work: Work, voter: PanelJudge, store: Store, path: Path
) -> Iterator[Verdict]:
    tasks = {(task.prompt, task.sample): task for task in ballot(work, voter)}
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
        task, earlier = tasks[comparison], before.get(tasks[comparison].key)
        letter = task.presentation.letter_of(vote.winner)
        if earlier is None or (earlier.letter, earlier.reason) != (letter, vote.comment):
            reply = Reply(Status.OK, letter, reason=vote.comment, text=f"imported: {letter}")
            yield task.verdict(reply).model_copy(update={"supersedes": earlier is not None})
