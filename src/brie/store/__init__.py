"""The project's SQLite database: every completion and verdict ever produced, kept once."""

from brie.store.store import Store, answer_row, attempt_row, claimed, counted

__all__ = ["Store", "answer_row", "attempt_row", "claimed", "counted"]
