"""Votes of people from a file, in an evaluation's numbers and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brie.evaluation.ballot_file import BallotFile, import_ballot, is_ballot
from brie.evaluation.folders import Evaluation
from brie.evaluation.results import record_analysis, write_report
from brie.evaluation.settled import refuse_gone_rows, settled
from brie.evaluation.soundness import refuse_unsound
from brie.evaluation.vote_file import VoteFile, import_votes
from brie.project import Project
from brie.records.analysis import Analysis
from brie.store import Store


@dataclass(frozen=True, slots=True)
class AddedVotes:
    """What a file of votes brought."""

    new: int
    file: VoteFile | BallotFile
    report: Path
    """The page that counts them."""
    analysis: Analysis
    """The numbers with them."""


def add_votes(file: Path, evaluation: Evaluation, project: Project) -> AddedVotes:
    """Add the votes of a table, or those that a ballot saved, and build the report again.

    All of them are added, or none; nobody is asked.

    Raises:
        InputError: a row is wrong; the message names the line.
        UsageError: a voter of the file has voted in the browser, or on another ballot.
    """
    refuse_unsound(evaluation.manifest)
    with Store.open(project.store, create=False) as store:
        refuse_gone_rows(evaluation, store)
        votes: VoteFile | BallotFile
        if is_ballot(file):
            new, votes = import_ballot(file, evaluation, store)
        else:
            read = import_votes(file, evaluation, store)
            new, votes = read.new, read.file
        with settled(evaluation, store) as (current, data):
            analysis = record_analysis(current, data, store, project)
            report = write_report(current, analysis, data, project)
    return AddedVotes(new, votes, report, analysis)
