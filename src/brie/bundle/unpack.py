"""Opening a bundle that a stranger may have made: nothing is written, and nothing large is believed.

Names come from a closed set, sizes are bounded before and while they are read, and every member's
digest is compared with the index before a byte of it is used.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from brie import versions
from brie.bundle import layout
from brie.bundle.layout import Index, parse
from brie.digest import PREFIX
from brie.errors import InputError

_END = b"PK\x05\x06"
_BLOCK = 2**18
_UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class Opened:
    """A bundle whose container holds: names, sizes and digests are as its index says."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        self.name = path.name
        self._sizes = _checked(archive, path)
        self.index = self._index()
        self.names = tuple(sorted(set(self._sizes) - {layout.INDEX}))
        self._check_digests()

    def document(self, name: str) -> bytes:
        """A member that fits in memory.

        Raises:
            InputError: it is missing, or too large.
        """
        if name not in self._sizes:
            raise self._wrong(f"{name} is missing")
        if self._sizes[name] > layout.DOCUMENT_BYTES:
            raise self._wrong(f"{name} has {self._sizes[name]:,} bytes")
        return b"".join(self.blocks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member.

        Raises:
            InputError: it is missing, or a line is too long.
        """
        if name not in self._sizes:
            raise self._wrong(f"{name} is missing")
        rest = b""
        for block in self.blocks(name):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
            if len(rest) > layout.LINE_BYTES:
                raise self._wrong(f"{name} has a line of more than {layout.LINE_BYTES:,} bytes")
        if rest:
            yield rest

    def copy(self, name: str, to: IO[bytes]) -> None:
        """Write a member's bytes into an open file."""
        for block in self.blocks(name):
            to.write(block)

    def blocks(self, name: str) -> Iterator[bytes]:
        """A member's bytes, a part at a time.

        Raises:
            InputError: it cannot be unpacked, or is not as large as it says.
        """
        left = self._sizes[name]
        try:
            with self._archive.open(name) as handle:
                while block := handle.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise self._wrong(f"{name} is larger than it says")
                    yield block
        except _UNREADABLE as error:
            raise self._wrong(f"{name} cannot be unpacked") from error
        if left:
            raise self._wrong(f"{name} is smaller than it says")

    def _index(self) -> Index:
        data = self.document(layout.INDEX)
        schema = re.search(rb'"schema"\s*:\s*"brie\.bundle/(\d{1,9})"', data[:4096])
        if schema and int(schema[1]) > layout.SCHEMA:
            raise self._newer(f"bundle schema {int(schema[1])}, this one knows {layout.SCHEMA}")
        index = parse(Index, data, layout.INDEX)
        if index.store > versions.STORE:
            raise self._newer(f"store schema {index.store}, this one knows {versions.STORE}")
        return index

    def _check_digests(self) -> None:
        listed = set(self.index.members)
        if listed != set(self.names):
            odd = sorted(listed ^ set(self.names))[0][:80]
            raise self._wrong(f"its index and its members differ: {odd!r}")
        for name, member in self.index.members.items():
            if member.bytes != self._sizes[name]:
                raise self._wrong(f"{name} has another size than its index says")
            hashed = hashlib.sha256()
            for block in self.blocks(name):
                hashed.update(block)
            actual = PREFIX + hashed.hexdigest()
            if actual != member.digest:
                raise self._wrong(f"{name} is {actual}, its index says {member.digest}")

    def _wrong(self, why: str) -> InputError:
        return InputError(f"{self._path.name} is no bundle to be trusted: {why}. Nothing was taken.")

    def _newer(self, what: str) -> InputError:
        return InputError(
            f"{self._path.name} was made by a newer brie ({what}); upgrade: pip install -U brie-eval"
        )


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a bundle and check all that can be checked without reading what it says.

    Raises:
        InputError: not a bundle, cut off, damaged, hostile, or of a newer brie.
    """
    with ExitStack() as stack:
        try:
            if path.exists() and not path.is_file():  # a pipe would be waited for
                raise InputError(f"{path.name} is no file.")
            handle = stack.enter_context(path.open("rb"))
            _check_end(handle, path.stat().st_size, path)
            made = Opened(stack.enter_context(zipfile.ZipFile(handle)), path)
        except (*_UNREADABLE, ValueError) as error:
            message = getattr(error, "strerror", None) or "not a zip file, or a damaged one"
            raise InputError(f"{path.name} cannot be read as a bundle: {message}.") from error
        yield made


def _check_end(handle: IO[bytes], size: int, path: Path) -> None:
    """The zip's last record, before its directory is read into memory.

    Raises:
        InputError: the file is no zip, is cut off, or lists more than a bundle has.
    """
    if size > layout.MEMBER_BYTES:
        raise InputError(
            f"{path.name} has {size:,} bytes, more than any bundle ({layout.MEMBER_BYTES:,})."
        )
    begin = handle.read(2)
    handle.seek(max(0, size - 22))
    end = handle.read(22)
    handle.seek(0)
    if len(end) < 22 or end[:4] != _END or begin != b"PK":
        raise InputError(f"{path.name} is no bundle: not a zip file, or cut off.")
    members, directory = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if members > layout.MOST_MEMBERS or directory > layout.MOST_MEMBERS * 1_000:
        raise InputError(f"{path.name} is no bundle to be trusted: it lists {members:,} members.")


def _checked(archive: zipfile.ZipFile, path: Path) -> dict[str, int]:
    """Member -> declared size, where every member may be there.

    Raises:
        InputError: a name, a kind or a size that no bundle has.
    """
    sizes: dict[str, int] = {}
    for info in archive.infolist():
        why = _fault(info, sizes)
        if why:
            raise InputError(
                f"{path.name} is no bundle to be trusted: {info.orig_filename[:80]!r} {why}. "
                "Nothing was taken."
            )
        sizes[info.filename] = info.file_size
    if sum(sizes.values()) > layout.MOST_BYTES:
        raise InputError(
            f"{path.name} is no bundle to be trusted: unpacked it would have {sum(sizes.values()):,} "
            "bytes. Nothing was taken."
        )
    return sizes


def _fault(info: zipfile.ZipInfo, sizes: dict[str, int]) -> str:
    """What forbids a member; "" where nothing does."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link or a special file"
    if info.filename != info.orig_filename or layout.NAME.fullmatch(info.filename) is None:
        return "is a name that no bundle has"
    if info.filename in sizes:
        return "is there twice"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that no bundle uses"
    if info.file_size > layout.MEMBER_BYTES:
        return f"would have {info.file_size:,} bytes"
    if info.file_size > 2**20 and info.file_size > layout.MOST_RATIO * max(1, info.compress_size):
        return f"would swell from {info.compress_size:,} to {info.file_size:,} bytes"
    return ""
