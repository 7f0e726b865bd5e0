"""A local server that speaks the chat completions protocol, and misbehaves on request.

    with FakeServer(models=("base", "tuned")) as server:
        client = OpenAI(base_url=server.base_url, api_key="none")

Answers are a function of model, messages and seed. `server.behave = ...` takes any function of a
request's body that returns a `Reply`, or None for the ordinary answer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What goes over the wire."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection without a word."""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """A JSON reply."""
        return cls(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})

    @classmethod
    def error(cls, status: int, message: str, **headers: str) -> Reply:
        """An error as OpenAI words it."""
        return cls.json({"error": {"message": message, "type": "error"}}, status, **headers)


def answer_text(body: Body) -> str:
    """The ordinary answer: some words that depend on model, messages and seed."""
    named = json.dumps([body["model"], body["messages"], body.get("seed")], sort_keys=True)
    mark = sha256(named.encode()).hexdigest()
    return f"{body['model']} says {' '.join(mark[i : i + 4] for i in range(0, 24, 4))}"


def answer(body: Body, **changes: Any) -> Reply:
    """The ordinary reply, with top-level fields changed."""
    text = answer_text(body)
    return Reply.json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "system_fingerprint": "fp_fake",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            ],
            "usage": {"prompt_tokens": 5, "completion_tokens": len(text.split()), "total_tokens": 0},
        }
        | changes
    )


class FakeServer:
    """The server, in a thread of its own; `requests` keeps every body it was sent."""

    def __init__(self, models: tuple[str, ...] = ("base", "tuned")) -> None:
        self.models = models
        self.behave: Callable[[Body], Reply | None] = lambda body: None
        self.gets: dict[str, Reply] = {}
        self.requests: list[Body] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.in_flight = self.most_in_flight = 0
        self.dead = False
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dead = True
        self._http.shutdown()
        self._http.server_close()

    def get(self, path: str) -> Reply:
        """Replies to GET requests: the list of models, and what a test adds."""
        if path in self.gets:
            return self.gets[path]
        if path == "/v1/models":
            return Reply.json(
                {"object": "list", "data": [{"id": m, "object": "model"} for m in self.models]}
            )
        return Reply.error(404, "no such path")

    def post(self, path: str, body: Body) -> Reply:
        """Replies to chat requests."""
        with self.lock:
            self.requests.append(body)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if path != "/v1/chat/completions":
                return Reply.error(404, "no such path")
            special = self.behave(body)
            if special is not None:
                return special
            if body["model"] not in self.models:
                return Reply.error(404, f"The model `{body['model']}` does not exist.")
            return answer(body)
        finally:
            with self.lock:
                self.in_flight -= 1


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(server.get(urlsplit(self.path).path))

        def do_POST(self) -> None:
            server.keys.append(self.headers.get("Authorization", ""))
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            length = int(self.headers.get("Content-Length", 0))
            self._send(server.post(urlsplit(self.path).path, json.loads(self.rfile.read(length))))

        def _send(self, reply: Reply) -> None:
            if reply.hang_up or server.dead:
                self.close_connection = True
                return
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    return Handler
