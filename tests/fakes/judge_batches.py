"""The batch half of both protocols."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.judge_wire import Act, Seen, document

if TYPE_CHECKING:
    from tests.fakes.judge_servers import JudgeServer


_REFUSED: dict[str, Any] = {
    "status": "failed",
    "output_file_id": None,
    "errors": {
        "object": "list",
        "data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}],
    },
}


@dataclass
class Batch:
    """A batch that was submitted."""

    id: str
    api: str
    items: list[tuple[str, dict[str, Any]]]
    """Custom id and request body."""
    metadata: dict[str, str]
    left: int
    """How often it still says that it is in progress."""
    refused: bool = False
    """There was no room for it."""


@dataclass
class Batches:
    """Everything submitted, and the files uploaded for it."""

    submitted: list[Batch] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    outcome: dict[int, str] = field(default_factory=dict)
    """Place of an item in its batch -> errored, expired, missing, unreadable, or what is wrong."""
    failed: str = ""
    """Every batch fails as a whole, and this is why."""
    requests: int = 100_000
    """In one batch at most."""
    size: int = 256_000_000
    """Bytes of one batch at most."""
    room: int = 10**9
    """Requests that may wait at a time."""
    most_waiting: int = 0
    """Requests that did."""
    broken: bool = False
    """Take the next batch, then break the connection's answer: the client cannot know."""

    def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, server: JudgeServer
    ) -> tuple[int, bytes]:
        """Answer a request that is about batches or files."""
        tail = path.removeprefix("/v1")
        if tail == "/messages/batches" and method == "POST":
            items = [(r["custom_id"], r["params"]) for r in json.loads(body)["requests"]]
            if len(body) > self.size:
                return 413, b'{"error": {"type": "request_too_large", "message": "too large"}}'
            return self._taken("anthropic", items, {}, server)
        if tail == "/files" and method == "POST":
            return self._file(headers, body)
        if tail == "/batches" and method == "POST":
            return self._openai_batch(json.loads(body), server)
        if tail in ("/messages/batches", "/batches"):
            api = "anthropic" if "messages" in tail else "openai"
            data = [self._state(b) for b in reversed(self.submitted) if b.api == api]
            return _json(
                {"object": "list", "data": data, "has_more": False, "first_id": None, "last_id": None}
            )
        if found := re.fullmatch(r"/messages/batches/(\w+)/results", tail):
            return 200, self._results(found[1], server)
        if found := re.fullmatch(r"/files/out_(\w+)/content", tail):
            return 200, self._results(found[1], server)
        if found := re.fullmatch(r"(?:/messages)?/batches/(\w+)", tail):
            batch = self._find(found[1])
            batch.left -= 1
            return _json(self._state(batch))
        return 404, b'{"error": {"message": "no such path"}}'

    def _find(self, name: str) -> Batch:
        return next(b for b in self.submitted if b.id == name)

    def _file(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        boundary = headers["content-type"].partition("boundary=")[2].strip('"').encode()
        part = next(p for p in body.split(b"--" + boundary) if b"filename=" in p)
        name = f"file{len(self.files)}"
        self.files[name] = part.partition(b"\r\n\r\n")[2].rstrip(b"\r\n")
        return _json(
            {
                "id": name,
                "object": "file",
                "bytes": 1,
                "created_at": 0,
                "filename": "b",
                "purpose": "batch",
            }
        )

    def _openai_batch(self, asked: dict[str, Any], server: JudgeServer) -> tuple[int, bytes]:
        rows = [
            json.loads(line) for line in self.files[asked["input_file_id"]].splitlines() if line.strip()
        ]
        assert len(self.files[asked["input_file_id"]]) <= self.size
        items = [(row["custom_id"], row["body"]) for row in rows]
        return self._taken("openai", items, asked.get("metadata") or {}, server)

    def _taken(
        self,
        api: str,
        items: list[tuple[str, dict[str, Any]]],
        metadata: dict[str, str],
        server: JudgeServer,
    ) -> tuple[int, bytes]:
        if len(items) > self.requests:
            return 400, b'{"error": {"message": "too many requests in one batch"}}'
        waiting = sum(len(b.items) for b in self.submitted if b.left >= 0 and not b.refused)
        refused = waiting + len(items) > self.room
        if refused and api == "anthropic":
            return 429, b'{"error": {"type": "rate_limit_error", "message": "too many in the queue"}}'
        batch = Batch(f"batch{len(self.submitted)}", api, items, metadata, server.batch_rounds, refused)
        self.submitted.append(batch)
        if not refused:
            self.most_waiting = max(self.most_waiting, waiting + len(items))
        if self.broken:
            self.broken = False
            return 500, b'{"error": {"message": "lost the answer"}}'
        return _json(self._state(batch))

    def _state(self, batch: Batch) -> dict[str, Any]:
        ended = batch.left < 0
        count = len(batch.items)
        if batch.api == "anthropic":
            return {
                "id": batch.id,
                "type": "message_batch",
                "processing_status": "ended" if ended else "in_progress",
                "request_counts": {
                    "processing": 0 if ended else count,
                    "succeeded": count if ended else 0,
                    "errored": 0,
                    "canceled": 0,
                    "expired": 0,
                },
                "created_at": "2099-01-01T00:00:00Z",
                "expires_at": "2099-01-02T00:00:00Z",
                "ended_at": None,
                "archived_at": None,
                "cancel_initiated_at": None,
                "results_url": f"/v1/messages/batches/{batch.id}/results" if ended else None,
            }
        if batch.refused:
            return {**self._openai_state(batch, ended=True), **_REFUSED}
        return self._openai_state(batch, ended=ended)

    def _openai_state(self, batch: Batch, *, ended: bool) -> dict[str, Any]:
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "input_file_id": "file0",
            "status": ("failed" if self.failed else "completed") if ended else "in_progress",
            "created_at": 4070908800,
            "output_file_id": f"out_{batch.id}" if ended and not self.failed else None,
            "errors": {"object": "list", "data": [{"code": "x", "message": self.failed}]}
            if ended and self.failed
            else None,
            "metadata": batch.metadata,
            "request_counts": {
                "total": len(batch.items),
                "completed": len(batch.items) if ended else 0,
                "failed": 0,
            },
        }

    def _results(self, name: str, server: JudgeServer) -> bytes:
        batch = self._find(name)
        lines = [
            self._line(batch, place, custom, body, server)
            for place, (custom, body) in enumerate(batch.items)
            if self.outcome.get(place) != "missing"
        ]
        return "\n".join(json.dumps(line) for line in reversed(lines)).encode()

    def _line(
        self, batch: Batch, place: int, custom: str, body: dict[str, Any], server: JudgeServer
    ) -> dict[str, Any]:
        said = self.outcome.get(place)
        seen = Seen.of(batch.api, {}, json.dumps(body).encode(), place)
        act = Act(text="I like both.") if said == "unreadable" else Act()
        if said in (None, "unreadable"):
            server.bill(seen, act, 0.5)
        reply = document(seen, server.mind, act)
        if said == "surrogate":
            reply["model"] = "a \ud83d model"
        elif said == "not a number":
            reply["usage"] = dict.fromkeys(reply["usage"], float("nan"))
        elif said == "a list":
            reply = [reply]  # type: ignore[assignment]
        elif said == "words":
            reply["usage"] = "many"
        if batch.api == "anthropic":
            results: dict[str, dict[str, Any]] = {
                "errored": {
                    "type": "errored",
                    "error": {"type": "error", "error": {"type": "api_error", "message": "no"}},
                },
                "expired": {"type": "expired"},
            }
            return {
                "custom_id": custom,
                "result": results.get(said or "", {"type": "succeeded", "message": reply}),
            }
        if said == "errored":
            return {
                "id": "r",
                "custom_id": custom,
                "response": {"status_code": 500, "body": {"error": {"message": "no"}}},
                "error": None,
            }
        if said == "expired":
            return {
                "id": "r",
                "custom_id": custom,
                "response": None,
                "error": {"code": "batch_expired", "message": "late"},
            }
        return {
            "id": "r",
            "custom_id": custom,
            "response": {"status_code": 200, "body": reply},
            "error": None,
        }


def _json(value: object) -> tuple[int, bytes]:
    return 200, json.dumps(value).encode()
