"""Conversations become the ids that transformers would make, and end where the template says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brie.errors import PinError, UsageError
from brie.generate.encode import Encoder, refuse_unreadable
from brie.records import Message, Sampling
from tests.generate.tinymodel import TEMPLATE

TALK = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="Ça va?\n\n"),
    Message(role="assistant", content="Oui"),
    Message(role="user", content="Why"),
)


def _copy(folder: Path, to: Path, template: str) -> Path:
    shutil.copytree(folder, to)
    (to / "chat_template.jinja").write_text(template)
    return to


def test_ids_are_those_of_transformers(base: Path) -> None:
    encoder = Encoder.load(base)
    turns = [m.model_dump() for m in TALK]
    expected = encoder.tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, tokenize=True, return_dict=False
    )
    assert encoder.encode(TALK) == expected


def test_decoding_leaves_out_markers_and_nothing_else(base: Path) -> None:
    encoder = Encoder.load(base)
    ids = encoder.tokenizer("  two\nlines \n", add_special_tokens=False)["input_ids"]
    assert encoder.decode([*ids, *encoder.stop]) == "  two\nlines \n"


def test_the_templates_own_end_of_turn_stops_an_answer(base: Path, tmp_path: Path) -> None:
    """As with a base model whose eos is `<|endoftext|>` under a ChatML template."""
    folder = _copy(base, tmp_path / "base", TEMPLATE)
    for name in ("generation_config.json", "tokenizer_config.json"):
        path = folder / name
        path.write_text(path.read_text().replace("<|im_end|>", "<|endoftext|>"))
    encoder = Encoder.load(folder)
    tokenizer = encoder.tokenizer
    assert tokenizer.eos_token == "<|endoftext|>"
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") in encoder.stop
    assert tokenizer.convert_tokens_to_ids("<|endoftext|>") in encoder.stop


def test_thinking_is_off_unless_asked(base: Path, tmp_path: Path) -> None:
    folder = _copy(base, tmp_path / "base", TEMPLATE + "{% if enable_thinking %}<think>{% endif %}")
    encoder = Encoder.load(folder)
    asked, not_asked = encoder.encode(TALK, prompt="p", thinking=True), encoder.encode(TALK, prompt="p")
    assert encoder.decode(asked).endswith("<think>")
    assert not encoder.decode(not_asked).endswith("<think>")


def test_an_adapters_own_template_is_used_for_it(base: Path, adapter: Path, tmp_path: Path) -> None:
    own = tmp_path / "adapter"
    shutil.copytree(adapter, own)
    text = "{{ messages[0].content }} Q: {{ messages[-1].content }}\nA:"
    (own / "chat_template.jinja").write_text(text)
    assert (
        Encoder.load(base, adapter=own).decode(Encoder.load(base, adapter=own).encode(TALK))
        == "Be brief. Q: Why\nA:"
    )
    assert Encoder.load(base, adapter=adapter).encode(TALK) == Encoder.load(base).encode(TALK)


def test_an_adapter_with_another_tokenizer_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    own = tmp_path / "adapter"
    shutil.copytree(adapter, own)
    stored = json.loads((base / "tokenizer.json").read_text())
    stored["truncation"] = {  # settings alone do not make it another tokenizer
        "direction": "Right", "max_length": 64, "strategy": "LongestFirst", "stride": 0,
    }  # fmt: skip
    (own / "tokenizer.json").write_text(json.dumps(stored))
    Encoder.load(base, adapter=own)
    vocabulary = stored["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    (own / "tokenizer.json").write_text(json.dumps(stored))
    with pytest.raises(PinError, match="the first differing token is number"):
        Encoder.load(base, adapter=own)


def test_prompts_longer_than_the_context_are_refused_by_name(base: Path) -> None:
    encoder = Encoder.load(base)
    prompts = {
        "short": (Message(role="user", content="hi"),),
        "endless": (Message(role="user", content="x" * 300),),
        "longer": (Message(role="user", content="y" * 400),),
    }
    with pytest.raises(
        UsageError, match=r"2 prompt.*256 tokens: endless \(\d+ tokens, 'x{40}'\), longer"
    ):
        refuse_unreadable(prompts, encoder, Sampling())
    refuse_unreadable({"short": prompts["short"]}, encoder, Sampling())


def test_an_answer_has_the_room_the_context_leaves(base: Path) -> None:
    encoder = Encoder.load(base)
    assert encoder.room(200, Sampling(max_new_tokens=1024)) == 56
    assert encoder.room(200, Sampling(max_new_tokens=10)) == 10
