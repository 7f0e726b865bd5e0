"""Training rows from a Hub dataset: `hf:ORG/NAME[@REVISION][:SPLIT]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brie.data.forms import Tally
from brie.data.load import read_row
from brie.data.rows import to_conversation
from brie.data.turns import Remarks
from brie.errors import InputError, UsageError
from brie.pin.hub import hub_refusal
from brie.records import Conversation

if TYPE_CHECKING:
    from datasets import Dataset

PREFIX = "hf:"
_REFERENCE = re.compile(r"hf:(?P<repo>[^@:]+)(?:@(?P<revision>[^:]+))?(?::(?P<split>.+))?")


@dataclass(frozen=True)
class HubRows:
    """A dataset as read, with the commit it was read at."""

    reference: str
    """With the commit written out."""
    conversations: tuple[Conversation, ...]
    notes: tuple[str, ...] = ()
    """Harmless oddities of the rows, one a kind."""
    read_as: tuple[str, ...] = ()
    """What rows of other tools' forms were read as."""


def load_hub(reference: str, mapping: Mapping[str, str] | None = None) -> HubRows:
    """Every row of one split of a Hub dataset; a moving revision is resolved to its commit.

    Raises:
        UsageError: misspelt, gated, offline, or without the split; says which.
        InputError: a row is no conversation; names the row.
    """
    matched = _REFERENCE.fullmatch(reference)
    if matched is None:
        raise UsageError(
            f"{reference} names no dataset; write hf:ORG/NAME or hf:ORG/NAME@REVISION:SPLIT"
        )
    repo, split = matched["repo"], matched["split"] or "train"
    commit = _commit(repo, matched["revision"])
    rows = _rows(repo, commit=commit, split=split)
    named = f"{PREFIX}{repo}@{commit}:{split}"
    conversations, remarks, tally = [], Remarks(), Tally()
    for number, row in enumerate(rows, start=1):
        filled = {key: value for key, value in dict(row).items() if value is not None}
        try:
            made = read_row(filled, mapping or {})
            conversations.append(to_conversation(made.row, number, remarks, made.key))
            tally.add(made)
        except InputError as error:
            raise InputError(f"{named}, row {number}: {error}.") from error
    if not conversations:
        raise InputError(f"{named} holds no rows.")
    return HubRows(named, tuple(conversations), remarks.sentences(), tally.sentences())


def _commit(repo: str, revision: str | None) -> str:
    if revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(repo, revision=revision).sha)
    except Exception as error:
        refused = hub_refusal(error, repo, kind="dataset", revision=revision)
        raise refused or UsageError(
            f"the Hub could not be asked which commit of dataset {repo} to use "
            f"({type(error).__name__}); check the connection, or name a commit you have: "
            f"hf:{repo}@<40 hex digits>"
        ) from error


def _rows(repo: str, *, commit: str, split: str) -> Dataset:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    try:
        return load_dataset(repo, revision=commit, split=split)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"dataset {repo}@{commit[:12]}, split {split}: {reason}") from error
