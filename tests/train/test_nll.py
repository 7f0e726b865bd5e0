"""The loss of a row does not depend on what it is batched with, and equals its definition."""

from __future__ import annotations

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from brie.data.encode import IGNORED
from brie.train.nll import row_nll


@pytest.fixture(scope="module")
def model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
    )
    return Qwen2ForCausalLM(config).double().eval()


def rows(count: int, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random rows of different lengths with random labels, padded at the end."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 50, (count, width), generator=generator)
    lengths = torch.randint(3, width + 1, (count, 1), generator=generator)
    mask = (torch.arange(width) < lengths).long()
    learned = (torch.rand(count, width, generator=generator) < 0.5) & (mask == 1)
    return ids, mask, torch.where(learned, ids, IGNORED)


def test_it_is_the_sum_of_minus_log_probability_over_learned_tokens(model: Qwen2ForCausalLM) -> None:
    ids, mask, labels = rows(3, 20)
    with torch.no_grad():
        totals, counts = row_nll(model, ids=ids, mask=mask, labels=labels)
        for row in range(3):
            length = int(mask[row].sum())
            logits = model(input_ids=ids[row : row + 1, :length]).logits[0].log_softmax(-1)
            at = [t for t in range(1, length) if labels[row, t] != IGNORED]
            expected = -sum(float(logits[t - 1, ids[row, t]]) for t in at)
            assert totals[row].item() == pytest.approx(expected, rel=1e-5)
            assert counts[row].item() == len(at)


def test_batching_changes_nothing(model: Qwen2ForCausalLM) -> None:
    ids, mask, labels = rows(7, 33)
    with torch.no_grad():
        together = row_nll(model, ids=ids, mask=mask, labels=labels)[0]
        alone = torch.cat(
            [
                row_nll(model, ids=ids[i : i + 1], mask=mask[i : i + 1], labels=labels[i : i + 1])[0]
                for i in range(7)
            ]
        )
    assert torch.allclose(together, alone, rtol=1e-6)


def test_a_row_with_nothing_to_learn_counts_nothing(model: Qwen2ForCausalLM) -> None:
    ids, mask, labels = rows(2, 10)
    labels[1] = IGNORED
    with torch.no_grad():
        totals, counts = row_nll(model, ids=ids, mask=mask, labels=labels)
    assert totals[1].item() == 0
    assert counts[1].item() == 0
