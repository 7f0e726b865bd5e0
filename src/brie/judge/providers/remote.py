"""A judge behind an HTTP interface: one shared client, one request at a time, everything named.

A `ProviderAdapter` knows one provider's protocol (see `adapter`). What all have in common is here: a
reply is checked before it is trusted, its tokens are priced, and the key is cut out of anything that
could be kept.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict

from pydantic import JsonValue

from brie.blinding import JudgeInput
from brie.errors import UsageError
from brie.judge import faults, letters, parse
from brie.judge.documents import decoded
from brie.judge.faults import Fault
from brie.judge.interface import Reply
from brie.judge.prices import Tokens, address_of, cost, worst_cost
from brie.judge.prompt import Correction, JudgePrompt, PromptBuilder
from brie.judge.providers.adapter import Answer, Document, Failure, ProviderAdapter, Response
from brie.judge.settings import (
    api_key,
    check,
    fixed_bytes,
    key_variable,
    output_limit,
    request_bytes,
    secrets_of,
)  # fmt: skip
from brie.judge.usage import is_possible
from brie.judge.words import error_inside
from brie.records import JudgeSpec, Rubric, Status, Usage, whole_text
from brie.wire.addresses import shown

_KEPT = 20_000
"""Characters of a reply that are kept at each end; no verdict needs more."""
_LONGEST_PAUSE = 60.0
_UNBOUNDED = 2**31
_IMPOSSIBLE = (
    "its server's count of tokens cannot be true (more than was sent, less than one, or more than the "
    "limit it was given); such calls are charged at the most they can cost"
)


class _Common(TypedDict):
    text: str
    usage: Usage
    served: str


@dataclass
class RemoteJudge:
    """A judge that is asked over HTTP."""

    spec: JudgeSpec
    rubric: Rubric
    adapter: ProviderAdapter
    key: str | None
    instant: bool = field(default=False, init=False)

    @property
    def free(self) -> bool:
        """Whether asking costs nothing that is known."""
        return self.spec.price is None

    def __post_init__(self) -> None:
        self._prompters = {self.adapter.form: PromptBuilder(self.rubric, self.adapter.form)}
        self._fixed = fixed_bytes(self.spec, self.rubric)
        self._secrets = secrets_of(self.spec, self.key)

    @property
    def _prompter(self) -> PromptBuilder:
        form = self.adapter.form
        if form not in self._prompters:
            self._prompters[form] = PromptBuilder(self.rubric, form)
        return self._prompters[form]

    def prompt(self, shown: JudgeInput, correction: Correction | None = None) -> JudgePrompt:
        """The request in words."""
        return self._prompter.build(shown, correction)

    def worst(self, shown: JudgeInput) -> float:
        """US dollars asking once can cost at most."""
        if self.spec.price is None:
            return 0.0
        return worst_cost(self.spec.price, self.size(shown), output_limit(self.spec))

    def size(self, shown: JudgeInput) -> int:
        """UTF-8 bytes of a request at most."""
        return self._fixed + request_bytes(shown)

    def body(self, prompt: JudgePrompt) -> dict[str, JsonValue]:
        """The body of a request, as a batch holds it."""
        return self.adapter.request(prompt)

    async def ask(self, shown: JudgeInput, correction: Correction | None = None) -> Reply:
        """Ask once over the wire; see `Judge`."""
        prompt = self.prompt(shown, correction)
        start = time.perf_counter()
        while True:
            sent = self.adapter.shape
            try:
                document, headers = await self._document(prompt)
                break
            except Fault as fault:
                if not self.adapter.simpler(fault, sent):
                    raise
                prompt = self.prompt(shown, correction)
        seconds = time.perf_counter() - start
        reply = self.read(
            document, prompt, seconds, worst=lambda: self.worst(shown), sent=lambda: self.size(shown)
        )
        pause = min(self.adapter.pause(headers), _LONGEST_PAUSE)
        return replace(reply, pause=pause) if pause else reply

    def read(
        self,
        document: Document,
        prompt: JudgePrompt,
        seconds: float,
        *,
        worst: Callable[[], float],
        sent: Callable[[], int] | None = None,
        share: float = 1.0,
    ) -> Reply:
        """The reply in a document, which may say anything: nothing it holds can break the reading.

        Args:
            document: the decoded body.
            prompt: what was asked.
            seconds: how long it took.
            worst: US dollars to charge where the reply does not say what it consumed, or cannot be true.
            sent: UTF-8 bytes of the request at most, against which its count is held.
            share: part of the full price that is charged.

        Raises:
            Fault: it is not the document of a reply.
        """
        try:
            answer = self.adapter.answer(document, prompt)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            message = faults.said_in(document if isinstance(document, dict) else str(document))
            raise Fault(
                f"the reply is of another kind: {self.redact(message)}", "again", billed=True
            ) from error
        tokens, remark = answer.tokens, ""
        if tokens and not is_possible(
            tokens, sent=_reach(tokens, prompt, sent), limit=output_limit(self.spec)
        ):
            tokens = None
            remark = _IMPOSSIBLE if self.spec.price is not None else ""
        usd = share * (cost(self.spec.price, tokens) if tokens else worst())
        usage = Usage(
            input_tokens=tokens.input if tokens else 0,
            output_tokens=tokens.output if tokens else 0,
            cached_input_tokens=tokens.cached if tokens else 0,
            usd=usd,
            seconds=seconds,
        )
        return replace(self._verdict(answer, prompt, usage), remark=remark)

    def _verdict(self, answer: Answer, prompt: JudgePrompt, usage: Usage) -> Reply:
        calls = [
            call if isinstance(call, str) else json.dumps(call, ensure_ascii=False)
            for call in answer.calls
        ]
        text = _ends(self.redact("\n".join(calls) or answer.text))
        common: _Common = {"text": text, "usage": usage, "served": self.redact(answer.served)}
        if answer.refused:
            return Reply(Status.REFUSED, reason=self.redact(answer.refused), **common)
        if answer.problem:
            return Reply(Status.INVALID, reason=answer.problem, **common)
        if answer.offered is not None:
            try:
                values = letters.offered(answer.offered)
            except parse.Unreadable as error:
                return Reply(Status.INVALID, reason=self.redact(str(error)), **common)
            return letters.reply_of(values, usage, common["served"])
        try:
            parsed = self._parsed(answer, prompt)
        except parse.Refused as error:
            return Reply(Status.REFUSED, reason=self.redact(str(error)), **common)
        except parse.WrongCase as error:
            why = f"another request: {error}"
        except parse.CutOff as error:
            why = f"cut off: {error}"
        except parse.Unreadable as error:
            why = f"unreadable: {error}"
        else:
            reason = _ends(self.redact(parsed.reason))
            return Reply(
                Status.OK, parsed.letter, reason, scores=parsed.scores, margin=parsed.margin, **common
            )
        return Reply(Status.INVALID, reason=self.redact(why), unreadable=True, **common)

    def _parsed(self, answer: Answer, prompt: JudgePrompt) -> parse.Parsed:
        file = f"judges/{self.spec.id}.toml"
        if answer.cut:
            thought = " (it thought first)" if answer.thought and not answer.text.strip() else ""
            raise parse.CutOff(
                f"it ended at its limit of {output_limit(self.spec)} tokens{thought}; "
                f"raise max_tokens in {file}"
            )
        if answer.thought and not (answer.calls or answer.text.strip()):
            raise parse.Unreadable(f"the reply was empty: it only thought; raise max_tokens in {file}")
        return parse.read_reply(answer.text, answer.calls, self.rubric.criteria, prompt.number)

    async def _document(self, prompt: JudgePrompt) -> tuple[Document, Mapping[str, str]]:
        """Send a request once and decode what comes back.

        Raises:
            Fault: nothing usable came back.
        """
        request = self.adapter.request(prompt)
        response = await self._response(request)
        try:
            document: Document = decoded(response.content)  # type: ignore[assignment]
        except (ValueError, RecursionError) as error:
            kind = response.headers.get("content-type", "")
            raise self._safe(faults.of_body(response.content, kind)) from error
        if (words := error_inside(document)) and words.status:
            raise self._refused(words.status, document, response.headers, request)
        return document, response.headers

    async def _response(self, request: Mapping[str, JsonValue]) -> Response:
        try:
            async with asyncio.timeout(self.spec.timeout):
                return await self.adapter.post(request)
        except TimeoutError as error:
            raise self._no_answer(error, Failure("timeout")) from None
        except self.adapter.errors as error:
            raise self.fault_of(error, request) from None
        except (ValueError, TypeError) as error:
            # The request could not be built: a key that is no header, a setting of a wrong type.
            raise Fault(f"the request could not be sent: {self.redact(str(error))}", "all") from error

    def fault_of(self, error: Exception, request: Mapping[str, JsonValue] | None = None) -> Fault:
        """The fault behind one of the adapter's errors, told without the key.

        Args:
            error: what `post` raised, one of `adapter.errors`.
            request: what was sent; a refusal may name a setting of it.
        """
        failure = self.adapter.failure(error)
        if failure.what == "garbled":
            message = faults.said_in(failure.body or str(error))
            return self._safe(Fault(f"the reply is of another kind: {message}", "again", billed=True))
        if failure.what != "status":
            return self._no_answer(error, failure)
        return self._refused(failure.status, failure.body, failure.headers, request)

    def _refused(
        self,
        status: int,
        body: object,
        headers: Mapping[str, str],
        request: Mapping[str, JsonValue] | None,
    ) -> Fault:
        fault = faults.of_status(
            status, body, headers, file=f"judges/{self.spec.id}.toml",
            key=key_variable(self.spec), sent=_settings(request or {}),
        )  # fmt: skip
        return self._safe(fault)

    def _no_answer(self, error: Exception, failure: Failure) -> Fault:
        seconds = self.spec.timeout if failure.what == "timeout" else None
        return self._safe(faults.of_connection(error, seconds=seconds, address=self._address()))

    def _address(self) -> str:
        return shown(address_of(self.spec))

    def _safe(self, fault: Fault) -> Fault:
        fault.args = (self.redact(str(fault)),)
        return fault

    def redact(self, text: str) -> str:
        """A text that can be kept: whole, and without the key, which some servers repeat."""
        text = whole_text(text)
        return self._secrets.out_of(text)

    async def close(self) -> None:
        """Close the client."""
        await self.adapter.close()


def remote_judge(
    spec: JudgeSpec,
    rubric: Rubric | None,
    adapter: Callable[[JudgeSpec, Rubric, str | None], ProviderAdapter],
) -> RemoteJudge:
    """A judge asked through an adapter of one protocol.

    Args:
        spec: the judge.
        rubric: what it reads.
        adapter: makes the adapter from both and the key.

    Raises:
        UsageError: no rubric, no key, no address, or an output form the protocol does not have.
    """
    if rubric is None:
        raise UsageError(f"judge {spec.id!r} has no rubric.")
    check(spec)
    key = api_key(spec)
    return RemoteJudge(spec, rubric, adapter(spec, rubric, key), key)


def _reach(tokens: Tokens, prompt: JudgePrompt, sent: Callable[[], int] | None) -> int:
    """Bytes a request has: at least as many as characters, which is all that most counts need."""
    characters = len(prompt.user)
    if tokens.input <= characters:
        return characters
    return sent() if sent else _UNBOUNDED


def _settings(request: Mapping[str, JsonValue]) -> list[str]:
    """Names a refusal may be about: arguments, and the keys inside them."""
    names = [name for name in request if name not in ("model", "messages", "system")]
    inner = [
        f"{name}.{key}" for name in names if isinstance(inside := request[name], dict) for key in inside
    ]
    return [*names, *inner]


def is_cut(text: str) -> bool:
    """Whether a kept text is the two ends of a longer one."""
    return len(text) > 2 * _KEPT and _LEFT_OUT.search(text) is not None


_LEFT_OUT = re.compile(r"\n\[… \d+ characters left out …\]\n")


def _ends(text: str) -> str:
    """A text, or its two ends."""
    if len(text) <= 2 * _KEPT:
        return text
    return f"{text[:_KEPT]}\n[… {len(text) - 2 * _KEPT} characters left out …]\n{text[-_KEPT:]}"
