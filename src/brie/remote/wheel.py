"""The brie that runs here as a wheel, so that the very same one runs there; and what it runs with.

A wheel is a zip of the package with its metadata (PyPA's binary distribution format). It is written from
the files that are imported now, be they an installation's or a checkout's: nothing is built, and nothing
is fetched. The same files give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import brie
from brie.errors import UsageError
from brie.project import packaged
from brie.provenance import DISTRIBUTION

_MOMENT = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_ABOUT = "Wheel-Version: 1.0\nGenerator: brie\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EXTRA = "train"
_OF_A_BUILD = ("nvidia-", "cuda-", "triton")
"""How names of packages begin that torch brings for one driver, and not for another."""


def write_wheel(folder: Path) -> Path:
    """Write the wheel of the running brie into a folder.

    Raises:
        UsageError: it runs without having been installed, so that its metadata is not known.
    """
    installed = _installed()
    metadata = re.sub(
        r"(?m)^Version: .*$",
        f"Version: {brie.__version__}",
        installed.read_text("METADATA") or "",
        count=1,
    )
    stem = f"{DISTRIBUTION.replace('-', '_')}-{brie.__version__}"
    about = f"{stem}.dist-info"
    files = {name: path.read_bytes() for name, path in _package()}
    files[f"{about}/METADATA"] = metadata.encode()
    files[f"{about}/WHEEL"] = _ABOUT.encode()
    files[f"{about}/entry_points.txt"] = (installed.read_text("entry_points.txt") or "").encode()
    record = "".join(f"{name},{_hashed(data)},{len(data)}\n" for name, data in files.items())
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, _MOMENT)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(info, data)
    return wheel


def versions_here() -> dict[str, str]:
    """Package -> version of all that brie trains with here, as far as it is installed; local parts of
    versions (`+cpu`) and what torch brings for a build are left out: they are a machine's own."""
    versions: dict[str, str] = {}
    waiting = list(_required(_installed(), _EXTRA))
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in versions or key.startswith(_OF_A_BUILD):
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        versions[key] = package.version.partition("+")[0]
        waiting += _required(package)
    return dict(sorted(versions.items()))


def needed() -> tuple[str, ...]:
    """Names of the packages that brie itself asks for, those for training included."""
    return tuple(sorted(set(_required(_installed(), _EXTRA))))


def _installed() -> Distribution:
    try:
        return distribution(DISTRIBUTION)
    except PackageNotFoundError as error:
        raise UsageError(
            "brie is not installed here, only found on the path, so it cannot be sent; install it: "
            f"pip install -e {packaged()}"
        ) from error


def _required(package: Distribution, extra: str = "") -> Iterator[str]:
    """Names a distribution requires: always, or with an extra."""
    for requirement in package.requires or ():
        text, _, marker = requirement.partition(";")
        named = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
        if (match := _NAME.match(text)) and (named is None or named[1] == extra):
            yield match[0]


def _package() -> Iterator[tuple[str, Path]]:
    """Name in the wheel -> file: the package, and the data that a checkout keeps beside it."""
    root = Path(brie.__file__).parent
    yield from _under(root, "brie")
    checkout = packaged()
    if checkout != root / "_data":
        table = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))
        included = table["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
        for source, target in included.items():
            yield from _under(checkout / source, target)


def _under(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield name, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"{name}/{file.relative_to(path).as_posix()}", file


def _hashed(data: bytes) -> str:
    raw = hashlib.sha256(data).digest()
    return f"sha256={base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"
