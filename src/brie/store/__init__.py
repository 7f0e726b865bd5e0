"""The project's SQLite database: every completion and verdict ever produced, kept once."""

from brie.store.store import Store, claimed, counted

__all__ = ["Store", "claimed", "counted"]
