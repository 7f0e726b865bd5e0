"""What the room offers is there, under its name."""

from __future__ import annotations

import runpy
from pathlib import Path

import brie.pin


def test_every_name_the_room_offers_is_in_it() -> None:
    room = runpy.run_path(str(Path(brie.pin.__file__)))
    names = room["__all__"]
    assert names == sorted(names)
    assert set(names) <= set(room)
