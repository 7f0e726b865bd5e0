"""Conversations to tokens and labels: the one place where it is decided what the loss covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from brie.data.template import TrainingTemplate, mark
from brie.data.tokenizer import Tokenizer
from brie.errors import InputError
from brie.records import Conversation

if TYPE_CHECKING:
    from datasets import Dataset

IGNORED = -100
"""Label of a token the loss does not look at."""

Loss = Literal["assistant", "text"]
Cut = Literal["whole", "cut", "lost"]


@dataclass(frozen=True)
class Encoded:
    """One conversation as training sees it."""

    line: int
    ids: list[int]
    labels: list[int]
    """Token id where learned, `IGNORED` elsewhere; as long as `ids`."""
    length: int
    """Tokens before truncation."""
    cut: Cut
    """`cut`: the end is missing; `lost`: nothing of any answer is left."""

    @property
    def learned(self) -> int:
        """Tokens the loss looks at."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class Encoder:
    """How a run turns conversations into tokens."""

    tokenizer: Tokenizer
    template: TrainingTemplate
    max_length: int
    loss: Loss = "assistant"

    def encode(self, conversation: Conversation) -> Encoded:
        """Tokens and labels of a conversation, cut at `max_length` from the end.

        Raises:
            InputError: the model's template refuses the conversation; names the line.
        """
        messages = [m.model_dump() for m in conversation.messages]
        try:
            marked = mark(self.tokenizer, self.template, messages)
        except Exception as error:
            # Templates refuse with whatever their author raised: a role, an order, a type.
            raise InputError(
                f"line {conversation.line}: the model's chat template refuses it: {error}"
            ) from error
        learned = marked.learned if self.loss == "assistant" else [1] * len(marked.ids)
        labels = [i if on else IGNORED for i, on in zip(marked.ids, learned, strict=True)]
        answer_left = any(marked.learned[: self.max_length])
        whole = len(marked.ids) <= self.max_length or not any(marked.learned[self.max_length :])
        return Encoded(
            line=conversation.line,
            ids=marked.ids[: self.max_length],
            labels=labels[: self.max_length],
            length=len(marked.ids),
            cut="whole" if whole else "cut" if answer_left else "lost",
        )


def encode_all(conversations: Iterable[Conversation], encoder: Encoder) -> list[Encoded]:
    """Every conversation, in order; those with `cut == "lost"` are included for counting."""
    return [encoder.encode(conversation) for conversation in conversations]


def trainable(rows: Iterable[Encoded]) -> list[Encoded]:
    """Rows with something left to learn: a loss over no token is 0/0."""
    return [row for row in rows if row.cut != "lost"]


def dataset(rows: Sequence[Encoded]) -> Dataset:
    """Rows as TRL takes them when tokens and labels are already there."""
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": [r.ids for r in rows], "labels": [r.labels for r in rows]})
