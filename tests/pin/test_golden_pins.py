"""Digests of fixed models and templates, as literals: pins that exist today are found by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brie.digest import Canonical, digest
from brie.errors import PinError
from brie.pin import folder_template, lora_summary, pin_base, pin_checkpoint, render, write_pin
from brie.pin.template import template_digest
from tests.pin.folders import CHATML, make_adapter, make_base, write_tensors

BASE = "sha256:8293b716eb3b906266a75d09f72c1399f73f880621ecff0c77fe2d05d92687fe"
ADAPTER = "sha256:221a74e309310204340bad8e361f032d643f1cf548dbb841734ffe6c43e10809"
EARLIER = "sha256:8b5472982a2a68ea97004f7e318462cccc53992bf23c2a58c41ce5e68e1e8a5e"
EARLIER_ADAPTER = "sha256:9dc95cc86591673d6a69c17adb18ec7cd4f4bb3bef516b21ae63bf5e527ee25c"
"""The same folders, pinned by version 1."""


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (CHATML, "sha256:18d59cbb7940493dc2526e782dbb8f8f1bac629817d5e69c0c30aca8b755dbe9"),
        (
            "{{ messages | tojson }}",
            "sha256:64ab37cec0e2c53eef0ea50244780a9adc01d8a5665af7f4313acffee0cdfe8d",
        ),
        (
            "{{ messages[-1].role }}{{ bos_token }}",
            "sha256:5755585e571dc28f8363d0f07af04451e55245d8eee151cc7e3ac0b42089603b",
        ),
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}x",
            "sha256:9b588d9f658c05921840c9fee5b3613cfb6db1f7bc86fc7b41efb277c8d35538",
        ),
        (
            "{{ strftime_now('%d %B %Y') }}",
            "sha256:2595a25efb50fb99dd4140298ab9409062c333e420998394cd997c14aef08ea4",
        ),
    ],
)
def test_a_template_has_the_digest_it_always_had(template: str, expected: str) -> None:
    assert template_digest(template, {"bos_token": "<s>"}) == expected


def test_a_template_is_rendered_with_its_header_unless_that_is_not_wanted() -> None:
    asked = ({"role": "user", "content": "Why?"},)
    turn = "<|im_start|>user\nWhy?<|im_end|>\n"
    assert render(CHATML, asked, {}) == turn + "<|im_start|>assistant\n"
    assert render(CHATML, asked, {}, add_generation_prompt=False) == turn


def test_a_template_sees_its_tools_its_tokens_and_its_switches() -> None:
    template = (
        "{{ tools | tojson(indent=1) }}{{ documents is none }}{{ bos_token }}{{ enable_thinking }}"
    )
    special: dict[str, str | bool] = {"bos_token": "<s>", "enable_thinking": False}
    assert render(template, (), special, tools=[{"n": "é"}]) == '[\n {\n  "n": "é"\n }\n]True<s>False'
    assert render("{{ tools is none }}", (), {}) == "True"


def test_blocks_leave_no_blank_lines_and_nothing_is_escaped() -> None:
    template = (
        "{% for m in messages %}\n    {% if loop.first %}{% continue %}{% endif %}\n<b>{{ m }}\n"
        "{% endfor %}"
    )
    assert render(template, ("one", "<two>"), {}) == "<b><two>\n"  # type: ignore[arg-type]


def test_a_model_has_the_digest_it_always_had(tmp_path: Path) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base")
    pin = pin_checkpoint(make_adapter(tmp_path / "adapter"), base=base, name="run:10")
    assert (base.digest, pin.digest) == (BASE, ADAPTER)
    assert base.config == "sha256:58ea1df9be61c084e9e1b2aa4ea6f786bb36b78cdfa365b44b4c6632ad7bde04"
    assert pin.config == "sha256:12e8be0edee84565ea655f6080ce1a4301410ed89c2a6dc2fadaa819db604d05"
    assert (base.kind, base.schema_, pin.kind, pin.schema_) == (
        "base", "brie.pin/2", "adapter", "brie.pin/2",
    )  # fmt: skip
    assert (pin.run, pin.step, pin.planned_steps, pin.epoch, pin.eval_loss) == (None,) * 5
    assert set(base.files) == {
        "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
    }  # fmt: skip
    assert pin.template_digest == base.template_digest


def test_a_models_digest_is_over_its_kind_its_files_and_its_config(tmp_path: Path) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base", kind="model")
    pin = pin_checkpoint(make_adapter(tmp_path / "adapter"), base=base, name="run:10")
    rendered: dict[str, Canonical] = {"template": base.template_digest, "pin": 2}
    assert base.digest == digest(
        {"kind": "model", "files": base.files, "config": base.config, **rendered}
    )
    assert pin.digest == digest(
        {"kind": "adapter", "files": pin.files, "config": pin.config, "base": base.digest, **rendered}
    )


def test_where_an_answer_ends_is_part_of_a_model(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "generation_config.json").write_text('{"eos_token_id": [1, 2], "top_k": 5}')
    assert pin_base(folder, repo="b").config == digest(
        [json.loads((folder / "config.json").read_text()), {"eos_token_id": [1, 2]}]
    )


@pytest.mark.parametrize("before", [BASE, "sha256:" + "0" * 64, None])
def test_a_model_pinned_now_has_todays_version(tmp_path: Path, before: str | None) -> None:
    pin = pin_base(make_base(tmp_path / "base"), repo="me/base", pinned_before=before)
    assert (pin.digest, pin.version) == (BASE, 2)


def test_a_model_pinned_by_an_earlier_version_keeps_its_pin(tmp_path: Path) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base", pinned_before=EARLIER)
    assert (base.digest, base.version) == (EARLIER, 1)
    assert set(base.files) == {"model.safetensors", "tokenizer.json"}
    pin = pin_checkpoint(make_adapter(tmp_path / "adapter"), base=base, name="run:10")
    assert (pin.digest, pin.version) == (EARLIER_ADAPTER, 1)
    assert set(pin.files) == {"adapter_model.safetensors"}


@pytest.mark.parametrize(
    ("changes", "dropout", "modules"),
    [
        ({}, 0.0, ("q_proj", "v_proj")),
        ({"lora_dropout": 0.05}, 0.05, ("q_proj", "v_proj")),
        ({"lora_dropout": None}, 0.0, ("q_proj", "v_proj")),
        ({"target_modules": "all-linear"}, 0.0, ("all-linear",)),
        ({"target_modules": None}, 0.0, ()),
    ],
)
def test_lora_settings_are_those_of_the_adapters_own_file(
    tmp_path: Path, changes: dict[str, object], dropout: float, modules: tuple[str, ...]
) -> None:
    folder = make_adapter(tmp_path / "adapter")
    path = folder / "adapter_config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
    summary = lora_summary(folder)
    assert summary.model_dump() == {
        "r": 8, "alpha": 16.0, "dropout": dropout, "target_modules": modules, "parameters": 64,
    }  # fmt: skip


def test_a_pin_file_is_json_that_a_person_can_read_without_what_is_not_known(tmp_path: Path) -> None:
    base = pin_base(make_base(tmp_path / "base"), repo="me/base")
    path = tmp_path / "pins" / "base.json"
    write_pin(base, path, checkpoint=tmp_path / "base")
    text = path.read_text("utf-8")
    assert text.startswith('{\n  "schema": "brie.pin/2",\n  "kind": "base",\n')
    assert text.endswith("\n}\n")
    assert json.loads(text)["checkpoint"] == "../base"
    assert "null" not in text


@pytest.mark.parametrize("written", ["string", "token", "list", "file"])
def test_a_template_is_read_wherever_a_tokenizer_keeps_it(tmp_path: Path, written: str) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "chat_template.jinja").unlink()
    named = [{"name": "tools", "template": "other"}, {"name": "default", "template": "{{ eos_token }}"}]
    config: dict[str, object] = {"chat_template": named if written == "list" else "{{ eos_token }}"}
    config["eos_token"] = {"content": "<end>"} if written == "token" else "<end>"
    config |= {"pad_token": None, "unk_token": "<unk>", "mask_token": "<mask>"}
    if written == "file":
        (folder / "chat_template.jinja").write_text("{{ eos_token }}")
        config["chat_template"] = "overruled"
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    template, special = folder_template(folder)
    assert template == "{{ eos_token }}"
    assert special == {"eos_token": "<end>", "unk_token": "<unk>"}


def test_templates_of_which_none_is_the_default_are_none(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "chat_template.jinja").unlink()
    config = {"chat_template": ["default", {"name": "tools", "template": "x"}]}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(PinError, match="no chat template"):
        folder_template(folder)


def test_a_header_says_how_many_weights_were_trained(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    write_tensors(folder / "adapter_model.safetensors", {"a": (3, 5), "b": (7,), "c": ()})
    assert lora_summary(folder).parameters == 15 + 7 + 1


def test_a_folder_without_weights_says_so_and_no_more(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    with pytest.raises(PinError) as refused:
        pin_base(folder, repo="b")
    assert str(refused.value) == f"{folder} holds no *.safetensors weights."
