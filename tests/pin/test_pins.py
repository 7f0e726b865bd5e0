"""A pin names content: what changes it, what does not, and what a wrong file gets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from brie.errors import InputError, PinError
from brie.pin import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    folder_template,
    folder_template_digest,
    pin_base,
    pin_checkpoint,
    read_pin,
    verify_files,
    write_pin,
)
from brie.pin.template import render, template_digest
from brie.records import Pin
from tests.pin.folders import CHATML, make_adapter, make_base, write_tensors


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_base(tmp_path / "base")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return make_adapter(tmp_path / "checkpoint-10")


def _pins(base: Path, adapter: Path) -> tuple[Pin, Pin]:
    on = pin_base(base, repo="me/base")
    return on, pin_checkpoint(adapter, base=on, name="run:10", step=10, planned_steps=40)


def test_names_paths_set_order_and_library_versions_change_nothing(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    _, one = _pins(base, adapter)
    moved = tmp_path / "elsewhere"
    shutil.copytree(adapter, moved)
    config = json.loads((moved / ADAPTER_CONFIG).read_text())
    config["target_modules"].reverse()
    config["base_model_name_or_path"] = "/some/where/else"
    config["peft_version"] = "99"
    (moved / ADAPTER_CONFIG).write_text(json.dumps(config, indent=7))
    other = pin_checkpoint(moved, base=pin_base(base, repo="you/other-name"), name="x")
    assert other.digest == one.digest


@pytest.mark.parametrize("file", [ADAPTER_WEIGHTS, ADAPTER_CONFIG])
def test_one_changed_byte_is_found_and_named(base: Path, adapter: Path, file: str) -> None:
    on, pin = _pins(base, adapter)
    verify_files(pin, adapter, on)
    data = bytearray((adapter / file).read_bytes())
    spot = data.index(b'"r": 8') + 5 if file == ADAPTER_CONFIG else len(data) - 1
    data[spot] ^= 1
    (adapter / file).write_bytes(bytes(data))
    with pytest.raises(PinError, match=file):
        verify_files(pin, adapter, on)


def test_an_adapter_for_another_base_is_refused_with_both_digests(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    on, pin = _pins(base, adapter)
    other = pin_base(make_base(tmp_path / "other", fill=3), repo="me/other")
    with pytest.raises(PinError, match="another base") as said:
        verify_files(pin, adapter, other)
    assert on.digest[7:19] in str(said.value)
    assert other.digest[7:19] in str(said.value)


def test_the_base_is_part_of_an_adapters_digest(base: Path, adapter: Path, tmp_path: Path) -> None:
    _, pin = _pins(base, adapter)
    other = pin_base(make_base(tmp_path / "other", fill=3), repo="me/base")
    assert pin_checkpoint(adapter, base=other, name="run:10").digest != pin.digest


def test_lora_settings_are_read_back_from_the_file(base: Path, adapter: Path) -> None:
    _, pin = _pins(base, adapter)
    assert pin.lora is not None
    assert (pin.lora.r, pin.lora.alpha) == (8, 16)
    assert pin.lora.target_modules == ("q_proj", "v_proj")
    assert pin.lora.parameters == 2 * 8 * 4


def test_a_pin_file_finds_its_checkpoint_and_comes_back_equal(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    _, pin = _pins(base, adapter)
    path = tmp_path / "pins" / "best.json"
    written = write_pin(pin, path, checkpoint=adapter)
    again = read_pin(path)
    assert again == written
    assert again.checkpoint is not None
    assert (path.parent / again.checkpoint).resolve() == adapter


def test_what_is_no_pin_is_named_by_key(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"schema": "brie.pin/1", "kind": "adapter"}')
    with pytest.raises(InputError, match="is not a pin: name"):
        read_pin(path)


def test_unsafe_weights_are_refused(base: Path) -> None:
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    with pytest.raises(PinError, match="safetensors alone"):
        pin_base(base, repo="me/base")


def test_generation_markers_make_no_difference_to_a_template() -> None:
    marked = CHATML.replace("{{ m.content }}", "{% generation %}{{ m.content }}{% endgeneration %}")
    assert marked != CHATML
    assert template_digest(marked, {}) == template_digest(CHATML, {})


def test_one_other_character_makes_another_template() -> None:
    assert template_digest(CHATML.replace("<|im_end|>", "<|end|>"), {}) != template_digest(CHATML, {})


def _edited(folder: Path, file: str, **changes: object) -> None:
    """Replace keys of a JSON file of a model's folder."""
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "change",
    [
        {"r": 16},
        {"lora_alpha": 32},
        {"lora_dropout": 0.1},
        {"target_modules": ["q_proj", "k_proj"]},
        {"target_modules": ["q_proj", "v_proj", "k_proj"]},
        {"use_rslora": True},
        {"layers_to_transform": [0]},
    ],
)
def test_every_setting_of_an_adapter_is_part_of_its_digest(
    base: Path, adapter: Path, change: dict[str, object]
) -> None:
    """Equal weights under another alpha are another model: its answers must not be reused."""
    _, one = _pins(base, adapter)
    _edited(adapter, ADAPTER_CONFIG, **change)
    on, other = _pins(base, adapter)
    assert other.digest != one.digest
    assert other.config != one.config
    assert other.files == one.files
    with pytest.raises(PinError, match=ADAPTER_CONFIG):
        verify_files(one, adapter, on)


