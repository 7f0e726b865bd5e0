"""What the Hub refuses, in one sentence a person can act on."""

from __future__ import annotations

from typing import Literal

from brie.errors import UsageError


def hub_refusal(
    error: Exception, repo: str, *, kind: Literal["model", "dataset"], revision: str | None
) -> UsageError | None:
    """What a Hub's refusal means: gated, no such revision, or no such repository.

    Args:
        error: as raised by huggingface_hub.
        repo: Hub id.
        kind: what was asked for.
        revision: branch, tag or commit that was asked for, None for the default branch.

    Returns:
        None where the Hub refused nothing: it was not reached, or something else failed.
    """
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    shown = repo if kind == "model" else f"{kind} {repo}"
    if isinstance(error, GatedRepoError):  # a kind of RepositoryNotFoundError
        return UsageError(f"{shown} is gated: accept its terms on its Hub page, then run: hf auth login")
    if isinstance(error, RevisionNotFoundError):
        return UsageError(f"{shown} has no revision {revision} on the Hub.")
    if isinstance(error, RepositoryNotFoundError):
        return UsageError(f"there is no {kind} {repo!r} on the Hub that you may read.")
    return None
