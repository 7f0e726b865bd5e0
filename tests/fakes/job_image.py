"""`uv` as a job's image has it, played without a network: scripts run with the tests' interpreter.

    uv run [--with PACKAGE]... SCRIPT|ADDRESS ARGUMENT...
    uv venv FOLDER
    uv pip install --python PYTHON [--constraints FILE] PACKAGE...

An address is fetched with the Hub's token, as uv does. Of packages only wheels that lie beside are
installed, by unpacking; all else is what the tests' interpreter has.
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen


def main(arguments: list[str]) -> None:
    """Do as uv would."""
    verb, *rest = arguments
    if verb == "run":
        _run(rest)
    elif verb == "venv":
        _venv(Path(rest[-1]))
    elif (verb, rest[0]) == ("pip", "install"):
        _install(rest[1:])
    else:
        sys.exit(f"uv: no such verb is played: {arguments}")


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


def _venv(folder: Path) -> None:
    """A folder with a python that sees what is unpacked into it first."""
    site = (folder / "site").resolve()
    site.mkdir(parents=True)
    programs = folder / "bin"
    programs.mkdir()
    shell = f'#!/bin/sh\nPYTHONPATH="{site}" exec "{os.environ["IMAGE_PYTHON"]}" "$@"\n'
    (programs / "python").write_text(shell, "utf-8")
    (programs / "python").chmod(0o755)


def _install(rest: list[str]) -> None:
    python = Path(rest[rest.index("--python") + 1])
    site = python.parent.parent / "site"
    for wish in rest:
        wheel = Path(wish.rpartition(" @ ")[2].removeprefix("file://").partition("[")[0])
        if wheel.suffix == ".whl":
            with zipfile.ZipFile(wheel) as opened:
                opened.extractall(site)


if __name__ == "__main__":
    main(sys.argv[1:])
