"""What `brie train` says of the rows before it trains: unused keys, special tokens, rows taken apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brie.errors import InputError
from brie.train.prepare import prepare
from tests.data.rows import row
from tests.train.world import Watcher, make_project, request


def test_keys_that_are_not_used_are_named_as_by_the_check(tmp_path: Path) -> None:
    rows = [json.dumps(row(f"{n}?", mood="good", meta={"source": "s"})) for n in range(20)]
    project = make_project(tmp_path / "p", rows)
    watcher = Watcher()
    prepare(request(project), project, watcher)
    assert "rows.jsonl: keys not used in training: meta, mood" in watcher.notes
    mapped = replace(request(project), mapping=("source=meta.source",))
    assert prepare(mapped, project, watcher).config.train.rows_digest


def test_special_tokens_in_answers_are_refused_unless_asked_for(tmp_path: Path) -> None:
    rows = [json.dumps(row(f"{n}? <|im_start|>", f"{n}." + "<|im_end|>" * (n < 2))) for n in range(20)]
    project = make_project(tmp_path / "p", rows)
    with pytest.raises(InputError, match=r"of answers: <\|im_end\|> \(\d rows?: line 1.*=true"):
        prepare(request(project), project, Watcher())
    watcher = Watcher()
    prepare(request(project, "allow_special_tokens=true"), project, watcher)
    said = [note for note in watcher.notes if "special tokens" in note]
    assert any("in the text of prompts" in note and "<|im_start|>" in note for note in said)
    assert any("in the text of answers" in note and "<|im_end|>" in note for note in said)
