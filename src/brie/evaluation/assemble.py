"""The analysis document: facts from plan and store, numbers from `brie.analyse`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from brie import __version__, versions
from brie.analyse.arrays import Ints, distinct, present, ranked
from brie.analyse.assemble import AnalysisParts, Options, analyse_verdicts
from brie.analyse.controls import ControlTables
from brie.analyse.headline import EarlyStopping
from brie.analyse.paired import paired_noise
from brie.analyse.table import StatusCode, VerdictTable
from brie.analyse.win_rate import Settings
from brie.checks import Evidence, by_training, run_checks, standing_of, unseen_sources
from brie.evaluation.accuracy import right_and_wrong
from brie.evaluation.anchor import human_anchored, with_measured_panel, with_people_first
from brie.evaluation.benchmarked import task_numbers
from brie.evaluation.columns import Rows, chosen
from brie.evaluation.context import Context, evidence_of
from brie.evaluation.drift_notes import drift_of
from brie.evaluation.gather import without_collection
from brie.evaluation.generated import generation
from brie.evaluation.margins import counting_judges, margin_numbers, not_counted
from brie.evaluation.people import by_voter
from brie.evaluation.rows import (
    EvaluationData,
    headline_judges,
    row_counts,
    stopped_judges,
)
from brie.evaluation.table import table
from brie.provenance import now
from brie.records import Manifest, Pin, Plan, Side
from brie.records.analysis import Analysis, Cost, Counts, SideSummary, SuiteSummary
from brie.records.base import CRITERIA_ORDERS
from brie.records.judges import JudgeNumbers, MarginNumbers
from brie.store import Store


def assemble(facts: EvaluationData, store: Store, context: Context | None = None) -> Analysis:
    """Everything that can be said of an evaluation now; nothing is asked and nothing written.

    Where verdicts are still missing the document is interim: complete prompts only, no verdict.

    Args:
        facts: the evaluation's rows.
        store: what it cost, and the looks at its suite.
        context: models and training data as they are here; without them their checks are not run.
    """
    with without_collection():
        return _assembled(facts, store, context or Context())


def _assembled(facts: EvaluationData, store: Store, context: Context) -> Analysis:
    manifest = facts.manifest
    columns, aside = facts.columns, not_counted(facts)
    main = columns.is_of("main")
    sealed, stopped = headline_judges(manifest), stopped_judges(manifest)
    judges = [name for name in sealed if name not in aside]
    instruments = [s.judge.id for s in manifest.plan.seats if s.instrument and s.judge.id not in stopped]
    instruments += aside
    unfinished = _unfinished(facts, {*judges, *instruments})
    on_used = ~columns.is_at(unfinished)
    used = chosen(main, on_used)
    options = Options(level=manifest.plan.level, resamples=manifest.plan.resamples)
    seed = manifest.plan.seed
    controls = ControlTables(
        aa=_control(facts, "a_a", judges), damaged=_control(facts, "damaged", judges)
    )
    verdicts = table(facts, _with_repeats(facts, used), judges)
    parts = analyse_verdicts(
        verdicts,
        options=options,
        controls=controls,
        stopping=_stopping(manifest.plan),
        seed=seed,
    )
    beside = (
        analyse_verdicts(table(facts, used, instruments), options=options, seed=seed)
        if instruments
        else None
    )
    apart = {
        name: analyse_verdicts(table(facts, rows, [name]), options=options, seed=seed)
        for name in [*stopped, *(s.judge.id for s in facts.work.added)]
        if len(rows := _own(facts, name))
    }
    interim = bool(len(unfinished)) or _counting_is_open(facts)
    document = _document(facts, store, parts, beside, apart, aside, interim=interim)
    document = _with_margins(document, margin_numbers(facts, _prompts(facts, used)))
    if manifest.plan.sampling.paired_noise:
        noise = paired_noise(verdicts, Settings(options.level, options.resamples), seed)
        document = document.model_copy(update={"paired_noise": noise})
    people, missing = human_anchored(facts, document, Settings(options.level, options.resamples), seed)
    if people is not None:
        document = with_measured_panel(
            document.model_copy(
                update={"human_anchored": people, "notes": {**document.notes, **missing}}
            )
        )
    document = _with_tasks(document, facts, Settings(options.level, options.resamples))
    evidence = evidence_of(facts, document, verdicts, context, store)
    document = _with_accuracy(document, facts, evidence, context)
    checked = _checked(document, replace(evidence, analysis=document))
    return _with_people(checked, *by_voter(facts, options, seed))


def _counting_is_open(facts: EvaluationData) -> bool:
    """Whether a judge that gives numbers may count or not, with what is still to come."""
    open_to = {seat.judge.id for seat in facts.manifest.plan.seats if seat.margins}
    open_to -= set(stopped_judges(facts.manifest))
    columns = facts.columns
    controls = columns.is_of("a_a") | columns.is_of("damaged")
    return bool((controls & columns.missing & columns.is_by(open_to)).any())


def _with_margins(document: Analysis, margins: Mapping[str, MarginNumbers]) -> Analysis:
    """The document with what judges that give numbers are like."""
    named = {
        name: document.by_judge[name].model_copy(update={"margins": numbers})
        for name, numbers in margins.items()
        if name in document.by_judge
    }
    return (
        document.model_copy(update={"by_judge": {**document.by_judge, **named}}) if named else document
    )


def _with_people(
    document: Analysis, people: Mapping[str, JudgeNumbers], notes: Mapping[str, str]
) -> Analysis:
    """The document with those who voted, beside everything that was sealed."""
    if not people:
        return document
    return document.model_copy(
        update={"by_judge": {**document.by_judge, **people}, "notes": {**document.notes, **notes}}
    )


def _unfinished(facts: EvaluationData, judges: Collection[str]) -> Ints:
    """Places of the prompts with a verdict still to come from one of these judges."""
    columns = facts.columns
    return present(columns.prompt[chosen(columns.is_of("main"), columns.missing, columns.is_by(judges))])


def _own(facts: EvaluationData, judge: str) -> Rows:
    """The rows of one judge on the prompts it has finished, with its repeats."""
    columns = facts.columns
    mine = columns.is_by([judge])
    used = chosen(columns.is_of("main"), mine, ~columns.is_at(_unfinished(facts, [judge])))
    rows = _with_repeats(facts, used)
    return rows[mine[rows]]


def _with_repeats(facts: EvaluationData, used: Rows) -> Rows:
    """Rows, and after them what judges said when they were asked again, on the prompts of these."""
    columns = facts.columns
    prompts = present(columns.prompt[used])
    again = chosen(columns.is_of("repeat"), ~columns.missing, columns.is_at(prompts))
    return np.concatenate([used, again])


def _prompts(facts: EvaluationData, rows: Rows) -> set[str]:
    order = facts.manifest.plan.order
    return {order[place] for place in present(facts.columns.prompt[rows]).tolist()}


def _with_accuracy(
    document: Analysis, facts: EvaluationData, evidence: Evidence, context: Context
) -> Analysis:
    """The document with right and wrong, where prompts say what is right."""
    known = unseen_sources(evidence)
    accuracy = right_and_wrong(
        facts, evidence.settings, None if known is None else known[0], context.checked
    )
    return document if accuracy is None else document.model_copy(update={"accuracy": accuracy})


def _with_tasks(document: Analysis, facts: EvaluationData, settings: Settings) -> Analysis:
    """The document with the benchmarks that both sides did."""
    tasks, notes = task_numbers(facts, settings)
    if tasks is None:
        return document
    return document.model_copy(update={"tasks": tasks, "notes": {**document.notes, **notes}})


def _checked(document: Analysis, evidence: Evidence) -> Analysis:
    """The document with its checks, and what may be said of its verdict after them."""
    checks = run_checks(evidence)
    document = document.model_copy(update={"checks": checks, "by_training": by_training(evidence)})
    document = with_people_first(document)
    return document.model_copy(update={"standing": standing_of(document)})


def _stopping(plan: Plan) -> EarlyStopping | None:
    rule = plan.stopping
    if rule is None:
        return None
    return EarlyStopping(order=plan.order, alpha=rule.alpha, max_prompts=rule.max_prompts)


def _control(facts: EvaluationData, kind: str, judges: Sequence[str]) -> VerdictTable | None:
    rows = chosen(facts.columns.is_of(kind), ~facts.columns.missing)
    return table(facts, rows, judges) if len(rows) else None


def _document(
    facts: EvaluationData,
    store: Store,
    parts: AnalysisParts,
    beside: AnalysisParts | None,
    apart: Mapping[str, AnalysisParts],
    aside: Mapping[str, str],
    *,
    interim: bool,
) -> Analysis:
    manifest, plan = facts.manifest, facts.manifest.plan
    notes = dict(parts.notes)
    if interim:
        notes["verdict"] = (
            "interim: verdicts are still missing, so none is given on complete prompts alone"
        )
    for name, why in stopped_judges(manifest).items():
        notes[f"by_judge.{name}"] = f"stopped, and therefore not in the headline: {why}"
    for name, why in aside.items():
        notes[f"by_judge.{name}"] = f"beside, not counted{' so far' if interim else ''}: {why}"
    for added in facts.work.added:
        notes[f"by_judge.{added.judge.id}"] = "added after the seal, and therefore not in the headline"
    said = parts.said()
    unjudged = _unjudged(facts)
    if unjudged:
        notes["win_rate"] = _why_unjudged(parts, aside, interim=interim)
        notes["verdict"] = notes["win_rate"]
        said |= {"win_rate": None, "by_category": {}, "by_source": {}, "by_sample": {}, "by_length": {}}
    suite = SuiteSummary(
        name=plan.suite.name,
        version=plan.suite.version,
        digest=plan.suite.digest(),
        prompts=len(plan.suite.prompts),
    )
    return Analysis(
        id=manifest.id,
        created=now(),
        version=versions.build(__version__),
        methods=versions.methods(),
        seal=manifest.seal,
        rows_digest=facts.digest,
        rows=row_counts(facts),
        interim=interim,
        suite=suite,
        candidate=_side(manifest, "candidate", plan.candidate),
        baseline=_side(manifest, "baseline", plan.baseline),
        counts=_counts(facts, parts),
        verdict=None if interim or unjudged else parts.verdict,
        verdict_reason="" if interim or unjudged else parts.verdict_reason,
        verdict_survives_missing=None if interim or unjudged else parts.verdict_survives_missing,
        by_judge=_judges(facts, parts, beside, apart),
        generation=generation(facts),
        cost=_cost(facts, store),
        notes=notes,
        **said,
    )


def _why_unjudged(parts: AnalysisParts, aside: Mapping[str, str], *, interim: bool) -> str:
    if not parts.by_judge and aside:
        return f"no judge counts ({'; '.join(f'`{name}`: {why}' for name, why in aside.items())})"
    return f"no verdict could be used{' yet' if interim else ''}"


def _unjudged(facts: EvaluationData) -> bool:
    """Pairs were to be judged and none was: identical answers are ties that nobody gave."""
    judges = set(counting_judges(facts))
    if not judges:
        return True
    columns = facts.columns
    shown = chosen(columns.is_of("main"), columns.is_by(judges), ~columns.identical)
    return len(shown) > 0 and not (columns.status[shown] == StatusCode.OK).any()


def _counts(facts: EvaluationData, parts: AnalysisParts) -> Counts:
    """Every planned verdict of the headline's judges, whatever became of it."""
    judges, columns = set(counting_judges(facts)), facts.columns
    rows = chosen(columns.is_of("main"), columns.is_by(judges))
    unreached = set(facts.manifest.plan.order) - set(facts.prompts)
    skipped = [t for t in facts.work.tasks(sorted(unreached)) if t.kind == "main" and t.judge in judges]
    statuses = np.bincount(columns.status[rows], minlength=len(StatusCode)).tolist()
    return Counts(
        prompts=parts.counts["prompts"],
        comparisons=distinct(columns.comparison[rows]),
        identical=distinct(columns.comparison[rows[columns.identical[rows]]]),
        half=parts.counts["half"],
        presentations=_presentations(facts, rows),
        verdicts=len(rows),
        ok=statuses[StatusCode.OK],
        invalid=statuses[StatusCode.INVALID],
        refused=statuses[StatusCode.REFUSED],
        error=statuses[StatusCode.ERROR],
        missing=statuses[StatusCode.MISSING],
        not_needed=len(skipped),
    )


