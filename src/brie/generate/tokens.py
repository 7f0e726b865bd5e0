"""From a request to its tokens, and from an answer's tokens to its completion.

What the engines share that run in this process: both read the same tokens, end at the same ones, and
write an answer down the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

from brie.errors import UsageError
from brie.generate.encode import Encoder
from brie.generate.engine import Request
from brie.records import Completion, FinishReason


def prompt_of(request: Request, encoder: Encoder) -> tuple[list[int], int]:
    """A request's tokens, and how many its answer may have.

    Raises:
        UsageError: they leave no room for an answer.
    """
    prompt = encoder.encode(
        request.messages,
        prompt=request.prompt,
        thinking=request.sampling.thinking,
        system=request.sampling.system,
    )
    room = encoder.room(len(prompt), request.sampling)
    if room < 1:
        raise UsageError(
            f"a prompt of {len(prompt)} tokens leaves no room for an answer in the model's context "
            f"of {encoder.context}; it begins: {request.messages[-1].content[:60]!r}."
        )
    return prompt, room


def completion_of(
    request: Request,
    encoder: Encoder,
    *,
    prompt: Sequence[int],
    new: Sequence[int],
    finish: FinishReason,
    seconds: float,
) -> Completion:
    """The completion that an answer's tokens make.

    Args:
        request: what was asked.
        encoder: of the model that answered.
        prompt: the tokens it read.
        new: those it wrote, without the one that ended them.
        finish: why it ended.
        seconds: its share of the time.
    """
    apart = encoder.answered(prompt, new)
    unfinished = apart.unfinished and finish == "length"
    marks = encoder.thought_marks.values()
    leaked = sum(token in encoder.markers and token not in marks for token in new)
    return request.answered(
        _before(apart.answer, request.sampling.stop),
        "thinking" if unfinished else finish,
        tokens=len(new),
        seconds=seconds,
        leaked=leaked,
        reasoning=apart.thought,
    )


def _before(text: str, stop: Sequence[str]) -> str:
    """A text up to the first of the texts that end it."""
    return text[: min([at for mark in stop if (at := text.find(mark)) >= 0], default=len(text))]
