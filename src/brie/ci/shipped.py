"""`brie check`: what a shipped file is, what it was made from, whether it behaves like that."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from brie.analyse.controls import damaged_low
from brie.catalog import load_suite
from brie.ci.gate import gate
from brie.conventions import MARGIN
from brie.errors import UsageError
from brie.evaluation.budget import Spending
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.run import run_evaluation
from brie.evaluation.sides import find_server, resolve_side
from brie.export.run import MANIFEST, read_manifest
from brie.fidelity.check import Checked, check_adapter, check_file, report
from brie.fidelity.reference import TOKENS, make_reference
from brie.fidelity.served import check_served
from brie.fidelity.verdict import conclude, sentence
from brie.forms.detect import OnDisk, detect
from brie.forms.merge import refuse_few_bits, write_merged
from brie.forms.sides import LLAMA
from brie.pin import Resolved
from brie.pin.resolve import as_base
from brie.progress import Screen
from brie.project import Project
from brie.records import Suite
from brie.records.shipping import CheckReport, ExportManifest, JudgedAnswers
from brie.records.standing import Standing

SUITE = "demo"
"""Prompts where nobody names a suite: short ones, of many kinds."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check as it is asked for."""

    file: str
    against: str | None = None
    """None: what the file says it comes from."""
    base: str | None = None
    suite: str = SUITE
    tokens: int = TOKENS
    judges: tuple[str, ...] = ()
    panel: str | None = None
    margin: float = MARGIN
    typed: str = ""


def check_shipped(
    wish: CheckRequest,
    project: Project,
    screen: Screen,
    *,
    version: str,
    spending: Spending | None = None,
) -> CheckReport:
    """Check one file from its name to its sentence.

    Args:
        wish: what was asked for.
        project: where runs and suites are looked for.
        screen: progress.
        version: brie's.
        spending: for judges.

    Raises:
        UsageError: it cannot be read, or nothing says what it comes from.
        Stopped: judging stopped; the same command goes on.
    """
    suite = load_suite(wish.suite, project)
    path = _local(wish.file, project)
    file = detect(path) if path is not None else None
    side = None
    if file is None or file.form in ("adapter", "mlx-adapter"):
        side = resolve_side(wish.file, project, base=wish.base)
        for note in side.notes:
            screen.say(note)
        if side.adapter is not None:
            refuse_few_bits(side)
    against = _against(wish, file, side, project)
    if not against.here:
        raise UsageError(
            f"{against.name} shows no logits to compare with; name a checkpoint, a folder or a run: "
            "--against RUN:best|FOLDER|hf:REPO@SHA"
        )
    screen.say(f"{wish.file} is held against {against.name}.")
    with tempfile.TemporaryDirectory(prefix="brie-check-") as name:
        checked, reference_report = _measure(
            wish, file, side, against, suite, project, Path(name), screen, version
        )
    if not _is_open(reference_report) or not (wish.judges or wish.panel):
        return reference_report
    judged = _judge(wish, against, project, screen, spending)
    return _concluded(reference_report, checked, judged)


def _local(reference: str, project: Project) -> Path | None:
    """The file or folder a reference names; None: a run's checkpoint, a pin, the Hub or a server."""
    path = Path(reference.removeprefix(LLAMA))
    if not path.exists() and (project.root / path).exists():
        path = project.root / path
    if path.exists() and path.suffix != ".json":
        return path
    if path.suffix == ".gguf":
        raise UsageError(f"there is no {reference}.")
    return None


