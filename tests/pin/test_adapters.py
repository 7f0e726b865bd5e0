"""What an adapter's files say it is is shown; kinds that brie does not run are named in words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from brie.errors import PinError
from brie.pin import lora_summary, pin_base, rewriting
from brie.pin.adapters import refuse_foreign_shape
from brie.pin.folders import refuse_quantised
from tests.pin.folders import make_adapter, make_base, write_tensors


def changed(tmp_path: Path, **settings: object) -> Path:
    folder = make_adapter(tmp_path / "adapter")
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return folder


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"peft_type": "IA3"}, "an IA3 adapter; brie runs LoRA adapters"),
        ({"peft_type": "LOHA"}, "a LoHa adapter"),
        ({"peft_type": "NEWER"}, "an adapter of the kind 'NEWER'"),
        ({"peft_type": "PROMPT_TUNING"}, "prompt tuning: virtual tokens"),
        ({"peft_type": "PREFIX_TUNING"}, "prefix tuning: virtual tokens"),
        ({"task_type": "SEQ_CLS"}, "an adapter for SEQ_CLS"),
        ({"layer_replication": [[0, 4], [2, 5]]}, "repeats layers of its base"),
        ({"fine_tune_type": "lora", "lora_parameters": {"rank": 8}}, "an adapter of mlx-lm"),
        ({"alora_invocation_tokens": [7, 8]}, "works only behind tokens that call it"),
        ({"r": None}, "r is null"),
        ({"r": "eight"}, "r is 'eight'"),
        ({"target_modules": [["q"]]}, "target_modules is"),
        ({"modules_to_save": "lm_head"}, "modules_to_save is 'lm_head'"),
    ],
)
def test_what_brie_does_not_run_is_said_in_words(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    with pytest.raises(PinError, match=re.escape(words)):
        lora_summary(changed(tmp_path, **settings))


def test_settings_that_other_trainers_use_are_shown(tmp_path: Path) -> None:
    folder = changed(
        tmp_path, use_dora=True, use_rslora=True, init_lora_weights="gaussian",
        rank_pattern={"q_proj": 4}, alpha_pattern={"v_proj": 8}, modules_to_save=["lm_head"], bias="all",
        trainable_token_indices={"embed_tokens": [1, 2, 3]},
    )  # fmt: skip
    assert lora_summary(folder).words() == (
        "r=8 alpha=16; DoRA; rsLoRA; started by gaussian; bias all; r=4 in q_proj; alpha=8 in v_proj; "
        "whole: lm_head; 3 trained tokens"
    )
    assert lora_summary(make_adapter(tmp_path / "plain")).words() == "r=8 alpha=16"


def test_tensors_in_a_vision_part_are_counted(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    shape: tuple[int, ...] = (2,)
    names = {"m.vision_tower.q.lora_A.weight": shape, "m.layers.0.q.lora_A.weight": shape}
    write_tensors(folder / "adapter_model.safetensors", names)
    assert lora_summary(folder).words() == "r=8 alpha=16; 1 tensors in its vision part"


@pytest.mark.parametrize(
    ("names", "fill", "zero"),
    [
        (("q.lora_A", "q.lora_B"), 0, True),
        (("q.lora_A", "q.lora_B"), 1, False),
        (("q.lora_A",), 0, False),
        (("q.lora_A", "q.lora_B", "lm_head.weight"), 0, False),
        (("q.lora_A", "q.lora_B", "q.lora_magnitude_vector"), 0, False),
    ],
)
def test_an_adapter_changes_nothing_where_all_it_trained_is_zero(
    tmp_path: Path, names: tuple[str, ...], fill: int, zero: bool
) -> None:
    folder = make_adapter(tmp_path / "adapter")
    write_tensors(folder / "adapter_model.safetensors", dict.fromkeys(names, (2, 2)), fill)
    assert lora_summary(folder).zero is zero


@pytest.mark.parametrize(
    ("settings", "in_turn"),
    [
        ({"init_lora_weights": True}, None),
        ({"init_lora_weights": "gaussian"}, None),
        ({"init_lora_weights": "eva"}, None),
        ({"init_lora_weights": "orthogonal"}, None),
        ({"init_lora_weights": "pissa"}, True),
        ({"init_lora_weights": "olora"}, True),
        ({"init_lora_weights": "OLoRA"}, True),
        ({"init_lora_weights": "pissa_niter_16"}, False),
        ({"init_lora_weights": "corda"}, False),
        ({"init_lora_weights": "loftq"}, False),
        ({"kasa_config": {"beta": 1}}, False),
        ({"bias": "lora_only"}, True),
        ({"bias": "none"}, None),
    ],
)
def test_ways_of_starting_that_rewrite_the_base_are_known(
    tmp_path: Path, settings: dict[str, object], in_turn: bool | None
) -> None:
    found = rewriting(changed(tmp_path, **settings))
    assert (found.in_turn if found else None) is in_turn


def test_weights_of_the_base_in_an_adapters_file_are_the_bases_unless_they_are_listed(
    tmp_path: Path,
) -> None:
    folder = changed(tmp_path, modules_to_save=["score_head"])
    path = folder / "adapter_model.safetensors"
    shape: tuple[int, ...] = (2, 2)
    own = ("base_model.model.q.lora_A.weight", "base_model.model.score_head.weight")
    tokens = "base_model.model.embed.token_adapter.trainable_tokens_delta"
    write_tensors(path, dict.fromkeys((*own, tokens, "base_model.model.q.lora_magnitude_vector"), shape))
    assert rewriting(folder) is None
    write_tensors(path, dict.fromkeys((*own, "base_model.model.embed.weight"), shape))
    over = rewriting(folder)
    assert over is not None
    assert over.in_turn
    assert "embed.weight, which modules_to_save does not list" in str(over.refusal(folder))
    assert "merge_and_unload" in str(over.refusal(folder))
    assert "in the base's place: embed.weight" in lora_summary(folder).words()


def test_a_folder_that_holds_an_adapter_in_another_form_is_said_to(tmp_path: Path) -> None:
    pickled = make_adapter(tmp_path / "pickled")
    (pickled / "adapter_model.safetensors").rename(pickled / "adapter_model.bin")
    with pytest.raises(PinError, match=r"its weights are adapter_model\.bin"):
        refuse_foreign_shape(pickled)
    (pickled / "adapter_model.bin").rename(pickled / "adapters.safetensors")
    with pytest.raises(PinError, match=r"mlx_lm\.fuse"):
        refuse_foreign_shape(pickled)
    make_adapter(tmp_path / "several" / "one")
    make_adapter(tmp_path / "several" / "two")
    with pytest.raises(PinError, match=r"(?s)holds several adapters.*several/one\n.*several/two"):
        refuse_foreign_shape(tmp_path / "several")


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq, 4 bits"),
        ({"quant_method": "awq", "bits": 4}, "awq, 4 bits"),
        ({"load_in_4bit": True}, "bitsandbytes, 4 bits"),
        ({"quant_method": "fp8"}, "fp8"),
    ],
)
def test_weights_in_few_bits_are_refused_in_words(
    tmp_path: Path, packed: dict[str, object], words: str
) -> None:
    folder = make_base(tmp_path / "base")
    refuse_quantised(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": packed}))
    with pytest.raises(PinError, match=re.escape(f"is quantised ({words})")):
        refuse_quantised(folder)


def test_an_adapter_beside_a_models_own_weights_is_refused(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(PinError, match=r"a model and adapter_config\.json"):
        pin_base(folder, repo="b")
