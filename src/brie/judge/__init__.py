"""Judging: who sees what in which order, asking, and reading the replies."""

from brie.judge.run import JudgingResult, missing, run

__all__ = ["JudgingResult", "missing", "run"]
