"""Ollama's template is written only where it renders what the chat template renders."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.export.modelfile import take_apart, write_modelfile
from brie.pin import packaged_base, render_chat
from brie.pin.folders import folder_template

CHATML = (
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
DEFAULT_SYSTEM = (
    "{%- if messages[0].role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}" + CHATML
)
HEADERS = (
    "{%- for m in messages %}<|start|>{{ m.role }}<|stop|>\n\n{{ m.content }}<|eot|>{% endfor %}"
    "{%- if add_generation_prompt %}<|start|>assistant<|stop|>\n\n{% endif %}"
)
COUNTING = "{%- for m in messages %}{{ loop.index }}: {{ m.content }}\n{% endfor %}> "


@pytest.mark.parametrize("template", [CHATML, DEFAULT_SYSTEM, HEADERS])
def test_a_template_taken_apart_renders_as_it_did(template: str) -> None:
    talk = (
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": "B"},
        {"role": "user", "content": "C"},
    )
    assert take_apart(template, {}).render(talk) == render_chat(template, talk, {})


def test_the_default_system_prompt_is_taken_out_as_one() -> None:
    assert take_apart(DEFAULT_SYSTEM, {}).default_system == "You help."


def test_a_template_that_counts_is_refused_with_what_serves_it() -> None:
    with pytest.raises(UsageError, match="llama-server --jinja"):
        take_apart(COUNTING, {})


def test_the_tiny_base_has_a_modelfile_with_its_end_token(tmp_path: Path) -> None:
    folder = packaged_base("tiny")
    write_modelfile(folder, tmp_path / "tiny.gguf")
    written = (tmp_path / "Modelfile").read_text("utf-8")
    assert written.startswith("FROM ./tiny.gguf\n")
    assert 'PARAMETER stop "<|im_end|>"' in written
    template, special = folder_template(folder)
    assert take_apart(template, special).header in written
