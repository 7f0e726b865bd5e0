"""Training from Python, and its checkpoint as a side."""

from __future__ import annotations

from pathlib import Path

import pytest

import brie


@pytest.mark.slow
def test_a_run_shows_itself_and_its_checkpoint_is_a_candidate(here: Path) -> None:
    run = brie.train(size="tiny", name="first", set={"epochs": 1})
    assert repr(run).startswith("<brie run first: ")
    assert "best at step" in repr(run)
    assert (run.best, run.last) == ("first:best", "first:last")
    assert "Validation loss" in run._repr_html_()
    assert set(run.to_pandas()["kind"]) == {"training", "validation"}
    result = brie.evaluate(suite="demo", candidate=run.best, judges="reference", samples=1, controls=0)
    assert result.analysis.candidate.name == "first:best"
    with pytest.raises(brie.BrieError, match="unknown"):
        brie.train(size="tinny")
