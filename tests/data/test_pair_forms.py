"""Preference pairs of other tools are read with their prompts, their systems and both answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brie.data.preferences import load_pairs
from brie.errors import InputError
from tests.data.rows import write

ASKED = {"role": "user", "content": "Ready?"}
BETTER, WORSE = {"role": "assistant", "content": "Yes."}, {"role": "assistant", "content": "No."}
HALVES = {"chosen": "Yes.", "rejected": "No."}


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ({"input": {"messages": [ASKED]}, "preferred_output": [BETTER], "non_preferred_output": [WORSE]},
         "Ready?"),
        ({"conversations": [{"from": "human", "value": "Ready?"}],
          "chosen": {"from": "gpt", "value": "Yes."}, "rejected": {"from": "gpt", "value": "No."}},
         "Ready?"),
        ({"instruction": "Answer.", "input": "Ready?", **HALVES}, "Answer.\n\nReady?"),
        ({"instruction": "Ready?", "input": "", **HALVES}, "Ready?"),
        ({"question": "Ready?", **HALVES}, "Ready?"),
        ({"messages": [ASKED], **HALVES}, "Ready?"),
        ({"messages": [ASKED, BETTER], "rejected_response": "No."}, "Ready?"),
        ({"chosen": "\n\nHuman: Ready?\n\nAssistant: Yes.",
          "rejected": "\n\nHuman: Ready?\n\nAssistant: No."}, "Ready?"),
        ({"prompt": "\n\nHuman: Ready?\n\nAssistant:", **HALVES}, "Ready?"),
        ({"prompt": "Are you\n\nHuman: ready?", **HALVES}, "Are you\n\nHuman: ready?"),
    ],
)  # fmt: skip
def test_a_form_of_pairs_is_read(tmp_path: Path, form: dict[str, Any], asked: str) -> None:
    pairs = load_pairs(write(tmp_path / "p.jsonl", [{**form, "system_prompt": "Be brief."}]))
    better, worse = pairs.chosen[0].messages, pairs.rejected[1].messages
    assert [turn.content for turn in better] == ["Be brief.", asked, "Yes."]
    assert [turn.content for turn in worse] == ["Be brief.", asked, "No."]
    assert [turn.role for turn in better] == ["system", "user", "assistant"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"question": "Ready?", "context": "We start.", **HALVES}, "`context` beside `question`"),
        (
            {"question": "Ready?", "query": "Now?", **HALVES},
            "`question` and `query` may be the question",
        ),
        ({"prompt": [ASKED], "answers": ["Yes.", "No."]}, "has no `chosen` and `rejected`"),
    ],
)
def test_what_cannot_be_told_is_asked_for(tmp_path: Path, form: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_pairs(write(tmp_path / "p.jsonl", [form]))
