"""The project's SQLite database: every completion and verdict ever produced, kept once."""

from brie.store.claimed import claimed
from brie.store.store import Store, answer_row, attempt_row, counted

__all__ = ["Store", "answer_row", "attempt_row", "claimed", "counted"]
