"""Addresses that a colleague can use: the machine's own on its network, and a token that stays.

The voters' token of an evaluation is kept beside the viewer's index (`runs/.viewer/`, readable by its
owner alone), so that a link that was sent still works tomorrow. The viewer's own token is drawn anew at
every start and is never kept.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from pathlib import Path

from brie.project import Project

ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared)
_TOKEN = 32
"""Characters of a kept token."""


def voter_token(project: Project, evaluation: str | None) -> str:
    """The token of an evaluation's voters, or of all evaluations' where none is chosen.

    Made once; a folder that cannot be written gives one that lasts until the viewer ends.
    """
    path = project.runs / ".viewer" / f"{evaluation or 'all'}.voters"
    kept = _kept(path)
    if kept:
        return kept
    token = secrets.token_urlsafe(24)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
    except FileExistsError:  # another viewer was faster, or the file holds no token
        return _kept(path) or token
    except OSError:
        return token
    return token


def reachable(host: str) -> str:
    """The name under which other machines reach a host that was asked for.

    Of "every address of this machine" that is the one its packets leave by; nothing is sent to find it.
    """
    if host not in ANYWHERE:
        return host
    six = host == "::"
    try:
        with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1" if six else "192.0.2.1", 9))
            return str(probe.getsockname()[0])
    except OSError:
        return "::1" if six else "127.0.0.1"


def is_local(host: str) -> bool:
    """Whether only this machine reaches a host: a loopback address, or the name of one."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def in_address(host: str) -> str:
    """A host as an address has it: IPv6 stands in brackets."""
    return f"[{host}]" if ":" in host else host


def by_address(host: str, bound: str) -> str:
    """A host as it was asked for; its address where that is every one of this machine, or loopback.

    Args:
        host: what was asked for, such as `box.local`, `0` or `127.1`.
        bound: the address it turned out to be.
    """
    return bound if bound in ANYWHERE or (is_local(bound) and not is_local(host)) else host


def _kept(path: Path) -> str:
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return token if len(token) == _TOKEN else ""
