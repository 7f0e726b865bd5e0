"""A cloud behind a stand-in of the program `sky`: one machine, a folder, where tasks really run.

    cloud = SkyCloud(tmp_path)
    subprocess.run(..., env=cloud.environment)
    cloud.end_work()                      # what an end from outside does to it

`sky launch` reads the task with a YAML library, copies its file mounts into the machine's home, and has
bash run `setup` and `run` as they are written there. `ssh` to the machine runs the command in that home.
What is answered has the form of SkyPilot 0.14.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

MACHINES = {
    "L4": [
        {"cloud": "RunPod", "accelerator_count": 1.0, "device_memory": 24.0, "price": 0.44},
        {"cloud": "RunPod", "accelerator_count": 2.0, "device_memory": 24.0, "price": 0.88},
        {"cloud": "AWS", "accelerator_count": 1.0, "device_memory": 22.0, "price": 0.8},
        {"cloud": "AWS", "accelerator_count": 1.0, "device_memory": 22.0, "price": 1.9},
        {"cloud": "Lambda", "accelerator_count": 1.0, "device_memory": 24.0, "price": 5.0},
    ]
}
CLOUDS = {"default": {"RunPod": ["compute"], "AWS": ["compute", "storage"], "GCP": []}}


class SkyCloud:
    """The stand-ins, and what they keep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.state = folder / "state.json"
        programs = folder / "bin"
        for path in (self.home, programs):
            path.mkdir(parents=True)
        self.keep({"clouds": CLOUDS, "machines": MACHINES, "up": None, "jobs": [], "calls": []})
        for name in ("sky", "ssh"):
            command = [sys.executable, "-E", str(Path(__file__).with_name("sky_machine.py"))]
            script = f'#!/bin/sh\nexec {shlex.join([*command, str(folder), name])} "$@"\n'
            (programs / name).write_text(script, "utf-8")
            (programs / name).chmod(0o755)
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "BRIE_SSH": str(programs / "ssh"),
        }

    def told(self) -> dict[str, Any]:
        """What is known of the machine."""
        told: dict[str, Any] = json.loads(self.state.read_text("utf-8"))
        return told

    def keep(self, told: dict[str, Any]) -> None:
        """Have something else be so."""
        self.state.write_text(json.dumps(told), "utf-8")

    def end_work(self) -> None:
        """Kill what the machine does, without a word."""
        for job in self.told()["jobs"]:
            try:
                os.killpg(job["pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue
