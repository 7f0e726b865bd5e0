"""Judges with a model on this machine: it is loaded once, and whoever waits is answered together."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from brie.blinding import JudgeInput
from brie.judge.faults import Fault
from brie.judge.interface import Reply
from brie.judge.prompt import Correction
from brie.records import JudgeSpec

Loaded = TypeVar("Loaded")
"""A model ready to be asked."""
Asked = TypeVar("Asked")
"""One request as it waits."""


@dataclass
class TogetherJudge(ABC, Generic[Loaded, Asked]):
    """Requests that wait at the same time go through the model together."""

    spec: JudgeSpec
    instant: bool = field(default=False, init=False)
    free: bool = field(default=True, init=False)
    _loading: asyncio.Task[Loaded] | None = field(default=None, init=False)
    _waiting: list[tuple[Asked, asyncio.Future[Reply]]] = field(default_factory=list, init=False)
    _worker: asyncio.Task[None] | None = field(default=None, init=False)

    @abstractmethod
    def load(self) -> Loaded:
        """The model; called once, in a thread.

        Raises:
            Exception: it cannot be loaded; the judge stops with what it says.
        """

    @abstractmethod
    def request(self, loaded: Loaded, shown: JudgeInput, correction: Correction | None) -> Asked:
        """What waits for the model."""

    @abstractmethod
    def answer(self, loaded: Loaded, asked: Sequence[Asked]) -> list[Reply | Fault]:
        """Replies to some requests, in their order; called in a thread."""

    def worst(self, shown: JudgeInput) -> float:
        """Nothing."""
        return 0.0

    async def ask(self, shown: JudgeInput, correction: Correction | None = None) -> Reply:
        """Ask once, together with whatever else waits; see `Judge`."""
        loaded = await self._load()
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.request(loaded, shown, correction), answered))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(loaded))
        return await answered

    async def _load(self) -> Loaded:
        """The model; whoever asks first loads it, all others wait for the same one."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self.load))
        try:
            return await asyncio.shield(self._loading)
        except Exception as error:
            told = f"the model {self.spec.model} could not be loaded: {error}"
            raise Fault(" ".join(told.split())[:400], "all") from error

    async def _work(self, loaded: Loaded) -> None:
        # Whoever is ready to ask now gets into the first pass.
        await asyncio.sleep(0)
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                outcomes = await asyncio.to_thread(self.answer, loaded, [asked for asked, _ in taken])
            except Exception as error:
                outcomes = [Fault(f"the local model failed: {error}", "this") for _ in taken]
            for (_, answered), outcome in zip(taken, outcomes, strict=True):
                if answered.done():
                    continue
                if isinstance(outcome, Fault):
                    answered.set_exception(outcome)
                else:
                    answered.set_result(outcome)

    async def close(self) -> None:
        """Let the model go."""
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)
        self._loading = None


def best_device() -> str:
    """The fastest device that is here."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_and_dtype(spec: JudgeSpec) -> tuple[str, str]:
    """Where a judge's model runs and in which number format: as its file says, else what is best."""
    device = str(spec.parameters.get("device") or best_device())
    return device, str(spec.parameters.get("dtype") or ("bfloat16" if device == "cuda" else "float32"))
