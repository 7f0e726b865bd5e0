"""The loss at learned positions is TRL's loss, to rounding, with its gradients."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from trl.trainer.utils import add_fused_lm_head

from brie.data.encode import IGNORED
from brie.train import loss as module
from brie.train.loss import offer_learned_loss

SHAPE = {
    "vocab_size": 90,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 32,
}


def adapted(model: PreTrainedModel, **more: list[str]) -> PeftModel:
    """A model with TRL's head and an adapter that is not zero."""
    add_fused_lm_head(model)
    lora = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "down_proj"], **more)
    lora.init_lora_weights = False
    return get_peft_model(model, lora).train()


def qwen(*, tied: bool = True) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=tied))


def batch() -> dict[str, torch.Tensor]:
    """Three rows of which parts are learned, one padded."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 90, (3, 24), generator=generator)
    mask = torch.ones_like(ids)
    mask[2, 15:] = 0
    learned = (torch.rand(3, 24, generator=generator) < 0.4) & (mask == 1)
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.where(learned, IGNORED)}


def gradients(model: PeftModel) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("tied", [True, False])
def test_loss_and_gradients_are_those_of_trl(tied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOGIT_BYTES", 4 * 90 * 7)  # seven positions at a time
    model, rows = adapted(qwen(tied=tied)), batch()
    assert offer_learned_loss(model, "cpu")
    expected = -model(**rows, fused_lm_head=True).log_probs.sum()
    expected.backward()
    theirs = gradients(model)
    model.zero_grad()
    summed = model(**rows, learned_loss=True)
    summed.backward()
    ours = gradients(model)
    assert summed.item() == pytest.approx(expected.item(), rel=1e-5)
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        assert torch.allclose(ours[name], gradient, rtol=1e-3, atol=1e-5), name


def test_rows_that_teach_nothing_give_a_loss_of_zero_that_can_be_trained_on() -> None:
    model, rows = adapted(qwen()), batch()
    offer_learned_loss(model, "cpu")
    rows["labels"] = torch.full_like(rows["labels"], IGNORED)
    summed = model(**rows, learned_loss=True)
    summed.backward()
    assert summed.item() == 0.0
    assert all(float(gradient.abs().sum()) == 0.0 for gradient in gradients(model).values())


def test_everything_else_of_the_model_stays_as_it_was() -> None:
    model, rows = adapted(qwen()), batch()
    before = model(**rows).loss
    offer_learned_loss(model, "cpu")
    assert torch.equal(model(**rows).loss, before)
    assert model.generate(rows["input_ids"][:1], max_new_tokens=2, do_sample=False).shape == (1, 26)


def test_capped_logits_a_trained_head_and_gpus_are_left_to_trl() -> None:
    capped = Gemma2ForCausalLM(Gemma2Config(**SHAPE, head_dim=8))
    assert capped.config.final_logit_softcapping
    assert not offer_learned_loss(adapted(capped), "cpu")
    assert not offer_learned_loss(adapted(qwen(tied=False), modules_to_save=["lm_head"]), "cpu")
    assert not offer_learned_loss(adapted(qwen()), "cuda")
