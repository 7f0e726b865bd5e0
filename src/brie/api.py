"""The Python API: the same calls the command line makes.

Each function says which command it is. They return documents and records instead of printing them,
ask nobody that the command would not ask, and raise `BrieError` with the sentence it would say.
Where `project` is left out, it is the one of the current folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from brie.audit import Wishes, read_files
from brie.audit.assess import assess
from brie.audit.vocabulary import Declared
from brie.data.check import CheckReport, check
from brie.data.files import split_file
from brie.data.overlap import OverlapReport, compare_files
from brie.data.split import By, Split
from brie.evaluation.assemble import assemble
from brie.evaluation.budget import Spending
from brie.evaluation.context import context_of
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.results import Outcome
from brie.evaluation.run import run_evaluation
from brie.judge.listing import JudgeList, list_judges
from brie.progress import Screen, Silent
from brie.project import Project
from brie.records import Positions
from brie.records.analysis import Analysis
from brie.records.studies import AgreementDocument, ComparisonDocument, CurveDocument
from brie.store import Store
from brie.studies import across, agree, run_curve, suite_plan
from brie.studies.planning import Design
from brie.studies.suite_check import SuiteReport, check_suite


def evaluate(
    request: EvalRequest,
    project: Project | None = None,
    *,
    screen: Screen | None = None,
    name: str | None = None,
    spending: Spending | None = None,
) -> Outcome:
    """Evaluate as `brie eval` does: sealed, blind, resumable, with its report.

    Args:
        request: suite, sides, judges, samples.
        project: the folder to work in; the current one by default.
        screen: where progress goes; nowhere by default.
        name: what `brie ls` calls it.
        spending: budget and consent; without them only judges that are free and local are asked.

    Raises:
        BrieError: a choice is missing or wrong, a model is not what its pin says, or work stopped.
    """
    where = project or Project.find()
    resolved, messages = prepare(request, where)
    shown = screen or Silent()
    for line in messages:
        shown.say(line)
    return run_evaluation(resolved, where, shown, command="brie.evaluate", name=name, spending=spending)


def analyse_evaluation(evaluation: str, project: Project | None = None) -> Analysis:
    """The numbers of an evaluation as the store has them now; nothing is asked or written.

    Raises:
        BrieError: no such evaluation, or the store cannot be read.
    """
    where = project or Project.find()
    manifest = find_evaluation(evaluation, where).manifest
    with Store.open(where.store, read_only=True) as store:
        return assemble(gather(manifest, store), store, context_of(manifest, where))


def audit_files(
    files: Sequence[str | Path],
    *,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    raters: Sequence[str] = (),
    winner: Mapping[str, str] | None = None,
    claim: float | None = None,
    candidate: str | None = None,
    baseline: str | None = None,
) -> Analysis:
    """brie's analysis of judgments another tool made, as `brie audit` gives it; nothing is written.

    Args:
        files: of one format; several hold several judges, or parts.
        format: a format's name, or `auto`.
        columns: for tables: brie's name of a column -> the file's.
        raters: for tables: columns of one judge each.
        winner: for tables: a word of the winner column -> first, second, tie, invalid or a model.
        claim: the win rate somebody claims, as a share.
        candidate: the model whose win rate is wanted; more than two models are ranked without one.
        baseline: the model it is compared with.

    Raises:
        BrieError: a file is missing, of another kind, or most of its rows cannot be used; a word of
            the winner column is not known; a claim does not say whose win rate it is of.
    """
    paths = [Path(file) for file in files]
    words = {word.lower(): meaning for word, meaning in (winner or {}).items()}
    wishes = Wishes(format, columns or {}, tuple(raters), Declared(words))
    return assess(
        read_files(paths, wishes=wishes), name=", ".join(path.name for path in paths), claim=claim,
        candidate=candidate, baseline=baseline,
    )  # fmt: skip


def curve(
    run: str,
    request: EvalRequest,
    project: Project | None = None,
    *,
    select_by_judges: bool = False,
    screen: Screen | None = None,
    spending: Spending | None = None,
) -> CurveDocument:
    """The win rate over a run's training steps, as `brie curve` computes and keeps it.

    Args:
        run: a training run's name, short id or folder.
        request: suite, judges and samples; every checkpoint in turn is the candidate.
        project: the folder to work in.
        select_by_judges: one half of the suite chooses the checkpoint, the other half is quoted.
        screen: where progress goes; nowhere by default.
        spending: budget for all checkpoints together, and consent.

    Returns:
        Its `written()` is the `brie.curve/1` document.

    Raises:
        UsageError: the run has no checkpoints, or too few prompts are judged on all of them.
        Stopped: an evaluation is not finished; the same call goes on.
    """
    manner = run_curve.Manner(
        command="brie.curve",
        spending=spending or Spending(),
        select_by_judges=select_by_judges,
    )
    where = project or Project.find()
    return run_curve.run_curve(run, request, where, screen or Silent(), manner)


def plan_table(
    suite: str,
    project: Project | None = None,
    *,
    samples: Sequence[int] = suite_plan.SAMPLES,
    positions: Sequence[Positions] = suite_plan.ORDERS,
    judges: Sequence[str] = (),
    panel: str | None = None,
) -> Design:
    """What a suite can detect and what judging it would cost, as `brie plan` shows it.

    Args:
        suite: its name or file.
        project: where suites, judges and earlier evaluations are.
        samples: numbers of samples a prompt to compare.
        positions: orders to compare.
        judges: ids of the judges to price; without any, the panel.
        panel: its name; the project's by default.

    Returns:
        The designs; `.document()` is the `brie.plan-table/1` of `brie plan --json`.

    Raises:
        UsageError: a suite, judge or panel is unknown.
    """
    where = project or Project.find()
    return suite_plan.plan_table(
        suite, where, samples=samples, positions=positions, judges=judges, panel=panel
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


def compare(evaluations: Sequence[str], project: Project | None = None) -> ComparisonDocument:
    """Evaluations compared prompt by prompt, as `brie compare --json` prints it (`brie.compare/1`).

    Raises:
        UsageError: fewer than two, or no prompts in common.
    """
    where = project or Project.find()
    manifests = [find_evaluation(name, where).manifest for name in evaluations]
    with Store.open(where.store, read_only=True) as store:
        return across.compare_evaluations(manifests, store)


def agreement(evaluations: Sequence[str], project: Project | None = None) -> AgreementDocument:
    """How the judges agree, as `brie agreement --json` prints it (`brie.agreement/1`).

    Raises:
        UsageError: there is no such evaluation, or too few judges.
    """
    where = project or Project.find()
    manifests = [find_evaluation(name, where).manifest for name in evaluations]
    with Store.open(where.store, read_only=True) as store:
        return agree.agreement(manifests, store)
