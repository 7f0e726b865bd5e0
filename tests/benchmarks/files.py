"""Task files of lm-eval with documents of their own, for tests."""

from __future__ import annotations

import json
from pathlib import Path

SUMS = """
task: sums
dataset_path: json
dataset_kwargs:
  data_files:
    test: sums.jsonl
test_split: test
output_type: multiple_choice
doc_to_text: "{{a}} + {{b}} ="
doc_to_choice: "{{choices}}"
doc_to_target: 0
metric_list:
  - metric: acc
  - metric: acc_norm
"""
REPEATS = """
task: repeats
dataset_path: json
dataset_kwargs:
  data_files:
    test: repeats.jsonl
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 8, do_sample: false}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""


def write_sums(folder: Path, documents: int = 12) -> Path:
    """Choices between sums."""
    rows = [{"a": n, "b": 2, "choices": [str(n + 2), str(n + 3), str(n + 1)]} for n in range(documents)]
    _lines(folder / "sums.jsonl", rows)
    return _file(folder / "sums.yaml", SUMS)


def write_repeats(folder: Path, answers: dict[str, str]) -> Path:
    """Questions whose right answers are given."""
    _lines(folder / "repeats.jsonl", [{"question": q, "answer": a} for q, a in answers.items()])
    return _file(folder / "repeats.yaml", REPEATS)


def _file(path: Path, text: str) -> Path:
    path.write_text(text.lstrip(), encoding="utf-8")
    return path


def _lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
