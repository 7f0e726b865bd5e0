"""A sweep's runs evaluated and compared: its settings as one table, a setting as a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from brie.analyse.arrays import Floats
from brie.analyse.crossed import FEWEST_RUNS, recipe_rate, settings_table
from brie.catalog import load_defaults
from brie.errors import Stopped, UsageError
from brie.evaluation.budget import Spending
from brie.evaluation.folders import evaluations, find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.request import EvalRequest, prepare
from brie.evaluation.rows import EvaluationData
from brie.evaluation.run import run_evaluation
from brie.evaluation.soundness import unsound
from brie.lines import command as command_line
from brie.number_format import plural
from brie.progress import Screen
from brie.project import Project
from brie.records import Manifest, Plan
from brie.records.sweeps import PlannedRun, RecipeTable, SettingsTable, SweepManifest, SweepTable
from brie.store import Store
from brie.studies.across import rates_of
from brie.studies.run_curve import Once
from brie.train.sweep_files import called, find_sweep, setting_of

PREFIX = "sweep:"
SHARE = "data_share"


@dataclass(frozen=True, slots=True)
class Asked:
    """What `sweep:NAME` or `sweep:NAME/SETTING` names."""

    sweep: SweepManifest
    setting: str | None
    """None: all of them."""

    @property
    def runs(self) -> list[PlannedRun]:
        """The planned runs that are meant."""
        return [run for run in self.sweep.plan.runs if self.setting in (None, run.setting)]


def asked_of(reference: str, project: Project) -> Asked:
    """What a reference to a sweep names.

    Raises:
        UsageError: no such sweep or setting, or a run of it is not trained yet.
    """
    name, _, setting = reference.removeprefix(PREFIX).partition("/")
    sweep = find_sweep(name, project)
    asked = Asked(sweep, setting_of(sweep, setting) if setting else None)
    missing = [run for run in asked.runs if run.identity not in sweep.done]
    if missing:
        again = command_line("train", "--resume", called(sweep))
        raise UsageError(
            f"{plural(len(missing), 'run')} of sweep {called(sweep)} not trained yet. Go on: {again}"
        )
    return asked


def evaluate_runs(
    asked: Asked,
    wishes: EvalRequest,
    project: Project,
    screen: Screen,
    *,
    command: str,
    spending: Spending,
) -> list[Manifest]:
    """Evaluate the `best` of every run, on one baseline's answers, each an evaluation of its own.

    Controls, which are about the judges, are part of a setting's first run alone. The budget is for all
    runs together.

    Raises:
        UsageError: the request cannot be met.
        Stopped: one is not finished; the same command goes on.
    """
    left = load_defaults(project).budget if spending.budget is None else spending.budget
    made: list[Manifest] = []
    once = Once(screen)
    for number, run in enumerate(asked.runs, 1):
        once.say(f"run {number} of {len(asked.runs)}: {run.setting}, seed {run.seed}")
        candidate = f"{asked.sweep.done[run.identity].run}:best"
        controls = wishes.controls if run.seed == asked.sweep.plan.seeds[0] else 0
        resolved, said = prepare(replace(wishes, candidate=candidate, controls=controls), project)
        for line in said:
            once.say(line)
        outcome = run_evaluation(
            resolved, project, once, command=command, spending=replace(spending, budget=left)
        )
        if outcome.stopped:
            raise Stopped(outcome.stopped)
        made.append(outcome.evaluation.manifest)
        with Store.open(project.store, read_only=True) as store:
            left = max(0.0, left - store.committed(outcome.evaluation.manifest.id))
    return made


def evaluated(asked: Asked, project: Project, like: str | None = None) -> list[Manifest]:
    """The evaluations of a sweep's runs that were asked one question: same suite, judges and sampling.

    Args:
        asked: the runs, in whose order they are returned.
        project: where the evaluations are.
        like: an evaluation of one of them, where they were asked several.

    Raises:
        UsageError: no question was put to all of them, or several were.
    """
    wanted = None if like is None else _question(find_evaluation(like, project).manifest.plan)
    best = [asked.sweep.done[run.identity].best for run in asked.runs]
    by_question: dict[str, dict[str, Manifest]] = {}
    for evaluation in sorted(evaluations(project), key=lambda e: e.manifest.created):
        manifest = evaluation.manifest
        digest = manifest.plan.candidate.digest
        if digest not in best or unsound(manifest) or wanted not in (None, _question(manifest.plan)):
            continue
        by_question.setdefault(_question(manifest.plan), {}).setdefault(digest, manifest)
    whole = [of for of in by_question.values() if len(of) == len(set(best))]
    name = called(asked.sweep)
    if not whole:
        most = max((sum(d in of for d in best) for of in by_question.values()), default=0)
        again = command_line("eval", "--suite", "NAME", "--candidate", f"{PREFIX}{name}")
        raise UsageError(
            f"of the {plural(len(asked.runs), 'run')} of sweep {name}, {most} were evaluated on one "
            f"suite by the same judges. Evaluate all of them: {again}"
        )
    if len(whole) > 1:
        ways = "".join(
            f"\n  {command_line('compare', name, '--like', first.id)}  ({first.plan.suite.name})"
            for first in (next(iter(of.values())) for of in whole)
        )
        raise UsageError(f"sweep {name} was evaluated in {len(whole)} ways; choose one:{ways}")
    return [whole[0][digest] for digest in best]


def _question(plan: Plan) -> str:
    """What two evaluations must share to be held against each other."""
    seats = [(seat.digest, seat.rubric_digest) for seat in plan.seats if not seat.instrument]
    parts = (plan.suite.digest(), plan.baseline.digest, sorted(seats), plan.sampling.model_dump_json())
    return repr((*parts, plan.samples, plan.positions))


def settings_compared(asked: Asked, manifests: Sequence[Manifest], store: Store) -> SweepTable:
    """All settings of a sweep, with intervals over prompts and seeds (schema `brie.sweep-table/1`).

    Raises:
        UsageError: no prompt is judged for every run.
    """
    rates, warnings = _rates(manifests, store)
    runs = asked.runs
    of = {name: [at for at, run in enumerate(runs) if run.setting == name] for name in _names(asked)}
    settings = asked.sweep.plan.settings
    table = settings_table(
        {name: rates[places] for name, places in of.items()}, _shares(settings), seed=0
    )
    plan, sweep = manifests[0].plan, asked.sweep
    return SweepTable(
        sweep=sweep.id,
        name=called(sweep),
        seal=sweep.seal,
        suite=plan.suite.name,
        baseline=manifests[0].names["baseline"],
        judges=tuple(seat.judge.id for seat in plan.seats if not seat.instrument),
        table=table,
        evaluations={n: tuple(manifests[at].id for at in places) for n, places in of.items()},
        scope=_scope(table),
        warnings=tuple(warnings),
    )


def recipe_measured(asked: Asked, manifests: Sequence[Manifest], store: Store) -> RecipeTable:
    """One setting, of which every run is a draw (schema `brie.recipe/1`).

    Raises:
        UsageError: no prompt is judged for every run.
    """
    assert asked.setting is not None, "a setting is named"
    rates, warnings = _rates(manifests, store)
    plan, sweep, rate = manifests[0].plan, asked.sweep, recipe_rate(rates)
    return RecipeTable(
        sweep=sweep.id,
        name=called(sweep),
        seal=sweep.seal,
        setting=asked.setting,
        suite=plan.suite.name,
        baseline=manifests[0].names["baseline"],
        judges=tuple(seat.judge.id for seat in plan.seats if not seat.instrument),
        rate=rate,
        evaluations=tuple(m.id for m in manifests),
        scope=_recipe_scope(rate.runs),
        warnings=tuple(warnings),
    )


def _names(asked: Asked) -> list[str]:
    return list(dict.fromkeys(run.setting for run in asked.runs))


def _rates(manifests: Sequence[Manifest], store: Store) -> tuple[Floats, list[str]]:
    """Prompt means, (evaluations, prompts that all of them have), and what to be careful about."""
    gathered = [gather(manifest, store) for manifest in manifests]
    by_evaluation = rates_of(gathered)
    every = [by_evaluation[manifest.id] for manifest in manifests]
    shared = sorted(set.intersection(*(set(rates) for rates in every)))
    if not shared:
        raise UsageError(
            "no prompt is judged for every run yet; give the evaluation's command again to go on."
        )
    table = np.array([[rates[prompt] for prompt in shared] for rates in every])
    return table, list(_warnings(gathered, len(shared)))


def _warnings(gathered: Sequence[EvaluationData], shared: int) -> Iterable[str]:
    planned = len(gathered[0].manifest.plan.order)
    if shared < planned:
        yield f"only {shared:,} of {plural(planned, 'prompt')} are judged for every run"


def _scope(table: SettingsTable) -> str:
    if table.runs == 1:
        return "each setting has one run: checkpoints are compared, not settings; --seeds trains more"
    if table.freedom is None:
        return f"{plural(table.runs, 'seed')} each: too few runs or prompts for intervals"
    return f"settings are compared: prompts and seeds are drawn anew, {plural(table.runs, 'seed')} each"


def _recipe_scope(runs: int) -> str:
    if runs < FEWEST_RUNS:
        return f"the range of {plural(runs, 'run')}; from {FEWEST_RUNS} seeds on there is an interval"
    return "the recipe is measured: prompts and seeds are drawn anew"


def _shares(settings: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, float]] | None:
    """Setting -> its other settings and its share of the data; None where shares were not varied."""
    shares: dict[str, tuple[str, float]] = {}
    for name, given in settings.items():
        values = dict(part.partition("=")[::2] for part in given)
        share = float(values.pop(SHARE, "1"))
        shares[name] = (repr(sorted(values.items())), share)
    return shares if len({share for _, share in shares.values()}) > 1 else None
