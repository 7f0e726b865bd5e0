"""Estimates from shapes: exact where they claim to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.project import Project, packaged
from brie.train.memory import adapter_parameters, estimate, parameters, read_architecture
from brie.train.recipes import SEVEN, Architecture, load_recipe

SMALL = Architecture(
    hidden=32, layers=3, heads=4, kv_heads=2, intermediate=80, vocabulary=97, tied=False
)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("modules", [SEVEN, ("q_proj", "v_proj"), ("down_proj",)])
def test_counts_agree_with_a_real_model(tied: bool, modules: tuple[str, ...]) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    shape = SMALL.model_copy(update={"tied": tied})
    config = Qwen2Config(
        vocab_size=97,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=80,
        tie_word_embeddings=tied,
    )
    model = Qwen2ForCausalLM(config)
    assert parameters(shape) == model.num_parameters()
    adapted = get_peft_model(model, LoraConfig(r=5, target_modules=list(modules)))
    assert adapter_parameters(shape, 5, modules) == adapted.num_parameters(only_trainable=True)


def test_checkpointing_and_smaller_micro_batches_need_less(tmp_path: Path) -> None:
    recipe = load_recipe("3b", Project(tmp_path))
    shape = recipe.architecture
    assert shape is not None
    kept = estimate(shape, recipe.model_copy(update={"gradient_checkpointing": False}), "bfloat16", 2048)
    recomputed = estimate(shape, recipe, "bfloat16", 2048)
    assert recomputed.activations < kept.activations / 5
    twice = estimate(shape, recipe.model_copy(update={"micro_batch_size": 2}), "bfloat16", 2048)
    assert twice.activations == 2 * recomputed.activations
    assert recomputed.weights == 2 * parameters(shape)
    assert recomputed.total == sum(recomputed)


def test_the_packaged_base_is_read_from_its_config() -> None:
    shape = read_architecture(packaged("models", "tiny"))
    assert shape is not None
    assert parameters(shape) * 4 < 5_000_000


def test_a_folder_without_a_llama_like_config_has_no_shape(tmp_path: Path) -> None:
    assert read_architecture(tmp_path) is None
    (tmp_path / "config.json").write_text('{"n_embd": 4}')
    assert read_architecture(tmp_path) is None
