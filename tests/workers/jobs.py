"""Jobs for tests of workers; processes of their own import them from here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brie.errors import UsageError


@dataclass(frozen=True)
class Telling:
    """A row for every word: what the worker's environment has under that name, or does."""

    folders: tuple[Path, ...] = ()

    def moved(self, where: Mapping[Path, Path]) -> Telling:
        """The same where its folders are elsewhere."""
        return replace(self, folders=tuple(where[folder] for folder in self.folders))

    def work(self, blocks: Iterable[str], give: Callable[[Sequence[str]], None]) -> None:
        """Tell, until a word is "refuse" or "fail"."""
        for word in blocks:
            if word == "refuse":
                raise UsageError("there is no such word.")
            if word == "fail":
                raise ZeroDivisionError("a bug")
            if word == "read":
                give([file.read_text() for folder in self.folders for file in sorted(folder.iterdir())])
            else:
                give([os.environ.get(word, str(os.getpid()))])
