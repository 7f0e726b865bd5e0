"""Draws follow the distribution that the settings describe."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from scipy import stats

from brie.generate.draw import draw
from brie.generate.noise import step_seeds
from brie.records import Sampling

DRAWS = 10_000
PROBABILITIES = torch.tensor([0.4, 0.2, 0.15, 0.1, 0.05, 0.04, 0.03, 0.02, 0.01], dtype=torch.float64)


def _seeds(n: int) -> torch.Tensor:
    return step_seeds(torch.arange(n), torch.zeros(n, dtype=torch.int64))


def _sampling(**settings: float) -> Sampling:
    return Sampling.model_validate({"temperature": 1.0, **settings})


def _expected(sampling: Sampling) -> torch.Tensor:
    """The same distribution the plain way: temperature, then top-k, then top-p, renormalised."""
    p = (PROBABILITIES.log() / sampling.temperature).softmax(0)
    if sampling.top_k:
        p = torch.where(torch.arange(len(p)) < sampling.top_k, p, 0)
        p = p / p.sum()
    before = torch.cat([torch.zeros(1, dtype=p.dtype), p.cumsum(0)[:-1]])
    p = torch.where((before < sampling.top_p) & (p >= sampling.min_p * p.max()), p, 0)
    return p / p.sum()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 2.0},
        {"top_k": 3},
        {"top_p": 0.7},
        {"top_k": 5, "top_p": 0.7, "temperature": 1.5},
        {"min_p": 0.2},
        {"min_p": 0.3, "top_p": 0.9},
        {"min_p": 0.3, "top_k": 6, "temperature": 1.5},
    ],
)
@pytest.mark.parametrize("spread", [1, 150])
def test_frequencies_match_the_distribution(settings: dict[str, float], spread: int) -> None:
    """Chi-square at .1 %; `spread` puts the tokens into several blocks of a larger vocabulary."""
    sampling = _sampling(**settings)
    tokens = torch.arange(len(PROBABILITIES)) * spread
    logits = torch.full((1, int(tokens[-1]) + 1), -torch.inf)
    logits[0, tokens] = PROBABILITIES.log().float()
    drawn = Counter(draw(logits.expand(DRAWS, -1), _seeds(DRAWS), sampling).tolist())
    expected = [p * DRAWS for p in _expected(sampling).tolist() if p > 0]
    observed = [drawn.pop(int(token), 0) for token in tokens[: len(expected)]]
    assert not drawn, "tokens outside the restriction, or of probability 0, were drawn"
    assert stats.chisquare(observed, expected).pvalue > 0.001


def test_a_flat_vocabulary_is_drawn_evenly_across_and_inside_blocks() -> None:
    vocabulary, draws = 1100, 11_000
    drawn = draw(torch.zeros(draws, vocabulary), _seeds(draws), _sampling())
    counts = torch.bincount(drawn, minlength=vocabulary)
    assert stats.chisquare(counts.numpy()).pvalue > 0.001


def test_a_nucleus_larger_than_the_first_guess_is_found() -> None:
    vocabulary = 3000
    drawn = draw(torch.zeros(1000, vocabulary), _seeds(1000), _sampling(top_p=0.9))
    assert len(set(drawn.tolist())) > 700


def test_temperature_zero_takes_the_first_of_the_largest() -> None:
    logits = torch.tensor([[0.0, 3.0, 3.0, 1.0], [5.0, 3.0, 3.0, 1.0]])
    assert draw(logits, _seeds(2), Sampling(temperature=0)).tolist() == [1, 0]


@pytest.mark.parametrize("settings", [{}, {"top_k": 50}, {"top_p": 0.9}])
def test_rounding_of_the_logits_changes_almost_no_draw(settings: dict[str, float]) -> None:
    """Errors of the size that another batch makes: two changed draws would be too many."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(300, 8_000, generator=generator)
    moved = logits + 1e-6 * torch.randn(300, 8_000, generator=generator)
    same = draw(logits, _seeds(300), _sampling(**settings)) == draw(
        moved, _seeds(300), _sampling(**settings)
    )
    assert int((~same).sum()) <= 1


def test_a_row_draws_the_same_alone_and_in_company() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(16, 3000, generator=generator)
    for settings in ({}, {"top_k": 40}, {"top_p": 0.8}):
        together = draw(logits, _seeds(16), _sampling(**settings))
        alone = [
            draw(logits[i : i + 1], _seeds(16)[i : i + 1], _sampling(**settings)) for i in range(16)
        ]
        assert torch.equal(together, torch.cat(alone))


def test_penalties_are_those_of_vllm_for_what_the_answer_has() -> None:
    """frequency x count, and presence once, from logits; what the prompt has does not count."""
    logits = torch.tensor([[3.0, 2.5, 2.0, 0.0]])
    counts = torch.tensor([[2, 1, 0, 0]])
    greedy = _sampling(temperature=0.0)

    def chosen(**penalties: float) -> int:
        sampling = greedy.model_copy(update=penalties)
        return int(draw(logits, _seeds(1), sampling, None, counts))

    assert chosen() == 0
    assert chosen(frequency_penalty=0.4) == 0  # 2.2, 2.1, 2.0
    assert chosen(frequency_penalty=0.51) == 2  # 1.98, 1.99, 2.0
    assert chosen(presence_penalty=0.4) == 0  # 2.6, 2.1, 2.0
    assert chosen(presence_penalty=1.1) == 2
    assert chosen(frequency_penalty=-1.0) == 0
