"""A project folder that Python works in, and answers of two models in it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROWS = 20


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def columns(rows: int = ROWS) -> dict[str, list[str]]:
    """Questions and two answers to each, of unlike and varying length."""
    return {
        "question": [f"What is thing {n}?" for n in range(rows)],
        "mine": [f"It is {'very ' * (n % 5)}good, number {n}." for n in range(rows)],
        "theirs": [f"It is {n * n}, so be it." for n in range(rows)],
    }
