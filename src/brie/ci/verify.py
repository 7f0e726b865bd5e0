"""Does an evaluation still hold? Seal, assignment, pins, rows and numbers, recomputed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from brie import __version__, versions
from brie.ci.documents import compare
from brie.ci.findings import Finding
from brie.ci.record import UNPUBLISHED, as_published, record_holds
from brie.ci.replies import verdicts_follow
from brie.digest import short
from brie.errors import DamagedRow
from brie.evaluation.assemble import assemble
from brie.evaluation.context import Context, context_of
from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import gather
from brie.evaluation.plan import assignments, work_order
from brie.evaluation.published import DIGITS, Published
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.evaluation.soundness import unsound
from brie.evaluation.training_data import recorded
from brie.number_format import listed, plural
from brie.pin.hashing import UNCOVERED
from brie.progress import Screen, Silent
from brie.project import Project
from brie.records import Manifest, VerdictLite
from brie.store import Store

Further = Callable[[EvaluationData], Iterable[Finding]]
"""What else an evaluation's rows say."""


def verify(
    evaluation: Evaluation,
    project: Project,
    published: Published | None = None,
    *,
    rows: EvaluationData | None = None,
    also: Further = lambda rows: (),
    screen: Screen | None = None,
) -> list[Finding]:
    """Recompute everything an evaluation claims.

    Args:
        evaluation: which.
        project: where its rows, models and files are.
        published: what was published of it, to hold it against.
        rows: what the store holds of it, where that was read before.
        also: what else its rows say, while the store is open.
        screen: progress.

    Raises:
        StoreError: the store cannot be read.
    """
    manifest = evaluation.manifest
    if broken := unsound(manifest):
        return [Finding("; ".join(broken), False)]  # whatever else a changed plan says, it means nothing
    findings = [Finding(f"the plan is the sealed one ({manifest.seal})", True), _assignment(manifest)]
    known = context_of(manifest, project, again=True)
    findings.append(_models(manifest, known))
    findings += _training(evaluation, known)
    if manifest.plan.suite.code:
        files = " and ".join(sorted(manifest.plan.suite.code))
        count = len(known.checked)
        words = f"what {files} said of {count:,} answers is as recorded; it was not run again"
        findings.append(Finding(words, True))
    if manifest.plan.tasks:
        names = listed(list(dict.fromkeys(spec.shown_as for spec in manifest.plan.tasks)))
        words = f"results of {names} are taken as they were kept; no task was run again"
        findings.append(Finding(words, True))
    numbers = _numbers(evaluation, project, known, published, rows, also, screen or Silent())
    return [*findings, *numbers]


def _models(manifest: Manifest, known: Context) -> Finding:
    """Whether the models are the pinned ones.

    Those of a bundle are not looked for: a stranger's bundle would choose what is downloaded.
    """
    if known.imported is not None:
        pins = f"candidate {short(manifest.plan.candidate.digest, 12)}"
        pins += f", baseline {short(manifest.plan.baseline.digest, 12)}"
        models = len(manifest.given) < len(manifest.names)
        hint = f" To compare one that you have: brie pin MODEL ({pins})" if models else ""
        return Finding(
            "this evaluation came in a bundle: its models were not looked for, and what the checks say "
            f"of them came with it.{hint}",
            True,
        )
    problems = (*known.models.differ, *known.models.absent) if known.models else ()
    sides = (manifest.plan.candidate, manifest.plan.baseline)
    served = [pin.base.repo for pin in sides if pin.kind == "served"]
    held = "both models are the pinned ones"
    if any(pin.version == 1 and pin.kind not in ("served", "answers") for pin in sides):
        held += f", as far as pins of version 1 go: they do not cover {UNCOVERED}"
    if served:
        held = f"{' and '.join(served)}: behind a server, so recorded and not pinned"
    files = [f"{given.label} of {given.file}" for _, given in sorted(manifest.given.items())]
    if files:
        others = (
            "" if len(files) == len(sides) else f"; {held.replace('both models are', 'the model is')}"
        )
        held = f"the answers are those that were judged: {' and '.join(files)}{others}"
    return Finding("; ".join(problems) or held, not problems)


def _training(evaluation: Evaluation, known: Context) -> Iterator[Finding]:
    """Whether what was recorded of the training data is what the file says, where it is here."""
    before, compared = recorded(evaluation.folder), known.compared
    if before is None or before.training is None or compared is None:
        return
    if compared.now:
        same = before == compared.trained
        words = "is what the file says" if same else "is NOT what the file says"
        yield Finding(f"what training and suite share {words}", same)
    else:
        why = compared.trained.reason or "the evaluation came in a bundle"
        yield Finding(f"what training and suite share was not compared again: {why}", True)


def _assignment(manifest: Manifest) -> Finding:
    plan = manifest.plan
    blocks = [(p.id, p.category) for p in plan.suite.prompts]
    expected = assignments(
        blocks, plan.seats, samples=plan.samples, positions=plan.positions, seed=plan.seed
    )
    same = expected == plan.assignments and list(plan.order) == work_order(blocks, plan.seed)
    return Finding(
        "orders and letters are " + ("as the seed assigns them" if same else "NOT the seed's"), same
    )


