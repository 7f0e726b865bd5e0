"""Conversations to tokens and labels: the one place where it is decided what the loss covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

from brie.data.answers import Marked, Written, calls_of, mark, whole, with_objects
from brie.data.template import TrainingTemplate
from brie.data.tokenizer import Tokenizer
from brie.errors import InputError, PinError
from brie.records import Conversation

if TYPE_CHECKING:
    from datasets import Dataset

IGNORED = -100
"""Label of a token the loss does not look at."""

Loss = Literal["assistant", "text"]
Cut = Literal["whole", "cut", "lost"]


@dataclass(frozen=True)
class Encoded:
    """One conversation as training sees it, or one answer of a conversation."""

    line: int
    ids: list[int]
    labels: list[int]
    """Token id where learned, `IGNORED` elsewhere; as long as `ids`."""
    length: int
    """Tokens before truncation."""
    cut: Cut
    """`cut`: the end is missing; `lost`: nothing of any answer is left."""
    parts: int = 1
    """Into how many of these its conversation was taken apart."""

    @property
    def learned(self) -> int:
        """Tokens the loss looks at."""
        return sum(label != IGNORED for label in self.labels)


Kept = dict[str, tuple[Encoded, ...]]
"""Rows that were encoded before, by what they say."""


@dataclass(frozen=True)
class Tokens:
    """Encoded rows that several runs share, each way of encoding apart."""

    ways: dict[tuple[str, ...], Kept] = field(default_factory=dict)

    def of(self, *way: str) -> Kept:
        """What was encoded this way."""
        return self.ways.setdefault(way, {})


@dataclass(frozen=True)
class Encoder:
    """How a run turns conversations into tokens."""

    tokenizer: Tokenizer
    template: TrainingTemplate
    max_length: int
    loss: Loss = "assistant"
    kept: Kept | None = field(default=None, repr=False, compare=False)
    """None: every row is encoded when it is asked for."""

    def encode(self, conversation: Conversation) -> tuple[Encoded, ...]:
        """Tokens and labels of a conversation, cut at `max_length` from the end.

        Returns:
            One row, or one an answer where the template rewrites earlier turns.

        Raises:
            InputError: the model's template refuses the conversation; names the line.
        """
        if self.kept is None:
            return self._encoded(conversation)
        said = conversation.model_dump_json()
        if said not in self.kept:
            self.kept[said] = self._encoded(conversation)
        return self.kept[said]

    def _encoded(self, conversation: Conversation) -> tuple[Encoded, ...]:
        try:
            marked = self.mark(conversation)
        except (InputError, PinError) as error:
            raise InputError(f"line {conversation.line}: {error}") from error
        return tuple(self._row(conversation.line, part, len(marked)) for part in marked)

    def mark(self, conversation: Conversation) -> list[Marked]:
        """A conversation's tokens before truncation.

        Raises:
            InputError, PinError: the template refuses it.
        """
        written = self.template.written(self.tokenizer, conversation.tools)
        learned = {i for i, turn in enumerate(conversation.messages) if turn.learned}
        turns = [turn.shown() for turn in conversation.messages]
        try:
            return self._marked(written, with_objects(turns), learned)
        except PinError:
            if not any(map(calls_of, turns)):
                raise
            # Most templates write a call's arguments themselves; some want them as text.
            return self._marked(written, turns, learned)

    def _marked(
        self, written: Written, turns: Sequence[Mapping[str, JsonValue]], learned: set[int]
    ) -> list[Marked]:
        return [whole(written, turns)] if self.loss == "text" else mark(written, turns, learned)

    def _row(self, line: int, marked: Marked, parts: int) -> Encoded:
        labels = [i if on else IGNORED for i, on in zip(marked.ids, marked.learned, strict=True)]
        answer_left = any(marked.learned[: self.max_length])
        complete = len(marked.ids) <= self.max_length or not any(marked.learned[self.max_length :])
        return Encoded(
            line=line,
            ids=marked.ids[: self.max_length],
            labels=labels[: self.max_length],
            length=len(marked.ids),
            cut="whole" if complete else "cut" if answer_left else "lost",
            parts=parts,
        )


def encode_all(conversations: Iterable[Conversation], encoder: Encoder) -> list[Encoded]:
    """Every conversation, in order; those with `cut == "lost"` are included for counting."""
    return [row for conversation in conversations for row in encoder.encode(conversation)]


def taken_apart(rows: Iterable[Encoded]) -> str | None:
    """What to say of conversations that became several rows; None where none did."""
    parts = Counter(row.line for row in rows if row.parts > 1)
    if not parts:
        return None
    return (
        f"the chat template rewrites earlier turns once later ones follow: {len(parts):,} "
        f"row{'' if len(parts) == 1 else 's'} of several answers became {sum(parts.values()):,}, one an "
        "answer, each as the model is asked for it"
    )


def trainable(rows: Iterable[Encoded]) -> list[Encoded]:
    """Rows with something left to learn: a loss over no token is 0/0."""
    return [row for row in rows if row.cut != "lost"]


def dataset(rows: Sequence[Encoded]) -> Dataset:
    """Rows as TRL takes them when tokens and labels are already there."""
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": [r.ids for r in rows], "labels": [r.labels for r in rows]})
