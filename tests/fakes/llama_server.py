"""A `llama-server` that answers with some words: its command line, its version, its two pages.

    monkeypatch.setenv("PATH", install(tmp_path))

A file whose name begins with `broken` is not read: the program says so, and ends. As with other
programs of its kind HOST and PORT win over its command line, and an alias with a comma is two.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "1234 (abcdef1)"


def install(folder: Path) -> str:
    """Put the program into a folder; returns the path to look for programs on."""
    folder.mkdir(exist_ok=True)
    program = folder / "llama-server"
    root = Path(__file__).parents[2]
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{root}" exec "{sys.executable}" -m tests.fakes.llama_server "$@"\n',
        "utf-8",
    )
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def main(arguments: list[str]) -> int:
    """The program."""
    if arguments == ["--version"]:
        print(f"version: {VERSION}\nbuilt with a compiler", file=sys.stderr)
        return 0
    named = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if Path(named["-m"]).name.startswith("broken"):
        print("error: failed to load model\nthe tensors are not there", file=sys.stderr)
        return 1
    alias = named["--alias"]
    host = os.environ.get("HOST", named["--host"])
    port = int(os.environ.get("PORT", named["--port"]))
    ThreadingHTTPServer((host, port), _handler(alias)).serve_forever()
    return 0


def _handler(alias: str) -> type[BaseHTTPRequestHandler]:
    from tests.fakes.openai_server import answer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listed = [{"id": name} for name in alias.split(",")]
            self._send(json.dumps({"object": "list", "data": listed}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(answer(body).body)

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    return Handler


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
