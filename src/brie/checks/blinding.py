"""Could the judges know, or come to like a place or a letter instead of a model?"""

from __future__ import annotations

import numpy as np

from brie.analyse.arrays import Ints
from brie.blinding import constant_letter
from brie.checks.evidence import Evidence, Pair
from brie.checks.families import distinctive, names_itself
from brie.checks.findings import Figure, Finding, conclude, not_run
from brie.checks.surface import Surface, surface
from brie.number_format import percent, plural
from brie.records import Check, Record

ID = "blinding"
UNEVEN = 0.1
"""How far the share of verdicts with the candidate first (or called A) may be from one half: with
an effect of .2 an imbalance of .1 moves the win rate by 2 points."""
TELLS = 0.75
"""From three pairs in four on, surface text is called a give-away: by chance it is one in two, and
with 30 prompts chance alone seldom reaches .68."""
MANY_NAMED = 0.2
"""Share of pairs with an answer that names itself from which blinding has failed: a judge that
rewards the name can move the rate by 10 points."""


def check(evidence: Evidence) -> Check:
    """Order and letter vary independently of the side; nothing in the texts says whose they are."""
    design = _design(evidence)
    if design is None and not _shown(evidence):
        return not_run(ID, "No pair of different answers was shown to a judge.")
    named = _named(evidence)
    told = surface(evidence.texts, evidence.seed, evidence.settings.level)
    figures: dict[str, Figure] = {}
    for part in (design, named):
        figures |= part.model_dump() if part else {}
    findings = [*_confounds(design), *_self_named(named)]
    if isinstance(told, Surface):
        figures["bag_of_words"] = {
            "accuracy": told.words, "low": told.low, "high": told.high,
            "length_alone": told.length, "pairs": told.pairs, "prompts": told.prompts,
        }  # fmt: skip
        findings += _told(told)
    else:
        figures["bag_of_words"] = told
    return conclude(ID, findings, figures, _passed(told))


class _Design(Record):
    """How the candidate was shown; None where that was not recorded."""

    verdicts: int
    candidate_first: float | None
    candidate_is_a: float | None
    letter_is_side: bool
    order_is_side: bool
    letter_is_place: bool


class _Named(Record):
    """Answers that say which model wrote them."""

    self_named: dict[str, int]
    """Side -> answers."""
    self_named_pairs: float
    """Share of pairs with one."""
    self_named_prompts: list[str]


def _shown(evidence: Evidence) -> list[Pair]:
    """Pairs with texts that a judge was shown: identical answers are not."""
    if evidence.table.identical_as_ties:
        return list(evidence.texts)
    return [pair for pair in evidence.texts if pair.candidate.text != pair.baseline.text]


def _design(evidence: Evidence) -> _Design | None:
    """How the candidate was shown in the verdicts that count; None where nothing was shown."""
    table = evidence.table
    shown = table.usable & ~table.identical
    if not shown.any():
        return None
    position, label = table.position[shown], table.label[shown]
    return _Design(
        verdicts=int(shown.sum()),
        candidate_first=_share_of(position),
        candidate_is_a=_share_of(label),
        letter_is_side=bool((label != 0).any() and len(np.unique(label)) == 1),
        order_is_side=bool((position != 0).any() and len(np.unique(position)) == 1),
        letter_is_place=_tied(position, label),
    )


def _share_of(sign: Ints) -> float | None:
    """Share of +1 among those known."""
    known = sign[sign != 0]
    return float((known > 0).mean()) if len(known) else None


def _tied(position: Ints, label: Ints) -> bool:
    known = (position != 0) & (label != 0)
    both = position[known] * label[known]
    return bool(len(both) and len(np.unique(both)) == 1 and len(np.unique(position[known])) == 2)


def _confounds(design: _Design | None) -> list[Finding]:
    if design is None:
        return []
    findings = []
    if design.order_is_side:
        where = "first" if design.candidate_first else "second"
        findings.append(_confound(f"The candidate was always shown {where}", "a place"))
    if design.letter_is_side:
        letter = constant_letter(candidate_is_a=bool(design.candidate_is_a))
        findings.append(_confound(f"The candidate always carried the letter {letter}", "a letter"))
    shares = (
        (design.candidate_first, "which answer stood first", "shown first"),
        (design.candidate_is_a, "which letter it carried", "called A"),
    )
    unknown = [what for share, what, _ in shares if share is None]
    if unknown:
        text = f"Nothing says {' or '.join(unknown)}: a liking for it would look like one for the model."
        findings.append(Finding("warn", text))
    if design.letter_is_place:
        text = (
            "The letter always went with the place, so a liking for one cannot be told from the other."
        )
        findings.append(
            Finding("warn", text, "Nothing is lost where every pair was judged in both orders.")
        )
    for share, _, how in shares:
        if share is not None and 0 < share < 1 and abs(share - 0.5) > UNEVEN:
            text = f"The candidate was {how} in {percent(share)} of the verdicts instead of one half."
            findings.append(Finding("warn", text, "Judge both orders: `--positions both`."))
    return findings


def _confound(fact: str, what: str) -> Finding:
    return Finding(
        "fail",
        f"{fact}: a liking for {what} cannot be told from a liking for the model.",
        "Judge again with order and letter crossed, as `brie eval` does.",
    )


def _named(evidence: Evidence) -> _Named | None:
    """How many answers of each side say which model wrote them."""
    pairs = _shown(evidence)
    if not pairs:
        return None
    analysis = evidence.analysis
    bases = [name for name in (analysis.candidate.base, analysis.baseline.base) if name]
    names = distinctive([analysis.candidate.name, analysis.baseline.name, *bases])
    candidates = [names_itself(p.candidate.text or "", names, p.candidate.told) for p in pairs]
    two = [names_itself(p.baseline.text or "", names, p.baseline.told) for p in pairs]
    either = [a or b for a, b in zip(candidates, two, strict=True)]
    return _Named(
        self_named={"candidate": sum(candidates), "baseline": sum(two)},
        self_named_pairs=float(np.mean(either)),
        self_named_prompts=list(
            dict.fromkeys(p.prompt for p, e in zip(pairs, either, strict=True) if e)
        )[:10],
    )


def _self_named(named: _Named | None) -> list[Finding]:
    if not named or not named.self_named_pairs:
        return []
    counts, pairs = named.self_named, named.self_named_pairs
    return [
        Finding(
            "fail" if pairs > MANY_NAMED else "warn",
            f"{plural(counts['candidate'], 'answer')} of the candidate and {counts['baseline']:,} of "
            f"the baseline say which model wrote them ({percent(pairs)} of the pairs).",
            "Leave prompts that ask who is answering out of the suite.",
        )
    ]


def _told(told: Surface) -> list[Finding]:
    if told.words < TELLS:
        return []
    return [
        Finding(
            "warn",
            f"Surface text alone tells the candidate from the baseline in {percent(told.words)} of "
            f"pairs (length alone in {percent(told.length)}); a judge can too.",
            "Read a few pairs: `brie view`; a judge that rewards the style would reward it anywhere.",
        )
    ]


def _passed(told: Surface | str) -> str:
    first = "Order and letter were crossed and balanced, and no answer names its model"
    if isinstance(told, str):
        return f"{first}; whether style gives the sides away was not tested, as {told}."
    return (
        f"{first}; a bag of words tells the sides apart in {percent(told.words)} of pairs, where chance "
        "is 50 %."
    )
