"""When a record was made, and with which packages."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from urllib.parse import unquote, urlsplit

from brie.project import packaged

DISTRIBUTION = "brie-eval"


def now() -> str:
    """ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Package -> version, in the order given; what is not installed is left out."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def install_command(extra: str) -> str:
    """The command that adds an extra to this installation, from where it came itself: a checkout, a
    file or address that was given to pip, or an index.
    """
    source = packaged()
    if (source / "pyproject.toml").is_file():  # run from a checkout, however it was installed
        return f"pip install -e {shlex.quote(f'{source}[{extra}]')}"
    named = f"{DISTRIBUTION}[{extra}]"
    try:
        given = _given_to_pip(distribution(DISTRIBUTION))
    except PackageNotFoundError:
        given = ""
    return f"pip install {shlex.quote(f'{named} @ {given}' if given else named)}"


def _given_to_pip(installed: Distribution) -> str:
    """The address that a distribution was installed from (PEP 610); "" from an index.

    A file that is gone would install nothing, and is left out.
    """
    text = installed.read_text("direct_url.json")
    url = str(json.loads(text).get("url", "")) if text else ""
    local = urlsplit(url)
    if local.scheme == "file" and not Path(unquote(local.path)).exists():
        return ""
    return url
