"""Who is working: a process marks itself alive by holding a lock on a file of its own."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self


class Owner:
    """This process as an owner of claims, alive for as long as it holds its lock.

    The kernel drops the lock when the process ends, however it ends, so a claim of a killed
    process is known to be dead at once, whatever its process id has since been reused for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = (folder / self.name).open("w")
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self._folder / self.name).unlink(missing_ok=True)
        self._handle.close()

    def is_alive(self, name: str) -> bool:
        """Whether the owner of that name still runs; the file of a dead one is removed."""
        if name == self.name:
            return True
        path = self._folder / name
        try:
            with path.open("r+") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                return False
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
