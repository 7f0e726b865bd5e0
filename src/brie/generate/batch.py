"""A batch of answers under way: rows, their key-value cache, and the steps that extend them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from brie.errors import PinError
from brie.generate.draw import draw
from brie.generate.engine import Request
from brie.generate.noise import key_seed, step_seeds
from brie.records import FinishReason

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import DynamicCache, PreTrainedConfig, PreTrainedModel

Decode = Callable[[Sequence[int]], str]

_NO_NUMBERS = (
    "the model computes no numbers (its logits are NaN or infinite): its weights are damaged, or its "
    "number format is too narrow for it. Try --dtype float32; if that does not help, take another "
    "checkpoint."
)
_ALIKE = 0.8
"""Shortest to longest prompt read together."""


@dataclass
class Row:
    """One answer under way. Its tokens survive its batch: a row put back goes on where it was."""

    request: Request
    prompt: list[int]
    limit: int
    """Most new tokens."""
    new: list[int] = field(default_factory=list)
    finish: FinishReason | None = None
    seconds: float = 0.0
    seed: int = field(init=False)

    def __post_init__(self) -> None:
        self.seed = key_seed(self.request.noise)

    @property
    def ids(self) -> list[int]:
        """Prompt and answer so far."""
        return self.prompt + self.new

    def take(self, token: int, stop: frozenset[int], decode: Decode) -> None:
        """Add a drawn token, or end."""
        if token in stop:
            self.finish = "stop"
            return
        self.new.append(token)
        if self._has_stop_text(decode):
            self.finish = "stop"
        elif len(self.new) >= self.limit:
            self.finish = "length"

    def _has_stop_text(self, decode: Decode) -> bool:
        """Whether the last tokens end, or hold, a text that ends answers."""
        stop = self.request.sampling.stop
        if not stop:
            return False
        # A token has a byte at least, so that a text lies within as many tokens as it has bytes.
        tail = decode(self.new[-max(len(text.encode()) for text in stop) :])
        return any(text in tail for text in stop)


class Batch:
    """Rows with one adapter and one sampling, right-aligned in one cache.

    Every row's last token has been drawn but not yet read by the model, so a row with n ids has
    n - 1 columns in the cache; columns to the left of them are padding, and are dropped as soon
    as no row needs them.
    """

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        stop: frozenset[int],
        vocabulary: int,
        decode: Decode,
        *,
        joinable: bool,
    ) -> None:
        self._model = model
        self._decode = decode
        self._stop = stop
        self._vocabulary = vocabulary
        self._joinable = joinable
        self._cache: DynamicCache | None = None
        self.rows: list[Row] = []

    @property
    def can_admit(self) -> bool:
        """Whether rows may enter: an empty batch always, a running one if its cache allows."""
        return not self.rows or self._joinable

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Read new rows, draw their next token, and let them join; returns those that ended."""
        start = time.perf_counter()
        for group in _alike(rows) if self._joinable else [list(rows)]:
            self._enter(group)
        _share(rows, start)
        return self._retire()

    def step(self) -> list[Row]:
        """One more token for every row; returns those that ended."""
        start = time.perf_counter()
        self._take(self.rows, self._read([row.ids for row in self.rows], 1, self._cache))
        _share(self.rows, start)
        return self._retire()

    def disband(self) -> list[Row]:
        """Give back all rows with the tokens they have, and free the cache."""
        rows, self.rows, self._cache = self.rows, [], None
        return rows

    def _enter(self, rows: list[Row]) -> None:
        """Rows of one prompt differ from their first token on, so a prompt is read once."""
        places: dict[tuple[int, ...], int] = {}
        index_of_row = [places.setdefault(tuple(row.ids), len(places)) for row in rows]
        cache = _new_cache(self._model, self._joinable)
        logits = self._read(list(places), max(map(len, places)), cache)
        if len(places) < len(rows):
            chosen = torch.tensor(index_of_row, device=logits.device)
            cache.reorder_cache(chosen)
            logits = logits[chosen]
        self._take(rows, logits)
        if self.rows:
            _join(self._cache, cache)
            self.rows = [*self.rows, *rows]
        else:
            self._cache, self.rows = cache, rows

    def _read(
        self, sequences: Sequence[Sequence[int]], columns: int, cache: DynamicCache
    ) -> torch.Tensor:
        """Let the model read the last `columns` tokens of each sequence, the cache holding the rest.

        Returns:
            (sequences, vocabulary): logits of the token after each.
        """
        ids = torch.zeros(len(sequences), columns, dtype=torch.int64)
        for i, sequence in enumerate(sequences):
            tail = torch.tensor(sequence[-columns:])
            ids[i, -len(tail) :] = tail
        total = cache.get_seq_length() + columns
        starts = total - torch.tensor([len(sequence) for sequence in sequences])[:, None]
        device = self._model.device
        output = self._model(
            input_ids=ids.to(device),
            attention_mask=(torch.arange(total) >= starts).to(device, torch.int64),
            position_ids=(torch.arange(total - columns, total) - starts).clamp(min=0).to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1, : self._vocabulary]
        return logits

    def _take(self, rows: Sequence[Row], logits: torch.Tensor) -> None:
        """Draw every row's next token."""
        sampling, device = rows[0].request.sampling, logits.device
        if not bool(torch.isfinite(logits.amax(-1)).all()):
            raise PinError(_NO_NUMBERS)
        seeds = step_seeds(
            torch.tensor([row.seed for row in rows]), torch.tensor([len(row.new) for row in rows])
        )
        seen = _seen(rows).to(device) if sampling.repetition_penalty != 1 else None
        penalised = sampling.presence_penalty or sampling.frequency_penalty
        counts = _counts(rows, logits.shape[-1]).to(device) if penalised else None
        tokens = draw(logits, seeds.to(device), sampling, seen, counts).tolist()
        for row, token in zip(rows, tokens, strict=True):
            row.take(token, self._stop, self._decode)

    def _retire(self) -> list[Row]:
        done = [row for row in self.rows if row.finish]
        if not done:
            return []
        running = [i for i, row in enumerate(self.rows) if not row.finish]
        self.rows = [self.rows[i] for i in running]
        if not self.rows:
            self._cache = None
            return done
        assert self._cache is not None  # rows under way have one
        self._cache.reorder_cache(torch.tensor(running, device=self._model.device))
        if self._joinable:
            _narrow(self._cache, max(len(row.ids) for row in self.rows) - 1)
        return done


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows by descending length, in groups that waste little on padding.

    Reading is bound by arithmetic, so a padded token costs as much as a real one.
    """
    groups: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: len(row.ids), reverse=True):
        if groups and len(row.ids) >= _ALIKE * len(groups[-1][0].ids):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _seen(rows: Sequence[Row]) -> torch.Tensor:
    """(rows, n): every row's tokens, filled up with its first one again."""
    width = max(len(row.ids) for row in rows)
    return torch.tensor([row.ids + row.prompt[:1] * (width - len(row.ids)) for row in rows])


