"""The notebook of the documentation runs from its table to its verdict."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    nbclient.NotebookClient(
        notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    cards = [out.data["text/html"] for out in outputs if "text/html" in out.get("data", {})]
    shown = next(card for card in cards if "careful" in card and "brie-card" in card)
    for part in ('class="verdict"', "<svg", "checks pass"):
        assert part in shown
    text = "".join(out.get("text", "") for out in outputs if out.output_type == "stream")
    assert "right: 100%" in text
    assert os.environ["IPYTHONDIR"]
    assert list(tmp_path.glob("reports/*/index.html"))
