"""A ballot as a file: pairs that somebody votes on elsewhere, and the votes that come back.

    brie judge EVAL --ballot ann.html        one page, to be sent
    brie judge EVAL --votes votes-Ann.csv    what it saved

    voter,ballot,pair,choice,comment
    Ann,3f9ac01b77de,5b21c4a07e,B,warmer

The page holds texts, letters and numbers, nothing of the sides. A pair's number is a digest with the
ballot's; order and letters are dealt by the ballot (`deal`), so that a choice is read back as the letter
under which an answer stood, and the order it stood in is known. Ballots of other names deal otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from brie.blinding import Choice, JudgeInput
from brie.digest import digest, file_digest, short
from brie.errors import InputError, UsageError
from brie.evaluation.cast import CastVotes, admit, news, sheet
from brie.evaluation.folders import Evaluation
from brie.evaluation.votes import (
    Pick,
    deals,
    dealt,
    pick_of,
    voter_judge,
    voter_name,
    voters,
    with_two_answers,
)
from brie.evaluation.work import Work, input_of
from brie.judge.interface import Task
from brie.reading.texts import read_text
from brie.records import Manifest, Verdict
from brie.store import Store

COLUMNS = ("voter", "ballot", "pair", "choice", "comment")
_CHOICES: tuple[Choice, ...] = get_args(Choice)
_NONE = "where both sides say the same there is nothing to choose."
_STAND_IN = "ballot"
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class BallotPair:
    """One pair as it is sent: a number, and what a judge sees."""

    id: str
    shown: JudgeInput


@dataclass(frozen=True, slots=True)
class SentBallot:
    """What is sent to a voter."""

    code: str
    pairs: tuple[BallotPair, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One row that came back."""

    line: int
    voter: str
    code: str
    pair: str
    choice: Choice
    comment: str


@dataclass(frozen=True, slots=True)
class BallotFile:
    """What came back."""

    votes: tuple[Mark, ...]
    skipped: int
    """Pairs that were left out."""
    passed_over: tuple[str, ...] = ()


def make_ballot(evaluation: Evaluation, store: Store, name: str, pick: Pick | None = None) -> SentBallot:
    """The pairs of a ballot, in the order of asking; the same name gives the same ballot.

    Args:
        evaluation: whose answers.
        store: where they are.
        name: of the ballot; another name deals order and letters otherwise.
        pick: which pairs, in which order; by default what people are asked.

    Raises:
        UsageError: no pair of different answers is there.
    """
    manifest = evaluation.manifest
    code = short(digest({"ballot": name, "seal": manifest.seal}), 12)
    deal, work = _deal(manifest, code), Work.of(manifest)
    stand_in, pick = voter_judge(manifest.plan, _STAND_IN), pick or pick_of(manifest)
    tasks = with_two_answers(dealt(work, stand_in, deal, pick(manifest.plan, deal)), store)
    if not tasks:
        raise UsageError(f"{manifest.id} has no pair of different answers to vote on; {_NONE}")
    keys = {key for t in tasks for key in (t.presentation.candidate, t.presentation.baseline)}
    texts = {key: row.text for key, row in store.completions(keys).items()}
    pairs = (BallotPair(_number(deal, task), input_of(work, task, texts)) for task in tasks)
    return SentBallot(code, tuple(pairs))


def is_ballot(path: Path) -> bool:
    """Whether a file of votes came from a ballot: its first line names the ballot and its pairs."""
    first = read_text(path).split("\n", 1)[0].lower()
    return all(word in first for word in ("ballot", "pair", "choice"))


