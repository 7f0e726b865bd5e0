"""A local server that speaks the judges' protocols: Anthropic messages, OpenAI chat completions.

It reads a request as a judge would, lets a `Mind` say what to vote, and a `Script` say what goes
wrong on the way. It keeps what it saw and what it would have billed. It is an independent reading
of the protocols: it imports nothing of brie.

    with JudgeServer(mind=prefer_longer) as server:
        ...  base_url = server.anthropic, or server.openai
        assert server.seen[0].key == "sk-…"
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.fakes import judge_batches
from tests.fakes.judge_wire import Act, Seen, reply_body, usage_of

Mind = Callable[[Seen], str]
"""A request -> "A", "B" or "tie"."""
Script = Callable[[Seen], Act]
"""A request -> what happens to it."""
_PROBE = "What is the first meal of the day called?"
_LOOK = 0.005
"""Seconds between two looks at what a reply is held back for."""


def first(seen: Seen) -> str:
    """Votes for the answer shown first."""
    return seen.letters[0]


def second(seen: Seen) -> str:
    """Votes for the answer shown second."""
    return seen.letters[1]


def letter_a(seen: Seen) -> str:
    """Votes for A wherever it stands."""
    return "A"


def letter_b(seen: Seen) -> str:
    """Votes for B wherever it stands."""
    return "B"


def prefer_longer(seen: Seen) -> str:
    """Votes for the longer answer."""
    a, b = len(seen.answers["A"]), len(seen.answers["B"])
    return "A" if a > b else "B" if b > a else "tie"


def smooth(seen: Seen) -> Act:
    """Nothing goes wrong."""
    return Act()


def never() -> bool:
    """For a reply that does not come."""
    return False


@dataclass
class JudgeServer:
    """The server, running in a thread of its own while it is used as a context."""

    mind: Mind = prefer_longer
    script: Script = smooth
    latency: tuple[float, float] = (0.0, 0.0)
    """Mean and half-width of the delay, in seconds."""
    price: tuple[float, float] = (0.0, 0.0)
    """US dollars a million input and output tokens."""
    listen: int = 0
    """The port; 0: any that is free."""
    certificate: tuple[str, str] | None = None
    """Certificate and key file, for TLS."""
    batch_rounds: int = 1
    """How often a batch is asked after before it has ended."""
    seen: list[Seen] = field(default_factory=list)
    probes: list[Seen] = field(default_factory=list)
    """Requests about the made-up pair that only ask whether the judge can be asked."""
    billed: float = 0.0
    """US dollars."""
    flying: int = 0
    most_flying: int = 0
    models: tuple[str, ...] = ("a-model",)
    batches: judge_batches.Batches = field(default_factory=judge_batches.Batches)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(60), "the server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def root(self) -> str:
        """Address without a path."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    @property
    def anthropic(self) -> str:
        """`base_url` for the Anthropic SDK."""
        return self.root

    @property
    def openai(self) -> str:
        """`base_url` for the OpenAI SDK."""
        return f"{self.root}/v1"

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
        server = await asyncio.start_server(
            self._connection, "127.0.0.1", self.listen, ssl=context, limit=2**24, backlog=512
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ", 2)
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self._answer(method, path, headers, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        path = path.partition("?")[0]
        if method == "POST" and path.endswith(("/messages", "/chat/completions", "/responses")):
            return await self._judge(path, headers, body, writer)
        if path.endswith("/models"):
            listing = {"object": "list", "data": [{"id": m, "object": "model"} for m in self.models]}
            return await _send(writer, 200, json.dumps(listing).encode())
        status, reply = self.batches.handle(method, path, headers, body, self)
        return await _send(writer, status, reply)

    async def _judge(
        self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        kept = self.probes if _PROBE.encode() in body else self.seen
        seen = Seen.read(path, headers, body, len(kept))
        kept.append(seen)
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            act = self.script(seen)
            mean, half = self.latency
            if delay := act.delay + (self._random.uniform(mean - half, mean + half) if mean else 0.0):
                await asyncio.sleep(delay)
            while act.until is not None and not act.until():
                await asyncio.sleep(_LOOK)
            if act.status == 200 and not act.free:
                self.bill(seen, act)
            if act.reset:
                writer.transport.abort()
                return False
            content = reply_body(seen, self.mind, act)
            return await _send(writer, act.status, content, act.headers, act.kind)
        finally:
            self.flying -= 1

    def settle(self) -> None:
        """Wait until nothing is in flight: what a client left has been billed by then."""
        while self.flying:
            time.sleep(_LOOK)

    def bill(self, seen: Seen, act: Act, share: float = 1.0) -> None:
        """Count a reply as billed, whatever became of it."""
        tokens = usage_of(seen, act)
        self.billed += share * (tokens[0] * self.price[0] + tokens[1] * self.price[1]) / 1e6


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    content: bytes,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
) -> bool:
    lines = [
        f"HTTP/1.1 {status} Said",
        f"content-type: {kind}",
        f"content-length: {len(content)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
    await writer.drain()
    return True


def faults(rates: dict[str, float], seed: int = 0, hang: float = 10.0) -> Script:
    """A script that draws faults by their rates: busy, broken, garbled, hang, reset."""
    draw = random.Random(seed)
    acts: dict[str, Callable[[], Act]] = {
        "busy": lambda: Act(status=429, body=b'{"error": {"message": "slow down"}}'),
        "broken": lambda: Act(status=500, body=b'{"error": {"message": "oops"}}'),
        "garbled": lambda: Act(body=b'{"choices": [{"mess'),
        "hang": lambda: Act(delay=hang),
        "reset": lambda: Act(reset=True),
    }

    def script(seen: Seen) -> Act:
        at = draw.random()
        for name, rate in rates.items():
            if at < rate:
                return acts[name]()
            at -= rate
        return Act()

    return script


@dataclass
class Trouble:
    """A script for benches: refusals here and there, a limit a minute, an outage."""

    busy: float = 0.0
    """Share of requests that are refused, wherever they stand."""
    limit: int = 0
    """Requests taken a second; 0: any number."""
    after: int = 0
    """Requests before the outage begins; 0: there is none."""
    seconds: float = 0.0
    """How long it lasts."""
    asked: int = 0
    refused: int = 0
    since: float = 0.0
    _draw: random.Random = field(default_factory=lambda: random.Random(0))
    _taken: list[float] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Act:
        """What happens to a request."""
        self.asked += 1
        now = time.monotonic()
        if self.after and self.asked > self.after:
            self.since = self.since or now
            if now < self.since + self.seconds:
                return Act(status=503)
        crowded = self._draw.random() < self.busy
        if self.limit and not crowded:
            self._taken = [moment for moment in self._taken if moment > now - 1.0]
            crowded = len(self._taken) >= self.limit
            self._taken += [] if crowded else [now]
        if crowded:
            self.refused += 1
            return Act(status=429, headers={"retry-after": "1"})
        return Act()


def main() -> None:
    """Serve until standard input closes; prints the port. For benches: python -m tests.fakes…"""
    import argparse
    import sys

    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--spread", type=float, default=0.05)
    parser.add_argument("--busy", type=float, default=0.0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--outage", type=float, nargs=2, default=(0, 0), metavar=("AFTER", "SECONDS"))
    chosen = parser.parse_args()
    after, seconds = chosen.outage
    trouble = Trouble(chosen.busy, chosen.limit, int(after), seconds)
    with JudgeServer(latency=(chosen.latency, chosen.spread), script=trouble) as server:
        server.seen = _Forgetful()
        print(server.port, flush=True)
        sys.stdin.read()
        print(json.dumps({"asked": trouble.asked, "refused": trouble.refused}), flush=True)


class _Forgetful(list[Any]):
    """A list that only counts: a bench's server must not grow."""

    def append(self, item: Any) -> None:
        """Forget the item."""


if __name__ == "__main__":
    main()
