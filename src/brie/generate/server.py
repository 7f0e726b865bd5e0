"""The engine `openai-compatible`: any server that speaks the protocol, by its `base_url`.

    server = Server(label="lab", base_url="http://localhost:8000/v1")
    with ServerEngine(server, {candidate.digest: "my-lora", baseline.digest: "qwen"}) as engine:
        for completion in engine.generate(requests):
            ...

A server cannot be pinned (invariant I6): it says what it likes of itself, and that is recorded. Its
answers are as repeatable as it makes them; every request carries a seed drawn from its key.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from brie.errors import Stopped, UsageError, unknown
from brie.generate.engine import Closing, OnDone, Request
from brie.generate.protocol import (
    Answer,
    NoAnswerError,
    arguments,
    names_field,
    next_to_leave_out,
    read_reply,
    said,
)
from brie.generate.server_probe import ignored_settings
from brie.records import Completion
from brie.records.providers import PROVIDERS, Provider
from brie.wire.addresses import fault_of, is_at, is_readable_on_the_way, shown
from brie.wire.client import Destination, TooLong, capped_client, timeouts, too_long
from brie.wire.keys import Secrets

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

VENDOR_HOSTS = PROVIDERS[Provider.OPENAI].hosts
"""Where the SDK's own settings are meant for."""
_GIVE_UP_AFTER = 10
"""Consecutive answers that could not be had."""


@dataclass(frozen=True)
class Server:
    """Where a server is and how hard it may be asked."""

    label: str
    """Its name in records; the address itself is not recorded."""
    base_url: str
    api_key_env: str | None = None
    """Variable that holds the key; None: the server wants none."""
    concurrency: int = 32
    """Requests in flight."""
    proxy: str | None = None
    """The proxy on the way to it, where `brie.toml` names one."""
    timeout: float = 600.0
    """Seconds one answer may take."""
    retries: int = 4
    """Times the SDK asks again after a connection error, 408, 429 or 5xx, waiting longer each time."""

    def client(self, *, with_key: bool = True) -> AsyncOpenAI:
        """A client of the official SDK.

        Args:
            with_key: False: only what needs no key is asked.

        Raises:
            UsageError: the key's variable is not set, or the address is none.
        """
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        self.check_address()
        key = os.environ.get(self.api_key_env, "").strip() if self.api_key_env else "none"
        if not key:
            raise UsageError(f"the server {self.label} needs a key: set {self.api_key_env}.")
        secrets = Secrets.of_environment([key] if self.api_key_env else ())
        where = Destination(is_at(self.base_url, VENDOR_HOSTS), secrets, self.timeout, self.proxy)
        with where.settings():
            return AsyncOpenAI(
                base_url=self.base_url,
                api_key=key if with_key else "none",
                timeout=timeouts(self.timeout),
                max_retries=self.retries,
                http_client=capped_client(DefaultAsyncHttpxClient, where),
            )

    @property
    def exposes_key(self) -> bool:
        """Whether its key can be read on the way: plain http to another machine."""
        return bool(self.api_key_env) and is_readable_on_the_way(self.base_url)

    def check_address(self) -> None:
        """Refuse an address that is none, or holds more than one.

        Raises:
            UsageError: says what is wrong with it, without repeating what may be a password.
        """
        if wrong := fault_of(self.base_url):
            raise UsageError(f"brie.toml: the base_url of server {self.label} {wrong}.")


_Outcome = Completion | NoAnswerError | UsageError


@dataclass
class _Failures:
    """Answers that could not be had, and whether to go on."""

    count: int = 0
    in_a_row: int = 0
    last: str = ""
    fatal: UsageError | None = None

    @property
    def too_many(self) -> bool:
        """Ten failures in a row: the server is not coming back by itself."""
        return self.in_a_row >= _GIVE_UP_AFTER

    def note(self, outcome: _Outcome) -> None:
        """Take note of how one request ended."""
        if isinstance(outcome, NoAnswerError):
            self.count, self.in_a_row, self.last = self.count + 1, self.in_a_row + 1, str(outcome)
        elif isinstance(outcome, UsageError):
            self.fatal = self.fatal or outcome
        else:
            self.in_a_row = 0

    def report(self, label: str) -> None:
        """Raise what is to be said at the end, if anything."""
        if self.fatal:
            raise self.fatal
        if self.count:
            raise Stopped(
                f"{self.count:,} answers could not be had from {label} (the last: {self.last}); the "
                "others are kept. Once the server answers again, the same command asks for the rest."
            )


