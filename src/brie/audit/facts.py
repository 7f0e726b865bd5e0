"""What is odd about imported rows, as figures: counts, confounds, the claim, what design cannot tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brie.analyse.arrays import binomial_two_sided, generator, group_mean
from brie.analyse.assemble import AnalysisParts
from brie.analyse.signflip import sign_flip
from brie.audit.matching import Matched
from brie.audit.ranking import reasons_of
from brie.audit.read import Judgments
from brie.audit.rows import Row
from brie.audit.sides import Chosen
from brie.blinding import constant_letter
from brie.number_format import percent
from brie.records import Status
from brie.records.analysis import WinRate
from brie.records.audit import AuditClaim, AuditFacts, Confound, FirstSkipped, Paired, Unread
from brie.records.estimates import Effect

_PROMPTS_FOR_MEAN = 2
_DIFFERS = 0.01
"""Sign-flip p, by prompt, below which the two sides' endings differ."""
_PILED = 0.05
"""Share of a side's answers without an ending from which their lengths are looked at."""
_LONGER = 0.7
"""Chance that an answer without an ending is longer than one with: at a limit it nearly always is."""
_LEAST_LIMIT = 400
"""Characters of the shortest limit anybody sets."""


def common_facts(judgments: Judgments, models: Sequence[str]) -> AuditFacts:
    """What is known of files whatever models they hold."""
    rows = judgments.rows
    first = judgments.skipped[0] if judgments.skipped else None
    restated = [row for row in rows if row.in_text is not None and row.stored is not None]
    return AuditFacts(
        format=judgments.format,
        reason=judgments.reason,
        identifies=judgments.identifies,
        rows=len(rows),
        skipped=len(judgments.skipped),
        first_skipped=FirstSkipped(line=first.line, why=first.why) if first else None,
        pairs=len(_pairs(rows)),
        prompts=len({row.prompt for row in rows}),
        row_mean=None,
        row_standard_error=None,
        restated=len(restated),
        contradictions=sum(row.in_text != row.stored for row in restated),
        cut_pairs=0,
        confound=None,
        claim=None,
        models=tuple(models),
        unread=tuple(
            Unread(why=why, rows=number, line=line)
            for why, (number, line) in list(reasons_of(rows).items())[:20]
        ),
        passed_over=judgments.passed_over,
    )


def pair_facts(
    judgments: Judgments,
    chosen: Chosen,
    matched: Matched,
    parts: AnalysisParts,
    claim: float | None,
    joint: Effect | None,
) -> AuditFacts:
    """What an audit adds to the analysis of one pair of models."""
    rows = chosen.rows
    usable = [row.score for row in rows if row.score == row.score]
    everything = common_facts(judgments, sorted({name for row in judgments.rows for name in row.models}))
    guessed = endings_matter(rows)
    return everything.model_copy(
        update={
            "rows": len(rows),
            "pairs": len(_pairs(rows)),
            "prompts": len({row.prompt for row in rows}),
            "row_mean": float(np.mean(sorted(usable))) if usable else None,
            "row_standard_error": _standard_error(usable),
            "cut_pairs": len({(r.prompt, r.pair) for r in rows if any(r.cut)}) if guessed else 0,
            "confound": _confound(rows, parts.win_rate),
            "claim": _claim(claim, parts.win_rate),
            "sides_defined": chosen.defined,
            "other_rows": chosen.others,
            "both_orders": matched.both_orders,
            "crowd": matched.crowd,
            "place_and_letter": joint,
            "paired": _paired(rows) if judgments.right_or_wrong else None,
            "guessed_endings": guessed,
        }
    )


