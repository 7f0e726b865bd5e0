"""What the figures are held against, and what all of it comes to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from brie.fidelity.explained import Explained
from brie.records.shipping import Fault, Figures, JudgedAnswers, Limits, Shipped, ShippedVerdict

STATED: dict[str, float] = {"float32": 1e-3, "float16": 2e-3, "bfloat16": 2e-2}
"""Float format -> largest logit difference that needs no further reason."""
MLX_STATED = 2e-2
"""The same for an MLX folder in half precision."""
ROUNDINGS = 4.0
"""Beyond those: as many times what rounding the checkpoint to the format does by itself. An engine that
computes in the format rounds its sums too; measured on llama.cpp that doubles the difference."""
STATED_FEW_BITS: dict[int, tuple[float, float]] = {
    8: (0.02, 0.9), 6: (0.04, 0.85), 5: (0.08, 0.8), 4: (0.2, 0.7), 1: (0.3, 0.65),
}  # fmt: skip
"""Bits a number -> divergence in nats and share of equal first choices that need no further reason."""
_USUAL = 4
"""Bits, where a format's name holds none."""
NOISES = 2.0
"""Beyond those: as many times the divergence, and the other first choices, that random changes of the
numbers make which are as large as the file's."""
MOST_KL, LEAST_SAME = 1.0, 0.5
"""A file beyond these has lost what was trained, whatever explains it."""


def is_beyond(figures: Figures, limits: Limits) -> bool:
    """Whether figures of a file in few bits lie beyond limits."""
    kl, same = figures.kl, figures.same_argmax
    too_far = limits.kl is not None and kl is not None and kl > limits.kl
    return too_far or (limits.same_argmax is not None and same is not None and same < limits.same_argmax)


def stated_few_bits(number_format: str) -> Limits:
    """How far a file in few bits may lie from its checkpoint, by the bits in its format's name."""
    named = re.search(r"\d+", number_format)
    bits = max(1, int(named.group())) if named else _USUAL
    kl, same = STATED_FEW_BITS[max(known for known in STATED_FEW_BITS if known <= bits)]
    return Limits(kl=kl, same_argmax=same)


def widened(limits: Limits, noise: Explained) -> Limits:
    """Limits of a file in few bits, with what its numbers explain.

    Args:
        limits: the stated ones.
        noise: what changes of the same size make by chance.
    """
    kl = max(limits.kl or 0.0, NOISES * noise.kl)
    others = max(1 - (limits.same_argmax or 0.0), NOISES * (1 - noise.same_argmax))
    return Limits(kl=min(kl, MOST_KL), same_argmax=max(1 - others, LEAST_SAME), explained=noise.kl)


def stated_limit(number_format: str, form: str) -> float | None:
    """Largest logit difference of a float file; None for a quantised one."""
    stated = STATED.get(number_format)
    return max(stated, MLX_STATED) if stated is not None and form == "mlx" else stated


def beyond(figures: Sequence[Figures], limits: Limits, number_format: str) -> list[Fault]:
    """Faults of the figures themselves, engine by engine."""
    faults = []
    for each in figures:
        if each.same_ids is False:
            faults.append(
                Fault(
                    kind="tokenizer",
                    where=each.engine,
                    sentence=f"{each.engine} makes other tokens of the prompts than the checkpoint.",
                )
            )
        fault = _float(each, limits) if limits.max_logit_difference is not None else None
        fault = fault or _quantised(each, limits, number_format)
        faults += [fault] if fault is not None else []
    return faults


def _float(figures: Figures, limits: Limits) -> Fault | None:
    largest, limit = figures.max_logit_difference, limits.max_logit_difference
    if largest is None or limit is None or largest <= limit:
        return None
    return Fault(
        kind="logits",
        where=figures.engine,
        sentence=f"read by {figures.engine}, logits differ by up to {largest:.2g}, and the number "
        f"format allows {limit:.2g}.",
    )


def _quantised(figures: Figures, limits: Limits, number_format: str) -> Fault | None:
    kl, same = figures.kl, figures.same_argmax
    if not is_beyond(figures, limits):
        return None
    return Fault(
        kind="quantisation",
        where=figures.engine,
        sentence=f"{number_format} has changed the model too far: divergence {kl:.2f} nats (at most "
        f"{limits.kl:g}), first choices the same {same:.0%} (at least {limits.same_argmax:.0%}). Take "
        "more bits.",
    )


def conclude(
    faults: Sequence[Fault],
    figures: Sequence[Figures],
    limits: Limits,
    judged: JudgedAnswers | None,
    *,
    same_model: bool,
) -> ShippedVerdict:
    """The verdict.

    Args:
        faults: what is wrong.
        figures: by engine.
        limits: what they were held against.
        judged: the blind comparison, where there was one.
        same_model: the file should be its checkpoint; False: an adapter beside its base.
    """
    if faults:
        return "fault"
    measured = [each for each in figures if each.identical is not None]
    if measured and all(each.max_logit_difference == 0 for each in measured):
        return "identical"
    if measured and all(each.identical == each.answers for each in measured):
        return "sound"
    if measured and same_model and limits.max_logit_difference is not None:
        return "sound"
    if judged is not None and judged.met is not None:
        return "sound" if judged.met else "worse"
    return "open"


def sentence(
    file: Shipped,
    against: str,
    verdict: ShippedVerdict,
    faults: Sequence[Fault],
    figures: Sequence[Figures],
    judged: JudgedAnswers | None,
) -> str:
    """All of it in one sentence."""
    answers = answers_words(figures)
    if verdict == "fault":
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        return f"FAULT in {file.name}: {faults[0].kind}: {faults[0].sentence.rstrip('.')}{more}."
    if verdict == "identical":
        return f"{file.name} is {against} in behaviour: every logit compared is the same; {answers}."
    if verdict == "sound" and judged is not None:
        return f"{file.name} is not worse than {against}: {judged.sentence}; {answers}."
    if verdict == "sound":
        return f"{file.name} behaves like {against}: {answers}, {_distance(figures)}."
    if verdict == "worse":
        why = judged.sentence if judged is not None else ""
        return f"{file.name} is WORSE than {against}: {why}; {answers}."
    why = f" Of the judges: {judged.sentence}." if judged is not None else ""
    return (
        f"{file.name} answers otherwise than {against} in places: {answers}, {_distance(figures)}; "
        f"whether that is worse, no judge that counts has said.{why}"
    )


def answers_words(figures: Sequence[Figures]) -> str:
    """Identical greedy answers, of the engine with the fewest."""
    counted = [each for each in figures if each.identical is not None]
    if not counted:
        return "no answers could be compared"
    fewest = min(counted, key=lambda each: each.identical or 0)
    return f"identical answers: {fewest.identical} of {fewest.answers}"


def _distance(figures: Sequence[Figures]) -> str:
    """Divergence and logit difference, of the engine that is furthest."""
    counted = [each for each in figures if each.kl is not None]
    if not counted:
        return "no logits could be compared"
    worst = max(counted, key=lambda each: each.kl or 0.0)
    same = f"{worst.same_argmax:.2%}" if worst.same_argmax is not None else "?"
    return f"divergence {worst.kl:.2g} nats, same first choice {same}"
