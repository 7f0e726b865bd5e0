"""A job's folder, with work whose brie is a few lines of a test."""

from __future__ import annotations

import zipfile
from importlib.resources import files
from pathlib import Path


def work_of(worker: str, into: Path, *, needed: str) -> Path:
    """Pack a wheel whose worker is `worker`, and return the folder of the job.

    Args:
        worker: source of `brie.remote.worker` there.
        into: a folder of the test's own.
        needed: the one package that has to be there.
    """
    folder = into / "job"
    (folder / "outbox").mkdir(parents=True)
    there = files("brie.remote").joinpath("there.py").read_text("utf-8")
    modules = {"__init__": "", "remote/__init__": "", "remote/there": there, "remote/worker": worker}
    wheel = into / "brie_eval-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, text in modules.items():
            packed.writestr(f"brie/{name}.py", text)
    with zipfile.ZipFile(folder / "work.zip", "w") as work:
        work.write(wheel, f"wheel/{wheel.name}")
        work.writestr("needed.txt", f"{needed}\n")
    return folder
