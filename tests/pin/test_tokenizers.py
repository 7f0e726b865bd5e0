"""Two tokenizers are one if they do the same, however they were written down."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from brie.errors import PinError
from brie.pin.tokenizers import refuse_other_tokenizer
from tests.pin.byte_pairs import make_tokenizer, older


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tokenizer(tmp_path_factory.mktemp("base"))
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2"}))
    return folder


def edited(file: Path, change: Any) -> None:
    written = json.loads(file.read_text("utf-8"))
    change(written)
    file.write_text(json.dumps(written, ensure_ascii=False), "utf-8")


@pytest.fixture
def pair(trained: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A base and an adapter's folder with the same tokenizer."""
    shutil.copytree(trained, tmp_path / "base")
    shutil.copytree(trained, tmp_path / "adapter")
    (tmp_path / "adapter" / "config.json").unlink()
    return tmp_path / "base", tmp_path / "adapter"


@pytest.mark.parametrize("base_is_older", [False, True])
@pytest.mark.parametrize("saved_again", [False, True])
def test_an_older_form_and_one_saved_again_are_the_same_tokenizer(
    pair: tuple[Path, Path], base_is_older: bool, saved_again: bool
) -> None:
    from transformers import AutoTokenizer

    base, adapter = pair
    if base_is_older:
        older(base / "tokenizer.json")
    else:
        older(adapter / "tokenizer.json")
    if saved_again:
        shutil.rmtree(adapter)
        AutoTokenizer.from_pretrained(base).save_pretrained(adapter)
    assert (base / "tokenizer.json").read_bytes() != (adapter / "tokenizer.json").read_bytes()
    refuse_other_tokenizer(base=base, adapter=adapter)


def test_settings_of_whoever_saved_it_make_no_other_tokenizer(pair: tuple[Path, Path]) -> None:
    base, adapter = pair
    edited(
        adapter / "tokenizer.json",
        lambda w: w.update(
            truncation={"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
            padding={
                "strategy": {"Fixed": 40}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0,
                "pad_type_id": 0, "pad_token": "x",
            },
        ),
    )  # fmt: skip
    refuse_other_tokenizer(base=base, adapter=adapter)


def _swapped(written: dict[str, Any]) -> None:
    vocabulary = written["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]


def _merged_otherwise(written: dict[str, Any]) -> None:
    merges = written["model"]["merges"]
    merges[0], merges[1] = merges[1], merges[0]


def _one_more(written: dict[str, Any]) -> None:
    token = {**written["added_tokens"][-1], "id": 323, "content": "<tool>"}
    written["added_tokens"].append(token)


def _renamed(written: dict[str, Any]) -> None:
    written["added_tokens"][0]["content"] = "<|end|>"


def _normalised(written: dict[str, Any]) -> None:
    written["normalizer"] = {"type": "Lowercase"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_swapped, r"the first differing token is number \d+, '[ab]' there and '[ab]' here"),
        (_merged_otherwise, r"the first differing token is '.+' \(merge 1 is"),
        (_one_more, r"the first differing token is number \d+, none there and '<tool>' here"),
        (_renamed, "'<.endoftext.>' there and '<.end.>' here"),
        (_normalised, r"becomes .+ there and .+ here, as its token \d+"),
    ],
)
def test_another_tokenizer_is_refused_by_its_first_differing_token(
    pair: tuple[Path, Path], change: Any, words: str
) -> None:
    base, adapter = pair
    edited(adapter / "tokenizer.json", change)
    with pytest.raises(PinError, match=words):
        refuse_other_tokenizer(base=base, adapter=adapter)


def test_a_token_that_only_pads_makes_no_other_tokenizer(pair: tuple[Path, Path]) -> None:
    base, adapter = pair
    edited(adapter / "tokenizer.json", _one_more)
    edited(adapter / "tokenizer_config.json", lambda w: w.update(pad_token={"content": "<tool>"}))
    refuse_other_tokenizer(base=base, adapter=adapter)


def test_an_adapter_without_a_tokenizer_speaks_its_bases(trained: Path, tmp_path: Path) -> None:
    refuse_other_tokenizer(base=trained, adapter=tmp_path)


def test_what_is_no_tokenizer_is_named(pair: tuple[Path, Path]) -> None:
    base, adapter = pair
    (adapter / "tokenizer.json").write_text('{"model": 3}')
    with pytest.raises(PinError, match=r"tokenizer\.json is not a tokenizer file"):
        refuse_other_tokenizer(base=base, adapter=adapter)
