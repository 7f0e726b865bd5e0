"""How the judges of one or more evaluations agree, and what each of them rewards.

Judges of the headline form the panel. Instruments (rules that stand beside it), judges added after
the seal and judges that were stopped appear in the pairs, never in the panel's own figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from brie.analyse.panel import agreement as agreement_of
from brie.analyse.panel import consistency
from brie.analyse.slices import by_judge, with_consistency
from brie.analyse.study import Study
from brie.analyse.table import VerdictTable
from brie.analyse.win_rate import Settings
from brie.errors import UsageError
from brie.evaluation.anchor import blind_labels
from brie.evaluation.columns import chosen
from brie.evaluation.gather import gather
from brie.evaluation.margins import counting_judges
from brie.evaluation.measured import measured_by_people
from brie.evaluation.rows import EvaluationData, stopped_judges
from brie.evaluation.table import table
from brie.evaluation.views import prompt_views
from brie.evaluation.work import Work
from brie.records import Manifest
from brie.records.agreement import Agreement, Disagreement
from brie.records.analysis import ComparisonView
from brie.records.judges import JudgeNumbers
from brie.records.people import MeasuredByPeople
from brie.records.studies import AgreementDocument, EvaluationFacts, Role, WhoJudged
from brie.store import Store
from brie.studies.merge import merge, prompt_names, sample_offsets

_NOTED = ("agreement", "by_judge", "effective")
READ = 12
"""Comparisons the judges disagree on most, to be read side by side."""


def agreement(manifests: Sequence[Manifest], store: Store) -> AgreementDocument:
    """How the judges of some evaluations agree.

    Prompts that occur in several evaluations stay one unit each.

    Args:
        manifests: the evaluations, each once.
        store: their verdicts.

    Raises:
        UsageError: fewer than two judges took part, or they share no comparison, and none was asked
            again.
    """
    manifests = list({manifest.id: manifest for manifest in manifests}.values())
    gathered = [gather(manifest, store) for manifest in manifests]
    names = prompt_names(gathered)
    judges = _judges(gathered)
    panel = [name for name, who in judges.items() if who.role == "panel"]
    tables = [_rows(facts, names[i], list(judges)) for i, facts in enumerate(gathered)]
    everyone = _study(merge(tables))
    measured = agreement_of(everyone)
    again = consistency(everyone)
    if measured is None and again:
        measured = Agreement(consistency=again)
    if measured is None:
        why = everyone.notes.get("agreement", "unknown")
        raise UsageError(f"there is no agreement to report: {why}. Ask one more: {_one_more(manifests)}")
    notes = dict(everyone.notes)
    if 2 <= len(panel) < len(judges):
        measured = _with_panel(measured, tables, panel, notes)
    by_numbers = {s.judge.id for facts in gathered for s in facts.work.panel_judges if s.margins}
    numbers = by_judge(everyone)
    numbers = with_consistency(numbers, again)
    located = _located(measured.disagreements, gathered, names, tables)
    people, missing = _by_people(gathered)
    if people:
        notes.pop("effective_judges", None)
    return AgreementDocument(
        evaluations=tuple(_evaluation(facts) for facts in gathered),
        prompts=len(everyone.table.prompts),
        judges=tuple(judges),
        who=judges,
        agreement=measured.model_copy(update={"disagreements": located}),
        by_judge={
            name: _habits(judge, by_numbers=name in by_numbers) for name, judge in numbers.items()
        },
        warnings=tuple(_warnings(gathered)),
        notes={k: v for k, v in notes.items() if k.startswith(_NOTED)} | missing,
        **({"people": people} if people else {}),
    )


def _by_people(
    gathered: Sequence[EvaluationData],
) -> tuple[dict[str, MeasuredByPeople], dict[str, str]]:
    """Evaluation -> its judges held against the votes on its drawn prompts, where all have one; and
    why something of it is missing."""
    measured: dict[str, MeasuredByPeople] = {}
    notes: dict[str, str] = {}
    for facts in gathered:
        labels, plan = blind_labels(facts), facts.manifest.plan
        if labels is None or not labels.counted.complete or not len(labels.votes):
            continue
        settings, name = Settings(plan.level, plan.resamples), facts.manifest.id
        measured[name], missing = measured_by_people(
            facts, labels.people, labels.votes, settings, plan.seed
        )
        notes |= {f"{name}.{path}": why for path, why in missing.items()}
    return measured, notes


def _habits(judge: JudgeNumbers, *, by_numbers: bool) -> JudgeNumbers:
    """What a judge is like, without its counts; what order and letter do to raw letters is no habit
    of a judge that gives numbers."""
    habits = JudgeNumbers(
        win_rate=judge.win_rate,
        outcomes=judge.outcomes,
        position=None if by_numbers else judge.position,
        label=None if by_numbers else judge.label,
        rewards=judge.rewards,
    )
    again = judge.consistency
    return habits if again is None else habits.model_copy(update={"consistency": again})


def disagreement_views(
    document: AgreementDocument, manifests: Sequence[Manifest], store: Store
) -> list[ComparisonView]:
    """The comparisons the judges disagree on most, with both answers and every verdict.

    Args:
        document: `agreement`'s document of these evaluations.
        manifests: the evaluations.
        store: where answers and verdicts are kept.
    """
    by_id = {manifest.id: (Work.of(manifest), manifest) for manifest in manifests}
    views = []
    for row in document.agreement.disagreements[:READ]:
        work, manifest = by_id[row.evaluation]
        here = prompt_views(work, manifest, store, row.id)
        views += [view for view in here if view.sample == row.sample]
    return views


def _study(merged: VerdictTable) -> Study:
    return Study(merged.canonical(), Settings(), 0)


def _judges(gathered: Sequence[EvaluationData]) -> dict[str, WhoJudged]:
    """Every judge, the panel's first, with who it is; the panel's role wins over the others."""
    judges: dict[str, WhoJudged] = {}
    for facts in gathered:
        headline, stopped = set(counting_judges(facts)), stopped_judges(facts.manifest)
        for seat in facts.work.panel_judges:
            name, judge = seat.judge.id, seat.judge
            role: Role = "panel" if name in headline else "stopped" if name in stopped else "beside"
            if name not in judges or role == "panel":
                judges[name] = WhoJudged(provider=str(judge.provider), model=judge.model, role=role)
    return dict(sorted(judges.items(), key=lambda item: item[1].role != "panel"))


def _rows(facts: EvaluationData, names: Mapping[str, str], judges: Sequence[str]) -> VerdictTable:
    """One evaluation's verdicts and repeats, its prompts under the names they have here."""
    columns = facts.columns
    again = chosen(columns.is_of("repeat"), columns.heard)
    rows = np.concatenate([chosen(columns.is_of("main")), again])
    seated = {seat.judge.id for seat in facts.work.panel_judges}
    made = table(facts, rows, [name for name in judges if name in seated])
    return made.with_prompts([names[name] for name in made.prompts])


