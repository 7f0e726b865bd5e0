"""Votes on what somebody typed: kept in a file of their own, outside every evaluation.

`runs/try/votes.jsonl` has a line a vote. No analysis reads it: its prompts were chosen by whoever typed
them, so that no win rate can be made of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from brie.blinding import Choice, Presentation
from brie.errors import InputError
from brie.project import Project, alone
from brie.records import (
    Completion,
    Digest,
    Document,
    Environment,
    Message,
    Sampling,
    Side,
    Winner,
    schema_field,
)

FILE, _LOCK = "votes.jsonl", ".votes.lock"


class TriedVote(Document):
    """A person's blind vote on two answers to what they typed; the letter is kept as it was said."""

    schema_: str = schema_field("tried")
    created: str
    """When, ISO 8601 in UTC."""
    evaluation: str | None = None
    """Whose sides and settings they were; the vote is no part of it."""
    pins: dict[Side, Digest]
    names: dict[Side, str]
    """What the sides were called."""
    messages: tuple[Message, ...]
    """The conversation as it was answered; what one side alone is told is not in it."""
    sampling: Sampling
    environment: Environment
    answers: dict[Digest, Completion]
    """By key; one where both sides have the same."""
    presentation: Presentation
    letter: Choice

    @property
    def winner(self) -> Winner:
        """The side that was preferred."""
        return self.presentation.unblind(self.letter)


def votes_file(project: Project) -> Path:
    """Where the votes lie."""
    return project.runs / "try" / FILE


def keep_vote(project: Project, vote: TriedVote) -> None:
    """Add a vote at the end of the file.

    Raises:
        InputError: it cannot be written.
    """
    path = votes_file(project)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path.parent / _LOCK), path.open("a", encoding="utf-8") as file:
            file.write(vote.model_dump_json() + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}.") from error


def read_votes(project: Project) -> list[TriedVote]:
    """Every vote, oldest first.

    Raises:
        InputError: a line holds none; names it.
    """
    path = votes_file(project)
    try:
        state = path.stat()
    except OSError:
        return []
    return list(_read(path, (state.st_ino, state.st_size, state.st_mtime_ns)))


@lru_cache(maxsize=2)  # every page of `/try` counts them
def _read(path: Path, written: tuple[int, int, int]) -> tuple[TriedVote, ...]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    votes = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            votes.append(TriedVote.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the line"
            raise InputError(f"{path}: line {number} holds no vote: {key}: {first['msg']}.") from error
    return tuple(votes)


def tally(votes: Iterable[TriedVote]) -> dict[Winner, int]:
    """How often each side was preferred, and how often neither."""
    counts = Counter(vote.winner for vote in votes)
    words: tuple[Winner, ...] = ("candidate", "tie", "baseline")
    return {word: counts[word] for word in words}
