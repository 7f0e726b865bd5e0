"""A local server that takes models as the Hub does: repositories, large files by digest, commits.

    with HubStore() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        ...                                   # the real huggingface_hub sends
        hub.repos["me/letters"].files["README.md"]

Files that Git would keep elsewhere (by their ending) are uploaded by digest before the commit that
names them; everything else is in the commit. What was uploaded stays, commit or not.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

TOKEN = "hf_token-of-a-test-0123456789"
_LARGE = (".safetensors", ".gguf", ".png", ".zip", ".bin")


@dataclass
class Repo:
    """A repository."""

    private: bool
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b""})
    commits: list[list[str]] = field(default_factory=lambda: [[".gitattributes"]])
    """Paths of each commit, oldest first."""

    @property
    def sha(self) -> str:
        """The last commit's name."""
        return sha1(repr(self.commits).encode(), usedforsecurity=False).hexdigest()


class HubStore:
    """Takes models while the block runs."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        """Large files by their digest."""
        self.puts: list[str] = []
        """Digests in the order their upload began."""
        self.received = bytearray()
        """Every byte of every request's body."""
        self.at_upload: Callable[[int], None] = lambda count: None
        """Called when an upload has come half-way, with its number from 0."""
        self.lock = threading.Lock()
        self.at_commit: Callable[[str, list[str]], None] = lambda repo, paths: None
        """Called when a commit is in, with its repository and paths, before it is answered."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers requests."""
        return models_handler(self)

    def commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        """Put the files of a commit into a repository."""
        paths = []
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.repos[repo].files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.repos[repo].files[value["path"]] = self.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del self.repos[repo].files[value["path"]]
            else:
                continue
            paths.append(value["path"])
        self.repos[repo].commits.append(paths)
        self.at_commit(repo, paths)


def describe(path: str, body: bytes) -> dict[str, Any]:
    """A file as the Hub lists it."""
    blob = b"blob %d\0" % len(body) + body
    told: dict[str, Any] = {"type": "file", "path": path, "size": len(body)}
    told["oid"] = sha1(blob, usedforsecurity=False).hexdigest()
    if path.endswith(_LARGE):
        told["oid"] = sha1(b"pointer" + body, usedforsecurity=False).hexdigest()
        told["lfs"] = {"oid": sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}
    return told


def models_handler(hub: HubStore) -> type[BaseHTTPRequestHandler]:
    """Answers for model repositories."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            repo = self._repo("/api/models/")
            if repo is not None:
                stored = hub.repos[repo]
                siblings = [{"rfilename": path} for path in stored.files]
                told = {"id": repo, "sha": stored.sha, "private": stored.private, "siblings": siblings}
                self._send(200, told)

        def do_POST(self) -> None:
            body = self._body()
            path = self.path.partition("?")[0]
            if not self._may_write():
                self._send(403, {"error": "no"})
            elif path == "/api/validate-yaml":
                self._send(200, {"errors": [], "warnings": []})
            elif path == "/api/repos/create":
                self._create(json.loads(body))
            elif path.endswith("/info/lfs/objects/batch"):
                self._batch(json.loads(body))
            elif path.startswith("/verify/"):
                self._send(200, {})
            elif (repo := self._repo("/api/models/")) is not None:
                self._of_repo(repo, path, body)

        def do_PUT(self) -> None:
            digest = self.path.rpartition("/")[2]
            with hub.lock:
                count = len(hub.puts)
                hub.puts.append(digest)
                size = int(self.headers["Content-Length"])
                half = self.rfile.read(size // 2)
                hub.at_upload(count)
                body = half + self.rfile.read(size - len(half))
                hub.received += body
                if len(body) == size and sha256(body).hexdigest() == digest:
                    hub.objects[digest] = body
                    self._send(200, {})

        def _of_repo(self, repo: str, path: str, body: bytes) -> None:
            if "/preupload/" in path:
                files = json.loads(body)["files"]
                told = [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if file["path"].endswith(_LARGE) else "regular",
                        "shouldIgnore": False,
                    }
                    for file in files
                ]
                self._send(200, {"files": told})
            elif "/paths-info/" in path:
                wanted = parse_qs(body.decode())["paths"]
                files = hub.repos[repo].files
                self._send(200, [describe(name, files[name]) for name in wanted if name in files])
            elif "/commit/" in path:
                lines = [json.loads(line) for line in body.splitlines()]
                parent = lines[0]["value"].get("parentCommit")
                if parent not in (None, hub.repos[repo].sha):
                    self._send(412, {"error": "a commit has happened since"})
                    return
                hub.commit(repo, lines)
                sha = hub.repos[repo].sha
                self._send(200, {"commitUrl": f"{hub.url}/{repo}/commit/{sha}", "commitOid": sha})

        def _create(self, wish: dict[str, Any]) -> None:
            repo = f"{wish['organization']}/{wish['name']}"
            if repo in hub.repos:
                self._send(409, {"error": "You already created this repo", "url": f"{hub.url}/{repo}"})
                return
            hub.repos[repo] = Repo(private=wish.get("visibility") == "private")
            self._send(200, {"url": f"{hub.url}/{repo}"})

        def _batch(self, wish: dict[str, Any]) -> None:
            objects = []
            for wanted in wish["objects"]:
                told = dict(wanted)
                if wanted["oid"] not in hub.objects:
                    upload = {"href": f"{hub.url}/objects/{wanted['oid']}"}
                    told["actions"] = {"upload": upload, "verify": {"href": f"{hub.url}/verify/x"}}
                objects.append(told)
            self._send(200, {"transfer": "basic", "objects": objects})

        def _repo(self, prefix: str) -> str | None:
            """The repository of a path; answers itself where there is none."""
            path = self.path.partition("?")[0].removeprefix(prefix)
            repo = "/".join(path.split("/")[:2])
            if repo in hub.repos and (not hub.repos[repo].private or self._may_write()):
                return repo
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return None

        def _may_write(self) -> bool:
            return self.headers.get("Authorization") == f"Bearer {TOKEN}"

        def _body(self) -> bytes:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hub.received += body
            return body

        def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(payload))}.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler
