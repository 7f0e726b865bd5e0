"""Hub datasets: references, and what a failure says. A local folder stands in for the Hub's rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.data.hub import load_hub
from brie.errors import InputError, UsageError
from tests.data.rows import row, write

COMMIT = "0" * 40


@pytest.mark.parametrize("reference", ["hf:", "hf:@main", "hf::train"])
def test_a_reference_without_a_name_is_explained(reference: str) -> None:
    with pytest.raises(UsageError, match="hf:ORG/NAME"):
        load_hub(reference)


def test_rows_are_read_like_a_file_and_the_commit_is_written_out(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [row("a?"), row("b?", category="c")])
    found = load_hub(f"hf:{tmp_path}@{COMMIT}")
    assert found.reference == f"hf:{tmp_path}@{COMMIT}:train"
    assert [c.messages[0].content for c in found.conversations] == ["a?", "b?"]
    assert found.conversations[1].category == "c"


def test_a_bad_row_is_named_by_its_number(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [row("a?"), {"messages": [{"role": "user", "content": "x"}]}])
    with pytest.raises(InputError, match="row 2: ends with a user turn"):
        load_hub(f"hf:{tmp_path}@{COMMIT}")


def test_a_missing_split_is_one_sentence(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [row("a?")])
    with pytest.raises(UsageError, match="split test") as caught:
        load_hub(f"hf:{tmp_path}@{COMMIT}:test")
    assert "\n" not in str(caught.value)


def test_without_a_network_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="check the connection, or name a commit"):
        load_hub("hf:someone/something")
