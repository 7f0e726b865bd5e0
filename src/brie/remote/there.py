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
import shutil
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
    environment = folder.parent / f"venv-{named}"
    python = environment / "bin" / "python"
    with (folder.parent / f"venv-{named}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / WHOLE).is_file():
            print(
                f"installing {len(missing)} packages into {environment}: {' '.join(missing)}", flush=True
            )
            wheel = next((folder / "wheel").glob("*.whl"))
            package = f"brie-eval[train] @ {wheel.as_uri()}"
            subprocess.run([*_installer(environment), "--quiet", "-c", str(pins), package], check=True)
            (environment / WHOLE).touch()
    return python


def _installer(environment: Path) -> list[str]:
    """Make an environment; returns what installs packages into it. By `uv` where it is here: that is
    faster, and takes the torch that was built for the driver of this machine."""
    python = str(environment / "bin" / "python")
    uv = shutil.which("uv")
    if uv is None:
        venv.create(environment, with_pip=True, clear=True)
        return [python, "-m", "pip", "install", "--disable-pip-version-check"]
    subprocess.run(
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True
    )
    return [uv, "pip", "install", "--python", python, "--torch-backend", "auto"]


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
