"""Data sets of the Hub that tasks need: whether they are here, and what to do where they are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from brie.errors import UsageError
from brie.number_format import plural
from brie.pin.hub import hub_refusal

_SECONDS = 10.0
"""To wait for the Hub to say whether it has a data set."""


def refuse_unreachable(needed: Mapping[str, Sequence[str]], say: Callable[[str], None]) -> None:
    """Name what needs a download, before anything starts; refuse what cannot be downloaded.

    Args:
        needed: task as it was named -> the data sets of the Hub that it reads.
        say: one line for people.

    Raises:
        UsageError: a data set is not on this machine and the Hub does not give it.
    """
    missing = {name: [repo for repo in repos if not is_here(repo)] for name, repos in needed.items()}
    for name, repos in missing.items():
        for repo in repos:
            _refuse(name, repo, len(repos))
        if repos:
            say(f"{name} needs a download: {_listed(repos)}, from the Hub.")


def is_here(repo: str) -> bool:
    """Whether a data set of the Hub is in this machine's cache."""
    from datasets.config import HF_DATASETS_CACHE
    from huggingface_hub.constants import HF_HUB_CACHE

    snapshots = Path(HF_HUB_CACHE) / f"datasets--{repo.replace('/', '--')}" / "snapshots"
    built, name = Path(HF_DATASETS_CACHE), repo.replace("/", "___").lower()
    built_here = built.is_dir() and any(folder.name.lower() == name for folder in built.iterdir())
    return built_here or (snapshots.is_dir() and any(snapshots.iterdir()))


def _refuse(name: str, repo: str, several: int) -> None:
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(repo, timeout=_SECONDS)
    except Exception as error:
        refused = hub_refusal(error, repo, kind="dataset", revision=None)
        if refused is not None:
            raise UsageError(f"{name} needs a download: {refused}") from error
        more = f", one of {plural(several, 'data set')}" if several > 1 else ""
        raise UsageError(
            f"{name} needs a download: data set {repo}{more} is not on this machine, and the Hub did "
            f"not answer. Where there is a network: hf download {repo} --repo-type dataset"
        ) from error


def _listed(repos: Sequence[str]) -> str:
    return "data set " + repos[0] if len(repos) == 1 else f"data sets {', '.join(repos)}"
