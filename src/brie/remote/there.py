"""What begins a job where it runs: finds or makes a Python with brie's packages, and starts the worker.

    python there.py FOLDER

Runs before any package is there, so it imports the standard library alone. FOLDER is the job's;
`work.zip` and the wheel in it are unpacked already. Where the Python that runs this has every package,
it is used as it is and nothing is installed; else they go into an environment beside the job, which
later jobs with the same packages find again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

WHOLE = ".whole"
"""Stands in an environment in which everything was installed."""


def main(folder: Path) -> None:
    """Become the worker of a job."""
    names = (folder / "needed.txt").read_text("utf-8").split()
    missing = [name for name in names if not _is_here(name)]
    python = sys.executable if not missing else str(_environment(folder, missing))
    os.environ["PYTHONPATH"] = str(folder / "brie")
    os.execv(python, [python, "-m", "brie.remote.worker", str(folder)])  # noqa: S606 - it becomes it


def _is_here(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _environment(folder: Path, missing: list[str]) -> Path:
    """The Python of an environment with brie's packages, made where it is missing."""
    pins = folder / "pins.txt"
    named = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = folder.parent / f"venv-{named}"
    python = place / "bin" / "python"
    with (folder.parent / f"venv-{named}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / WHOLE).is_file():
            print(f"installing {len(missing)} packages into {place}: {' '.join(missing)}", flush=True)
            venv.create(place, with_pip=True, clear=True)
            wheel = next((folder / "wheel").glob("*.whl"))
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*install, "-c", str(pins), f"{wheel}[train]"], check=True)
            (place / WHOLE).touch()
    return python


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
