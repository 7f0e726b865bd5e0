"""The planning tables of the docs are the ones that `brie plan` prints."""

from __future__ import annotations

import re
from pathlib import Path

from brie.analyse.power import plan_table, variance_ratio

ROOT = Path(__file__).parents[2]
SAMPLES = (1, 3)


def rows(head: str) -> list[list[int]]:
    """The numbers of the table that begins with `head`, row by row."""
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    table = text.split(head, 1)[1].split("\n\n", 1)[0]
    return [[int(n) for n in re.findall(r"\d+", line)] for line in table.splitlines()[2:]]


def test_prompts_needed() -> None:
    table = rows("| true rate | prompts, 1 sample | prompts, 3 samples |")
    planned = plan_table(100, {k: variance_ratio(k) for k in SAMPLES})
    assert [row[0] for row in table] == [55, 60, 65, 77, 85]
    for rate, *needed in table:
        assert needed == [row.needed[rate / 100] for row in planned]


def test_smallest_win_rate_found() -> None:
    table = rows("| prompts | 1 sample | 3 samples |")
    assert len(table) == 7
    for prompts, *smallest in table:
        planned = plan_table(prompts, {k: variance_ratio(k) for k in SAMPLES})
        assert smallest == [round(100 * (row.detectable or 1)) for row in planned]


def test_no_other_text_has_a_table_of_its_own() -> None:
    pages = [ROOT / "README.md", ROOT / "prompt_suites" / "README.md", *(ROOT / "docs").glob("*.md")]
    heads = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()
             if re.match(r"\| true (win )?rate ", line)]  # fmt: skip
    assert len(heads) == 1