def _with_panel(
    measured: Agreement, tables: Sequence[VerdictTable], panel: Sequence[str], notes: dict[str, str]
) -> Agreement:
    """The figures of the whole panel, and the disagreements, from the headline's judges alone."""
    study = _study(merge([_only(t, panel) for t in tables]))
    of_panel = agreement_of(study)
    if of_panel is None:
        notes["agreement.panel"] = study.notes.get("agreement", "the panel shares no comparison")
        return measured.model_copy(update={"panel": None, "disagreements": ()})
    notes |= {k: v for k, v in study.notes.items() if k.startswith("agreement.panel")}
    figures = {name: entry.panel for name, entry in of_panel.by_category.items()}
    categories = {
        name: entry.model_copy(update={"panel": figures.get(name)})
        for name, entry in measured.by_category.items()
    }
    update = {
        "by_category": categories, "panel": of_panel.panel, "disagreements": of_panel.disagreements,
    }  # fmt: skip
    return measured.model_copy(update=update)


def _only(whole: VerdictTable, judges: Sequence[str]) -> VerdictTable:
    """The rows of some judges."""
    kept = [name for name in whole.judges if name in set(judges)]
    code_of = {name: code for code, name in enumerate(kept)}
    code = np.array([code_of.get(name, -1) for name in whole.judges], dtype=np.int64)
    return whole.select(code[whole.judge] >= 0).with_judges(kept, code)


def _located(
    rows: Sequence[Disagreement],
    gathered: Sequence[EvaluationData],
    names: Sequence[Mapping[str, str]],
    tables: Sequence[VerdictTable],
) -> tuple[Disagreement, ...]:
    """Each disagreement with its evaluation, its prompt's own id and its own sample index."""
    offsets = sample_offsets(tables)
    located = []
    for row in rows:
        number = int(np.searchsorted(offsets, row.sample, side="right")) - 1
        ids = {shown: name for name, shown in names[number].items()}
        update = {
            "id": ids[row.prompt],
            "sample": row.sample - int(offsets[number]),
            "evaluation": gathered[number].manifest.id,
        }
        located.append(row.model_copy(update=update))
    return tuple(located)


def _evaluation(facts: EvaluationData) -> EvaluationFacts:
    manifest = facts.manifest
    return EvaluationFacts(
        id=manifest.id,
        candidate=manifest.names["candidate"],
        baseline=manifest.names["baseline"],
        suite=manifest.plan.suite.name,
        created=manifest.created,
        seal=manifest.seal,
        rows_digest=facts.digest,
    )


def _warnings(gathered: Sequence[EvaluationData]) -> list[str]:
    warnings = []
    for facts in gathered:
        open_ = int((facts.columns.is_of("main") & facts.columns.missing).sum())
        if open_:
            warnings.append(
                f"{facts.manifest.id}: {open_:,} verdicts are still missing; the figures may move"
            )
    seats: dict[str, set[tuple[str, str | None]]] = {}
    for facts in gathered:
        for seat in facts.work.panel_judges:
            seats.setdefault(seat.judge.id, set()).add((seat.digest, seat.rubric_digest))
    warnings += [
        f"{name} is not the same judge in all of them: its model, settings or rubric differ"
        for name, known in seats.items()
        if len(known) > 1
    ]
    return warnings


def _one_more(manifests: Sequence[Manifest]) -> str:
    return f"brie judge {manifests[0].id} --judge ID"
