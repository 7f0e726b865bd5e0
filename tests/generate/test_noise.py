"""Noise is a function of key, step and slot alone, and looks like noise."""

from __future__ import annotations

import torch
from scipy import stats

from brie.digest import digest
from brie.generate.noise import gumbel, key_seed, step_seeds


def _seeds(n: int, step: int = 0) -> torch.Tensor:
    keys = torch.tensor([key_seed(digest(i)) for i in range(n)])
    return step_seeds(keys, torch.full((n,), step))


def test_a_rows_noise_does_not_depend_on_the_other_rows() -> None:
    slots = torch.arange(100)
    together = gumbel(_seeds(7), slots)
    for i in range(7):
        assert torch.equal(gumbel(_seeds(7)[i : i + 1], slots)[0], together[i])


def test_a_slots_noise_does_not_depend_on_the_other_slots() -> None:
    full = gumbel(_seeds(3), torch.arange(1000))
    some = torch.tensor([[5, 999, 0], [7, 7, 8], [1, 2, 3]])
    assert torch.equal(gumbel(_seeds(3), some), full.gather(1, some))


def test_the_values_are_fixed_for_ever() -> None:
    """Stored completions name a sampler version: another bit here needs another version."""
    seed = step_seeds(torch.tensor([1]), torch.tensor([2]))
    assert seed.tolist() == [-5876580479810515776]
    assert [round(x, 4) for x in gumbel(seed, torch.arange(3))[0].tolist()] == [-0.8827, 0.6039, 0.7177]


def test_noise_follows_the_gumbel_distribution() -> None:
    drawn = gumbel(_seeds(200), torch.arange(500)).flatten().numpy()
    assert stats.kstest(drawn, "gumbel_r").pvalue > 0.001


def test_steps_keys_and_slots_are_uncorrelated() -> None:
    by_step = torch.stack([gumbel(_seeds(1, step), torch.arange(400))[0] for step in range(200)])
    for a, b in ((by_step[:-1], by_step[1:]), (by_step[:, :-1], by_step[:, 1:])):
        pairs = torch.stack([a.flatten(), b.flatten()])
        assert abs(torch.corrcoef(pairs)[0, 1].item()) < 4 / pairs.shape[1] ** 0.5
    by_key = gumbel(_seeds(400), torch.arange(200))
    pairs = torch.stack([by_key[:-1].flatten(), by_key[1:].flatten()])
    assert abs(torch.corrcoef(pairs)[0, 1].item()) < 4 / pairs.shape[1] ** 0.5


def test_seeds_use_all_64_bits() -> None:
    seeds = [key_seed(digest(i)) for i in range(2000)]
    assert min(seeds) < -(2**62)
    assert max(seeds) > 2**62
    assert len(set(seeds)) == 2000
