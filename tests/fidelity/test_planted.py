"""Faults planted in exports, each caught by its name; sound exports are not refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from brie.fidelity.figures import compare
from tests.fidelity import planted
from tests.fidelity.planted import LAYER, Checkpoint, Numbers, add_adapter, config, copied, numbers


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return planted.checkpoint(tmp_path_factory.mktemp("checkpoint"))


Break = Callable[[Path, Checkpoint], None]


def _rope_base_removed(folder: Path, _: Checkpoint) -> None:
    config(folder, "config.json", lambda c: (c.pop("rope_theta"), c.pop("rope_parameters")))


def _other_rope_base(folder: Path, _: Checkpoint) -> None:
    def change(value: dict[str, object]) -> None:
        value["rope_theta"] = 1e6
        value["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e6}

    config(folder, "config.json", change)


def _template_lost(folder: Path, _: Checkpoint) -> None:
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config(folder, "tokenizer_config.json", lambda c: c.pop("chat_template", None))


def _end_token_lost(folder: Path, _: Checkpoint) -> None:
    config(folder, "generation_config.json", lambda c: c.update(eos_token_id=0))


def _not_merged(folder: Path, tiny: Checkpoint) -> None:
    add_adapter(folder, tiny, -1.0)


def _merged_twice(folder: Path, tiny: Checkpoint) -> None:
    add_adapter(folder, tiny, 1.0)


def _alpha_ignored(folder: Path, tiny: Checkpoint) -> None:
    add_adapter(folder, tiny, 8 / 32 - 1)


def _other_tokenizer(folder: Path, _: Checkpoint) -> None:
    """As many tokens, others in places: two of them have changed their numbers."""

    def change(value: dict[str, object]) -> None:
        model = value["model"]
        assert isinstance(model, dict)
        vocabulary = model["vocab"]
        first, second = list(vocabulary)[900:902]
        vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]

    config(folder, "tokenizer.json", change)


def _layer_zeroed(folder: Path, _: Checkpoint) -> None:
    numbers(folder, lambda read: read[LAYER].zero_())


def _layer_without_a_number(folder: Path, _: Checkpoint) -> None:
    numbers(folder, lambda read: read[LAYER][0].fill_(float("nan")))


def _layer_halved(folder: Path, _: Checkpoint) -> None:
    numbers(folder, lambda read: read[LAYER].mul_(0.5))


def _untied(folder: Path, _: Checkpoint) -> None:
    def change(read: Numbers) -> None:
        read["lm_head.weight"] = read["model.embed_tokens.weight"].roll(1, 0)

    numbers(folder, change)
    config(folder, "config.json", lambda c: c.update(tie_word_embeddings=False))


def _wrong_cast(folder: Path, _: Checkpoint) -> None:
    def change(read: Numbers) -> None:
        for name, tensor in read.items():
            read[name] = tensor.to(torch.float8_e4m3fn).to(tensor.dtype)

    numbers(folder, change)


PLANTED: dict[str, tuple[Break, str, str]] = {
    "rope base removed": (_rope_base_removed, "config", "rope_theta"),
    "another rope base": (_other_rope_base, "config", "rope_theta"),
    "template lost": (_template_lost, "template", "chat_template.jinja"),
    "end token lost": (_end_token_lost, "end token", "generation_config.json: eos_token_id"),
    "adapter not merged": (_not_merged, "adapter not merged", "adapter"),
    "merged twice": (_merged_twice, "adapter merged twice", "adapter"),
    "LoRA alpha ignored": (_alpha_ignored, "adapter scale", "lora_alpha"),
    "tokenizer of another model": (_other_tokenizer, "tokenizer", "token 900"),
    "one layer zeroed": (_layer_zeroed, "layer zeroed", LAYER),
    "no number in a layer": (_layer_without_a_number, "weights", LAYER),
    "one layer's scale halved": (_layer_halved, "layer scaled", LAYER),
    "embeddings untied": (_untied, "embeddings", "lm_head.weight"),
    "wrong dtype cast": (_wrong_cast, "number format", "model.embed_tokens.weight"),
}
"""Fault -> how it is planted, the name it is caught by, and where."""


@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_caught_by_its_name(
    fault: str, number_format: str, tiny: Checkpoint, tmp_path: Path
) -> None:
    plant, kind, where = PLANTED[fault]
    folder = copied(tiny.sound[number_format], tmp_path / "broken")
    plant(folder, tiny)
    found = tiny.check(folder, tmp_path / "work")
    assert found.verdict == "fault"
    assert (found.faults[0].kind, found.faults[0].where) == (kind, where)
    assert found.sentence.startswith(f"FAULT in broken: {kind}: ")


@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
def test_a_sound_export_behaves_like_its_checkpoint(
    number_format: str, tiny: Checkpoint, tmp_path: Path
) -> None:
    found = tiny.check(tiny.sound[number_format], tmp_path / "work")
    assert (found.verdict, found.faults) == ("sound", ())
    assert all(found.same.values())
    (figures,) = found.figures
    assert figures.max_logit_difference is not None
    assert found.limits.max_logit_difference is not None
    assert figures.max_logit_difference <= found.limits.max_logit_difference
    if number_format == "float32":
        assert figures.max_logit_difference <= 1e-3
        assert figures.identical == figures.answers == found.prompts
    for divergence in figures.divergences:
        assert divergence.gap <= 2 * figures.max_logit_difference


def test_a_checkpoint_beside_itself_is_identical_and_says_so(tiny: Checkpoint, tmp_path: Path) -> None:
    side = planted.side_of(tiny.reference.merged)
    itself = Checkpoint(side, planted.reference_of(side, tmp_path / "reference", 4), {})
    found = itself.check(tiny.reference.merged, tmp_path / "work")
    assert found.verdict == "identical"
    assert "every logit compared is the same" in found.sentence


def test_logits_that_are_no_numbers_are_far_from_the_checkpoints(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    logits = np.load(tiny.reference.logits)
    logits[::7, 3] = np.nan
    np.save(tmp_path / "its.npy", logits)
    figures = compare(tiny.reference, tmp_path / "its.npy", "an engine", same_ids=True, why="")
    assert min(figures.kl or 0.0, figures.max_logit_difference or 0.0) > 1e6


def test_a_folder_that_names_code_of_its_own_is_handed_to_no_other_engine(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    folder = copied(tiny.sound["float32"], tmp_path / "broken")
    read = load_file(folder / "model.safetensors")
    save_file(read, folder / "model.safetensors", {"format": "mlx"})
    config(folder, "config.json", lambda c: c.update(model_file="run_me.py"))
    found = tiny.check(folder, tmp_path / "work")
    assert found.file.form == "mlx"
    assert "run code of its own (model_file)" in found.not_measured["the engine that serves it"]
    assert len(found.figures) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_no_sound_export_is_refused(seed: int, tmp_path: Path) -> None:
    from brie.forms.merge import write_merged

    side = planted.side_of(planted.build_adapter(tmp_path / "adapter", seed=seed, alpha=8 + 4 * seed))
    reference = planted.reference_of(side, tmp_path / "reference", 66)
    one = Checkpoint(side, reference, {})
    for number_format in ("float32", "float16", "bfloat16"):
        folder = tmp_path / number_format
        folder.mkdir()
        write_merged(side, folder, number_format)
        found = one.check(folder, tmp_path / f"work-{number_format}")
        assert found.verdict in ("sound", "identical"), json.dumps(found.model_dump(), indent=1)
