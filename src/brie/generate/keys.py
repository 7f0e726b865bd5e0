"""The key of a completion: everything that decides its text, in one digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brie.digest import canonical_json, digest, text_digest
from brie.records import Environment, Message, Sampling


def paired_noise_key(*, messages: Sequence[Message], sampling: Sampling, sample: int) -> str:
    """From what the randomness of a completion is drawn where the sides share it (`paired_noise`).

    Neither the model nor its template, format or engine is part of it, so that the same weights in
    another file meet the same draws.

    Args:
        messages: the conversation, the suite's system prompt included.
        sampling: temperature, restrictions, limit and seed.
        sample: which of the prompt's samples, from 0.
    """
    return digest({"messages": list(messages), "sampling": sampling, "sample": sample})


def completion_key(
    *,
    pin_digest: str,
    template_digest: str,
    messages: Sequence[Message],
    sampling: Sampling,
    sample: int,
    environment: Environment,
    date: str | None = None,
) -> str:
    """The key a completion is stored under, and from which its randomness is drawn unless the sides
    share their noise (`paired_noise_key`).

    Args:
        pin_digest: the model, by content.
        template_digest: how its conversations are rendered.
        messages: the conversation, the suite's system prompt included.
        sampling: temperature, restrictions, limit and seed.
        sample: which of the prompt's samples, from 0.
        environment: engine, dtype, device type and sampler version.
        date: what the template is told where it asks for the date; None: it does not ask.
    """
    keys = CompletionKeys.of(
        pin_digest=pin_digest, template_digest=template_digest, sampling=sampling,
        environment=environment, date=date,
    )  # fmt: skip
    return keys.key(canonical_json(list(messages)), sample)


@dataclass(frozen=True, slots=True)
class CompletionKeys:
    """The keys of one model's completions: what they share of their canonical JSON is written once."""

    before: str
    """Up to the messages."""
    between: str
    """From the messages to the sample."""
    after: str

    @classmethod
    def of(
        cls,
        *,
        pin_digest: str,
        template_digest: str,
        sampling: Sampling,
        environment: Environment,
        date: str | None = None,
    ) -> CompletionKeys:
        """What is said of the arguments at `completion_key`."""
        dated = "" if date is None else f'"date":{canonical_json(date)},'
        return cls(
            f'{{{dated}"environment":{canonical_json(environment)},"messages":',
            f',"pin":{canonical_json(pin_digest)},"sample":',
            f',"sampling":{canonical_json(sampling)},"template":{canonical_json(template_digest)}}}',
        )

    def key(self, messages: str, sample: int) -> str:
        """The key of an answer.

        Args:
            messages: canonical JSON of the conversation.
            sample: which of the prompt's samples, from 0.
        """
        return text_digest(f"{self.before}{messages}{self.between}{sample}{self.after}")
