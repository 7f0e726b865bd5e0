"""One text as the answer to many different prompts: a collapsed model, or an error kept as an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from brie.checks.evidence import Pair
from brie.checks.findings import Finding
from brie.judge.machine_checks import bare
from brie.number_format import plural

FEWEST = 3
"""Prompts that one text must answer to be mentioned at all."""
SHARE = 0.05
"""Share of a side's prompts from which one text matters: it can move the rate by 2.5 points."""
MOST = 0.5
"""Share from which a side gave no answers of its own."""
_LONG = 30
"""Characters from which a text is no common short answer, such as "Yes." or a number."""


@dataclass(frozen=True)
class Repeated:
    """A side's commonest text."""

    side: str
    text: str
    prompts: int
    """Different prompts it answers."""
    of: int

    @property
    def share(self) -> float:
        """Of the side's prompts."""
        return self.prompts / self.of


def repeated(pairs: Sequence[Pair], labels: Collection[str] = ()) -> list[Repeated]:
    """For each side the text that answers most prompts, where it answers too many.

    Short texts are common answers to questions that have few: they count only where they answer half
    of the prompts. A text that ends in one of the labels that prompts ask for does not count: how often
    it is right is known.
    """
    known = {bare(label) for label in labels}
    found = [_commonest("candidate", [(p.prompt, p.candidate.text) for p in pairs], known)]
    found.append(_commonest("baseline", [(p.prompt, p.baseline.text) for p in pairs], known))
    return [one for one in found if one is not None and _matters(one)]


def findings(
    pairs: Sequence[Pair], *, own: str = "", other: str = "", labels: Collection[str] = ()
) -> Iterator[Finding]:
    """A sentence for each side that repeats itself.

    Args:
        pairs: the comparisons.
        labels: what prompts ask for, where their references are few labels.
        own: what the candidate is called.
        other: what the baseline is called.
    """
    names = {"candidate": own or "the candidate", "baseline": other or "the baseline"}
    for one in repeated(pairs, labels):
        who = names[one.side]
        begins = " ".join(one.text.split())[:60].replace("`", "'")
        yield Finding(
            "fail" if one.share >= MOST else "warn",
            f"{who[:1].upper()}{who[1:]} gave one answer to {one.prompts:,} of "
            f"{plural(one.of, 'prompt')}: the same text, which begins `{begins or '(empty)'}`.",
            "Read it: a model that has collapsed, or an error message kept as an answer, is no answer.",
        )


def _commonest(
    side: str, answers: Sequence[tuple[str, str | None]], labels: Collection[str]
) -> Repeated | None:
    """Of the texts that are given often enough to matter; None where none is."""
    texts = [(text or "").strip() for _, text in answers]
    often = [text for text, times in Counter(texts).items() if text and times >= FEWEST]
    prompts: dict[str, set[str]] = {text: set() for text in often if not _is_label(text, labels)}
    if not prompts:
        return None
    for (prompt, _), text in zip(answers, texts, strict=True):
        if text in prompts:
            prompts[text].add(prompt)
    text = max(prompts, key=lambda one: (len(prompts[one]), one))
    return Repeated(side, text, len(prompts[text]), len({prompt for prompt, _ in answers}))


def _is_label(text: str, labels: Collection[str]) -> bool:
    """Whether a text ends in one of the labels that prompts ask for."""
    return bool(labels) and bare(text.splitlines()[-1]) in labels


def _matters(one: Repeated) -> bool:
    if one.prompts < FEWEST:
        return False
    return one.share >= (SHARE if len(one.text) >= _LONG else MOST)
