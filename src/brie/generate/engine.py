"""What every engine does: requests in, completions out, in whatever order they finish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from brie.generate.keys import paired_noise_key
from brie.generate.measures import measures
from brie.records import Completion, FinishReason, Message, Sampling

OnDone = Callable[[Completion], None]
"""Called with each completion just before it is yielded, for progress."""


@dataclass(frozen=True)
class Request:
    """One completion to be made."""

    key: str
    """The completion's key."""
    pin: str
    """Digest of the model that answers."""
    adapter: str | None
    """Name of the adapter that is on; None: the loaded model as it is."""
    messages: tuple[Message, ...]
    """The conversation, the suite's system prompt included."""
    prompt: str
    """Digest of `messages`."""
    sample: int
    sampling: Sampling
    drawn_as: str = ""
    """What its noise is keyed on where that is not the key."""

    @property
    def noise(self) -> str:
        """A digest: the only source of the completion's randomness."""
        if not self.sampling.paired_noise:
            return self.drawn_as or self.key
        return paired_noise_key(messages=self.messages, sampling=self.sampling, sample=self.sample)

    def answered(
        self,
        text: str,
        finish_reason: FinishReason,
        *,
        tokens: int,
        seconds: float,
        leaked: int = 0,
        reasoning: str = "",
    ) -> Completion:
        """The completion that answers this request.

        Args:
            text: the answer.
            finish_reason: why it ended.
            tokens: how many it has.
            seconds: the time it took, or its share of its batch's.
            leaked: special tokens inside it, where they can be counted.
            reasoning: what was thought before it.
        """
        return Completion(
            key=self.key,
            pin=self.pin,
            prompt=self.prompt,
            sample=self.sample,
            text=text,
            finish_reason=finish_reason,
            tokens=tokens,
            seconds=seconds,
            measures=measures(text, leaked),
            reasoning=reasoning,
        )


@dataclass(frozen=True)
class Draft:
    """What an answer holds so far, for somebody who watches it come."""

    key: str
    """The completion's key."""
    text: str
    thinking: bool
    """Whether the model still thinks, so that there is no answer yet."""
    completion: Completion | None
    """The answer, once it is whole."""


class Engine(Protocol):
    """Makes completions. Closing frees the model."""

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions as they finish; each request exactly once, in any order.

        Raises:
            UsageError: a request cannot be carried out; raised before any is.
            Stopped: work ended early; what was yielded stands, the rest can be asked for again.
        """
        ...

    def close(self) -> None:
        """Free what the engine holds; it cannot be used afterwards."""
        ...


class Closing:
    """`with engine:` closes it at the end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free what is held."""
        raise NotImplementedError
