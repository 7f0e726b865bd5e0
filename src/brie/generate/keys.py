"""The key of a completion: everything that decides its text, in one digest."""

from __future__ import annotations

from collections.abc import Sequence

from brie.digest import digest
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
    return digest(
        {
            **({} if date is None else {"date": date}),
            "pin": pin_digest,
            "template": template_digest,
            "messages": list(messages),
            "sampling": sampling,
            "sample": sample,
            "environment": environment,
        }
    )
