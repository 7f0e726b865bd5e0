"""Judging: who sees what in which order, asking, and reading the replies."""

from brie.judge.run import Judged, missing, run

__all__ = ["Judged", "missing", "run"]
