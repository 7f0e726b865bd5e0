# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["huggingface_hub>=1.0"]
# ///
"""What a job on the Hub runs: it fetches the work, has the worker do it, and sends its outbox back.

    uv run ADDRESS-OF-THIS-FILE OWNER/REPOSITORY SECONDS

The repository is a private dataset with `work.zip`, `outbox/`, and `begin.sh`, which starts the worker.
What appears in the outbox is sent soon after; what is new goes in one commit, so `end.json`, the
worker's last, never stands there without the rest. Before the Hub would end the job, the worker is asked
to stop, so that what it has is saved. This file is sent as it stands, so it imports nothing of brie. The
token comes as the job's secret; nothing here prints or writes it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

EVERY_SECONDS = 2.0
"""How often the outbox is looked at."""
PAUSE_SECONDS = 30.0
"""Between two commits, as the Hub takes only so many an hour; the last one does not wait."""
SAVING_SECONDS = 180.0
"""Before the limit, or a fifth of it where that is less: time to save and to send."""
TRIES = 8
"""How often the last files are sent before it is given up; the pauses double from a second."""


def main(repo: str, seconds: float) -> int:
    """Do the work of a repository, in so many seconds at most; returns the worker's exit code."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from huggingface_hub import HfApi

    until = time.monotonic() + max(seconds - SAVING_SECONDS, 0.8 * seconds)
    api = HfApi(token=os.environ["HF_TOKEN"])
    folder = Path("brie-job").absolute()
    sent = fetch(api, repo, folder)
    environment = {**os.environ, "BRIE_PYTHON": sys.executable, "PYTHONUNBUFFERED": "1"}
    worker = subprocess.Popen(["sh", "begin.sh"], cwd=folder, env=environment)
    stop_in_time(worker, until - time.monotonic())
    quiet_until = 0.0
    while True:
        try:
            code = worker.wait(EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= quiet_until and unsent(folder, sent):
                send(api, repo, folder, sent)
                quiet_until = time.monotonic() + PAUSE_SECONDS
        else:
            send_last(api, repo, folder, sent)
            return code


def stop_in_time(worker: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask the worker to save and end after so long, and where this process is asked to end."""

    def stop(number: int, frame: FrameType | None) -> None:
        print("brie: the job is to end; what there is, is saved", flush=True)
        worker.terminate()

    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1.0))


def fetch(api: HfApi, repo: str, folder: Path) -> set[str]:
    """Bring the work here; returns the names the outbox begins with."""
    wanted = ["work.zip", "begin.sh", "outbox/*"]
    api.snapshot_download(repo, repo_type="dataset", allow_patterns=wanted, local_dir=folder)
    outbox = folder / "outbox"
    outbox.mkdir(exist_ok=True)
    return {path.name for path in outbox.iterdir()}


def unsent(folder: Path, sent: set[str]) -> list[Path]:
    """Files of the outbox that are whole and not there yet."""
    files = sorted((folder / "outbox").iterdir())
    return [path for path in files if path.suffix in (".zip", ".json") and path.name not in sent]


def send(api: HfApi, repo: str, folder: Path, sent: set[str]) -> None:
    """Send what is new in the outbox, in one commit; what fails is left for the next time."""
    from huggingface_hub import CommitOperationAdd

    new = unsent(folder, sent)
    adding = [CommitOperationAdd(f"outbox/{path.name}", path) for path in new]
    try:
        api.create_commit(repo, adding, repo_type="dataset", commit_message="From the job")
    except Exception as error:  # whatever it was: the work goes on, and the next time may do
        print(f"brie: {new[0].name} was not sent yet ({type(error).__name__})", flush=True)
    else:
        sent |= {path.name for path in new}


def send_last(api: HfApi, repo: str, folder: Path, sent: set[str]) -> None:
    """Send what is left, however often it takes."""
    for count in range(TRIES):
        if unsent(folder, sent):
            time.sleep(2.0**count - 1)
            send(api, repo, folder, sent)
    if unsent(folder, sent):
        print("brie: the results were not sent, and go with this machine", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
