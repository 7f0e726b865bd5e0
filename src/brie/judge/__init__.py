"""Judging: who sees what in which order, asking, and reading the replies."""

from brie.judge.run import JudgingResult, missing, run
from brie.judge.run_context import RunContext, Sharing

__all__ = ["JudgingResult", "RunContext", "Sharing", "missing", "run"]
