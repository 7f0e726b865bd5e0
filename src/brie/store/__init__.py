"""The project's SQLite database: every completion and verdict ever produced, kept once."""

from brie.store.database import SCHEMA_VERSION
from brie.store.store import Store, claimed, counted

__all__ = ["SCHEMA_VERSION", "Store", "claimed", "counted"]
