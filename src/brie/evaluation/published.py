"""One line to publish: what an evaluation was when it was sealed, or when its report was made.

    brie/1 eval-demo-1a2b3c4d seal:… rows:… record:…

In a commit, a note or a comment it is out of reach of whoever could change the store afterwards.
`seal` is the plan with the sides' names; `rows` every answer and verdict of the report, absent after
sealing; `record` the last link of the store's record of analyses, and through it all before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from brie.digest import short
from brie.errors import UsageError
from brie.records import Manifest
from brie.store import Store

DIGITS = 40
"""Of each digest, in hexadecimal: 160 bits."""
_HEX = rf"[0-9a-f]{{{DIGITS}}}"
_LINE = re.compile(rf"brie/1 (eval-[a-z0-9-]+) seal:({_HEX})(?: rows:({_HEX}))? record:({_HEX})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published line; of each digest its first digits."""

    evaluation: str
    seal: str
    rows: str
    """"" in a line that was published after sealing."""
    record: str

    def __str__(self) -> str:
        rows = f" rows:{self.rows}" if self.rows else ""
        return f"brie/1 {self.evaluation} seal:{self.seal}{rows} record:{self.record}"


def to_publish(manifest: Manifest, store: Store, rows: str | None = None) -> str:
    """The line of an evaluation as it stands now.

    Args:
        manifest: the evaluation's.
        store: whose record it is in.
        rows: digest of the rows its report was made from; None: it was sealed just now.
    """
    line = Published(
        evaluation=manifest.id,
        seal=short(manifest.seal, DIGITS),
        rows=short(rows or "", DIGITS),
        record=short(store.head(), DIGITS),
    )
    return str(line)


def read_line(text: str) -> Published:
    """The one line in a text that was published.

    Raises:
        UsageError: there is none, or more than one.
    """
    lines: Sequence[tuple[str, ...]] = _LINE.findall(" ".join(text.split()))
    if len(lines) != 1:
        raise UsageError(
            f"that holds {len(lines) or 'no'} published line{'s' if len(lines) > 1 else ''}; it is what "
            "brie printed after sealing or after the report: brie/1 EVAL seal:… rows:… record:…"
        )
    evaluation, seal, rows, record = lines[0]
    return Published(evaluation=evaluation, seal=seal, rows=rows, record=record)
