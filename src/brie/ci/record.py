"""Is the store's record of analyses whole, and is an evaluation what was published of it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brie.ci.findings import Finding
from brie.digest import short
from brie.errors import InputError, UsageError
from brie.evaluation.published import DIGITS, Published, read_line
from brie.records import Manifest
from brie.store import Store
from brie.store.record import START, broken_record

UNPUBLISHED = (
    "not held against a published line (--published): rows that were all replaced alike, or looks "
    "deleted with the record of them, would not be seen"
)


def record_holds(evaluation: str, rows: str, store: Store, *, recorded: bool) -> Iterator[Finding]:
    """Whether the chain of analyses holds, its looks are counted, and these numbers are in it.

    Args:
        evaluation: its id.
        rows: the digest of the rows its numbers were made from.
        store: whose record.
        recorded: whether they were made here by a build that keeps a record.
    """
    record = store.record()
    broken = broken_record(record)
    gone = [link.evaluation for link in record if link.look and not store.has_look(link.look)]
    known = any((link.evaluation, link.rows) == (evaluation, rows) for link in record)
    if broken:
        yield Finding(broken, False)
    elif gone:
        names = ", ".join(dict.fromkeys(gone))
        yield Finding(f"looks were deleted that the record names: at {names}", False)
    elif recorded and not known:
        yield Finding("the record of analyses does not know these numbers", False)
    elif known:
        yield Finding("the record of analyses is whole, and its looks are counted", True)


def as_published(
    line: Published, manifest: Manifest, store: Store, *, rows_hold: bool | None, travelled: bool
) -> Iterator[Finding]:
    """Whether an evaluation is what was published of it.

    Args:
        line: what was published.
        manifest: the evaluation.
        store: its rows and the record.
        rows_hold: whether the published rows are here; None: none were published.
        travelled: whether it came in a bundle, which carries no record.
    """
    same = (line.evaluation, line.seal) == (manifest.id, short(manifest.seal, DIGITS))
    other = f"another plan was published ({line.evaluation})"
    yield Finding("the seal is the published one" if same else other, same)
    if rows_hold is not None:
        other = "the rows are not those of the published report: changed, replaced or gone"
        words = "every row of the published report is here, unchanged"
        yield Finding(words if rows_hold else other, rows_hold)
    if travelled:
        words = "it came in a bundle, which carries no record of analyses: looks were not compared"
        yield Finding(words, True, note=True)
        return
    links = (START, *(link.digest for link in store.record()))
    there = any(short(link, DIGITS) == line.record for link in links)
    other = (
        "the published record of analyses is not this store's: looks were deleted, or rows replaced and "
        "analysed anew"
    )
    yield Finding("the published record of analyses goes on here" if there else other, there)


def published_in(text: str) -> Published:
    """The line that somebody gives: itself, or a file that holds it.

    Raises:
        UsageError: there is none in it.
        InputError: the file cannot be read.
    """
    path = Path(text)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        return read_line(text)
    try:
        return read_line(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
