"""From names a person typed to what an evaluation is to be: every default is resolved here."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from brie.benchmarks.naming import AskedAs, located
from brie.catalog import Panel, load_defaults, load_judge, load_panel, load_rubric, load_suite
from brie.conventions import CONTROLS
from brie.errors import UsageError, unknown
from brie.evaluation.anchors import as_now
from brie.evaluation.asked_sampling import engine_of, settled_sampling
from brie.evaluation.benchmarks import load_asked
from brie.evaluation.choice import Choice, choose, refuse_mute_rule
from brie.evaluation.code_checks import refuse_code
from brie.evaluation.criteria import readable_orders
from brie.evaluation.gather import without_collection
from brie.evaluation.given import PREFIX, pair_of, refuse_settings, samples_of, suite_of
from brie.evaluation.known_pairs import with_rules
from brie.evaluation.plan import ResolvedRequest, panel_judge
from brie.evaluation.side_prompts import remarks
from brie.evaluation.sides import resolve_sides
from brie.judge.machine_checks import refuse_broken
from brie.judge.prompt import PromptBuilder
from brie.judge.settings import LEAVE_OUT, WITHOUT_KEYS, check, check_keys, form_of, missing_key
from brie.pin import Resolved, default_candidate, open_base
from brie.project import Project
from brie.records import JudgeSpec, LocalEngine, PanelJudge, Positions, Stopping, Suite


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """An evaluation as it is asked for; None takes the project's or the suite's default."""

    suite: str | None = None
    """None: the prompts of a file of answers."""
    candidate: str | None = None
    baseline: str | None = None
    """None: the candidate's base."""
    pairs: str | None = None
    """A file of answers of which candidate and baseline are columns or models."""
    prompt: str | None = None
    """The column of its prompts, where it is not plain."""
    base: str | None = None
    """What an adapter's base is, where its own files do not lead to it."""
    thinking: bool | None = None
    judges: tuple[str, ...] = ()
    panel: str | None = None
    samples: int | None = None
    positions: Positions = "both"
    criteria_orders: int = 1
    """In how many orders, 2 or 3, judges read their rubric's criteria; 1: the rubric's own."""
    controls: int = CONTROLS
    seed: int = 0
    temperature: float | None = None
    max_new_tokens: int | None = None
    sampling: Literal["suite", "model"] = "suite"
    """`model`: as the baseline's own generation config says."""
    system: Literal["refuse", "fold"] | None = None
    """What becomes of a system turn that a template has no place for; None: as the suite says."""
    paired_noise: bool = False
    """Both sides meet the same draws: for an exported model against its checkpoint."""
    allow_different_templates: bool = False
    until_decided: bool = False
    max_prompts: int | None = None
    hold_out_sources: tuple[str, ...] = ()
    """Sources of the suite that the candidate was not trained on."""
    device: str | None = None
    dtype: str | None = None
    engine: LocalEngine | None = None
    """What answers for models in folders; None: as `brie.toml` says."""
    allow_code: bool = False
    """Python that the suite checks answers with, or that comes with tasks, may run here."""
    tasks: tuple[str, ...] = ()
    """lm-eval's tasks that both sides do beside it: names, task files or folders of them."""
    task_documents: int | None = None
    """Documents of each task that are done, a draw; None: all."""
    tasks_as: AskedAs = "auto"
    """Whether their documents are asked as conversations or as plain text."""
    skip_missing_judges: bool = False
    """Leave out judges whose keys are not set; the plan says who."""
    typed: str = ""
    """The command as it was typed, to be given again with a judge; "": `brie eval` of this suite."""


