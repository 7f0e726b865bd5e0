"""How often a text changes with the batch it is in: measured, for `brie doctor` and manifests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brie.digest import digest
from brie.generate.engine import Engine, Request
from brie.generate.keys import completion_key
from brie.records import Environment, Message, Sampling

_TOPICS = ("a river", "bread", "an old map", "snow", "a quarrel", "numbers", "the sea", "a lost key")
_PIN = digest("probe")


@dataclass(frozen=True)
class BatchVariance:
    """Texts made alone against the same keys made in one batch."""

    environment: Environment
    texts: int
    changed: int

    @property
    def share(self) -> float:
        """Share of texts that the batch changed."""
        return self.changed / self.texts if self.texts else 0.0

    def __str__(self) -> str:
        read_by = "".join(f", {name} {n}" for name, n in self.environment.programs.items())
        where = f"{self.environment.dtype} on {self.environment.device}{read_by}"
        if not self.changed:
            return f"{where}: none of {self.texts:,} texts changed with its batch"
        return (
            f"{where}: the batch changed {self.changed:,} of {self.texts:,} texts "
            f"({self.share:.0%}); a completion is kept once made, but making it again elsewhere "
            "may give other words. float32 on cpu hardly has this."
        )


def batch_variance(
    engine: Engine,
    environment: Environment,
    *,
    pin: str = _PIN,
    prompts: int = 16,
    tokens: int = 32,
    temperatures: Sequence[float] = (0.0, 0.75),
) -> BatchVariance:
    """Generate each text alone and in company, and count the differences.

    Args:
        engine: a loaded model; its adapters stay off.
        environment: what it was loaded in.
        pin: which of the engine's models answers, where it has several.
        prompts: how many different prompts.
        tokens: how long the texts may get; longer ones change more often.
        temperatures: 0 is greedy; every prompt is answered once at each.
    """
    requests = [
        request
        for temperature in temperatures
        for request in _requests(
            environment, pin, prompts, Sampling(temperature=temperature, max_new_tokens=tokens)
        )
    ]
    together = {c.key: c.text for c in engine.generate(requests)}
    alone = {c.key: c.text for request in requests for c in engine.generate([request])}
    changed = sum(together[key] != text for key, text in alone.items())
    return BatchVariance(environment, len(requests), changed)


def _requests(environment: Environment, pin: str, count: int, sampling: Sampling) -> list[Request]:
    made = []
    for i in range(count):
        words = " and ".join(_TOPICS[(i + j) % len(_TOPICS)] for j in range(1 + i % 4))
        messages = (Message(role="user", content=f"Write {i + 1} words about {words}."),)
        key = completion_key(
            pin_digest=_PIN,
            template_digest=digest(None),
            messages=messages,
            sampling=sampling,
            sample=0,
            environment=environment,
        )
        made.append(Request(key, pin, None, messages, digest(list(messages)), 0, sampling))
    return made
