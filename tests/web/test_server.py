"""Where the viewer listens."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from brie.errors import UsageError
from brie.project import Project
from brie.web.guard import Access
from brie.web.links import by_address, reachable, voter_token
from brie.web.server import free_socket, serve


def test_a_port_in_use_gives_the_next_free_one() -> None:
    with free_socket("127.0.0.1", 18600) as first:
        taken = first.getsockname()[1]
        with free_socket("127.0.0.1", taken) as second:
            assert second.getsockname()[1] > taken


def test_it_listens_on_loopback_only() -> None:
    with free_socket("127.0.0.1", 18640) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_an_address_that_is_not_this_machines_is_said() -> None:
    with pytest.raises(UsageError, match="--port"):
        free_socket("203.0.113.7", 18680)


class Heard(Exception):
    """Ends serving before it begins: everything has been said by then."""


def said(project: Project, host: str, evaluation: str | None = None) -> list[str]:
    """What a starting viewer prints."""
    lines: list[str] = []

    def ready(url: str) -> None:
        raise Heard

    with pytest.raises(Heard):
        serve(project, evaluation=evaluation, host=host, port=18700, say=lines.append, ready=ready)
    return lines


def voting(lines: list[str]) -> str:
    (line,) = (line for line in lines if line.startswith("voting"))
    return line.split()[1]


def test_a_colleague_gets_the_machines_own_address_and_is_told_that_it_is_plain_http(
    tmp_path: Path,
) -> None:
    lines = said(Project(tmp_path), "0.0.0.0")
    host = urlsplit(voting(lines)).hostname
    assert host == reachable("0.0.0.0")
    assert not ipaddress.ip_address(host).is_unspecified
    assert any("plain HTTP" in line for line in lines)
    assert any(f"with {host} in it" in line for line in lines)
    assert not any("plain HTTP" in line for line in said(Project(tmp_path), "127.0.0.1"))


@pytest.mark.parametrize("host", ["0", "0.0.0.0"])
def test_every_address_is_every_address_however_it_is_written(tmp_path: Path, host: str) -> None:
    lines = said(Project(tmp_path), host)
    assert urlsplit(lines[-4].split()[1]).hostname == "127.0.0.1"
    assert urlsplit(voting(lines)).hostname == reachable("0.0.0.0")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_nobody_is_said_to_reach_what_only_this_machine_reaches(tmp_path: Path, host: str) -> None:
    assert not any("olleagues" in line for line in said(Project(tmp_path), host))
    access = Access(port=80, host=by_address(host, "127.0.0.1"))
    assert access.knows("127.0.0.1:80")
    assert not access.knows("192.168.0.7:80")


def test_a_link_that_was_sent_works_tomorrow_and_the_viewers_does_not(tmp_path: Path) -> None:
    project = Project(tmp_path)
    today, tomorrow = (said(project, "127.0.0.1", "eval-x-1a2b3c4d") for _ in range(2))
    assert voting(today) == voting(tomorrow)
    assert today[0] != tomorrow[0]
    kept = voter_token(project, "eval-x-1a2b3c4d")
    assert Access(port=1, voter=kept).role(kept) == "voter"
    assert voting(said(project, "127.0.0.1", "eval-y-1a2b3c4d")) != voting(today)
    (file, _) = sorted((project.runs / ".viewer").glob("*.voters"))
    assert file.stat().st_mode & 0o077 == 0, "nobody else on the machine reads it"
    file.write_text("short")
    assert voter_token(project, "eval-x-1a2b3c4d") != "short"
