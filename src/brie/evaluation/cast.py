"""Votes that were cast elsewhere join an evaluation: all of a file's, or none."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from brie.blinding import Choice
from brie.errors import InputError
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import amend, change
from brie.evaluation.votes import voters
from brie.judge.interface import Reply, Task
from brie.reading.skipped import Skipped
from brie.reading.spreadsheet import spreadsheet
from brie.reading.texts import read_text
from brie.records import Manifest, PanelJudge, Status, Verdict
from brie.store import Store


@dataclass(frozen=True)
class CastVotes:
    """One voter's votes that are new or changed, and how they came, for the evaluation's chain."""

    voter: PanelJudge
    rows: tuple[Verdict, ...]
    came: Mapping[str, JsonValue]


def sheet(path: Path) -> Iterator[tuple[int, JsonValue]]:
    """The lines of a table of text and what stands in them, whatever its delimiter.

    Raises:
        InputError: it is no table; the message names the line.
    """
    try:
        rows = list(spreadsheet(io.StringIO(read_text(path), newline="")))
    except csv.Error as error:
        raise InputError(f"{path} is not CSV: {error}.") from error
    for row in rows:
        if isinstance(row, Skipped):
            raise ragged(path, row.line)
        yield row


def ragged(path: Path, line: int) -> InputError:
    """What to raise where a line lacks cells, or has too many."""
    return InputError(f"{path}: line {line} has another number of cells than the first line.")


def news(
    task: Task, letter: Choice, comment: str, *, before: Mapping[str, Verdict], how: str
) -> Iterator[Verdict]:
    """The verdict of a vote; nothing where it stands there already and says the same."""
    earlier = before.get(task.key)
    if earlier is None or (earlier.letter, earlier.reason) != (letter, comment):
        reply = Reply(Status.OK, letter, reason=comment, text=f"{how}: {letter}")
        yield task.verdict(reply).model_copy(update={"supersedes": earlier is not None})


def admit(evaluation: Evaluation, store: Store, cast: Callable[[Manifest], Iterable[CastVotes]]) -> int:
    """Add a file's votes, and its voters where they are new; how many votes were new or changed.

    Under the manifest's lock: `cast` reads the votes against the evaluation as it is then.
    """
    rows: list[tuple[Verdict, str]] = []

    def joined(manifest: Manifest) -> Manifest:
        rows.clear()
        known = {voter.judge.id for voter in voters(manifest)}
        for votes in tuple(cast(manifest)):
            judge = votes.voter.judge.id
            rows.extend((row, judge) for row in votes.rows)
            if judge not in known:
                detail = {"judge": judge, "digest": votes.voter.digest,
                          "rubric": votes.voter.rubric_digest, "positions": "balanced",
                          **votes.came}  # fmt: skip
                manifest = amend(manifest, "voter", detail, verdicts_before=store.newest())
        return manifest

    manifest = change(evaluation.folder, joined)
    store.keep(rows, evaluation=f"{manifest.id}/votes", booked=False)
    return len(rows)
