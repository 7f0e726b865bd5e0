"""An adapter's base: the one its own files name, or the one a person says it is."""

from __future__ import annotations

import re
from pathlib import Path

from brie.errors import PinError, UsageError
from brie.pin.adapters import ADAPTER_CONFIG, adapter_settings
from brie.pin.bases import open_base
from brie.pin.few_bits import refuse_unrunnable
from brie.project import Project
from brie.records import Pin


def open_named(
    folder: Path, own: str, named: str | None, project: Project, pinned_before: str | None
) -> tuple[Path, Pin, str | None]:
    """The base an adapter's own config names, or that a person says it is.

    Raises:
        UsageError: it is not here; says how to name it.
    """
    if named is not None:
        opened = open_base(named, project.root, pinned_before)
        refuse_unrunnable(opened[0])
        return opened
    if (original := _unquantised(own)) and not (project.root / own).is_dir():
        raise UsageError(
            f"the adapter in {folder} names {own}, a copy of its base in few bits (perhaps of "
            f"{original}); on the copy it answers otherwise than on the base itself. Say which of the "
            "two it runs on: --base FOLDER|REPO"
        )
    try:
        opened = open_base(own, project.root, pinned_before)
    except PinError:
        raise
    except UsageError as error:
        raise UsageError(
            f"the adapter in {folder} names its base {own}, which is not here "
            f"({str(error).rstrip('.')}). Say where it is: --base {_in_a_cache(own) or 'FOLDER|REPO'}"
        ) from error
    refuse_unrunnable(opened[0])
    return opened


_CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)[/\\]snapshots[/\\](\w+)")


def _in_a_cache(own: str) -> str | None:
    """The repository and commit of a folder in another machine's cache of the Hub."""
    cached = _CACHED.search(own)
    return f"{cached[1]}/{cached[2]}@{cached[3]}" if cached else None


_FEW_BITS = re.compile(
    r"[-_.](unsloth[-_])?(bnb[-_.]?)?(4|8)[-_]?bit|[-_](gptq|awq)\b.*|[-_]int(4|8)\b", re.I
)


def _unquantised(name: str) -> str | None:
    """A base's name without what says that it is a copy in few bits; None where nothing says so."""
    last = Path(name).name
    short_name = _FEW_BITS.sub("", last)
    return name[: len(name) - len(last)] + short_name if short_name != last and short_name else None


def base_in_config(folder: Path, *, required: bool) -> str:
    """The base an adapter's own config names; "" where it names none and need not."""
    config = adapter_settings(folder)
    name, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not name:
        if not required:
            return ""
        raise PinError(
            f"{folder}/{ADAPTER_CONFIG} does not name the adapter's base; say it: --base FOLDER|REPO"
        )
    return f"{name}@{revision}" if revision and not Path(str(name)).is_dir() else str(name)