@without_collection()
def prepare(wishes: EvalRequest, project: Project) -> tuple[ResolvedRequest, list[str]]:
    """Resolve every name; returns what to evaluate, and what was decided on the way, to be said.

    Raises:
        UsageError, InputError, PinError: a name is unknown, a file is wrong, or a choice is missing.
    """
    wishes = _of_files(wishes)
    suite = load_suite(wishes.suite, project) if wishes.suite else None
    named = _named(wishes, project)
    chosen = _seats(named, suite, project) if named and suite else None
    decisions: list[str] = []
    candidate = wishes.candidate
    if candidate is None:
        candidate = default_candidate(project)
        decisions.append(f"candidate: {candidate}, the only trained model here.")
    sides = resolve_sides(candidate, wishes.baseline or "base", project, wishes.base)
    refuse_settings(_settings_of(wishes), sides)
    suite, left_out_prompts = suite_of(sides, suite)
    decisions += left_out_prompts + remarks(sides, suite)
    refuse_broken(suite)
    refuse_code(suite, allowed=wishes.allow_code)
    if named is not None and chosen is None:
        chosen = _seats(named, suite, project)
    if named is None or chosen is None:
        named = choose(suite, project, _typed(wishes))
        decisions.append(named.said)
        chosen = _seats(named, suite, project)
    panel_judges, left_out = _with_keys(chosen, wishes)
    panel_judges = with_rules(panel_judges, wishes.positions, project, early=wishes.until_decided)
    decisions += [f"left out, because its key is not set: {name}" for name in left_out]
    decisions += [f"judge {s.judge.id}: {s.judge.model}" for s in panel_judges if s.judge.location]
    left_out = (*named.left_out, *left_out)
    engine = engine_of(wishes, sides, project)
    sampling, settled = settled_sampling(wishes, suite, sides, engine)
    decisions += settled
    task_names = tuple(located(reference, project.root) for reference in wishes.tasks)
    tasks = load_asked(
        task_names, sides, project,
        asked_as=wishes.tasks_as, most=wishes.task_documents,
        allow_code=wishes.allow_code, say=decisions.append,
    )  # fmt: skip
    samples = samples_of(sides, suite, wishes.samples)
    if samples is None:
        samples = wishes.samples or load_defaults(project).samples
    asked = ResolvedRequest(
        suite=suite,
        candidate=sides[0],
        baseline=sides[1],
        panel_judges=panel_judges,
        panel=named.name,
        left_out=left_out,
        sampling=sampling,
        samples=samples,
        positions=wishes.positions,
        criteria_orders=readable_orders(wishes.criteria_orders, panel_judges),
        controls=wishes.controls,
        seed=wishes.seed,
        stopping=_stopping(wishes, suite),
        allow_different_templates=wishes.allow_different_templates,
        held_out_sources=_held_out(wishes, suite),
        device=wishes.device,
        dtype=wishes.dtype,
        engine=engine,
        tasks=tasks,
        task_names=task_names,
    )
    return asked, _facts(sides) + decisions


def _of_files(wishes: EvalRequest) -> EvalRequest:
    """The wishes with `--pairs FILE` and `--prompt` written into the references of both sides.

    Raises:
        UsageError: a side of the pairs is not named, or nothing says what is asked.
    """
    sides = (wishes.candidate, wishes.baseline)
    if wishes.pairs is not None:
        candidate, baseline = pair_of(
            wishes.pairs, candidate=wishes.candidate, baseline=wishes.baseline, prompt=wishes.prompt
        )
        return replace(wishes, candidate=candidate, baseline=baseline)
    files = [side for side in sides if side is not None and side.startswith(PREFIX)]
    if wishes.suite is None and not files:
        raise UsageError("say what is asked: --suite NAME, or answers that exist: --pairs FILE.")
    if wishes.prompt is None:
        return wishes
    if not files:
        raise UsageError(
            "--prompt names the column of prompts of a file of answers, and no side is one."
        )
    with_prompt = [
        f"{side}?prompt={wishes.prompt}" if side in files and "?prompt=" not in str(side) else side
        for side in sides
    ]
    return replace(wishes, candidate=with_prompt[0], baseline=with_prompt[1])


def _settings_of(wishes: EvalRequest) -> list[str]:
    """Options that were given and set how a model answers."""
    given = {
        "--temperature": wishes.temperature,
        "--max-new-tokens": wishes.max_new_tokens,
        "--thinking": wishes.thinking,
        "--system": wishes.system,
        "--device": wishes.device,
        "--dtype": wishes.dtype,
        "--engine": wishes.engine,
        "--base": wishes.base,
        "--sampling model": True if wishes.sampling == "model" else None,
        "--paired-noise": True if wishes.paired_noise else None,
    }
    return [name for name, value in given.items() if value is not None]


def _held_out(wishes: EvalRequest, suite: Suite) -> tuple[str, ...]:
    """The named sources, each of which must be one of the suite's, and not all of them."""
    suite_sources = {p.source for p in suite.prompts}
    for name in wishes.hold_out_sources:
        if name not in suite_sources:
            raise unknown("source", name, suite_sources, f"It must be one of suite {suite.name!r}.")
    named = tuple(sorted(set(wishes.hold_out_sources)))
    if named and len(named) == len(suite_sources):
        raise UsageError(
            "every source of the suite is held out, so nothing is left to compare with; name fewer."
        )
    return named


