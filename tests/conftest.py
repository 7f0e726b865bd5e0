"""Processes that tests start run this checkout, whatever is installed."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"

_others = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(SOURCE), *_others]))
