"""Which prompts people are asked about: drawn at random, in proportion to the categories.

    brie judge EVAL --people 80

The draw is a link in the evaluation's chain, made before the first of these votes.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from brie.analyse.anchored import FEWEST_LABELLED, width_of
from brie.digest import text_digest
from brie.errors import UsageError
from brie.evaluation.extend import answered
from brie.evaluation.folders import Evaluation
from brie.evaluation.manifest import amend, change
from brie.evaluation.votes import Pair, asked_of_people, seen_by, votes_by_prompt
from brie.evaluation.work import Work, completion_texts
from brie.number_format import plural
from brie.records import Manifest, Status
from brie.store import Store

FEWEST = 2
"""Prompts that people can be asked about."""


def ask_people(evaluation: Evaluation, prompts: int, store: Store) -> Evaluation:
    """Draw the prompts that people vote on, and chain the draw to the seal.

    More than before adds prompts; as many as are labelled already ends it, and the rest are skipped.

    Args:
        evaluation: whose answers are there.
        prompts: how many.
        store: answers and votes.

    Raises:
        UsageError: there are not so many, or fewer would be a choice made after the votes.
    """
    if evaluation.manifest.plan.stopping is not None:
        raise UsageError(
            "an evaluation with safe early stopping has no anchored rate: its own rule decides. "
            "Evaluate without --until-decided."
        )

    def drawn(manifest: Manifest) -> Manifest:
        before, wanted = asked_of_people(manifest), _wanted(manifest, prompts, store)
        if wanted == before:
            return manifest
        detail: dict[str, JsonValue] = {
            "pairs": [list(pair) for pair in wanted],
            "skipped": max(0, len(before) - len(wanted)),
        }
        return amend(manifest, "people", detail, verdicts_before=store.newest())

    return Evaluation(evaluation.folder, change(evaluation.folder, drawn))


def widths(manifest: Manifest, prompts: int) -> list[tuple[int, float]]:
    """Which number of prompts promises which half-width of people's rate, in units of the win rate."""
    every = len(manifest.plan.suite.prompts)
    numbers = sorted({n for n in (50, 80, 120, 200, prompts) if FEWEST_LABELLED <= n <= every})
    return [(n, width_of(n, prompts=every, level=manifest.plan.level)) for n in numbers]


def _wanted(manifest: Manifest, prompts: int, store: Store) -> tuple[Pair, ...]:
    """The pairs that people are asked about, so many of them."""
    work, before = Work.of(manifest), asked_of_people(manifest)
    if prompts < len(before):
        voted = labelled(manifest, work, store)
        if len(voted) != prompts:
            skip = f" To skip the rest: --people {len(voted)}." if len(voted) >= FEWEST else ""
            raise UsageError(
                f"of {len(before)} drawn prompts {len(voted)} can be counted so far; fewer of them "
                f"would be a choice made after the votes.{skip}"
            )
        return tuple(voted)
    there, planned = set(answered(work, store)), {name for name, _ in before}
    more = [pair for pair in _ordered(manifest) if pair[0] in there and pair[0] not in planned]
    wanted = (*before, *more)[:prompts]
    if len(wanted) < prompts:
        every = f" For all of them: --people {len(wanted)}." if len(wanted) >= FEWEST else ""
        raise UsageError(f"{plural(len(wanted), 'prompt')} can be voted on, not {prompts}.{every}")
    return wanted


def labelled(manifest: Manifest, work: Work, store: Store) -> list[Pair]:
    """The planned pairs that have a blind vote, or two answers that are the same."""
    planned, seen = asked_of_people(manifest), seen_by(manifest)
    votes = votes_by_prompt(manifest, work)
    tasks = [t for name, _ in planned for t in votes.get(name, ()) if t.judge not in seen]
    cast = store.statuses(task.key for task in tasks)
    voted = {(t.prompt, t.sample) for t in tasks if cast.get(t.key) is Status.OK}
    texts = completion_texts(work, [name for name, _ in planned], store)
    return [
        (name, sample)
        for name, sample in planned
        if (name, sample) in voted or _alike(work, name, sample, texts)
    ]


def _ordered(manifest: Manifest) -> list[Pair]:
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
    return [
        (name, int(_random(manifest, "sample", name), 16) % samples) for _, _, name in sorted(places)
    ]


def _random(manifest: Manifest, *parts: str) -> str:
    return text_digest(" ".join(("people", manifest.seal, *parts))).removeprefix("sha256:")


def _share(manifest: Manifest, category: str) -> float:
    """Where in the first gap a category's first prompt stands, at random between 0 and 1."""
    return int(_random(manifest, "category", category)[:12], 16) / 16**12


def _alike(work: Work, prompt: str, sample: int, texts: Mapping[str, str]) -> bool:
    keys = [work.key(side, prompt, sample) for side in ("candidate", "baseline")]
    first, second = (texts.get(key) for key in keys)
    return first is not None and first == second