@pytest.mark.parametrize(
    "key",
    [
        "_name_or_path", "base_model_name_or_path", "revision", "transformers_version",
        "peft_version", "inference_mode", "dtype", "torch_dtype", "use_cache",
    ],
)  # fmt: skip
def test_where_and_by_which_library_a_config_was_written_is_not_part_of_it(
    base: Path, adapter: Path, key: str
) -> None:
    before = _pins(base, adapter)
    _edited(adapter, ADAPTER_CONFIG, **{key: "something else"})
    _edited(base, "config.json", **{key: "something else"})
    after = _pins(base, adapter)
    assert [pin.digest for pin in after] == [pin.digest for pin in before]


def test_an_adapters_weights_are_part_of_its_digest(base: Path, adapter: Path, tmp_path: Path) -> None:
    _, one = _pins(base, adapter)
    _, other = _pins(base, make_adapter(tmp_path / "other", fill=2))
    assert other.digest != one.digest
    assert other.config == one.config
    assert other.files.keys() == {ADAPTER_WEIGHTS}
    assert other.files != one.files


def _more_weights(folder: Path) -> None:
    write_tensors(folder / "model-2.safetensors", {"more": (2, 2)})


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write_tensors(folder / "model.safetensors", {"embed": (4, 4)}, fill=9),
        _more_weights,
        lambda folder: (folder / "tokenizer.json").write_text('{"version": "2"}'),
        lambda folder: (folder / "vocab.json").write_text("{}"),
        lambda folder: (folder / "merges.txt").write_text("a b"),
        lambda folder: (folder / "tokenizer.model").write_text("pieces"),
        lambda folder: _edited(folder, "config.json", hidden_size=8),
        lambda folder: _edited(folder, "config.json", rope_theta=10000),
        lambda folder: (folder / "generation_config.json").write_text('{"eos_token_id": [1, 2]}'),
        lambda folder: _edited(folder, "tokenizer_config.json", eos_token="<|end|>"),
        lambda folder: (folder / "added_tokens.json").write_text('{"<x>": 9}'),
        lambda folder: (folder / "special_tokens_map.json").write_text('{"eos_token": "<x>"}'),
        lambda folder: (folder / "chat_template.jinja").write_text(CHATML + "{# x #}"),
    ],
)
def test_everything_of_a_base_that_decides_its_answers_is_part_of_its_digest(
    base: Path, change: Callable[[Path], object]
) -> None:
    one = pin_base(base, repo="me/base")
    change(base)
    other = pin_base(base, repo="me/base")
    assert other.digest != one.digest
    assert other.base.digest == other.digest
    with pytest.raises(PinError):
        verify_files(one.model_copy(update={"files": other.files}), base)


def test_sampling_settings_of_a_base_and_its_name_are_not_part_of_its_digest(base: Path) -> None:
    (base / "generation_config.json").write_text('{"eos_token_id": 1, "temperature": 0.7}')
    one = pin_base(base, repo="me/base")
    (base / "generation_config.json").write_text('{"top_k": 5, "eos_token_id": 1}')
    other = pin_base(base, repo="you/base", revision="abc", kind="model")
    assert other.digest == one.digest
    assert (other.kind, other.name, other.base.repo, other.base.revision) == (
        "model", "you/base", "you/base", "abc",
    )  # fmt: skip


def test_an_adapter_speaks_its_bases_template_unless_it_brings_its_own(
    base: Path, adapter: Path
) -> None:
    on, plain = _pins(base, adapter)
    assert plain.template_digest == on.template_digest
    (adapter / "chat_template.jinja").write_text(CHATML.replace("<|im_end|>", "<|end|>"))
    _, own = _pins(base, adapter)
    assert own.template_digest != on.template_digest
    assert own.digest != plain.digest


