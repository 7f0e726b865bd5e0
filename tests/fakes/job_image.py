"""`uv` as a job's image has it, played without a network: scripts run with the tests' interpreter.

    uv run [--OPTION VALUE]... SCRIPT|ADDRESS ARGUMENT...

An address is fetched with the Hub's token, as uv does. Packages are those that the interpreter has.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen


def main(arguments: list[str]) -> None:
    """Do as uv would."""
    verb, *rest = arguments
    if verb != "run":
        sys.exit(f"uv: no such verb is played: {arguments}")
    _run(rest)


def _run(rest: list[str]) -> None:
    python = os.environ["IMAGE_PYTHON"]
    while rest[0].startswith("--"):
        rest = rest[2:]
    script, *arguments = rest
    if script.startswith("http"):
        script = _fetched(script)
    command = [python, *arguments] if script == "python" else [python, script, *arguments]
    os.execve(python, command, os.environ)


def _fetched(address: str) -> str:
    headers = {"Authorization": f"Bearer {os.environ['HF_TOKEN']}"}
    with urlopen(Request(address, headers=headers)) as answer:
        body = answer.read()
    file = Path("fetched.py").resolve()
    file.write_bytes(body)
    return str(file)


if __name__ == "__main__":
    main(sys.argv[1:])
