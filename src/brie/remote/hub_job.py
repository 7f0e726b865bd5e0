# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["huggingface_hub>=1.0"]
# ///
"""What a job on the Hub runs: it fetches the work, has the worker do it, and sends its outbox back.

    uv run ADDRESS-OF-THIS-FILE OWNER/REPOSITORY

The repository is a private dataset with `work.zip`, `outbox/`, and `begin.sh`, which starts the worker.
What appears in the outbox is sent soon after; what is new goes in one commit, so `end.json`, the
worker's last, never stands there without the rest. This file is sent as it stands, so it imports nothing
of brie. The token comes as the job's secret; nothing here prints or writes it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

EVERY_SECONDS = 2.0
"""How often the outbox is looked at."""
PAUSE_SECONDS = 30.0
"""Between two commits, as the Hub takes only so many an hour; the last one does not wait."""
TRIES = 8
"""How often the last files are sent before it is given up; the pauses double from a second."""


def main(repo: str) -> int:
    """Do the work of a repository; returns the worker's exit code."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from huggingface_hub import HfApi

    api = HfApi(token=os.environ["HF_TOKEN"])
    folder = Path("brie-job").absolute()
    sent = fetch(api, repo, folder)
    environment = {**os.environ, "BRIE_PYTHON": sys.executable, "PYTHONUNBUFFERED": "1"}
    worker = subprocess.Popen(["sh", "begin.sh"], cwd=folder, env=environment)
    quiet_until = 0.0
    while True:
        try:
            code = worker.wait(EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= quiet_until and send(api, repo, folder, sent):
                quiet_until = time.monotonic() + PAUSE_SECONDS
        else:
            send_last(api, repo, folder, sent)
            return code


def fetch(api: HfApi, repo: str, folder: Path) -> set[str]:
    """Bring the work here; returns the names the outbox begins with."""
    wanted = ["work.zip", "begin.sh", "outbox/*"]
    api.snapshot_download(repo, repo_type="dataset", allow_patterns=wanted, local_dir=folder)
    outbox = folder / "outbox"
    outbox.mkdir(exist_ok=True)
    return {path.name for path in outbox.iterdir()}


def send(api: HfApi, repo: str, folder: Path, sent: set[str]) -> bool:
    """Send what is new in the outbox, in one commit; False: there was something, and it was not sent."""
    from huggingface_hub import CommitOperationAdd

    new = [path for path in sorted((folder / "outbox").iterdir()) if path.name not in sent]
    new = [path for path in new if path.suffix in (".zip", ".json")]
    if not new:
        return True
    adding = [CommitOperationAdd(f"outbox/{path.name}", path) for path in new]
    try:
        api.create_commit(repo, adding, repo_type="dataset", commit_message="From the job")
    except Exception as error:  # whatever it was: the work goes on, and the next time may do
        print(f"brie: {new[0].name} was not sent yet ({type(error).__name__})", flush=True)
        return False
    sent |= {path.name for path in new}
    return True


def send_last(api: HfApi, repo: str, folder: Path, sent: set[str]) -> None:
    """Send what is left, however often it takes."""
    for count in range(TRIES):
        if send(api, repo, folder, sent):
            return
        time.sleep(2.0**count)
    print("brie: the results were not sent, and go with this machine", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
