"""Which verdicts of a judge are sealed as anchors: half steady, half flipped, where there are so many.

They come from an evaluation, or from the pairs of `brie judges score`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from brie.blinding import Presentation
from brie.digest import digest
from brie.errors import UsageError
from brie.evaluation.anchor_rounds import choices
from brie.evaluation.anchors import AnchorPair, AnchorShown, counted
from brie.evaluation.known_pairs import PairVerdict, prompt_of, read_pairs
from brie.evaluation.work import Work, completion_texts, is_identical
from brie.judge.interface import Task
from brie.number_format import plural
from brie.project import Project
from brie.records import Manifest, Message, PanelJudge, Prompt, Verdict
from brie.store import Store
from brie.studies.judge_check import heard_of

PRESENTATIONS = 60
"""Anchors a judge gets where it has given so many verdicts."""
FEWEST = 10
"""Presentations below which a change could hardly be seen, and none are sealed."""
KNOWN = "known pairs"
"""Where anchors of no evaluation come from."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A comparison that can be asked again, and the keys of its stored verdicts."""

    pair: AnchorPair
    keys: tuple[str, ...]


def of_evaluation(manifest: Manifest, judge: PanelJudge, store: Store) -> list[Offered]:
    """A judge's comparisons in an evaluation, in a random order; every prompt once before one again.

    Args:
        manifest: the evaluation.
        judge: as it is sealed there.
        store: where its verdicts are.
    """
    work = Work.of(manifest)
    texts = completion_texts(work, None, store)
    by_pair: dict[tuple[int, str, str], list[Task]] = {}
    for task in work.tasks():
        if task.kind == "main" and task.judge == judge.judge.id and not is_identical(task, texts):
            drawn = digest(["anchor", manifest.seal, task.prompt, task.sample])
            by_pair.setdefault((task.sample, drawn, task.prompt), []).append(task)
    verdicts = store.verdicts(task.key for tasks in by_pair.values() for task in tasks)
    return [
        offer
        for (_, _, name), tasks in sorted(by_pair.items(), key=lambda item: item[0])
        if (
            offer := _offered(
                judge,
                work.prompts[name],
                work.messages[name],
                [(task.presentation, verdicts.get(task.key)) for task in tasks],
                texts,
            )
        )
    ]


def of_known_pairs(judge: PanelJudge, project: Project, store: Store) -> list[Offered]:
    """A judge's comparisons among the known pairs, in a random order.

    Args:
        judge: as it is asked about them.
        project: whose pairs.
        store: where its verdicts are.
    """
    by_pair: dict[str, list[PairVerdict]] = {}
    for heard in heard_of(judge, read_pairs(project), store):
        by_pair.setdefault(heard.pair.id, []).append(heard)
    offers = []
    for name in sorted(by_pair, key=lambda name: digest(["anchor", name])):
        rows = by_pair[name]
        prompt, shown = prompt_of(rows[0].pair), rows[0].presentation
        texts = dict(zip((shown.candidate, shown.baseline), rows[0].pair.answers, strict=True))
        said = [(heard.presentation, heard.verdict) for heard in rows]
        offers.append(_offered(judge, prompt, prompt.messages, said, texts))
    return [offer for offer in offers if offer is not None]


def chosen(offers: Sequence[Offered], judge: str, of: str) -> list[Offered]:
    """The comparisons that are sealed, in their order.

    Args:
        offers: all that could be, in a random order.
        judge: its id.
        of: where they are from.

    Raises:
        UsageError: there are too few.
    """
    flipped = [offer for offer in offers if offer.pair.flipped]
    steady = [offer for offer in offers if not offer.pair.flipped]
    half = _first(flipped, PRESENTATIONS // 2)
    rest = _first(steady, PRESENTATIONS - _count(half))
    more = _first(flipped[len(half) :], PRESENTATIONS - _count([*half, *rest]))
    keys = {offer.keys for offer in (*half, *rest, *more)}
    if (there := _count([*half, *rest, *more])) < FEWEST:
        raise UsageError(
            f"{judge} has given {plural(there, 'verdict')} of {of} that could be asked again, and "
            f"{FEWEST} are the fewest that tell anything. Name a larger evaluation, or none: the pairs "
            "of brie judges score are taken then."
        )
    return [offer for offer in offers if offer.keys in keys]


def is_flipped(shown: Sequence[AnchorShown]) -> bool:
    """Whether the presentations of a comparison have different winners."""
    return len({s.presentation.unblind(s.letter) for s in shown}) > 1


def _first(offers: Iterable[Offered], presentations: int) -> list[Offered]:
    """The first ones, as many as have so many presentations."""
    taken: list[Offered] = []
    for offer in offers:
        if _count([*taken, offer]) > presentations:
            break
        taken.append(offer)
    return taken


def _count(offers: Iterable[Offered]) -> int:
    return counted([offer.pair for offer in offers]).count


def _offered(
    judge: PanelJudge,
    prompt: Prompt,
    messages: tuple[Message, ...],
    said: Sequence[tuple[Presentation, Verdict | None]],
    texts: Mapping[str, str],
) -> Offered | None:
    """A comparison; None where a text or a usable verdict is missing."""
    heard = [(presentation, verdict) for presentation, verdict in said if verdict is not None]
    letters = choices(judge, heard)
    shown = tuple(
        AnchorShown(presentation=presentation, letter=letter)
        for (presentation, _), letter in zip(heard, letters, strict=True)
        if letter is not None
    )
    if len(shown) < len(said):
        return None
    candidate, baseline = (texts.get(k) for k in (said[0][0].candidate, said[0][0].baseline))
    if candidate is None or baseline is None:
        return None
    return Offered(
        AnchorPair(
            prompt=prompt, messages=messages, candidate=candidate, baseline=baseline,
            flipped=is_flipped(shown), shown=shown,
        ),
        tuple(verdict.key for _, verdict in heard),
    )  # fmt: skip
