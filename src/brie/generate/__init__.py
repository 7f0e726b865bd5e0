"""Generation: two sides from one loaded base, each text a function of its key alone.

Light to import: `local`, `server`, `draw` and `noise` bring torch or an SDK and are imported where
they are used.
"""

from brie.generate.engine import Engine, OnDone, Request
from brie.generate.environment import detect_environment
from brie.generate.keys import completion_key
from brie.generate.measures import measures

__all__ = [
    "Engine",
    "OnDone",
    "Request",
    "completion_key",
    "detect_environment",
    "measures",
]
