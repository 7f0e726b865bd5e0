"""One engine for any two sides: adapters toggle on one base, other models load in turn.

sources = {candidate.digest: Local(base, adapter), baseline.digest: Local(base)}
with open_engine(sources, environment) as engine:
    for completion in engine.generate(requests):
        ...
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from brie.errors import UsageError
from brie.generate.engine import Closing, Draft, Engine, OnDone, Request
from brie.generate.environment import TRANSFORMERS
from brie.generate.probe import BatchVariance, batch_variance
from brie.generate.server import Server, ServerEngine
from brie.generate.started import Started, StartedEngine
from brie.generate.vllm_engine import VLLM, VllmEngine
from brie.pin import GivenText, rewriting
from brie.pin.few_bits import packed_format
from brie.records import Completion, Environment

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

    from brie.generate.encode import Encoder


@dataclass(frozen=True)
class Local:
    """A model in a folder, or an adapter on one."""

    folder: Path
    adapter: Path | None = None
    template: Path | None = None
    """Folder of the chat template it is asked with, where that is not its own."""


@dataclass(frozen=True)
class Served:
    """A model behind a server."""

    server: Server
    model: str
    """Its name there."""


@dataclass(frozen=True, eq=False)
class Given:
    """Answers that exist: nothing is loaded or asked."""

    texts: Callable[[], Mapping[str, Sequence[GivenText]]]
    """Digest of a conversation -> its answers; looked at where some are wanted."""


Source = Local | Served | Started | Given
Home = Path | Local | Server | Started | Given
"""What is loaded or connected to once, for all the models in it: a base with its adapters; an adapter
that rewrites its base, by itself; a server; a file that a server is started for; a file of answers."""


class GivenEngine(Closing):
    """Hands out answers that exist; they have no tokens that are known, and took no time here."""

    def __init__(self, given: Given) -> None:
        self._texts = given.texts()

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield the answers; see `Engine`.

        Raises:
            UsageError: one is not there.
        """
        for request in requests:
            texts = self._texts.get(request.prompt, ())
            if request.sample >= len(texts):
                raise UsageError(f"there is no answer {request.sample + 1} to a prompt of this plan.")
            given = texts[request.sample]
            completion = request.answered(given.text, given.finish, tokens=0, seconds=0.0)
            if on_done is not None:
                on_done(completion)
            yield completion

    def close(self) -> None:
        """Nothing is held."""


