"""Every error brie raises on purpose.

    BrieError                  a sentence for the user: what, where, and the next command
    ├── UsageError             a choice is missing or wrong; candidates are listed       (exit 2)
    │   ├── InputError         a file does not say what it should: file, line or key     (exit 2)
    │   ├── PinError           a checkpoint is not what its pin says                     (exit 2)
    │   ├── SealBroken         a sealed plan was changed, or contradicts itself          (exit 2)
    │   └── StoreError         the store cannot be opened, read or written               (exit 2)
    │       ├── DamagedRow     a row of it cannot be read                                (exit 2)
    │       └── RowsGone       rows that finished numbers were made from are not there   (exit 2)
    ├── Stopped                budget, interrupt or unusable judge; can be resumed       (exit 3)
    ├── GateNotMet             `brie gate`: the requirement does not hold                (exit 4)
    ├── JudgeChanged           `brie judges drift`: a judge is another one than it was   (exit 4)
    └── GateUndecided          `brie gate`: the data cannot say                          (exit 5)

Anything else that reaches the command line is a bug, and shows its traceback (exit 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BrieError(Exception):
    """A failure with a cause the user can act on; `str(error)` is what they read."""

    exit_code: int = 2


class UsageError(BrieError):
    """The request cannot be carried out as it stands."""


class InputError(UsageError):
    """A file's content is wrong; the message names the file and the line or key."""


class PinError(UsageError):
    """A model's files do not match its pin, or two pins do not belong together."""


class StoreError(UsageError):
    """The store is missing, locked, read-only, full or of a newer schema."""


class SealBroken(UsageError):
    """A sealed plan or what was chained to it was changed, or contradicts itself."""


class DamagedRow(StoreError):
    """A row of the store cannot be read; the message names its table and key."""


class RowsGone(StoreError):
    """Rows that finished numbers were made from are not in the store any more."""


class Stopped(BrieError):
    """Work ended early and can be resumed; the message says how."""

    exit_code = 3


class GateNotMet(BrieError):
    """A gate's requirement is refuted by the data, the verdict withheld, or the seal broken."""

    exit_code = 4


class JudgeChanged(BrieError):
    """A judge's sealed anchors come out otherwise than noise explains, twice."""

    exit_code = 4


class GateUndecided(BrieError):
    """A gate's requirement is neither met nor refuted, or the verdict is conditional."""

    exit_code = 5


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UsageError:
    """The error for a name that is not in a closed set: near matches first, then all."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    guess = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
    listing = f" Known: {', '.join(names)}." if names else f" There is no {kind} here."
    return UsageError(f"unknown {kind} {name!r}{guess}{listing}{' ' + hint if hint else ''}")