def test_an_adapters_dropout_is_read_back_and_is_nothing_where_it_is_not_named(
    base: Path, adapter: Path
) -> None:
    _edited(adapter, ADAPTER_CONFIG, lora_dropout=0.25, target_modules="all-linear")
    _, pin = _pins(base, adapter)
    assert pin.lora is not None
    assert (pin.lora.dropout, pin.lora.target_modules) == (0.25, ("all-linear",))
    config = json.loads((adapter / ADAPTER_CONFIG).read_text())
    del config["lora_dropout"]
    (adapter / ADAPTER_CONFIG).write_text(json.dumps(config))
    _, pin = _pins(base, adapter)
    assert pin.lora is not None
    assert pin.lora.dropout == 0.0


def test_a_pin_file_is_written_for_people_to_read(base: Path, adapter: Path, tmp_path: Path) -> None:
    _, pin = _pins(base, adapter)
    path = tmp_path / "pin.json"
    write_pin(pin, path, checkpoint=adapter)
    lines = path.read_text().splitlines()
    assert '  "kind": "adapter",' in lines
    assert "null" not in path.read_text()


def _template_of(folder: Path, template: object) -> str:
    """Digest of a folder whose template stands in its tokenizer's config."""
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    _edited(folder, "tokenizer_config.json", chat_template=template)
    return pin_base(folder, repo="me/base").template_digest


def test_of_several_templates_the_default_one_counts(base: Path) -> None:
    alone = pin_base(base, repo="me/base").template_digest
    other = {"name": "tool_use", "template": "{{ messages[0].content }}"}
    assert _template_of(base, CHATML) == alone
    assert _template_of(base, [other, {"name": "default", "template": CHATML}]) == alone
    none = _template_of(base, [other])
    assert none != alone
    with pytest.raises(PinError, match="no chat template"):
        folder_template(base)
    assert folder_template_digest(base) == none


def test_special_tokens_are_read_as_text_or_from_their_description(base: Path) -> None:
    template = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"
    (base / "chat_template.jinja").write_text(template)
    _edited(base, "tokenizer_config.json", bos_token="<s>", eos_token="</s>")
    plain = pin_base(base, repo="me/base").template_digest
    _edited(base, "tokenizer_config.json", bos_token={"content": "<s>", "lstrip": False})
    assert pin_base(base, repo="me/base").template_digest == plain
    _edited(base, "tokenizer_config.json", bos_token="<S>")
    assert pin_base(base, repo="me/base").template_digest != plain


def test_digests_of_pins_are_what_they_were(base: Path, adapter: Path) -> None:
    """Answers are kept under them: another digest asks every model again."""
    on, pin = _pins(base, adapter)
    named = (on.digest, on.config, on.template_digest, pin.digest, pin.config)
    assert [name[7:19] for name in named] == [
        "8293b716eb3b", "58ea1df9be61", "18d59cbb7940", "221a74e30931", "12e8be0edee8",
    ]  # fmt: skip


def test_a_templates_digest_is_over_every_way_it_may_be_asked() -> None:
    """Each of these templates differs from ChatML in one kind of conversation only."""
    plain = template_digest(CHATML, {})
    differing = [
        "{% if messages[0].role == 'system' %}x{% endif %}",
        "{% if messages[0].role == 'system' and not messages[0].content %}x{% endif %}",
        "{% if messages[-1].role == 'assistant' %}x{% endif %}",
        "{% if messages | length == 3 %}x{% endif %}",
        "{% if messages | length == 5 %}x{% endif %}",
        "{% if add_generation_prompt %}x{% endif %}",
        "{% if not add_generation_prompt %}x{% endif %}",
        "{% if '🙂' in messages[-1].content %}x{% endif %}",
        "{% if messages[0].content != messages[0].content | trim %}x{% endif %}",
    ]
    for more in differing:
        assert template_digest(CHATML + more, {}) != plain, more


def test_a_template_that_refuses_a_conversation_has_a_digest_all_the_same() -> None:
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + CHATML
    assert template_digest(refuses, {}) not in (template_digest(CHATML, {}), template_digest("", {}))
    with pytest.raises(PinError, match="cannot render this conversation: no"):
        render(refuses, [{"role": "system", "content": ""}], {})


def test_a_template_sees_tools_special_tokens_and_a_fixed_day() -> None:
    turns = [{"role": "user", "content": "Hi"}]
    template = (
        "{{ eos_token }} {{ tools | tojson }} {{ strftime_now('%Y') }} {{ add_generation_prompt }}"
    )
    said = render(template, turns, {"eos_token": "</s>"}, tools=[{"name": "ü"}])
    assert said == '</s> [{"name": "ü"}] 2026 True'
    assert render("{{ tools is none }}", turns, {}, add_generation_prompt=False) == "True"
    stops = (
        "{% for m in messages %}{% if m.content == 'x' %}{% break %}{% endif %}"
        "{{ m.content }}{% endfor %}"
    )
    assert render(stops, [*turns, {"role": "user", "content": "x"}, *turns], {}) == "Hi"
