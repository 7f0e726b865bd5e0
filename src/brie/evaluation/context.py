"""What the checks of an evaluation need besides its verdicts: answers, models, training, looks.

Files are read here, so that checks stay functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from brie.analyse.table import VerdictTable
from brie.audit.answer_files import rows_kept
from brie.checks import Answer, Evidence, Looks, Models, Pair
from brie.errors import InputError, PinError, UsageError
from brie.evaluation.code_checks import Passed, recorded_checks
from brie.evaluation.columns import chosen
from brie.evaluation.gather import without_collection
from brie.evaluation.looks import look_of
from brie.evaluation.rows import EvaluationData, stopped_judges
from brie.evaluation.side_prompts import parts_of, told_again
from brie.evaluation.sides import resolve_side
from brie.evaluation.training_data import Compared, compare, recorded
from brie.generate.sampling import model_sampling
from brie.pin import ANSWERS, Resolved, by_itself, duplicates, locate, pin_base, refuse_other_content
from brie.pin.resolve import as_base
from brie.project import Project
from brie.records import Digest, Document, Manifest, Pin, Sampling, Side, later, schema_field
from brie.records.analysis import Analysis
from brie.report.clean import without_paths
from brie.store import Store

CARRIED = "carried.json"


class ImportedContext(Document):
    """`carried.json`: what was known of an evaluation's models and looks where its bundle was made.

    An evaluation that came in a bundle is analysed with this: its models need not be here.
    """

    schema_: str = schema_field("carried")
    differ: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    own_sampling: Sampling | None = None
    rows: Digest | None = None
    """The rows whose place among the suite's looks is given."""
    look: int = 1
    other_versions: int = 0
    checked: dict[str, bool | None] = later({})
    """What code of the suite has said of answers; it is not run again."""