def endings_matter(rows: Sequence[Row]) -> bool:
    """Whether endings alone suggest answers cut off by a limit rather than meant to end so.

    They do where the two sides differ in them (sign-flip by prompt), or where answers without an
    ending are the longest ones.
    """
    known = [row for row in rows if row.length_difference == row.length_difference]
    if not any(any(row.cut) for row in known):
        return False
    prompts = {name: code for code, name in enumerate(sorted({row.prompt for row in known}))}
    difference = np.array([float(row.cut[0]) - float(row.cut[1]) for row in known])
    by_prompt = group_mean(np.array([prompts[row.prompt] for row in known]), difference, len(prompts))
    if sign_flip(by_prompt, generator(0, "audit.endings")).p_value < _DIFFERS:
        return True
    return any(_piled(known, side) for side in (0, 1))


def _piled(rows: Sequence[Row], side: int) -> bool:
    """Answers without an ending are the longest ones, as a limit leaves them."""
    cut = np.array([row.length[side] for row in rows if row.cut[side]])
    whole = np.sort([row.length[side] for row in rows if not row.cut[side]])
    if len(cut) < max(3, _PILED * len(rows)) or cut.max() < _LEAST_LIMIT:
        return False
    shorter = (np.searchsorted(whole, cut, "left") + np.searchsorted(whole, cut, "right")) / 2
    return not len(whole) or float(shorter.mean()) >= _LONGER * len(whole)


def _pairs(rows: Sequence[Row]) -> set[tuple[str, str, str]]:
    return {(row.prompt, row.pair or "|".join(sorted(row.models)), row.sample) for row in rows}


def _standard_error(values: Sequence[float]) -> float | None:
    """Standard error of a mean of rows, as if they were independent: what others print."""
    if len(values) < _PROMPTS_FOR_MEAN:
        return None
    return float(np.std(np.sort(values), ddof=1) / len(values) ** 0.5)


def _confound(rows: Sequence[Row], rate: WinRate | None) -> Confound | None:
    """A letter that is always the same side: its effect cannot be told from the model's.

    If a judge named the candidate's letter in a share x of comparisons whatever it read, and was
    even otherwise, the rate would be (1 + x) / 2. The result is undone where that reaches the
    interval's end nearest to one half.
    """
    labels = {row.label for row in rows}
    if len(labels) != 1 or labels == {0}:
        return None
    letter = constant_letter(candidate_is_a=labels == {1})
    share = None
    if rate is not None and rate.low is not None and rate.high is not None:
        share = max(0.0, 2 * rate.low - 1, 1 - 2 * rate.high)
    why = (
        f"the candidate is always {letter}, so a liking for that letter cannot be told from a liking "
        "for the model"
    )
    if share:
        why += (
            f"; a judge that named {letter} blindly in {percent(share)} of comparisons would undo the "
            "result"
        )
    return Confound(letter=letter, undone_by=share, why=why)


def _claim(claim: float | None, rate: WinRate | None) -> AuditClaim | None:
    if claim is None:
        return None
    if rate is None or rate.low is None or rate.high is None:
        return AuditClaim(value=claim, inside_interval=None, interval=None)
    low, high = rate.low, rate.high
    return AuditClaim(value=claim, inside_interval=low <= claim <= high, interval=(low, high))


def _paired(rows: Sequence[Row]) -> Paired | None:
    """How often one side alone was right; None where that is not what the rows say."""
    judged = [row for row in rows if row.status is Status.OK and row.right is not None]
    if not judged:
        return None
    count = {
        key: sum(row.right == key for row in judged)
        for key in ((True, True), (True, False), (False, True), (False, False))
    }
    prompts = {name: code for code, name in enumerate(sorted({row.prompt for row in judged}))}
    one_each = len(prompts) == len(judged)
    mine, theirs = count[True, False], count[False, True]
    if one_each:
        p, test = binomial_two_sided(mine, mine + theirs), "mcnemar-exact"
    else:
        codes = np.array([prompts[row.prompt] for row in judged])
        means = group_mean(codes, np.array([row.score for row in judged]), len(prompts))
        p, test = sign_flip(means - 0.5, generator(0, "audit.paired")).p_value, "sign-flip"
    return Paired(
        both_right=count[True, True], candidate_only=mine, baseline_only=theirs,
        both_wrong=count[False, False], p_value=p, test=test,
    )  # fmt: skip