class ServerEngine(Closing):
    """Makes completions by asking a server."""

    def __init__(self, server: Server, models: Mapping[str, str], *, probe: bool = False) -> None:
        """An engine.

        Args:
            server: where to ask.
            models: pin digest -> the model's name on the server.
            probe: find out what it honours before the first request.
        """
        self._server = server
        self._probe = probe
        self.ignored: tuple[str, ...] = ()
        """Settings the server takes and does not honour, as far as a probe shows."""
        self._models = dict(models)
        self.left_out: set[str] = set()
        """Optional fields the server refused; without `seed`, answers cannot be repeated."""
        self.fingerprints: dict[str, Counter[str]] = {name: Counter() for name in models.values()}
        """Model -> what its replies said of the system behind them, and how often."""

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions as they arrive; see `Engine`."""
        client, loop = self._server.client(), asyncio.new_event_loop()
        try:
            for completion in self._drive(loop, client, iter(requests)):
                if on_done is not None:
                    on_done(completion)
                yield completion
        finally:
            _shut(loop, client)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _drive(
        self, loop: asyncio.AbstractEventLoop, client: AsyncOpenAI, waiting: Iterator[Request]
    ) -> Iterator[Completion]:
        first = next(waiting, None) if self._probe else None
        if first is not None:
            waiting = chain([first], waiting)
            loop.run_until_complete(self._find_ignored(client, first))
        flying: set[asyncio.Task[_Outcome]] = set()
        failures = _Failures()
        while not failures.fatal:
            while len(flying) < self._server.concurrency and not failures.too_many:
                request = next(waiting, None)
                if request is None:
                    break
                flying.add(loop.create_task(self._attempt(client, request)))
            if not flying:
                break
            done, flying = loop.run_until_complete(
                asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            )
            for outcome in [task.result() for task in done]:
                failures.note(outcome)
                if isinstance(outcome, Completion):
                    yield outcome
        failures.report(self._server.label)

    async def _find_ignored(self, client: AsyncOpenAI, like: Request) -> None:
        """Once a server; what stops the probe is left to the requests that follow, which say it."""
        with contextlib.suppress(NoAnswerError):
            self.ignored = await ignored_settings(
                lambda request: self._answer(client, request), like, self.left_out
            )
            self._probe = False

    async def _attempt(self, client: AsyncOpenAI, request: Request) -> _Outcome:
        """A completion, or why there is none: a task dropped half-way must not hold an exception."""
        try:
            return await self._complete(client, request)
        except (NoAnswerError, UsageError) as error:
            return error

    async def _complete(self, client: AsyncOpenAI, request: Request) -> Completion:
        start = time.perf_counter()
        answer = await self._answer(client, request)
        self.fingerprints[self._models[request.pin]][answer.fingerprint] += 1
        seconds = time.perf_counter() - start
        return request.answered(
            answer.text,
            answer.finish_reason,
            tokens=answer.tokens,
            seconds=seconds,
            reasoning=answer.reasoning,
        )

    async def _answer(self, client: AsyncOpenAI, request: Request) -> Answer:
        response = await self._ask(client, self._models[request.pin], request)
        return read_reply(response, request.sampling.max_new_tokens, self._server.label)

    async def _ask(self, client: AsyncOpenAI, model: str, request: Request) -> ChatCompletion:
        """Send a request, without the optional fields that this server has refused."""
        import openai

        left_out = set(self.left_out)
        refusal: openai.APIStatusError | None = None
        while True:
            try:
                response = await client.chat.completions.create(**arguments(model, request, left_out))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refusal = refusal or error
                name = next_to_leave_out(said(error), left_out, request.sampling)
                if name is None:
                    raise UsageError(f"{self._server.label} refuses: {said(refusal)}") from refusal
                left_out.add(name)
            except openai.InternalServerError as error:
                # Some servers fail over a value they should refuse, and name its field.
                name = next_to_leave_out(said(error), left_out, request.sampling)
                if name is None or not names_field(said(error), name):
                    raise self._explain(error, model) from error
                left_out.add(name)
            except (openai.OpenAIError, TooLong) as error:
                raise self._explain(error, model) from error
            except (ValueError, UnicodeError) as error:
                raise NoAnswerError(f"the reply is not JSON: {str(error)[:100]}") from error
            else:
                self.left_out |= left_out
                return response

    def _explain(self, error: Exception, model: str) -> Exception:
        """What a failed call means: the user's to mend, or worth another try later."""
        import openai

        where = self._server
        if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
            variable = where.api_key_env or "an api_key_env in the server's settings"
            return UsageError(f"{where.label} does not accept the key; check {variable}.")
        if isinstance(error, openai.NotFoundError):
            return UsageError(
                f"{where.label} has no model {model!r} at {shown(where.base_url)}: {said(error)}"
            )
        if isinstance(error, openai.APIStatusError) and 300 <= error.status_code < 400:
            return UsageError(
                f"{where.label} answers that its models are asked elsewhere (HTTP {error.status_code}); "
                "brie goes only where it is told. Put the right address into brie.toml: "
                f"[servers.{where.label}] base_url."
            )
        if isinstance(error, openai.APIStatusError):
            return NoAnswerError(f"HTTP {error.status_code}: {said(error)}")
        if isinstance(error, openai.APITimeoutError):
            return NoAnswerError(f"no answer within {where.timeout:g} s")
        if cause := too_long(error):
            return NoAnswerError(f"the reply was not read: {cause}")
        told = Secrets.of_environment().out_of(str(error))
        return NoAnswerError(f"{type(error).__name__}: {told[:200]}")


def check_server(server: Server, models: Iterable[str]) -> None:
    """Ask a server which models it has, before any work.

    Raises:
        UsageError: it does not answer, or has not these models; near matches are named.
    """
    served = asyncio.run(_models(server))
    for model in models:
        if served is not None and model not in served:
            raise unknown(f"model on {server.label}", model, served)


async def _models(server: Server) -> list[str] | None:
    """Names of a server's models; None where it does not list them."""
    import openai

    # A key that could be read on the way is sent only after that was agreed to.
    async with server.client(with_key=not server.exposes_key) as client:
        try:
            page = await client.with_options(max_retries=1, timeout=20).models.list()
            return [model.id for model in page.data]
        except openai.APIConnectionError as error:
            raise UsageError(
                f"no server answers at {shown(server.base_url)} ({server.label}); start it."
            ) from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            if server.exposes_key:
                return None
            raise UsageError(
                f"{server.label} does not accept the key; check {server.api_key_env}."
            ) from error
        except (openai.OpenAIError, TooLong, ValueError, AttributeError, TypeError, RecursionError):
            return None


def _shut(loop: asyncio.AbstractEventLoop, client: AsyncOpenAI) -> None:
    """Cancel what is still in flight, and close."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(client.close())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