def _counts(rows: Sequence[Row], vocabulary: int) -> torch.Tensor:
    """(rows, vocabulary): how often each answer has each token, its prompt left out."""
    return torch.stack(
        [torch.bincount(torch.tensor(row.new, dtype=torch.int64), minlength=vocabulary) for row in rows]
    )


def is_joinable(config: PreTrainedConfig) -> bool:
    """Whether rows may join a running batch: their whole past must be keys and values."""
    kinds = set(getattr(config, "layer_types", None) or ())
    return kinds <= {"full_attention", "sliding_attention"}


def _new_cache(model: PreTrainedModel | PeftModel, joinable: bool) -> DynamicCache:
    from transformers import DynamicCache

    # Without the config no layer forgets what its window has passed: the mask hides it instead.
    return DynamicCache() if joinable else DynamicCache(config=model.config)


def _join(cache: DynamicCache, other: DynamicCache) -> None:
    """Append the rows of `other`, padding the shorter of the two on the left."""
    for layer, new in zip(cache.layers, other.layers, strict=True):
        width = max(layer.keys.shape[-2], new.keys.shape[-2])
        layer.keys = torch.cat([_widen(layer.keys, width), _widen(new.keys, width)])
        layer.values = torch.cat([_widen(layer.values, width), _widen(new.values, width)])


def _widen(states: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(states, (0, 0, width - states.shape[-2], 0))


def _narrow(cache: DynamicCache, width: int) -> None:
    for layer in cache.layers:
        if layer.keys.shape[-2] > width:
            layer.keys = layer.keys[..., -width:, :]
            layer.values = layer.values[..., -width:, :]


def _share(rows: Sequence[Row], start: float) -> None:
    seconds = (time.perf_counter() - start) / len(rows)
    for row in rows:
        row.seconds += seconds