def imported_context(folder: Path) -> ImportedContext | None:
    """What came with an evaluation's folder; None for an evaluation that was made here."""
    try:
        return ImportedContext.model_validate_json((folder / CARRIED).read_text("utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of an evaluation besides its plan and its rows."""

    models: Models | None = None
    compared: Compared | None = None
    imported: ImportedContext | None = None
    """Where it came in a bundle, what came with it."""
    checked: Passed = field(default_factory=dict)
    """What code of the suite has said of answers."""

    def looks(self, rows: str) -> Looks | None:
        """The place of these rows among the suite's looks, where it came with them."""
        if self.imported is None or self.imported.rows != rows:
            return None
        return Looks(self.imported.look, self.imported.other_versions)


# --- models ----------------------------------------------------------------------------


@rows_kept()
@without_collection()
def context_of(
    manifest: Manifest, project: Project, sides: Sequence[Resolved] = (), *, again: bool = False
) -> Context:
    """Look at models and training data; what is not here is said, never an error.

    Args:
        manifest: the evaluation.
        project: where its models, runs and files are.
        sides: both sides where they were resolved, and so verified, just now.
        again: compare with the training file again, where it is at hand.
    """
    folder = project.runs / manifest.id
    brought = imported_context(folder)
    if brought is not None:
        parts = brought.model_dump(include={"differ", "absent", "facts"})
        trained = recorded(folder)
        compared = Compared(trained, now=False) if trained is not None else None
        return Context(
            Models(**parts, own_sampling=brought.own_sampling), compared, brought, brought.checked
        )
    here: dict[Side, Resolved] = dict(zip(_SIDES, sides, strict=False))
    differ, absent = [], []
    for side in _SIDES if not sides else ():
        if getattr(manifest.plan, side).kind == "served":
            continue  # asking again would tell nothing of the model that answered
        try:
            here[side] = _resolved(manifest, side, project, here.get("candidate"))
        except (PinError, InputError) as error:
            differ.append(f"{side}: {error}")
        except UsageError as error:
            absent.append(f"{side}: {error}")
    models = Models(
        differ=_said(differ),
        absent=_said(absent),
        facts=_said(dict.fromkeys(fact for side in here.values() for fact in _aliases(side))),
        own_sampling=_own_sampling(here.get("baseline"), manifest.plan.sampling),
    )
    compared = compare(
        manifest.plan.suite, folder, here.get("candidate"), project,
        again=again, served=manifest.plan.candidate.kind == "served",
    )  # fmt: skip
    return Context(models, compared, checked=recorded_checks(folder))


def _said(facts: Iterable[str]) -> tuple[str, ...]:
    """Facts for the document, which goes to other machines: their folders are none of its business."""
    return tuple(map(without_paths, facts))


_SIDES: tuple[Side, Side] = ("candidate", "baseline")


def resolved(manifest: Manifest, project: Project) -> tuple[Resolved, Resolved]:
    """Both sides of an evaluation, as they are here now.

    Raises:
        PinError: a model is another than the sealed one.
        UsageError: a model cannot be found.
    """
    candidate = _resolved(manifest, "candidate", project, None)
    return candidate, _resolved(manifest, "baseline", project, candidate)


def _resolved(manifest: Manifest, side: Side, project: Project, candidate: Resolved | None) -> Resolved:
    """A side as its reference resolves now.

    Raises:
        PinError: it is another model than the sealed one.
        UsageError: it cannot be found.
    """
    sealed: Pin = getattr(manifest.plan, side)
    reference, pin = parts_of(manifest.locations[side], project).model, by_itself(sealed)
    if reference != "base":
        resolved_side = resolve_side(reference, project, pin, base=manifest.bases.get(side))
    elif candidate is not None:
        resolved_side = as_base(candidate)
    else:
        folder = locate(pin.base, None, project.root)
        base = pin_base(folder, repo=pin.base.repo, revision=pin.base.revision, pinned_before=pin.digest)
        resolved_side = Resolved(base, pin.base.repo, reference, folder, base, None)
    if pin.kind in ("served", ANSWERS):
        if resolved_side.pin.digest != pin.digest:
            raise PinError(f"{reference} is another model now")
        return told_again(resolved_side, sealed)
    refuse_other_content(pin.model_copy(update={"name": reference}), resolved_side.pin)
    return told_again(resolved_side, sealed)


def _aliases(side: Resolved) -> list[str]:
    """Neighbours with the same weights; the folders brie writes itself hold none."""
    if side.adapter is None or side.pin.run is not None:
        return []
    return duplicates(side.adapter)


def _own_sampling(side: Resolved | None, used: Sampling) -> Sampling | None:
    if side is None or not side.here:
        return None
    try:
        return model_sampling(side.base_folder, used)[0]
    except UsageError:
        return None


# --- everything together ---------------------------------------------------------------


def evidence_of(
    facts: EvaluationData, analysis: Analysis, table: VerdictTable, context: Context, store: Store
) -> Evidence:
    """What the checks of an evaluation look at.

    Args:
        facts: plan, completions and verdicts.
        analysis: the document, complete but for its checks.
        table: the headline's verdicts.
        context: models and training data.
        store: where looks are counted.
    """
    plan = facts.manifest.plan
    looks = context.looks(facts.digest)
    if looks is None and (read := look_of(facts)) is not None:
        looks = Looks(*store.look_number(read))
    return Evidence(
        analysis=analysis,
        table=table,
        plan=plan,
        pairs=_pairs(facts, set(table.prompts)),
        models=context.models,
        training=context.compared.trained.training if context.compared else None,
        no_training=context.compared.trained.reason if context.compared else "",
        looks=looks,
        stopped=stopped_judges(facts.manifest),
        idle=facts.manifest.made.idle if facts.manifest.made else (),
        seed=plan.seed,
    )


def _pairs(facts: EvaluationData, prompts: set[str]) -> tuple[Pair, ...]:
    """Every comparison of the prompts whose two answers are there, in the order of work."""
    columns, answers, order = facts.columns, facts.answers, facts.manifest.plan.order
    measures = [row.measures for row in answers.rows]
    said = list(map(Answer, answers.texts, answers.truncated.tolist(), measures, answers.told))
    first = columns.first_of_comparisons(chosen(columns.is_of("main")))
    keys = [key for at in columns.pair[first].tolist() for key in columns.pairs[at]]
    sides = answers.places(keys).reshape(-1, 2).tolist()
    compared = zip(columns.prompt[first].tolist(), columns.sample[first].tolist(), sides, strict=True)
    return tuple(
        Pair(order[place], sample, said[candidate], said[baseline])
        for place, sample, (candidate, baseline) in compared
        if candidate >= 0 and baseline >= 0 and order[place] in prompts
    )
