"""Drawing the next token of every row, so that rounding and batch company hardly matter.

Two ways spoil reproducibility: a generator shared by the batch, and an inverse CDF over the
vocabulary, where an error of 1e-9 in an early probability moves every later boundary. Here each
row has noise of its own, and the draw is a maximum of independent terms (Gumbel 1954; Maddison,
Tarlow and Minka 2014, "A* sampling"), which changes only where two terms nearly tie. A full
vocabulary is drawn in two stages, a block and then a token in it: exact, because P(token) =
P(block) P(token | block), and it needs some 800 random numbers a row instead of 151,936.
"""

from __future__ import annotations

import math

import torch

from brie.generate.noise import gumbel
from brie.records import Sampling

_BLOCK = 512
_BLOCK_SLOTS = 1 << 32
_NUCLEUS = 1024


def draw(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    sampling: Sampling,
    seen: torch.Tensor | None = None,
    counts: torch.Tensor | None = None,
) -> torch.Tensor:
    """One token a row.

    Args:
        logits: (rows, vocabulary), any float dtype.
        seeds: (rows,) int64, from `noise.step_seeds`.
        sampling: applied as transformers does: repetition penalty, temperature, top_k, top_p of what
            top_k left, then min_p. Presence and frequency penalty come after the repetition penalty,
            as vLLM has them.
        seen: (rows, n) int64, the tokens each row already holds (repeats allowed); needed by the
            repetition penalty alone.
        counts: (rows, vocabulary), how often each answer has each token; needed by presence and
            frequency penalty alone.

    Returns:
        (rows,) int64. Temperature 0: the first of the largest.
    """
    if seen is not None and sampling.repetition_penalty != 1:
        logits = _penalise(logits, seen, sampling.repetition_penalty)
    if counts is not None:
        logits = logits.to(torch.float32) - sampling.frequency_penalty * counts
        logits = logits - sampling.presence_penalty * (counts > 0)
    if sampling.temperature == 0:
        return logits.argmax(-1)
    scores = logits.to(torch.float32) / sampling.temperature
    floor = scores.amax(-1, keepdim=True) + math.log(sampling.min_p) if sampling.min_p else None
    if 0 < sampling.top_k < scores.shape[-1]:
        best, tokens = scores.topk(sampling.top_k)
        return _among(_above(_nucleus(best, best.logsumexp(-1), sampling.top_p), floor), tokens, seeds)
    if sampling.top_p < 1:
        best, tokens = _top_p(scores, sampling.top_p)
        return _among(_above(best, floor), tokens, seeds)
    return _two_stage(_above(scores, floor), seeds)


def _above(scores: torch.Tensor, floor: torch.Tensor | None) -> torch.Tensor:
    """Scores, with -inf for those under each row's floor (min-p, Nguyen et al. 2024)."""
    return scores if floor is None else scores.masked_fill(scores < floor, -torch.inf)


def _penalise(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    """Make tokens a row already holds less likely (Keskar et al. 2019, CTRL, section 4.1)."""
    scores = logits.to(torch.float32, copy=True)
    held = scores.gather(1, seen)
    return scores.scatter_(1, seen, torch.where(held < 0, held * penalty, held / penalty))


def _among(scores: torch.Tensor, tokens: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
    """Noise belongs to the token, not to its rank: two candidates that swap ranks change nothing."""
    chosen = (scores + gumbel(seeds, tokens)).argmax(-1, keepdim=True)
    return tokens.gather(1, chosen)[:, 0]


def _nucleus(scores: torch.Tensor, total: torch.Tensor, top_p: float) -> torch.Tensor:
    """Descending scores, with -inf for those after the smallest set that holds `top_p`."""
    mass = (scores - total[:, None]).exp()
    before = mass.cumsum(-1) - mass
    return scores.masked_fill(before >= top_p, -torch.inf) if top_p < 1 else scores


def _top_p(scores: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The nucleus from as few sorted candidates as hold it: a full sort costs ten times more."""
    total = scores.logsumexp(-1)
    vocabulary = scores.shape[-1]
    size = min(_NUCLEUS, vocabulary)
    while True:
        best, tokens = scores.topk(size)
        held = (best - total[:, None]).exp().sum(-1)
        if size == vocabulary or bool((held >= top_p).all()):
            return _nucleus(best, total, top_p), tokens
        size = min(4 * size, vocabulary)


def _two_stage(scores: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
    rows, vocabulary = scores.shape
    whole = vocabulary // _BLOCK * _BLOCK
    weights = scores.softmax(-1)
    masses = weights[:, :whole].view(rows, -1, _BLOCK).sum(-1)
    if whole < vocabulary:
        masses = torch.cat([masses, weights[:, whole:].sum(-1, keepdim=True)], 1)
    slots = torch.arange(masses.shape[1], device=scores.device)
    block = (masses.log() + gumbel(seeds, slots + _BLOCK_SLOTS)).argmax(-1, keepdim=True)
    tokens = block * _BLOCK + torch.arange(_BLOCK, device=scores.device)
    inside = scores.gather(1, tokens.clamp(max=vocabulary - 1))
    return _among(inside.masked_fill(tokens >= vocabulary, -torch.inf), tokens, seeds)