class TurnEngine(Closing):
    """Routes requests by their pin. One model is in memory at a time.

    `Request.adapter` is set from the source, so callers need not name adapters.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        environment: Environment,
        *,
        batch_size: int | None = None,
    ) -> None:
        self._sources = dict(sources)
        self._environment = environment
        self._batch_size = batch_size
        self._home: Home | None = None
        self._engine: Engine | None = None
        self._servers: dict[Server, ServerEngine] = {}
        self.idle: set[str] = set()
        """Pins of adapters that were loaded and change nothing of their base."""
        self._homes: dict[Home, list[str]] = defaultdict(list)
        for pin, source in self._sources.items():
            self._homes[_home(source)].append(pin)

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions, one home's after another's; see `Engine`."""
        if len(self._homes) == 1:
            yield from self._stream(next(iter(self._homes)), iter(requests), on_done)
            return
        groups: dict[Home, list[Request]] = defaultdict(list)
        for request in requests:
            groups[_home(self._source(request.pin))].append(self._address(request))
        # What is loaded already goes first: a later call may then find its model in memory.
        for home in sorted(groups, key=lambda home: home != self._home):
            yield from self._open(home).generate(groups[home], on_done)

    @contextmanager
    def lent(self, pin: str) -> Iterator[tuple[PreTrainedModel | PeftModel, Encoder]]:
        """A model of a folder here, loaded and with its adapter on, for others to ask.

        Raises:
            UsageError: it is in no folder of this machine.
        """
        from brie.generate.local import TransformersEngine

        source = self._source(pin)
        engine = self._open(_home(source))
        if not isinstance(source, Local) or not isinstance(engine, TransformersEngine):
            raise UsageError("only a model in a folder of this machine can be lent.")
        with engine.lent(self._loaded_as(source) if source.adapter is not None else None) as lent:
            yield lent

    @property
    def in_one(self) -> bool:
        """Whether all models answer from one loaded base."""
        return len(self._homes) == 1

    @property
    def loaded(self) -> bool:
        """Whether a model is in memory."""
        return self._engine is not None

    def watch(self, requests: Sequence[Request]) -> Generator[Draft, None, None]:
        """Yield what local models' answers hold so far; those of one base in turn, a token at a time.

        Raises:
            UsageError: a model is not in a folder, or cannot answer.
        """
        from brie.generate.local import TransformersEngine

        homes = {request.key: _home(self._source(request.pin)) for request in requests}
        for home in sorted(dict.fromkeys(homes.values()), key=lambda home: home != self._home):
            engine = self._open(home) if isinstance(home, Path | Local) else None
            if not isinstance(engine, TransformersEngine):
                raise UsageError("only a model in a folder of this machine can be watched.")
            mine = [self._address(request) for request in requests if homes[request.key] == home]
            yield from engine.watch(mine)

    def _stream(
        self, home: Home, requests: Iterator[Request], on_done: OnDone | None
    ) -> Iterator[Completion]:
        """One home's requests as they come; nothing is loaded where there are none."""
        for first in requests:
            addressed = map(self._address, chain([first], requests))
            yield from self._open(home).generate(addressed, on_done)

    def close(self) -> None:
        """Free the model in memory."""
        if self._engine is not None:
            self._engine.close()
        self._engine = self._home = None

    @property
    def fingerprints(self) -> dict[str, dict[str, int]]:
        """`LABEL#MODEL` -> what its replies said of the system behind them; empty for folders."""
        return {
            f"{server.label}#{model}": dict(counts)
            for server, engine in self._servers.items()
            for model, counts in engine.fingerprints.items()
            if counts
        }

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """Server label -> settings it refused, so that its own hold."""
        refused = {server.label: engine.left_out for server, engine in self._servers.items()}
        # A form of a field, such as top_k=-1, has another that says the same.
        settings = {
            label: [name for name in names if "=" not in name] for label, names in refused.items()
        }
        return {label: tuple(sorted(names)) for label, names in settings.items() if names}

    @property
    def ignored(self) -> dict[str, tuple[str, ...]]:
        """Server label -> settings it takes and does not honour."""
        return {s.label: engine.ignored for s, engine in self._servers.items() if engine.ignored}

    def batch_variance(self) -> BatchVariance | None:
        """Whether texts change with their batch here; None where that is known or nothing is loaded.

        In float32 on a CPU they do not (see `docs/generation.md`). Elsewhere the model in memory
        makes 16 short texts alone and together.
        """
        if not isinstance(self._home, Path) or self._engine is None:
            return None
        made = (self._environment.engine, self._environment.dtype, self._environment.device)
        if made == (TRANSFORMERS, "float32", "cpu") and packed_format(self._home) is None:
            return None
        pin = self._homes[self._home][0]
        return batch_variance(self._engine, self._environment, pin=pin, prompts=8)

    def _address(self, request: Request) -> Request:
        source = self._source(request.pin)
        on = self._loaded_as(source) if isinstance(source, Local) and source.adapter else None
        return replace(request, adapter=on)

    def _loaded_as(self, source: Source) -> str:
        """The pin an adapter is loaded under: sides that differ in what they are told share it."""
        return next(pin for pin, other in self._sources.items() if other == source)

    def _source(self, pin: str) -> Source:
        if pin not in self._sources:
            raise UsageError(f"no model was given for the pin {pin}.")
        return self._sources[pin]

    def _open(self, home: Home) -> Engine:
        if self._engine is None or home != self._home:
            self.close()
            self._engine, self._home = self._make(home), home
        return self._engine

    def _make(self, home: Home) -> Engine:
        sources = {pin: self._sources[pin] for pin in self._homes[home]}
        if isinstance(home, Server):
            models = {p: s.model for p, s in sources.items() if isinstance(s, Served)}
            return self._servers.setdefault(home, ServerEngine(home, models, probe=True))
        if isinstance(home, Started):
            started = StartedEngine(home, sources)
            self._servers[started.server] = started.asked
            return started
        if isinstance(home, Given):
            return GivenEngine(home)
        return self._load(home, sources)

    def _load(self, home: Path | Local, sources: Mapping[str, Source]) -> Engine:
        """The models of one base, by the engine of this plan.

        Raises:
            UsageError: vLLM does not read models of this kind.
        """
        adapters = {
            self._loaded_as(source): source.adapter
            for source in sources.values()
            if isinstance(source, Local) and source.adapter is not None
        }
        borrowed = (source.template for source in sources.values() if isinstance(source, Local))
        folder = home.folder if isinstance(home, Local) else home
        template = next((folder for folder in borrowed if folder is not None), None)
        if self._environment.engine == VLLM:
            if isinstance(home, Local) or packed_format(folder) is not None:
                raise UsageError(
                    f"brie does not hand {folder.name} to vLLM: an adapter that rewrites its base, or "
                    "weights in few bits; take --engine transformers"
                )
            return VllmEngine.load(folder, self._environment, adapters, template=template)
        from brie.generate.local import TransformersEngine

        engine = TransformersEngine.load(
            folder, self._environment, adapters, template=template, batch_size=self._batch_size
        )
        self.idle.update(pin for pin, s in sources.items() if self._loaded_as(s) in engine.idle)
        return engine


def open_engine(
    sources: Mapping[str, Source], environment: Environment, *, batch_size: int | None = None
) -> TurnEngine:
    """An engine for the models of an evaluation; nothing is loaded before it is needed.

    Args:
        sources: pin digest -> where the model is.
        environment: device and dtype for local models.
        batch_size: most answers at a time; None: found by trying.
    """
    return TurnEngine(sources, environment, batch_size=batch_size)


def _home(source: Source) -> Home:
    if isinstance(source, Served):
        return source.server
    if isinstance(source, (Started, Given)):
        return source
    if source.adapter is not None and rewriting(source.adapter) is not None:
        return source
    return source.folder
