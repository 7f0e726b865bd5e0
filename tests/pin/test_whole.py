"""A cached base is used only if it is all there."""

from __future__ import annotations

import json
from pathlib import Path

from brie.pin.bases import is_whole


def test_a_folder_with_one_of_two_shards_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(tmp_path)
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).write_text("{}")
    assert is_whole(tmp_path, weights=False)
    assert not is_whole(tmp_path)
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / shards[0]).write_bytes(b"")
    assert not is_whole(tmp_path)
    (tmp_path / shards[1]).write_bytes(b"")
    assert is_whole(tmp_path)


def test_a_single_file_is_whole(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert is_whole(tmp_path)


def test_weights_are_part_of_what_is_whole_unless_they_are_not_wanted(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        assert not is_whole(tmp_path, weights=False)
        (tmp_path / name).write_text("{}")
    assert not is_whole(tmp_path)
    assert is_whole(tmp_path, weights=False)
