"""Where a base model's files are: packaged with brie, in a local folder, or on the Hub."""

from __future__ import annotations

import json
from pathlib import Path

from brie.errors import PinError, UsageError, unknown
from brie.pin.hashing import pin_base
from brie.pin.hub import hub_refusal
from brie.project import packaged
from brie.records import BaseModelRef, Pin

PACKAGED_PREFIX = "brie/"
_HUB_FILES = [
    "*.safetensors",
    "*.json",
    "*.jinja",
    "merges.txt",
    "vocab.json",
    "tokenizer.model",
    "LICENSE*",
]
_OTHER_FORMS = ["consolidated*", "original/*"]
"""The same weights once more, in the form of the model's maker: some repositories carry both."""


def locate(ref: BaseModelRef, location: str | None, project_root: Path) -> Path:
    """The folder of a base that a pin names.

    Args:
        ref: the base as pinned.
        location: the local folder recorded beside it, if it came from one.
        project_root: what relative locations start from.

    Raises:
        UsageError: the base is not on this machine and cannot be downloaded.
    """
    if ref.repo.startswith(PACKAGED_PREFIX):
        return packaged_base(ref.repo.removeprefix(PACKAGED_PREFIX))
    if location is not None:
        folder = (project_root / location).resolve()
        if not folder.is_dir():
            raise UsageError(
                f"the base {ref.repo} was in {folder}, which is gone; put it back there, or say where "
                "it is now: --base FOLDER"
            )
        return folder
    return download(ref.repo, ref.revision)


def packaged_base(name: str) -> Path:
    """The folder of a base brie ships.

    Raises:
        UsageError: there is none of that name.
    """
    folder = packaged("models", name)
    if not (folder / "config.json").is_file():
        names = [p.parent.name for p in packaged("models").glob("*/config.json")]
        raise unknown("packaged base", name, names)
    return folder


def download(repo: str, revision: str | None, *, weights: bool = True) -> Path:
    """A Hub model's folder in the local cache, downloaded where it is missing or incomplete.

    Args:
        repo: Hub id.
        revision: branch, tag or commit; None for the default branch.
        weights: False for config and tokenizer alone.

    Raises:
        UsageError: offline, misspelt, gated or removed; the message says which and what to do.
    """
    import os

    if repo.startswith((".", "/", "~")):
        raise UsageError(f"there is no model in {repo}: no such folder, or no config.json in it.")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import snapshot_download

    patterns = _HUB_FILES if weights else [name for name in _HUB_FILES if name != "*.safetensors"]
    try:
        cached = Path(
            snapshot_download(
                repo,
                revision=revision,
                allow_patterns=patterns,
                ignore_patterns=_OTHER_FORMS,
                local_files_only=True,
            )
        )
        if is_whole(cached, weights=weights):
            return cached
    except Exception:  # noqa: S110 - not in the cache: ask the Hub
        pass
    try:
        return Path(
            snapshot_download(
                repo, revision=revision, allow_patterns=patterns, ignore_patterns=_OTHER_FORMS
            )
        )
    except Exception as error:
        refused = hub_refusal(error, repo, kind="model", revision=revision)
        raise refused or _not_downloaded(repo, error) from error


def _not_downloaded(repo: str, error: Exception) -> UsageError:
    from huggingface_hub.errors import LocalEntryNotFoundError

    if isinstance(error, LocalEntryNotFoundError):
        return UsageError(
            f"{repo} is not on this machine, and the Hub did not answer; check the connection, or "
            "name a local folder."
        )
    reason = (str(error).splitlines() or [""])[0]
    return UsageError(
        f"{repo} is not on this machine and could not be downloaded "
        f"({type(error).__name__}: {reason}); name a local folder, or try again."
    )


def is_whole(folder: Path, *, weights: bool = True) -> bool:
    """Whether a cached model is all there: an interrupted download leaves a folder that is not."""
    if not (folder / "config.json").is_file() or not (folder / "tokenizer_config.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if not weights:
        return True
    if not index.is_file():
        return any(folder.glob("*.safetensors"))
    shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    return all((folder / shard).is_file() for shard in shards)


def open_base(
    reference: str, project_root: Path, pinned_before: str | None = None
) -> tuple[Path, Pin, str | None]:
    """A base named by a person: `tiny`, `ORG/NAME[@REV]`, or a local folder.

    Args:
        reference: what the person named.
        project_root: what recorded locations are relative to.
        pinned_before: a digest it was pinned by before (see `pin_base`).

    Returns:
        Its folder, its pin, and the location to record (local folders only).

    Raises:
        UsageError, PinError: it cannot be found, or is no model.
    """
    folder = Path(reference)
    if folder.is_dir() and (folder / "config.json").is_file():
        resolved = folder.resolve()
        inside = resolved.is_relative_to(project_root)
        location = str(resolved.relative_to(project_root)) if inside else str(resolved)
        return resolved, pin_base(resolved, repo=resolved.name, pinned_before=pinned_before), location
    repo, _, revision = reference.partition("@")
    name = repo.removeprefix(PACKAGED_PREFIX)
    if "/" not in name:
        packaged_folder = packaged_base(name)
        base = pin_base(packaged_folder, repo=PACKAGED_PREFIX + name, pinned_before=pinned_before)
        return packaged_folder, base, None
    snapshot = download(repo, revision or None)
    base = pin_base(
        snapshot, repo=repo, revision=_commit(snapshot, revision), pinned_before=pinned_before
    )
    return snapshot, base, None


def _commit(snapshot: Path, asked: str) -> str:
    """The commit a snapshot folder is named after: moving revisions are resolved to it."""
    name = snapshot.name
    if len(name) == 40 and all(c in "0123456789abcdef" for c in name):
        return name
    raise PinError(f"the Hub did not say which commit {asked or 'the default branch'} is.")
