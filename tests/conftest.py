"""What holds for all tests: whose code other processes run, and that no clock decides.

Processes that tests start run this checkout, whatever is installed. Property tests have no
deadline: how long an example takes says how busy the machine is.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

SOURCE = Path(__file__).parents[1] / "src"

_others = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
os.environ.pop("COLUMNS", None)
os.unsetenv("COLUMNS")  # readline, which pytest imports, sets it behind Python's back
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(SOURCE), *_others]))

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
