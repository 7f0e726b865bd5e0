"""Two readings of the same tokens compared: no judge, no sampling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brie.fidelity.reference import Reference, Row
from brie.records.shipping import Divergence, Figures

_KEPT = 20
"""Divergences that are listed."""
_NO_NUMBER = 1e30
"""A logit that stands for infinity, or for none."""


def compare(
    reference: Reference, logits: Path, engine: str, *, same_ids: bool | None, why: str
) -> Figures:
    """Compare an engine's logits with the checkpoint's, position by position.

    The divergence is KL(checkpoint || file), the mean over positions, in nats. A greedy answer is the
    same where the first choice is the checkpoint's at every token of its answer: by induction the file
    would have written those tokens and no others.

    Args:
        reference: the checkpoint.
        logits: array file of the engine; its columns may be more (padding).
        engine: what read the file, with its version.
        same_ids: whether texts became the same tokens; None: not known.
        why: then, the reason.
    """
    theirs = np.load(logits, mmap_mode="r", allow_pickle=False)
    ours = np.load(reference.logits, mmap_mode="r", allow_pickle=False)
    largest, divergence, agree, at = 0.0, 0.0, 0, 0
    identical, left = 0, []
    for row in reference.rows:
        span = slice(at, at + row.scored)
        mine, its = ours[span].astype(np.float64), theirs[span, : ours.shape[1]].astype(np.float64)
        # What an engine computes beyond its numbers is no number, and would compare with nothing.
        its = np.nan_to_num(its, nan=-_NO_NUMBER, posinf=_NO_NUMBER, neginf=-_NO_NUMBER)
        at += row.scored
        largest = max(largest, float(np.abs(mine - its).max()))
        divergence += float(_divergence(mine, its).sum())
        same = mine.argmax(axis=1) == its.argmax(axis=1)
        agree += int(same.sum())
        if row.answer:
            identical += bool(same.all())
            left += [] if same.all() else [_divergence_of(row, same, mine)]
    answers = [row for row in reference.rows if row.answer]
    return Figures(
        engine=engine,
        positions=at,
        max_logit_difference=largest,
        kl=max(0.0, divergence / at),
        same_argmax=agree / at,
        identical=identical,
        answers=len(answers),
        same_ids=same_ids,
        divergences=tuple(left[:_KEPT]),
        notes={"same_ids": why} if same_ids is None else {},
    )


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """KL divergence of each row of logits, in nats."""
    log_p, log_q = _log_softmax(p), _log_softmax(q)
    kl: NDArray[np.float64] = (np.exp(log_p) * (log_p - log_q)).sum(axis=1)
    return kl


def _log_softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = x - x.max(axis=1, keepdims=True)
    out: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return out


def _divergence_of(row: Row, same: NDArray[np.bool_], mine: NDArray[np.float64]) -> Divergence:
    token = int(np.argmin(same))
    second, first = np.partition(mine[token], -2)[-2:]
    return Divergence(prompt=row.name, token=token + 1, gap=float(first - second))


def largest_difference(reference: Reference, logits: Path) -> float:
    """Largest absolute difference of a logit."""
    theirs = np.load(logits, mmap_mode="r", allow_pickle=False)
    ours = np.load(reference.logits, mmap_mode="r", allow_pickle=False)
    return max(_rowwise(ours, theirs, reference.rows))


def _rowwise(ours: NDArray[np.float32], theirs: NDArray[np.float32], rows: Sequence[Row]) -> list[float]:
    at, out = 0, []
    for row in rows:
        span = slice(at, at + row.scored)
        out.append(float(np.abs(ours[span] - theirs[span, : ours.shape[1]]).max()))
        at += row.scored
    return out
