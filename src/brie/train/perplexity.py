"""`brie perplexity`: how surprised two models are by the answers of a chat file.

Perplexity is exp(sum of negative log-likelihood / number of tokens) over the assistant's tokens
of all conversations. Tokens of one conversation are not independent, so the interval resamples
conversations (percentile bootstrap, Efron and Tibshirani 1993, chapter 13), both sides together.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brie.data.encode import IGNORED, Encoded, Encoder, encode_all, trainable
from brie.data.load import load, rows_digest
from brie.data.template import choose
from brie.data.tokenizer import load_tokenizer
from brie.errors import UsageError
from brie.pin import Resolved, rewriting
from brie.pin.attach import attach
from brie.pin.few_bits import packed_format
from brie.pin.weights import Loading, load_causal_lm, placed
from brie.records import Conversation, Digest, Record
from brie.train.config import Decided
from brie.train.device import choose_device, choose_dtype
from brie.train.quiet import quiet

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

LEAST = 8
"""Conversations below which no interval is given."""
_TOKENS_AT_ONCE = 4096
_RESAMPLES_AT_ONCE = 256

Floats = NDArray[np.float64]


class Interval(Record):
    """A perplexity, or a ratio of two, with its bootstrap interval."""

    value: float
    low: float | None
    """None below eight conversations."""
    high: float | None


class PerplexityReport(Record):
    """Both sides on one file."""

    data: str
    digest: Digest
    """Over the conversations."""
    conversations: int
    dropped: tuple[int, ...]
    """Lines whose answer lies wholly beyond `max_length`."""
    tokens: int
    """Answer tokens scored on each side."""
    max_length: int
    dtype: str
    level: float
    resamples: int
    candidate: Interval
    baseline: Interval
    ratio: Interval
    """Candidate over baseline: below 1, the candidate is less surprised."""


@dataclass(frozen=True)
class Scores:
    """Negative log-likelihood in nats, and tokens, a conversation."""

    nll: Floats
    tokens: Floats


def perplexity(
    path: Path,
    *,
    candidate: Resolved,
    baseline: Resolved,
    generator: np.random.Generator,
    device: str = "auto",
    max_length: int = 2048,
    level: float = 0.95,
    resamples: int = 9999,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> PerplexityReport:
    """Score a chat file under two models.

    Args:
        path: JSON lines, as for training.
        candidate: one side, resolved and verified.
        baseline: the other side; where it is the candidate's base, one copy of it is loaded.
        generator: source of the resampling.
        device: `auto`, `cuda`, `mps` or `cpu`.
        max_length: tokens a conversation may have.
        level: of the intervals.
        resamples: of the bootstrap.
        on_batch: told how many rows of how many are done.

    Raises:
        InputError: the file is wrong; names the line.
        UsageError: the two models do not share a tokenizer and template, so that their tokens
            cannot be compared.
    """
    if candidate.pin.template_digest != baseline.pin.template_digest:
        raise UsageError(
            "the two models have different chat templates; their tokens cannot be compared."
        )
    conversations = load(path)
    rows = _encode_alike((candidate, baseline), conversations, max_length)
    usable = trainable(rows)
    if not usable:
        raise UsageError(f"every answer of {path} lies beyond {max_length} tokens; raise --max-length.")
    dtype = choose_dtype("auto", choose_device(device)[0])
    with quiet():
        scores = _score_both(usable, device, dtype, on_batch, candidate=candidate, baseline=baseline)
    first, second = (by_conversation(side, [row.line for row in usable]) for side in scores)
    intervals = bootstrap(
        candidate=first, baseline=second, generator=generator, level=level, resamples=resamples
    )
    return PerplexityReport(
        data=path.name,
        digest=rows_digest(conversations),
        conversations=len({row.line for row in usable}),
        dropped=tuple(row.line for row in rows if row.cut == "lost"),
        tokens=int(first.tokens.sum()),
        max_length=max_length,
        dtype=dtype.value,
        level=level,
        resamples=resamples,
        candidate=intervals[0],
        baseline=intervals[1],
        ratio=intervals[2],
    )


def bootstrap(
    *,
    candidate: Scores,
    baseline: Scores,
    generator: np.random.Generator,
    level: float = 0.95,
    resamples: int = 9999,
) -> tuple[Interval, Interval, Interval]:
    """Both perplexities and their ratio, with percentile intervals over conversations.

    Args:
        candidate, baseline: scores of the same conversations, in the same order.
        generator: source of the resampling.
        level: of the intervals.
        resamples: how many.
    """
    rates = [_rate(side.nll.sum(), side.tokens.sum()) for side in (candidate, baseline)]
    values = [*rates, rates[0] - rates[1]]
    count = len(candidate.nll)
    if count < LEAST:
        return _interval(values[0]), _interval(values[1]), _interval(values[2])
    columns = np.stack([candidate.nll, candidate.tokens, baseline.nll, baseline.tokens], axis=1)
    drawn = []
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        size = min(_RESAMPLES_AT_ONCE, resamples - start)
        weights = generator.multinomial(count, np.full(count, 1 / count), size=size)
        sums = weights @ columns
        first, second = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
        drawn.append(np.stack([first, second, first - second], axis=1))
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail], axis=0)
    first_, second_, ratio = (_interval(values[i], low[i], high[i]) for i in range(3))
    return first_, second_, ratio


def by_conversation(scores: Scores, lines: Sequence[int]) -> Scores:
    """Scores of rows added up by the conversation they come from, in the order of the first."""
    _, first, which = np.unique(lines, return_index=True, return_inverse=True)
    order = np.argsort(first)
    nll, tokens = np.zeros(len(first)), np.zeros(len(first))
    np.add.at(nll, which, scores.nll)
    np.add.at(tokens, which, scores.tokens)
    return Scores(nll[order], tokens[order])


def _rate(nll: float, tokens: float) -> float:
    return float(nll / tokens)


def _interval(value: float, low: float | None = None, high: float | None = None) -> Interval:
    """From log scale to perplexities."""
    ends = [None if end is None else _exp(float(end)) for end in (low, high)]
    return Interval(value=_exp(value), low=ends[0], high=ends[1])


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _encode_alike(
    sides: tuple[Resolved, Resolved], conversations: Sequence[Conversation], max_length: int
) -> list[Encoded]:
    """The conversations in tokens, which have to be the same for both sides."""
    first, second = (_encode(side, conversations, max_length) for side in sides)
    if [row.ids for row in first] != [row.ids for row in second]:
        raise UsageError(
            "the two models cut text into different tokens; their perplexities differ in unit."
        )
    return first


def _encode(side: Resolved, conversations: Sequence[Conversation], max_length: int) -> list[Encoded]:
    own = side.adapter if side.adapter and has_tokenizer(side.adapter) else side.base_folder
    tokenizer = load_tokenizer(side.template or own)
    template = choose(tokenizer, thinking=bool(side.pin.thinking))
    return encode_all(conversations, Encoder(tokenizer, template, max_length))


def has_tokenizer(folder: Path) -> bool:
    """Whether a checkpoint carries a tokenizer of its own: its base's end token was changed."""
    return (folder / "tokenizer_config.json").is_file()


