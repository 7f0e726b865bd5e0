"""Making an evaluation's answers: what is missing is sampled, kept as it comes, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from brie.evaluation.controls import damage
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import write_manifest
from brie.evaluation.work import Work
from brie.generate.engine import Engine
from brie.generate.progress import Meter
from brie.generate.turns import TurnEngine
from brie.progress import Screen
from brie.records import GenerationNotes
from brie.store import Store, claimed
from brie.store.owner import Owner

SECONDS = 3600.0
"""Longest time claimed completions may take before their claim lapses."""
_CLAIMED = 1024
"""Completions claimed together: enough to sort by length, and to keep a large batch full."""

_Fingerprints = Mapping[str, Mapping[str, int]]


def answer_all(
    evaluation: Evaluation,
    work: Work,
    prompts: Sequence[str],
    engine: TurnEngine,
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
    requests = {request.key: request for request in work.requests(prompts)}
    done = store.present("completions", requests)
    # One side after the other: a model that has to make room for the other is loaded once.
    missing = sorted((key for key in requests if key not in done), key=lambda key: requests[key].pin)
    if missing:
        if done:
            screen.say(f"{len(done)} of {len(requests)} answers are there already.")
        meter = Meter(len(missing))
        with screen.bar("generating", len(missing), "answers") as advance:
            for mine in claimed(store, "completions", missing, owner, chunk=_CLAIMED, seconds=SECONDS):
                for completion in engine.generate(requests[key] for key in mine):
                    store.add_completions([completion])
                    meter(completion)
                    advance(1, meter.rate)
        screen.say(meter.summary)
    _damage(work, prompts, store)
    return len(missing)


def _damage(work: Work, prompts: Sequence[str], store: Store) -> None:
    """Make the damaged controls from the completions they damage."""
    wanted = work.damages(prompts)
    done = store.present("completions", wanted)
    missing = [key for key in wanted if key not in done]
    sources = store.completions(wanted[key] for key in missing)
    made = [damage(sources[wanted[key]], work.plan.controls.damage) for key in missing]
    store.add_completions(made)


def _noticed(
    evaluation: Evaluation, engine: TurnEngine, before: _Fingerprints, screen: Screen
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
    made = GenerationNotes(
        texts=tried.texts if tried else notes.texts,
        changed_by_batch=tried.changed if tried else notes.changed_by_batch,
        fingerprints=_added(notes.fingerprints, before=before, now=engine.fingerprints),
        left_out={**notes.left_out, **engine.left_out},
    )
    if made == notes:
        return evaluation
    manifest = evaluation.manifest.model_copy(update={"made": made})
    write_manifest(evaluation.folder, manifest)
    return Evaluation(evaluation.folder, manifest)


def _added(
    counted: _Fingerprints, *, before: _Fingerprints, now: _Fingerprints
) -> dict[str, dict[str, int]]:
    """Counts kept so far and those since `before`, model by model."""
    by_model = {model: Counter(counts) for model, counts in counted.items()}
    for model, counts in now.items():
        new = Counter(counts) - Counter(before.get(model, {}))
        by_model[model] = by_model.get(model, Counter()) + new
    return {model: dict(sorted(counts.items())) for model, counts in sorted(by_model.items())}
