"""Sending a parcel to a model repository on the Hub: only what differs, in one commit.

    push(parcel, Target("me/letters", public=False), token, screen)

Large files go first, each by its own digest, and stay there when the line breaks; then one commit
names them all. So the same command, again, sends what is missing, and nothing where nothing is.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brie.digest import PREFIX, file_digest
from brie.errors import BrieError, Stopped, UsageError
from brie.number_format import plural, size
from brie.progress import Screen
from brie.publish.parcel import Parcel
from brie.wire.keys import HUB_TOKEN, Secrets

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo
    from huggingface_hub.hf_api import RepoFile

NO_TOKEN = (
    f"sending to the Hub needs a token that may write, in {HUB_TOKEN} "
    "(huggingface.co/settings/tokens); what would be sent, without one: --dry-run"
)
"""Variable that holds the Hub's token; it is read for the push, and kept nowhere."""
_PART = r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?"
_REPO = re.compile(rf"{_PART}/{_PART}(?<!\.git)", re.ASCII)
_MESSAGE = "Model, card and records, by brie"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a parcel goes."""

    repo: str
    public: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of it."""

    address: str
    commit: str
    sent: tuple[str, ...]
    """Files that differed; none: nothing was changed there."""
    private: bool
    others: tuple[str, ...]
    """Files that are there and not in the parcel; they stay."""


def checked_repo(repo: str) -> str:
    """A repository's name.

    Raises:
        UsageError: it is none.
    """
    if not _REPO.fullmatch(repo) or ".." in repo or "--" in repo:
        raise UsageError(
            f"{repo!r} names no repository of the Hub; write --repo ME/NAME: letters and digits, "
            "with . _ - between them."
        )
    return repo


def push(parcel: Parcel, target: Target, token: str, screen: Screen) -> Pushed:
    """Send what differs.

    Raises:
        UsageError: the Hub refuses, or the repository is public and that was not said.
        Stopped: the Hub was not reached to the end; the same command goes on.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token)
    with _refusals(target.repo):
        info = _repository(api, target, screen)
        there = _there(api, target.repo, list(parcel.files))
        differing = {
            name: path for name, path in parcel.files.items() if _differs(path, there.get(name))
        }
        commit = str(info.sha or "")
        if differing:
            many = size(sum(path.stat().st_size for path in differing.values()))
            screen.say(f"sending {plural(len(differing), 'file')}, {many}")
            done = api.create_commit(
                target.repo,
                [CommitOperationAdd(name, path) for name, path in differing.items()],
                commit_message=_MESSAGE,
                parent_commit=info.sha,
            )
            commit = done.oid
    names = [sibling.rfilename for sibling in info.siblings or ()]
    others = tuple(n for n in names if n not in parcel.files and n != ".gitattributes")
    address = f"{api.endpoint}/{target.repo}"
    return Pushed(address, commit, tuple(differing), bool(info.private), others)


def _repository(api: HfApi, target: Target, screen: Screen) -> ModelInfo:
    """The repository as it is, made where there is none; who can see it is never changed."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.model_info(target.repo)
    except RepositoryNotFoundError:
        api.create_repo(target.repo, private=not target.public)
        screen.say(f"made {target.repo}, {'public' if target.public else 'private'}")
        return api.model_info(target.repo)
    if not info.private and not target.public:
        raise UsageError(
            f"{target.repo} is there and everybody can see it. If that is meant, say --public; else "
            "name another repository."
        )
    if info.private and target.public:
        screen.say(f"{target.repo} is there and private, and stays so: its settings make it public.")
    return info


def _there(api: HfApi, repo: str, names: list[str]) -> dict[str, RepoFile]:
    """Files of the repository by their paths, as far as they are there."""
    from huggingface_hub.hf_api import RepoFile

    infos = api.get_paths_info(repo, names)
    return {info.path: info for info in infos if isinstance(info, RepoFile)}


def _differs(path: Path, there: RepoFile | None) -> bool:
    """Whether a file there is another one: by its digest, in Git's way where it is a small one."""
    if there is None or there.size != path.stat().st_size:
        return True
    if there.lfs is not None:
        return file_digest(path) != PREFIX + there.lfs.sha256
    body = path.read_bytes()
    blob = b"blob %d\0" % len(body) + body
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest() != there.blob_id


@contextmanager
def _refusals(repo: str) -> Iterator[None]:
    """What the Hub's library raises, as one sentence, without the token."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise UsageError(
                f"the Hub does not let this {HUB_TOKEN} write to {repo}: it must be a token that "
                "may write, and the name must be yours or your organisation's."
            ) from error
        if status == 412:
            raise UsageError(
                f"{repo} was changed by somebody else meanwhile; the same command, again, compares anew."
            ) from error
        raise _stopped(repo, error) from error
    except BrieError:
        raise
    except Exception as error:
        if not (isinstance(error, OSError) or type(error).__module__.startswith("httpx")):
            raise
        raise _stopped(repo, error) from error


def _stopped(repo: str, error: Exception) -> Stopped:
    reason = (str(error).splitlines() or [""])[0] or type(error).__name__
    reason = Secrets.of_environment().out_of(reason)
    return Stopped(f"{repo} was not reached to the end ({reason}); the same command goes on.")