def _score_both(
    rows: Sequence[Encoded],
    device: str,
    dtype: Decided,
    on_batch: Callable[[int, int], None],
    *,
    candidate: Resolved,
    baseline: Resolved,
) -> tuple[Scores, Scores]:
    kind = choose_device(device)[0].type
    if candidate.base.digest != baseline.base.digest or any(map(_rewrites, (candidate, baseline))):
        first = _score(_load(candidate, kind, dtype), rows, kind, dtype, on_batch, done=0)
        second = _score(_load(baseline, kind, dtype), rows, kind, dtype, on_batch, done=len(rows))
        return first, second
    model, scored = _load_base(candidate, kind, dtype), []
    for number, side in enumerate((candidate, baseline)):
        with _adapter_of(model, side) as shown:
            scored.append(_score(shown, rows, kind, dtype, on_batch, done=number * len(rows)))
    return scored[0], scored[1]


@contextlib.contextmanager
def _adapter_of(model: PreTrainedModel, side: Resolved) -> Iterator[PreTrainedModel | PeftModel]:
    """The base with one side's adapter on it, taken off again afterwards."""
    if side.adapter is None:
        yield model
        return
    adapted = attach(model, "side", side.adapter).eval()
    try:
        yield adapted
    finally:
        adapted.unload()


def _load(side: Resolved, device: str, dtype: Decided) -> PreTrainedModel | PeftModel:
    model = _load_base(side, device, dtype)
    if side.adapter is None:
        return model
    return attach(model, "side", side.adapter, alone=True).eval()


def _rewrites(side: Resolved) -> bool:
    """Whether a side's adapter changes the base when it is loaded, so that the base is another one."""
    return side.adapter is not None and rewriting(side.adapter) is not None


def _load_base(side: Resolved, device: str, dtype: Decided) -> PreTrainedModel:
    options: Loading = {} if packed_format(side.base_folder) is None else placed(device)
    model = load_causal_lm(side.base_folder, dtype.value, **options).eval()
    return model if options else model.to(device)


def _score(
    model: PreTrainedModel | PeftModel,
    rows: Sequence[Encoded],
    device: str,
    dtype: Decided,
    on_batch: Callable[[int, int], None],
    *,
    done: int,
) -> Scores:
    """One of the two sides' scores; `done` rows were scored before."""
    import torch

    from brie.train.nll import row_nll

    nll, tokens = np.zeros(len(rows)), np.zeros(len(rows))
    half = dtype.value != "float32"
    for batch in batches(rows):
        ids, mask, labels = (part.to(device) for part in _tensors([rows[i] for i in batch]))
        with torch.no_grad(), torch.autocast(device, getattr(torch, dtype.value), enabled=half):
            sums, counts = row_nll(model, ids=ids, mask=mask, labels=labels)
        nll[batch], tokens[batch] = sums.double().cpu().numpy(), counts.cpu().numpy()
        done += len(batch)
        on_batch(done, 2 * len(rows))
    return Scores(nll, tokens)


def batches(rows: Sequence[Encoded]) -> list[list[int]]:
    """Indices of rows of similar lengths, so many at a time that padding included they fit."""
    groups: list[list[int]] = []
    for index in sorted(range(len(rows)), key=lambda i: -len(rows[i].ids)):
        longest = len(rows[groups[-1][0]].ids) if groups else 0
        if not groups or longest * (len(groups[-1]) + 1) > _TOKENS_AT_ONCE:
            groups.append([])
        groups[-1].append(index)
    return groups


def _tensors(rows: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    import torch

    width = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = torch.tensor(row.ids)
        mask[at, : len(row.ids)] = 1
        labels[at, : len(row.ids)] = torch.tensor(row.labels)
    return ids, mask, labels
