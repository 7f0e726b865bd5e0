"""Every version that decides what a row or a document means, each in one place.

Raising one touches new plans only. What was sealed under an older one keeps its rows, verifies and
can be reported: a plan names the sampler its answers were made with, the digests its judges were
sealed under, and pins with their version; documents name theirs. How to raise one:

* a field is added to a record that is digested or sealed: declare it with `records.later`, so that
  records that do not have it keep their digests;
* what a digest covers changes: raise the number here, and keep computing the older ones.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

SAMPLER = "1"
"""Of brie's sampler, part of every completion's key: raised when the same key could give another
text. Rows of two versions never mix."""

PROMPT_FORMATS: tuple[str, ...] = ("1",)
"""Of the judge prompt and of the rules, part of every judge's digest; the last one is written."""
PROMPT_FORMAT = PROMPT_FORMATS[-1]

BALLOT = "1"
"""Of what a voter is shown, part of every voter's digest."""

PIN = 1
"""Of what a pin's digest covers."""

STORE = 3
"""Of the store's tables; `store.database` holds the steps that lead to it."""

_NAMES = (
    "agreement", "analysis", "bundle", "carried", "compare", "curve", "judge_check", "judges",
    "manifest", "pin", "plan", "plan-table", "run", "train", "training",
)  # fmt: skip
DOCUMENTS: dict[str, int] = dict.fromkeys(_NAMES, 1) | {"pin": PIN}
"""Of the JSON documents: `brie.NAME/N` is their key `schema`. Keys are added, never renamed."""


def schema_id(name: str) -> str:
    """What a document of this version calls itself, such as `brie.plan/1`."""
    return f"brie.{name}/{DOCUMENTS[name]}"


def schema_version(schema: str, *, like: str) -> int:
    """The version in a document's `schema`.

    Args:
        schema: what it calls itself.
        like: what such a document calls itself here.

    Raises:
        ValueError: it is another kind of document, or of a newer brie.
    """
    kind, _, number = schema.rpartition("/")
    ours, _, newest = like.rpartition("/")
    if kind != ours or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise ValueError(f"it should be {like}")
    if int(number) > int(newest):
        raise ValueError(
            f"{schema} was written by a newer brie, this one knows {like}; "
            "upgrade: pip install -U brie-eval"
        )
    return int(number)


@cache
def build(release: str) -> str:
    """A release with what its code is, such as `0.1.0+1f3a5c7e`: two builds with other keys, checks
    or formulas are two, even where both carry the same number.

    Args:
        release: `brie.__version__`.
    """
    hashed = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        hashed.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{release}+{hashed.hexdigest()[:8]}"


def release_of(version: str) -> str:
    """The release of a build, as people know it."""
    return version.partition("+")[0]
