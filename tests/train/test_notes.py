"""What `brie train` says of the rows before it trains: unused keys, special tokens, rows taken apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brie.errors import InputError
from brie.train.prepare import prepare
from tests.data.families import family_base
from tests.data.rows import row
from tests.train.world import Watcher, make_project, request


def test_keys_that_are_not_used_are_named_as_by_the_check(tmp_path: Path) -> None:
    rows = [json.dumps(row(f"{n}?", mood="good", meta={"source": "s"})) for n in range(20)]
    project = make_project(tmp_path / "p", rows)
    watcher = Watcher()
    prepare(request(project), project, watcher)
    assert "rows.jsonl: keys not used in training: meta, mood" in watcher.notes
    mapped = replace(request(project), mapping=("source=meta.source",))
    part = prepare(mapped, project, watcher).config.train
    assert part.mapping == {"source": "meta.source"}
    assert part.model_dump()["mapping"] == {"source": "meta.source"}


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


def test_a_row_that_is_taken_apart_is_one_row_and_is_said(tmp_path: Path) -> None:
    more = [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "So."}]
    rows = [row(f"{n}?") for n in range(20)]
    for longer in rows[::2]:
        longer["messages"] += more
    project = make_project(tmp_path / "p", [json.dumps(r) for r in rows])
    base = family_base("qwen3", tmp_path / "base")
    watcher = Watcher()
    job = prepare(replace(request(project), base=str(base)), project, watcher)
    config = job.config
    assert config.train.rows + config.val.rows == 20
    assert len(job.train) + len(job.val) == 30
    assert any("one an answer, each as the model is asked for it" in note for note in watcher.notes)