def _measure(
    wish: CheckRequest,
    file: OnDisk | None,
    side: Resolved | None,
    against: Resolved,
    suite: Suite,
    project: Project,
    work: Path,
    screen: Screen,
    version: str,
) -> tuple[Checked, CheckReport]:
    for part in ("reference", "file"):
        (work / part).mkdir()
    reference = make_reference(against, suite, work / "reference", screen, tokens=wish.tokens)
    if side is not None and side.served is not None:
        label, model = side.served
        server = find_server(label, project)
        checked = check_served(reference, server, model, side.pin, screen, tokens=wish.tokens)
        return checked, report(reference, checked, version)
    if side is not None and side.adapter is not None:
        merged = work / "adapter"
        merged.mkdir()
        write_merged(side, merged, "float32")
        checked = check_adapter(reference, side, merged, work / "file", screen)
        return checked, report(reference, checked, version, name=wish.file)
    opened = file if file is not None else detect(side.base_folder) if side is not None else None
    if opened is None:
        raise UsageError(f"{wish.file} cannot be read.")
    checked = check_file(reference, opened, work / "file", screen)
    return checked, report(reference, checked, version, name=Path(wish.file).name)


def _against(
    wish: CheckRequest, file: OnDisk | None, side: Resolved | None, project: Project
) -> Resolved:
    """What a file is held against: what was named, or what it says it comes from.

    Raises:
        UsageError: nothing says, or what it names is another model now.
    """
    if wish.against is not None:
        return resolve_side(wish.against, project, base=wish.base)
    if side is not None and side.adapter is not None:
        return as_base(side)
    manifest = _manifest_beside(file)
    if manifest is None:
        raise UsageError(
            f"nothing says what {wish.file} was made from; say it: brie check {wish.file} --against "
            "RUN:best|FOLDER|hf:REPO@SHA"
        )
    source = manifest.source
    try:
        resolved = resolve_side(source.name, project, base=wish.base)
    except UsageError as error:
        raise UsageError(
            f"{wish.file} was made from {source.name}, which is not here ({error}). Name it: --against "
            "MODEL"
        ) from error
    if resolved.pin.digest != source.digest:
        raise UsageError(
            f"{source.name} is another model than the one {wish.file} was made from; name it: --against "
            "MODEL"
        )
    return resolved


def _manifest_beside(file: OnDisk | None) -> ExportManifest | None:
    if file is None:
        return None
    folder = file.path.parent if file.path.is_file() else file.path
    return read_manifest(folder) if (folder / MANIFEST).is_file() else None


def _is_open(checked: CheckReport) -> bool:
    return checked.verdict == "open"


def _judge(
    wish: CheckRequest,
    against: Resolved,
    project: Project,
    screen: Screen,
    spending: Spending | None,
) -> JudgedAnswers:
    """Compare both blind; identical answers are ties that nobody is asked about."""
    request = EvalRequest(
        suite=wish.suite,
        candidate=wish.file,
        baseline=against.reference,
        base=wish.base if against.adapter is not None else None,
        judges=wish.judges,
        panel=wish.panel,
        paired_noise=True,
        typed=wish.typed,
    )
    asked, messages = prepare(request, project)
    for line in messages:
        screen.say(line)
    outcome = run_evaluation(asked, project, screen, command=wish.typed, spending=spending)
    answer = gate(outcome.analysis, "not-worse", margin=wish.margin)
    seen = damaged_low(outcome.analysis.controls)
    counts = seen is not None and seen > 0.5
    rate = outcome.analysis.win_rate
    return JudgedAnswers(
        evaluation=outcome.evaluation.manifest.id,
        judges=tuple(judge.judge.id for judge in asked.panel_judges),
        win_rate=rate.value if rate is not None else None,
        low=rate.low if rate is not None else None,
        high=rate.high if rate is not None else None,
        margin=wish.margin,
        # A judge that did not recognise damaged answers says nothing, in either direction.
        met=answer.met if counts and not _withheld(answer.standing) else None,
        sentence=answer.sentence,
    )


def _withheld(standing: Standing | None) -> bool:
    return standing is not None and standing.state == "withheld"


def _concluded(before: CheckReport, checked: Checked, judged: JudgedAnswers) -> CheckReport:
    """The report with what judges said."""
    same_model = before.file.form != "adapter"
    verdict = conclude(checked.faults, checked.figures, checked.limits, judged, same_model=same_model)
    words = sentence(before.file, before.against, verdict, checked.faults, checked.figures, judged)
    return before.model_copy(update={"judged": judged, "verdict": verdict, "sentence": words})
