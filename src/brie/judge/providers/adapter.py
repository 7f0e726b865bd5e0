"""What a provider behind an HTTP interface has to say about its protocol.

    class MyAdapter(ProviderAdapter):
        form: Form = "text"
        errors = (MyClientError,)

        def request(self, prompt): return {"model": "m", "prompt": prompt.user}
        async def post(self, request): return await self._client.send(request)
        def failure(self, error): return Failure("status", error.code, error.body, error.headers)
        def answer(self, document, prompt): return Answer(text=document["text"])
        async def close(self): await self._client.close()


    RemoteJudge(spec, rubric, MyAdapter(), key)

What a request looks like, what its reply says, and what the exceptions of its client mean: everything
else is `RemoteJudge`'s.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import JsonValue

from brie.judge.faults import Fault
from brie.judge.prices import Tokens
from brie.judge.prompt import JudgePrompt
from brie.judge.providers.batches import Batches, Row
from brie.judge.schema import OutputForm

Document = Row
"""A decoded reply, of which nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply says, whatever the protocol."""

    text: str = ""
    calls: tuple[JsonValue, ...] = ()
    """Arguments of the tool's calls as they came: objects, or strings of JSON."""
    thought: bool = False
    """It holds thoughts in a field of their own, which are never read."""
    tokens: Tokens | None = None
    served: str = ""
    cut: bool = False
    """The reply ended at its token limit."""
    refused: str = ""
    """What the provider or the judge said when it declined."""
    offered: tuple[JsonValue, ...] | None = None
    """Tokens that could have come first, with their log-probabilities; None: they were not asked for."""
    problem: str = ""
    """Why the judge cannot have seen the whole request."""


class Response(Protocol):
    """An HTTP response with status 200, its body unread."""

    @property
    def content(self) -> bytes:
        """The body."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in lower case, or found in any case."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception of a provider's client says."""

    what: Literal["status", "timeout", "connection", "garbled"]
    """An HTTP error status; no answer in time; no connection; an answer the client cannot read."""
    status: int = 0
    body: object = None
    """The decoded body of an error status, or its text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Its headers, as in `Response`: `retry-after` is obeyed."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How requests are put, as far as a server may refuse it."""

    form: OutputForm
    """How the verdict is asked for."""
    system: bool = True
    """Whether the constant part has the system's turn; else it stands before the case."""
    limit: str = ""
    """The name under which the reply's limit is sent."""


class ProviderAdapter(Protocol):
    """One provider's protocol; subclass it. What has a body here need not be written."""

    form: OutputForm
    """How the verdict is asked for."""

    @property
    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """What the client raises when a request brings no reply; `failure` explains each."""

    @abstractmethod
    def failure(self, error: Exception) -> Failure:
        """What one of `errors` says."""

    @abstractmethod
    def request(self, prompt: JudgePrompt) -> dict[str, JsonValue]:
        """What `post` sends: the request's body."""

    @abstractmethod
    async def post(self, request: Mapping[str, JsonValue]) -> Response:
        """Send it once: no retries, which the runner makes, prices and counts.

        Raises:
            errors: it brought no reply.
            ValueError, TypeError: it could not be built; every other request would fail too.
        """

    @abstractmethod
    def answer(self, document: Document, prompt: JudgePrompt) -> Answer:
        """What a reply's document says.

        Raises:
            KeyError, TypeError, IndexError, AttributeError: it is no such document.
        """

    @property
    def shape(self) -> Shape:
        """How the next request is put."""
        return Shape(self.form)

    def reshape(self, shape: Shape) -> None:
        """Put requests so from now on; an adapter that knows one shape only has nothing to do."""
        return

    def simpler(self, fault: Fault, sent: Shape) -> bool:
        """Whether requests are now put in a way the server may take after all.

        Args:
            fault: what came back.
            sent: how that very request was put; others may have been changed meanwhile.
        """
        return False

    def pause(self, headers: Mapping[str, str]) -> float:
        """Seconds until the provider takes requests again; 0 where it takes them now."""
        return 0.0

    def batches(self) -> Batches | None:
        """The provider's batches, where the table gives it any."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Close the client."""
