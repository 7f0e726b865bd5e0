"""Digests of pins and templates as literals: a checkpoint pinned by any build is found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brie.pin import (
    folder_template_digest,
    lora_summary,
    packaged_base,
    pin_base,
    pin_checkpoint,
    template_digest,
    write_pin,
)
from tests.pin.folders import make_adapter, make_base

CHATML = "sha256:18d59cbb7940493dc2526e782dbb8f8f1bac629817d5e69c0c30aca8b755dbe9"
EVERYTHING = (
    "{% for m in messages %}{{ loop.index }}{{ m.role }}:{{ m.content }}{{ bos_token }};{% endfor %}"
    "{% if add_generation_prompt %}>{% endif %}"
)


def test_the_digest_of_a_base() -> None:
    assert folder_template_digest(packaged_base("tiny")) == CHATML


def test_the_digests_of_a_base_and_its_adapter(tmp_path: Path) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base")
    adapter = pin_checkpoint(make_adapter(tmp_path / "adapter"), base=base, name="x")
    assert base.digest == "sha256:8293b716eb3b906266a75d09f72c1399f73f880621ecff0c77fe2d05d92687fe"
    assert base.config == "sha256:58ea1df9be61c084e9e1b2aa4ea6f786bb36b78cdfa365b44b4c6632ad7bde04"
    assert base.template_digest == CHATML
    assert adapter.digest == "sha256:221a74e309310204340bad8e361f032d643f1cf548dbb841734ffe6c43e10809"
    assert adapter.config == "sha256:12e8be0edee84565ea655f6080ce1a4301410ed89c2a6dc2fadaa819db604d05"


def test_a_template_is_known_by_every_role_text_and_header_it_writes() -> None:
    expected = "sha256:8f5597fe64853893c43dc0bcaa1e8fc9b0ecb9280a1c6f9d15ae5f38fdc17dca"
    assert template_digest(EVERYTHING, {"bos_token": "<s>"}) == expected


@pytest.mark.parametrize(
    "key",
    ["_name_or_path", "architectures_path", "base_model_name_or_path", "revision",
     "transformers_version", "peft_version", "inference_mode", "dtype", "torch_dtype", "use_cache"],
)  # fmt: skip
def test_what_a_library_writes_of_itself_changes_no_digest(tmp_path: Path, key: str) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base")
    folder = make_adapter(tmp_path / "adapter")
    before = pin_checkpoint(folder, base=base, name="x").digest
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, key: "another"}))
    assert pin_checkpoint(folder, base=base, name="x").digest == before


def test_an_adapter_without_dropout_has_none(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "lora_dropout": 0.25}))
    assert lora_summary(folder).dropout == 0.25
    del config["lora_dropout"]
    (folder / "adapter_config.json").write_text(json.dumps(config))
    assert lora_summary(folder).dropout == 0.0


def test_a_pin_file_is_written_for_people(tmp_path: Path) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base")
    folder = make_adapter(tmp_path / "adapter")
    pin = pin_checkpoint(folder, base=base, name="x")
    write_pin(pin, tmp_path / "pins" / "best.json", checkpoint=folder)
    text = (tmp_path / "pins" / "best.json").read_text()
    assert text.startswith('{\n  "schema": "brie.pin/2",\n  "kind": "adapter",\n  "name": "x",\n')
    assert text.endswith("}\n")
    assert "null" not in text


def test_the_default_of_several_templates_is_the_one(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    text = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    several = [{"name": "tool_use", "template": "{{ 1 }}"}, {"name": "default", "template": text}]
    config = {"eos_token": "<|im_end|>", "chat_template": several}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert folder_template_digest(folder) == CHATML
