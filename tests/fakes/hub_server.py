"""A local server that hands out one model as the Hub does, and refuses others as the Hub does.

    with FakeHub({"org/small": folder}) as hub:
        subprocess.run(..., env={"HF_ENDPOINT": hub.url, ...})

The endpoint is read when huggingface_hub is imported, so callers start a process of their own.
`org/gated` and `org/small@v9` are refused with the Hub's own error codes; any other name does
not exist.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMIT = "5e1f" * 10
"""What `main` is now."""
GATED = "org/gated"


class FakeHub:
    """Serves folders as model repositories while the block runs."""

    def __init__(self, models: Mapping[str, Path]) -> None:
        self.models = dict(models)
        self.asked: list[str] = []
        """Paths asked for, in order."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def tree(self, repo: str) -> list[dict[str, Any]]:
        """A repository's files as `/api/models/REPO/tree/REV` lists them."""
        files = sorted(self.models[repo].iterdir())
        return [
            {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": _oid(f.read_bytes())}
            for f in files
        ]

    def describe(self, repo: str) -> dict[str, Any]:
        """A repository as `/api/models/REPO/revision/REV` tells it."""
        names = sorted(path.name for path in self.models[repo].iterdir())
        return {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}


def _oid(body: bytes) -> str:
    return sha1(body, usedforsecurity=False).hexdigest()


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            path = self.path.partition("?")[0].lstrip("/")
            if path.startswith("api/models/"):
                rest = path.removeprefix("api/models/")
                what = "/tree/" if "/tree/" in rest else "/revision/"
                repo, _, revision = rest.partition(what)
                self._describe(repo, revision or "main", tree=what == "/tree/")
            else:
                repo, _, rest = path.partition("/resolve/")
                self._file(repo, rest.partition("/")[2])

        do_HEAD = do_GET

        def _describe(self, repo: str, revision: str, *, tree: bool) -> None:
            if repo == GATED:
                self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
            elif repo not in hub.models:
                self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif revision not in ("main", COMMIT):
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            else:
                said = hub.tree(repo) if tree else hub.describe(repo)
                self._send(200, json.dumps(said).encode(), {})

        def _file(self, repo: str, name: str) -> None:
            file = hub.models.get(repo, Path("nowhere")) / name
            if not name or not file.is_file():
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            body = file.read_bytes()
            self._send(200, body, {"ETag": f'"{_oid(body)}"', "X-Repo-Commit": COMMIT})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler
