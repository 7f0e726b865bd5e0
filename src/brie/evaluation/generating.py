"""Making an evaluation's answers: what is missing is sampled, kept as it comes, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

from brie.errors import UsageError
from brie.evaluation.benchmarks import load_sealed, run_tasks
from brie.evaluation.budget import Consent, unasked
from brie.evaluation.context import resolved
from brie.evaluation.controls import damage
from brie.evaluation.destinations import agree_to_servers
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import change
from brie.evaluation.plan import FILES, LLAMA, SERVED, ResolvedRequest
from brie.evaluation.sides import sources
from brie.evaluation.soundness import refuse_unsound
from brie.evaluation.work import Work
from brie.forms.programs import versions_of
from brie.generate.engine import Engine
from brie.generate.progress import Meter
from brie.generate.shared import SharedEngine
from brie.generate.turns import Source, TurnEngine, open_engine
from brie.pin import Resolved
from brie.progress import Screen
from brie.project import Project
from brie.records import Completion, Environment, GenerationNotes, Manifest, Pin, Plan, Side
from brie.store import Store, claimed
from brie.store.owner import Owner
from brie.workers import Workers

SECONDS = 3600.0
"""Longest time claimed completions may take before their claim lapses."""
_CLAIMED = 1024
"""Completions claimed together, for each who makes some: enough to sort by length, and to keep a large
batch full."""
_SURELY_SHORT = 400
"""Characters that fit every model's context, whatever its tokenizer does."""

_Fingerprints = Mapping[str, Mapping[str, int]]


def environment_of(asked: ResolvedRequest) -> tuple[Environment, str]:
    """Where answers are made, with the reason: this machine, or servers alone."""
    sides = (asked.candidate, asked.baseline)
    if all(side.given is not None for side in sides):
        return FILES, "files of answers"
    from brie.generate.environment import detect_environment

    programs = versions_of({side.pin.read_by for side in sides if side.pin.read_by is not None})
    if any(side.here for side in sides):
        environment, reason = detect_environment(asked.device, dtype=asked.dtype, engine=asked.engine)
    elif any(side.started is not None for side in sides):
        environment, reason = LLAMA, "a server of its own"
    else:
        return SERVED, "servers"
    listed = (f"{name} by {release}" for name, release in programs.items())
    programs = {**environment.programs, **programs}
    return environment.model_copy(update={"programs": programs}), "; ".join((reason, *listed))


def check_prompts(plan: Plan, sides: Sequence[Resolved]) -> None:
    """Whether both sides can read every prompt: their tokens, and room for an answer.

    Raises:
        PinError: an adapter was trained with another tokenizer than its base's.
        UsageError: a prompt is too long; names it and both lengths.
    """
    names: tuple[Side, Side] = ("candidate", "baseline")
    loaded = [(name, side) for name, side in zip(names, sides, strict=True) if side.here]
    if not loaded:
        return
    from brie.generate.encode import Encoder, refuse_unreadable
    from brie.pin.tokenizers import refuse_other_tokenizer

    work = Work.shared(plan)
    for name, side in loaded:
        messages = work.read_by(name)
        characters = max(sum(len(m.content) for m in turns) for turns in messages.values())
        instructed = any(m.role == "system" for turns in messages.values() for m in turns)
        if side.adapter is not None:
            refuse_other_tokenizer(base=side.base_folder, adapter=side.adapter)
        if characters > _SURELY_SHORT or instructed:
            encoder = Encoder.load(side.base_folder, adapter=side.adapter, template=side.template)
            also = side.name if side.pin.told is not None else ""
            refuse_unreadable(messages, encoder, plan.sampling, told=also)


def answer_all(
    evaluation: Evaluation,
    work: Work,
    prompts: Sequence[str],
    engine: TurnEngine | SharedEngine,
    store: Store,
    owner: Owner,
    screen: Screen,
) -> tuple[Evaluation, int]:
    """Sample what is missing, and write into the manifest what was noticed meanwhile.

    Returns:
        The evaluation with its manifest as it stands now, and how many answers were missing.
    """
    before, count = engine.fingerprints, 0
    try:
        count = generate(work, prompts, engine, store, owner, screen)
    finally:
        evaluation = _noticed(evaluation, engine, before, screen)
    return evaluation, count


def generate(
    work: Work, prompts: Sequence[str], engine: Engine, store: Store, owner: Owner, screen: Screen
) -> int:
    """Sample every completion that is missing; returns how many were.

    Args:
        work: the plan's work.
        prompts: the prompts to answer.
        engine: what answers, for both sides.
        store: where completions are kept, each as it comes.
        owner: this process.
        screen: progress.
    """
    wanted = work.answer_keys(prompts)
    done = store.present("completions", wanted)
    asked = work.answers(prompts) if len(done) < len(wanted) else {}
    requests = {key: work.request(*answer) for key, answer in asked.items() if key not in done}
    together = _CLAIMED * (engine.count if isinstance(engine, SharedEngine) else 1)
    # One side after the other: a model that has to make room for the other is loaded once.
    missing = sorted(requests, key=lambda key: requests[key].pin)
    if missing:
        if done:
            screen.say(f"{len(done):,} of {len(wanted):,} answers are there already.")
        meter = Meter(len(missing))
        with screen.bar("generating", len(missing), "answers") as advance:
            for mine in claimed(
                store, "completions", missing, owner, chunk=together, seconds=SECONDS, say=screen.say
            ):
                for some in _kept_together(engine.generate(requests[key] for key in mine), work.plan):
                    if not meter.done:
                        _say_idle(work.plan, engine, screen)
                    store.add_completions(some)
                    for completion in some:
                        meter(completion)
                    advance(len(some), meter.rate)
        if work.plan.environment != FILES:
            screen.say(meter.summary)
    _damage(work, prompts, store)
    return len(missing)


def _kept_together(made: Iterable[Completion], plan: Plan) -> Iterator[list[Completion]]:
    """Answers as they are kept: each as it comes, but for those of files, which nobody has to make
    again."""
    answers, together = iter(made), _CLAIMED if plan.environment == FILES else 1
    while some := list(islice(answers, together)):
        yield some


def _idle(plan: Plan, engine: Engine) -> tuple[Side, ...]:
    """Sides whose adapter was loaded and changes nothing."""
    idle = engine.idle if isinstance(engine, TurnEngine | SharedEngine) else set()
    sides: tuple[tuple[Side, Pin], ...] = (("candidate", plan.candidate), ("baseline", plan.baseline))
    return tuple(side for side, pin in sides if pin.digest in idle)


def _say_idle(plan: Plan, engine: Engine, screen: Screen) -> None:
    for side in _idle(plan, engine):
        screen.say(
            f"the {side}'s adapter changes nothing: with it, prompts have the same logits as without. "
            "This compares a model with itself."
        )


def _damage(work: Work, prompts: Sequence[str], store: Store) -> None:
    """Make the damaged controls from the completions they damage."""
    wanted = work.damages(prompts)
    done = store.present("completions", wanted)
    missing = [key for key in wanted if key not in done]
    sources = store.completions(wanted[key] for key in missing)
    made = [damage(sources[wanted[key]], work.plan.controls.damage) for key in missing]
    store.add_completions(made)


def _noticed(
    evaluation: Evaluation, engine: TurnEngine | SharedEngine, before: _Fingerprints, screen: Screen
) -> Evaluation:
    notes = evaluation.manifest.made or GenerationNotes()
    tried = engine.batch_variance() if not notes.texts else None
    if tried is not None:
        screen.say(str(tried))
    for label, names in engine.left_out.items():
        if notes.left_out.get(label) != names:
            screen.say(
                f"{label} refuses {', '.join(names)}; there its own settings hold, for both sides."
            )
    for label, names in engine.ignored.items():
        if notes.ignored.get(label) != names:
            screen.say(
                f"{label} takes {', '.join(names)} and does not honour it: its own settings hold, for "
                "both sides, and its answers cannot be repeated."
            )

    def noticed(now: Manifest) -> Manifest:
        so_far = now.made or GenerationNotes()
        made = GenerationNotes(
            texts=tried.texts if tried else so_far.texts,
            changed_by_batch=tried.changed if tried else so_far.changed_by_batch,
            fingerprints=_added(so_far.fingerprints, before=before, now=engine.fingerprints),
            left_out={**so_far.left_out, **engine.left_out},
            ignored={**so_far.ignored, **engine.ignored},
            idle=tuple(dict.fromkeys((*so_far.idle, *_idle(now.plan, engine)))),
        )
        return now if made == so_far else now.model_copy(update={"made": made})

    if noticed(evaluation.manifest) is evaluation.manifest:
        return evaluation
    return Evaluation(evaluation.folder, change(evaluation.folder, noticed))


def _added(
    counted: _Fingerprints, *, before: _Fingerprints, now: _Fingerprints
) -> dict[str, dict[str, int]]:
    """Counts kept so far and those since `before`, model by model."""
    by_model = {model: Counter(counts) for model, counts in counted.items()}
    for model, counts in now.items():
        new = Counter(counts) - Counter(before.get(model, {}))
        by_model[model] = by_model.get(model, Counter()) + new
    return {model: dict(sorted(counts.items())) for model, counts in sorted(by_model.items())}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of making an evaluation's answers."""

    evaluation: str
    computed: int
    prompts: int

    def __str__(self) -> str:
        made = f"{self.computed:,} answers made" if self.computed else "no answer was missing"
        return f"{made}; {self.prompts:,} prompts are answered. Next: brie judge {self.evaluation}"


def make_answers(
    evaluation: Evaluation,
    project: Project,
    screen: Screen,
    consent: Consent = unasked,
    *,
    allow_code: bool = False,
    workers: Workers | None = None,
) -> Answered:
    """Sample every answer a sealed evaluation still lacks, and run its tasks; no judge is asked.

    Args:
        evaluation: which.
        project: where its models are.
        screen: progress.
        consent: asks before prompts go to another machine.
        allow_code: code that comes with its tasks may run here.
        workers: who makes what models of this machine answer; None: this process.

    Raises:
        SealBroken: the plan is not the one that was sealed.
        PinError: a model here is another than the sealed one.
        UsageError: a model is not here, this machine is another kind than the sealed one, or nobody
            agreed.
    """
    manifest = evaluation.manifest
    refuse_unsound(manifest)
    sides = resolved(manifest, project)
    agree_to_servers(sides, project, consent, screen.say)
    environment = manifest.plan.environment
    refuse_another(environment)
    check_prompts(manifest.plan, sides)
    work = Work.of(manifest)
    answering = sources(sides, project, manifest.plan.suite)
    with (
        Store.open(project.store) as store,
        Owner(project.runs / ".owners") as owner,
        _engine(answering, environment, workers, screen) as engine,
    ):
        prompts = list(work.plan.order)
        with _lender(engine, answering, environment) as lender:
            run_tasks(
                manifest.plan,
                lambda: load_sealed(manifest, project, allow_code=allow_code, say=screen.say),
                lender, store, owner, screen,
            )  # fmt: skip
        _, computed = answer_all(evaluation, work, prompts, engine, store, owner, screen)
    return Answered(manifest.id, computed, len(prompts))


def _engine(
    answering: Mapping[str, Source], environment: Environment, workers: Workers | None, screen: Screen
) -> TurnEngine | SharedEngine:
    if workers is None:
        return open_engine(answering, environment)
    return SharedEngine(answering, environment, workers, screen.say)


def _lender(
    engine: TurnEngine | SharedEngine, answering: Mapping[str, Source], environment: Environment
) -> AbstractContextManager[TurnEngine]:
    """What lends its models to tasks: where others make the answers, one that is here."""
    if isinstance(engine, TurnEngine):
        return nullcontext(engine)
    return open_engine(answering, environment)


def refuse_another(sealed: Environment) -> None:
    """Answers of two environments are never mixed in one evaluation (invariant I7).

    Raises:
        UsageError: names the field that differs.
    """
    if sealed in (SERVED, FILES):
        return
    from brie.generate.environment import detect_environment

    here = LLAMA
    if sealed.engine != LLAMA.engine:
        here, _ = detect_environment(sealed.device, dtype=sealed.dtype, engine=sealed.engine)
    here = here.model_copy(update={"programs": versions_of(sealed.programs)})
    apart = [
        f"{name} is {getattr(here, name)} here and {getattr(sealed, name)} in the plan"
        for name in Environment.model_fields
        if getattr(here, name) != getattr(sealed, name)
    ]
    if apart:
        raise UsageError(f"this machine cannot make answers for that plan: {'; '.join(apart)}.")