def _stopping(wishes: EvalRequest, suite: Suite) -> Stopping | None:
    if not wishes.until_decided:
        if wishes.max_prompts is not None:
            raise UsageError("--max-prompts belongs to --until-decided: say both, or neither.")
        return None
    most = len(suite.prompts)
    return Stopping(max_prompts=min(wishes.max_prompts or most, most))


def _facts(sides: Sequence[Resolved]) -> list[str]:
    return list(dict.fromkeys(note for side in sides for note in side.notes))


def _named(wishes: EvalRequest, project: Project) -> Choice | None:
    """The judges that are named, on the command line or in `brie.toml`; None where there are none."""
    if wishes.judges and wishes.panel:
        raise UsageError("name judges with --judge or a panel with --panel, not both.")
    if wishes.judges:
        return Choice("named judges", Panel(judges=wishes.judges), "")
    panel = wishes.panel or load_defaults(project).panel
    return Choice(panel, load_panel(panel, project), "") if panel else None


def _typed(wishes: EvalRequest) -> list[str]:
    """The command these wishes come from; where it is not known, as far as it names what is compared."""
    if wishes.typed:
        return shlex.split(wishes.typed)
    candidate = ["--candidate", wishes.candidate] if wishes.candidate else []
    baseline = ["--baseline", wishes.baseline] if wishes.baseline else []
    suite = ["--suite", wishes.suite] if wishes.suite else []
    return ["brie", "eval", *suite, *candidate, *(baseline if not suite else [])]


def _seats(named: Choice, suite: Suite, project: Project) -> tuple[PanelJudge, ...]:
    """The judges of the headline, then the instruments."""
    chosen = named.panel
    names = chosen.judges
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UsageError(f"judge {sorted(twice)[0]!r} is named twice.")
    panel_judges = [_member(load_judge(name, project), suite, project) for name in names]
    panel_judges += [
        _member(load_judge(name, project), suite, project, instrument=True)
        for name in chosen.instruments
        if name not in names
    ]
    return tuple(panel_judges)


def _member(judge: JudgeSpec, suite: Suite, project: Project, *, instrument: bool = False) -> PanelJudge:
    if judge.provided.kind == "rule":
        refuse_mute_rule(judge, suite)
        return panel_judge(judge, None, instrument=instrument)
    return model_judge(judge, suite, project, instrument=instrument)


def model_judge(
    judge: JudgeSpec,
    suite: Suite,
    project: Project,
    *,
    instrument: bool = False,
    sealed: PanelJudge | None = None,
) -> PanelJudge:
    """A judge of the panel that is a model: its settings checked, its rubric read, its weights found.

    Args:
        judge: as its file says.
        suite: names the rubric where the judge does not.
        project: where rubrics and weights are looked for.
        instrument: whether it stands beside the headline.
        sealed: as a plan has it, where it is in one.

    Raises:
        UsageError, InputError: a setting, the rubric or the weights; the message names the file.
    """
    check(judge)
    if sealed is None:
        judge = as_now(judge, project)
    rubric = None
    if not judge.provided.scores:
        rubric = load_rubric(judge.rubric or suite.rubric, project)
        PromptBuilder(rubric, form_of(judge))
    weights = str(sealed.judge.parameters.get("weights")) if sealed else None
    return panel_judge(_located(judge, project, weights), rubric, instrument=instrument)


def _located(judge: JudgeSpec, project: Project, weights_digest: str | None) -> JudgeSpec:
    """A local judge with its weights found and pinned: their digest is part of who it is."""
    if not judge.provided.weights:
        return judge
    folder, pin, _ = open_base(judge.model, project.root, weights_digest)
    weights = {**judge.parameters, "weights": pin.digest}
    return judge.model_copy(
        update={"model": str(pin.base), "parameters": weights, "location": str(folder)}
    )


def _with_keys(
    panel_judges: tuple[PanelJudge, ...], wishes: EvalRequest
) -> tuple[tuple[PanelJudge, ...], tuple[str, ...]]:
    """The judges whose keys are there, where the others may be left out; and who was."""
    if not wishes.skip_missing_judges:
        return panel_judges, ()
    left_out = tuple(s.judge.id for s in panel_judges if missing_key(s.judge))
    reachable = tuple(s for s in panel_judges if s.judge.id not in left_out)
    if all(s.instrument for s in reachable):
        check_keys(panel_judges, WITHOUT_KEYS.removeprefix(LEAVE_OUT))
    return reachable, left_out