def _numbers(
    evaluation: Evaluation,
    project: Project,
    known: Context,
    published: Published | None,
    now: EvaluationData | None,
    also: Further,
    screen: Screen,
) -> Iterator[Finding]:
    try:
        stored = json.loads(evaluation.analysis_file.read_text("utf-8"))
        if not isinstance(stored, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        yield Finding(f"{evaluation.analysis_file.name} cannot be read: {error}", False)
        return
    with Store.open(project.store, read_only=True) as store:
        try:
            rows = made_from(evaluation.manifest, stored, store, now=now)
        except DamagedRow as error:
            yield Finding(str(error), False)
            return
        data = as_counted(rows.data, stored)
        yield _rows(rows, stored)
        yield from verdicts_follow(data, screen)
        yield from _recorded(rows, stored, known, published, store)
        again = json.loads(assemble(data, store, known).to_json())
        further = list(also(data))
    here, made = versions.build(__version__), str(stored.get("version"))
    compared = compare(stored, again, same_build=made == here)
    shown = ", ".join(compared.differ[:5])
    yield Finding(
        f"numbers differ at: {shown}" if compared.differ else "every number is reproduced (to 1e-9)",
        not compared.differ,
    )
    if made != here:
        yield from (Finding(words, True) for words in compared.told(made))
    if data.identical_as_ties and _has_identical(stored):
        words = (
            f"made by brie {made}: identical answers counted as ties of the judges then, and are "
            "counted so here; a new report counts them apart"
        )
        yield Finding(words, True)
    yield from further


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """The rows that numbers were made from."""

    data: EvaluationData
    """As they are now, where those that were used are not all there any more."""
    hold: bool
    newer: int = 0
    """Verdicts that came since."""
    votes: int = 0
    """How many of these are votes."""


def made_from(
    manifest: Manifest,
    stored: Mapping[str, JsonValue],
    store: Store,
    *,
    now: EvaluationData | None = None,
) -> MadeFrom:
    """The rows that a document was made from; those that came later are counted and left out.

    Args:
        manifest: the evaluation.
        stored: the document.
        store: where its rows are.
        now: those that are there, where they were read before.

    Raises:
        DamagedRow: a row cannot be read.
    """
    now = replace(now, source=store) if now else gather(manifest, store, texts=False)
    wanted = stored.get("rows_digest")
    if now.digest == wanted:
        return MadeFrom(now, True)
    now = gather(manifest, store)
    link = store.analysed(manifest.id, str(wanted))
    if link is not None:
        earlier = manifest.model_copy(update={"amendments": manifest.amendments[: link.links]})
        with store.as_of(link.newest):
            before = gather(earlier, store)
        if before.digest == wanted:
            newer = _newer(now, before)
            return MadeFrom(before, True, len(newer), sum(kind == "vote" for kind in newer))
    return MadeFrom(now, False)


def _recorded(
    rows: MadeFrom,
    stored: Mapping[str, JsonValue],
    known: Context,
    published: Published | None,
    store: Store,
) -> Iterator[Finding]:
    """Whether the record of analyses holds, and the evaluation is what was published of it."""
    manifest, travelled = rows.data.manifest, known.imported is not None
    if not travelled:
        wanted = str(stored.get("rows_digest"))
        yield from record_holds(manifest.id, wanted, store, recorded="rows" in stored)
    if published is None:
        yield Finding(UNPUBLISHED, True, note=True)
        return
    rows_hold = _as_published(rows.data, published, store) if published.rows else None
    yield from as_published(published, manifest, store, rows_hold=rows_hold, travelled=travelled)


def _as_published(data: EvaluationData, published: Published, store: Store) -> bool:
    """Whether the rows of a published report are here, unchanged; others may have come since."""
    if short(data.digest, DIGITS) == published.rows:
        return True
    links = [link for link in store.record() if short(link.rows, DIGITS) == published.rows]
    return any(made_from(data.manifest, {"rows_digest": link.rows}, store).hold for link in links[-1:])


def _newer(now: EvaluationData, before: EvaluationData) -> list[str]:
    """The kinds of the verdicts that are others than before: added, corrected or withdrawn."""
    rows, earlier = ({row.task.key: row for row in data.facts} for data in (now, before))
    every = {**earlier, **rows}
    return [
        every[key].task.kind
        for key in every
        if _verdict_of(rows.get(key)) != _verdict_of(earlier.get(key))
    ]


def _verdict_of(row: VerdictRow | None) -> VerdictLite | None:
    return row.verdict if row is not None else None


def _rows(rows: MadeFrom, stored: Mapping[str, JsonValue]) -> Finding:
    name = rows.data.manifest.id
    if not rows.hold:
        what = "a completion or a verdict was changed since the numbers were made, or is gone"
        if stored.get("interim"):
            what = f"answers or verdicts came or changed since these interim numbers: brie report {name}"
        return Finding(what, False)
    if not rows.data.completions and not any(row.verdict for row in rows.data.facts):
        return Finding("there is no row in the store, so there is nothing to verify", False)
    what = "every completion and verdict is the one the numbers used"
    if rows.newer:
        words = "vote" if rows.votes == rows.newer else "verdict"
        are = "is" if rows.newer == 1 else "are"
        what += (
            f"; {plural(rows.newer, words)} {are} newer than the numbers and not in them: "
            f"brie report {name}"
        )
    return Finding(what, True)


def as_counted(data: EvaluationData, stored: Mapping[str, JsonValue]) -> EvaluationData:
    """The rows, to be counted as a stored document did: those of another build that do not tell
    identical answers from ties had them among the ties.

    Args:
        data: the evaluation's rows.
        stored: its document of record.
    """
    outcomes = stored.get("outcomes")
    apart = isinstance(outcomes, dict) and "identical" in outcomes
    another = str(stored.get("version")) != versions.build(__version__)
    if not another or apart:
        return data  # as it is, with the columns that were made of it
    return replace(data, identical_as_ties=True)


def _has_identical(stored: Mapping[str, JsonValue]) -> bool:
    counts = stored.get("counts")
    return isinstance(counts, dict) and bool(counts.get("identical"))