def import_ballot(path: Path, evaluation: Evaluation, store: Store) -> tuple[int, BallotFile]:
    """Add the votes that came back: all of them, or none; how many were new, and what the file holds.

    Raises:
        InputError: a row is wrong, or of another evaluation's ballot; the message names the line.
        UsageError: a voter of the file has voted before, on another ballot or in the browser.
    """
    file = read_ballot(path)

    def cast(manifest: Manifest) -> Iterator[CastVotes]:
        work = Work.of(manifest)
        for name in dict.fromkeys(mark.voter for mark in file.votes):
            marks = [mark for mark in file.votes if mark.voter == name]
            voter, deal = voter_judge(manifest.plan, name), _one_deal(marks, manifest, path)
            tasks = {_number(deal, task): task for task in dealt(work, voter, deal)}
            rows = tuple(_rows(marks, tasks, store, path))
            yield CastVotes(voter, rows, {"deal": deal, "ballot": file_digest(path)})

    return admit(evaluation, store, cast), file


def read_ballot(path: Path) -> BallotFile:
    """The rows of a file that a ballot saved.

    Raises:
        InputError: a row is wrong; the message names the line.
    """
    marks: list[Mark | None] = []
    for line, cells in sheet(path):
        given = cells.items() if isinstance(cells, dict) else ()
        named = {name.strip().lower(): str(text or "").strip() for name, text in given}
        marks.append(_mark(named, line, path))
    votes = tuple(mark for mark in marks if mark is not None)
    if not votes:
        raise InputError(f"{path} holds no vote.")
    return BallotFile(votes, len(marks) - len(votes))


def _mark(cells: Mapping[str, str], line: int, path: Path) -> Mark | None:
    if not {"voter", "ballot", "pair", "choice"} <= set(cells):
        raise InputError(f"{path}: the first line must name voter, ballot, pair, choice.")
    if not cells["choice"]:
        return None
    choice = next((word for word in _CHOICES if word.lower() == cells["choice"].lower()), None)
    if choice is None:
        raise InputError(f"{path}: line {line}: choice is A, B or tie.")
    try:
        voter = voter_name(cells["voter"])
    except UsageError as error:
        raise InputError(f"{path}: line {line}: {error}.") from error
    comment = cells.get("comment", "")[:_LONGEST]
    return Mark(line, voter, cells["ballot"], cells["pair"], choice, comment)


def _one_deal(marks: Sequence[Mark], manifest: Manifest, path: Path) -> str:
    """What the ballot of one voter was dealt by."""
    code, name = marks[0].code, marks[0].voter
    other = next((mark for mark in marks if mark.code != code), None)
    if other is not None:
        raise InputError(
            f"{path}: line {other.line}: {name} votes on two ballots; give one another name."
        )
    deal, voter = _deal(manifest, code), voter_judge(manifest.plan, name)
    known = {known.judge.id for known in voters(manifest)}
    if voter.judge.id in known and deals(manifest).get(voter.judge.id) != deal:
        raise UsageError(
            f"{name} has voted before, on another ballot, in the browser or from a table; give these "
            "votes another name."
        )
    return deal


def _rows(
    marks: Sequence[Mark], tasks: Mapping[str, Task], store: Store, path: Path
) -> Iterator[Verdict]:
    """The verdicts that are new or changed; the letter is kept as it was said."""
    before = store.verdicts(tasks[mark.pair].key for mark in marks if mark.pair in tasks)
    seen: set[str] = set()
    for mark in marks:
        if mark.pair not in tasks:
            raise InputError(
                f"{path}: line {mark.line}: no pair {mark.pair[:40]!r} here: the ballot belongs to "
                "another evaluation, or the file was changed."
            )
        if mark.pair in seen:
            raise InputError(f"{path}: line {mark.line} repeats a vote of {mark.voter}.")
        seen.add(mark.pair)
        yield from news(tasks[mark.pair], mark.choice, mark.comment, before=before, how="vote")


def _deal(manifest: Manifest, code: str) -> str:
    return digest({"ballot": code, "seal": manifest.seal})


def _number(deal: str, task: Task) -> str:
    return short(digest({"deal": deal, "prompt": task.prompt, "sample": task.sample}), 10)