def _presentations(facts: EvaluationData, rows: Rows) -> int:
    """How many different things the judges of some rows see: as many as `Presentation.digest` names."""
    columns, digests = facts.columns, facts.work.read_digests
    text: dict[str, int] = {}
    texts = np.array([text.setdefault(digests[n], len(text)) for n in facts.manifest.plan.order])
    answer: dict[str, int] = {}
    pairs = [[answer.setdefault(key, len(answer)) for key in pair] for pair in columns.pairs]
    sides = np.array(pairs, np.int64).reshape(-1, 2)[columns.pair[rows]]
    in_order = np.where(columns.position[rows, None] > 0, sides, sides[:, ::-1])
    _, shown = ranked(in_order[:, 0] * len(answer) + in_order[:, 1])
    first_is_a = columns.position[rows] * columns.label[rows] > 0
    read = texts[columns.prompt[rows]] * len(CRITERIA_ORDERS) + columns.criteria_order[rows]
    return distinct((shown * len(text) * len(CRITERIA_ORDERS) + read) * 2 + first_is_a)


def _judges(
    facts: EvaluationData,
    parts: AnalysisParts,
    beside: AnalysisParts | None,
    apart: Mapping[str, AnalysisParts],
) -> dict[str, JudgeNumbers]:
    """Each judge's numbers, in the panel's order, with who it is."""
    numbers = {**parts.by_judge, **(beside.by_judge if beside else {})}
    numbers |= {name: parts_of_judge.by_judge[name] for name, parts_of_judge in apart.items()}
    stopped, added = stopped_judges(facts.manifest), {s.judge.id for s in facts.work.added}
    drift = drift_of(facts.manifest)
    return {
        s.judge.id: numbers[s.judge.id].model_copy(
            update={
                "provider": str(s.judge.provider),
                "model": s.judge.model,
                "family": s.judge.family,
                "instrument": s.instrument,
                **({"added": True} if s.judge.id in added else {}),
                **({"stopped": stopped[s.judge.id]} if s.judge.id in stopped else {}),
                **({"drift": drift[s.judge.id]} if s.judge.id in drift else {}),
            }
        )
        for s in facts.work.panel_judges
        if s.judge.id in numbers
    }


def _side(manifest: Manifest, side: Side, pin: Pin) -> SideSummary:
    return SideSummary(
        name=manifest.names[side], digest=pin.digest, step=pin.step, base=str(pin.base), told=pin.told
    )


def _cost(facts: EvaluationData, store: Store) -> Cost:
    calls, totals = store.calls(facts.manifest.id)
    judged = len(chosen(facts.columns.heard, ~facts.columns.is_of("vote")))
    return Cost(
        usd=totals.get("usd", 0.0),
        calls=calls,
        requests=int(totals.get("attempts", 0)),
        lost=int(totals.get("lost", 0)),
        lost_usd=totals.get("lost_usd", 0.0),
        reused=max(0, judged - calls),
        input_tokens=int(totals.get("input_tokens", 0)),
        output_tokens=int(totals.get("output_tokens", 0)),
    )
