"""In which order rows are learned from where batches hold rows of like length.

Rows of like length share a batch, so that little of it is padding. The order of an epoch is drawn by the
seed and the epoch's number alone: a run that goes on in the middle of an epoch goes on in the same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler


class ByLength(Sampler[int]):
    """Rows in shuffled groups of like length; the order of an epoch is told by `set_epoch`."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths, self._batch_size, self._seed = list(lengths), batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next, from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        yield from epoch_order(self._lengths, self._batch_size, seed=self._seed, epoch=self._epoch)


def epoch_order(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> list[int]:
    """Places of rows in the order of an epoch.

    Args:
        lengths: tokens of each row.
        batch_size: rows of an update.
        seed: the recipe's.
        epoch: from 0.
    """
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    generator = torch.Generator().manual_seed((seed << 20) + epoch)
    order: list[int] = get_length_grouped_indices(list(lengths), batch_size, generator=generator)
    return order
