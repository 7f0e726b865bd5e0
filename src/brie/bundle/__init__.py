"""Bundles: one file that carries an evaluation, or a training run, to another machine.

A bundle is a zip of a closed set of members (`brie.bundle.layout`): the sealed plan, every completion
and verdict it names, calls, looks, the numbers and the report; of a run its records and pins, and on
request the best checkpoint's adapter. `bundle.json` lists every member with its digest. The same
evaluation gives the same bytes. Several suites are the bundles of their evaluations in one file.

    pack_evaluation(evaluation, project, Path("mine.zip"))
    findings = check_file(Path("mine.zip"))     # without the sender's machine
    unbundle(Path("mine.zip"), project)         # all of it, or nothing

What trace viewers show is another file: `write_traces`, a session of every comparison, blind.

What comes out of a stranger's bundle is data: its report is for people who look into the zip, and
is never written by `unbundle`, which builds its own.
"""

from brie.bundle.check import check_file
from brie.bundle.merge import Merged, merge_answers, unbundle
from brie.bundle.pack import pack_evaluation
from brie.bundle.pack_runs import pack_run
from brie.bundle.several import pack_suites
from brie.bundle.traces import write_traces

__all__ = [
    "Merged",
    "check_file",
    "merge_answers",
    "pack_evaluation",
    "pack_run",
    "pack_suites",
    "unbundle",
    "write_traces",
]
