"""Which prompts people are asked about: drawn at random, in proportion to the categories.

    brie judge EVAL --people 80

The draw is a link in the evaluation's chain, made before the first of these votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from brie.digest import text_digest
from brie.errors import UsageError
from brie.evaluation.extend import answered
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import amend, write_manifest
from brie.evaluation.votes import Pair, asked_of_people, votes_by_prompt
from brie.evaluation.work import Work, completion_texts
from brie.number_format import plural
from brie.records import Manifest, Status
from brie.store import Store


def ask_people(evaluation: Evaluation, prompts: int, store: Store) -> Evaluation:
    """Draw the prompts that people vote on, and chain the draw to the seal.

    More than before adds prompts; as many as are labelled already ends it, and the rest are skipped.

    Args:
        evaluation: whose answers are there.
        prompts: how many.
        store: answers and votes.

    Raises:
        UsageError: fewer prompts than have been planned and more than are labelled, or too many.
    """
    manifest = evaluation.manifest
    if manifest.plan.stopping is not None:
        raise UsageError(
            "an evaluation with safe early stopping has no anchored rate: its rule decides. "
            "Evaluate without --until-decided."
        )
    work = Work.of(manifest)
    there = set(answered(work, store))
    before = asked_of_people(manifest)
    every = [pair for pair in _drawn(manifest) if pair[0] in there]
    if prompts > len(every):
        raise UsageError(f"--people {prompts}: the evaluation has {plural(len(every), 'prompt')}.")
    kept = set(before)
    wanted: Sequence[Pair] = [*before, *(pair for pair in every if pair not in kept)][:prompts]
    if prompts < len(before):
        wanted = [pair for pair in before if pair in set(labelled(manifest, work, store))]
        if len(wanted) != prompts:
            raise UsageError(
                f"{len(before)} prompts were planned and {len(wanted)} have a vote; fewer would be a "
                f"choice made after the votes. To skip the rest: --people {len(wanted)}."
            )
    if tuple(wanted) == before:
        return evaluation
    detail: dict[str, JsonValue] = {
        "pairs": [list(pair) for pair in wanted],
        "skipped": max(0, len(before) - len(wanted)),
    }
    amended = amend(manifest, "people", detail, verdicts_before=store.newest())
    write_manifest(evaluation.folder, amended)
    return Evaluation(evaluation.folder, amended)


def labelled(manifest: Manifest, work: Work, store: Store) -> list[Pair]:
    """The planned pairs that have a vote, or two answers that are the same."""
    planned = asked_of_people(manifest)
    votes = votes_by_prompt(manifest, work)
    tasks = [task for name, _ in planned for task in votes.get(name, ())]
    cast = store.statuses(task.key for task in tasks)
    voted = {(t.prompt, t.sample) for t in tasks if cast.get(t.key) is Status.OK}
    texts = completion_texts(work, [name for name, _ in planned], store)
    return [
        (name, sample)
        for name, sample in planned
        if (name, sample) in voted or _alike(work, name, sample, texts)
    ]


def _drawn(manifest: Manifest) -> list[Pair]:
    """Every prompt with one random sample, so ordered that any number of the first is a random draw in
    proportion to the categories."""
    by_category: dict[str, list[str]] = {}
    for prompt in sorted(manifest.plan.suite.prompts, key=lambda p: _random(manifest, "prompt", p.id)):
        by_category.setdefault(prompt.category, []).append(prompt.id)
    places = [
        ((rank + _share(manifest, category)) / len(names), category, name)
        for category, names in by_category.items()
        for rank, name in enumerate(dict.fromkeys(names))
    ]
    samples = manifest.plan.samples
    return [(name, int(_random(manifest, "sample", name), 16) % samples) for _, _, name in sorted(places)]


def _random(manifest: Manifest, *parts: str) -> str:
    return text_digest(" ".join(("people", manifest.seal, *parts))).removeprefix("sha256:")


def _share(manifest: Manifest, category: str) -> float:
    """Where in the first gap a category's first prompt stands, at random between 0 and 1."""
    return int(_random(manifest, "category", category)[:12], 16) / 16**12


def _alike(work: Work, prompt: str, sample: int, texts: Mapping[str, str]) -> bool:
    keys = [work.key(side, prompt, sample) for side in ("candidate", "baseline")]
    first, second = (texts.get(key) for key in keys)
    return first is not None and first == second
