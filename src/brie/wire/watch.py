"""The last look at what leaves this machine: no key of this environment, and no folder of it."""

from __future__ import annotations

from collections.abc import Iterable

from brie.errors import UsageError
from brie.project import Project
from brie.wire.files import remember_keys
from brie.wire.keys import Secrets

_SHORTEST = 5
"""Signs that a place has at least; a shorter one stands in any text."""


class Watch:
    """Looks at blocks of files in their order, and refuses one that holds what must stay here."""

    def __init__(self, project: Project, places: Iterable[str] = ()) -> None:
        """Watch for a project's keys and its folder.

        Args:
            project: whose.
            places: further folders and names of this machine.
        """
        remember_keys(project)
        self._secrets = Secrets.of_environment()
        every = {str(project.root.resolve()), *places}
        self._places = tuple(sorted(p.encode() for p in every if len(p) >= _SHORTEST))
        self._last = ("", b"")

    @classmethod
    def for_keys(cls, project: Project) -> Watch:
        """Watch for a project's keys alone: what goes to a machine of one's own may name folders."""
        watch = cls(project)
        watch._places = ()
        return watch

    def look(self, block: bytes, name: str) -> None:
        """Look at the next block of a file.

        Raises:
            UsageError: it holds one of them; the secret itself is not repeated.
        """
        before = self._last[1] if self._last[0] == name else b""
        block = before + block
        kept = max((self._secrets.longest, *map(len, self._places)))
        self._last = (name, block[max(0, len(block) - kept) :])
        if self._secrets.are_in(block):
            raise UsageError(f"a key of this environment stands in {name}; nothing was written.")
        if any(place in block for place in self._places):
            raise UsageError(f"a folder or the name of this machine stands in {name}; it stays here.")
