"""Before anything is asked: what a suite can tell and costs, and whether suites and data are sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from brie.api.documents import Planned
from brie.data.check import CheckReport, check
from brie.data.files import split_file
from brie.data.overlap import OverlapReport, compare_files
from brie.data.split import By, Split
from brie.judge.listing import JudgeList, list_judges
from brie.project import Project
from brie.records import Positions
from brie.records.studies import VoterRates
from brie.studies import suite_plan
from brie.studies.planning import Design
from brie.studies.suite_check import SuiteReport, check_suite


def plan(
    suite: str,
    project: Project | None = None,
    *,
    samples: Sequence[int] = suite_plan.SAMPLES,
    positions: Sequence[Positions] = suite_plan.ORDERS,
    judges: Sequence[str] = (),
    panel: str | None = None,
    minutes_per_vote: float = 1.0,
    usd_per_hour: float = 0.0,
) -> Planned:
    """What a suite can detect and what judging it would cost; shows itself as a table.

    Args and errors are those of `plan_table`.
    """
    return Planned.of(
        plan_table(
            suite,
            project,
            samples=samples,
            positions=positions,
            judges=judges,
            panel=panel,
            minutes_per_vote=minutes_per_vote,
            usd_per_hour=usd_per_hour,
        )
    )


def plan_table(
    suite: str,
    project: Project | None = None,
    *,
    samples: Sequence[int] = suite_plan.SAMPLES,
    positions: Sequence[Positions] = suite_plan.ORDERS,
    judges: Sequence[str] = (),
    panel: str | None = None,
    minutes_per_vote: float = 1.0,
    usd_per_hour: float = 0.0,
) -> Design:
    """What a suite can detect and what judging it would cost, as `brie plan` shows it.

    Args:
        suite: its name or file.
        project: where suites, judges and earlier evaluations are.
        samples: numbers of samples a prompt to compare.
        positions: orders to compare.
        judges: ids of the judges to price; without any, the panel.
        panel: its name; the project's by default.
        minutes_per_vote: of a person, for what narrows a rate that people's votes decide.
        usd_per_hour: what an hour of a voter costs; 0: people are not paid.

    Returns:
        The designs; `.document()` is the `brie.plan-table/1` of `brie plan --json`.

    Raises:
        UsageError: a suite, judge or panel is unknown.
    """
    where = project or Project.find()
    rates = VoterRates(minutes_per_vote=minutes_per_vote, usd_per_hour=usd_per_hour)
    return suite_plan.plan_table(
        suite, where, samples=samples, positions=positions, judges=judges, panel=panel, rates=rates
    )


def data_check(
    file: str | Path,
    *,
    val: str | Path | None = None,
    size: str | None = None,
    base: str | None = None,
    max_length: int | None = None,
    project: Project | None = None,
) -> CheckReport:
    """What `brie data check` finds in a training file; `.ok` is whether it can be trained on.

    Args:
        file: JSON lines of chats.
        val: a validation file to compare prompts with.
        size: count tokens as this recipe would.
        base: count tokens with this model's tokenizer; with neither, no tokens are counted.
        max_length: tokens a row may have, where tokens are counted.
        project: where recipes are looked for.

    Raises:
        InputError: a file cannot be read. Rows that are wrong are in the report, not raised.
    """
    from brie.train.encoder import EncoderRequest, encoder_of

    encoder, name = None, ""
    if size or base:
        asked = EncoderRequest(size=size, base=base, max_length=max_length)
        encoder, name = encoder_of(project or Project.find(), asked)
    beside = Path(val) if val is not None else None
    return check(Path(file), val=beside, encoder=encoder, tokenizer=name)


def data_split(
    file: str | Path,
    *,
    by: By = "prompt",
    source: str | None = None,
    share: float = 0.1,
    seed: int = 42,
    out: tuple[Path, Path] | None = None,
) -> tuple[Split, tuple[Path, Path]]:
    """The halves of a training file and the two files written, as `brie data split` does it.

    Args:
        file: JSON lines of chats; it stays as it is.
        by: what stays together.
        source: validate on this source alone, and draw nothing.
        share: of the rows in the validation half, between 0 and 1.
        seed: of the draw.
        out: the two files; `name.train.jsonl` and `name.val.jsonl` beside it by default.

    Raises:
        UsageError: the rows cannot be split so, or a target exists.
    """
    halves, targets, _ = split_file(Path(file), by=by, source=source, share=share, seed=seed, out=out)
    return halves, targets


def data_overlap(left: str | Path, right: str | Path) -> OverlapReport:
    """How much of one file's text stands in another, as `brie data overlap` says it.

    Args:
        left: a suite's file or a training file; its texts are looked for.
        right: a training file; they are looked for here.

    Raises:
        InputError: a file cannot be read, or is neither.
    """
    return compare_files(Path(left), Path(right))


def suite_check(suite: str, project: Project | None = None) -> SuiteReport:
    """What `brie suite check` finds: counts, what the suite can detect, and warnings.

    Raises:
        UsageError: there is no such suite.
        InputError: its file is wrong; the message names the line or key.
    """
    return check_suite(suite, project or Project.find())


def judges_list(project: Project | None = None) -> JudgeList:
    """The judges and panels there are, as `brie judges ls --json` prints them (`brie.judges/1`)."""
    return list_judges(project or Project.find())
