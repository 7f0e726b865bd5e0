"""A merged model computes what its adapter does beside its base, whatever the adapter sits on."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.forms.merge import load_side, write_merged
from brie.pin.weights import load_causal_lm
from brie.project import packaged
from tests.fidelity import planted

MODULES = (["embed_tokens", "q_proj"], ["lm_head", "embed_tokens"], ["lm_head"])


def saved(folder: Path, modules: list[str], *, biased: bool = False) -> Path:
    """An adapter on the packaged base, whose embeddings are tied."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(3)
    base = packaged("models", "tiny")
    config = LoraConfig(
        r=2, lora_alpha=8, target_modules=modules, init_lora_weights=False, lora_bias=biased
    )
    adapted = get_peft_model(load_causal_lm(base, "float32"), config)
    adapted.save_pretrained(folder, save_embedding_layers=False)
    return folder


@pytest.mark.parametrize("modules", MODULES, ids="+".join)
def test_a_lora_on_tied_embeddings_is_merged_where_it_sits(tmp_path: Path, modules: list[str]) -> None:
    import torch

    side = planted.side_of(saved(tmp_path / "adapter", modules))
    (tmp_path / "merged").mkdir()
    write_merged(side, tmp_path / "merged", "float32")
    ids = torch.arange(40, 60)[None]
    with torch.inference_mode():
        beside = load_side(side)(input_ids=ids).logits
        merged = load_causal_lm(tmp_path / "merged", "float32")(input_ids=ids).logits
    torch.testing.assert_close(merged, beside, atol=1e-3, rtol=0)


def test_what_peft_cannot_merge_is_one_sentence(tmp_path: Path) -> None:
    side = planted.side_of(saved(tmp_path / "adapter", ["o_proj"], biased=True))
    (tmp_path / "merged").mkdir()
    with pytest.raises(UsageError, match="cannot be merged into its base"):
        write_merged(side, tmp_path / "merged", "float32")
