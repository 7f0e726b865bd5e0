"""Serving the viewer on this machine: a free port, the addresses to print, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

from brie.errors import UsageError
from brie.project import Project
from brie.web.guard import Access
from brie.web.links import by_address, in_address, is_local, reachable, voter_token
from brie.web.try_pair import LocalPair

PORT = 8321
_TRIED = 20
"""Ports after the first that are tried."""


def free_socket(host: str, port: int) -> socket.socket:
    """A listening socket on `port`, or on the next free one.

    Raises:
        UsageError: none of the ports is free, or the address is not this machine's.
    """
    problem: OSError | None = None
    for candidate in range(port, port + _TRIED + 1):
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen(128)
        except OSError as error:
            listening.close()
            problem = error
        else:
            return listening
    raise UsageError(
        f"no free port from {port} to {port + _TRIED} on {host} ({problem}); name another with --port."
    )


def serve(
    project: Project,
    *,
    evaluation: str | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    pair: LocalPair | None = None,
    say: Callable[[str], None] = print,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until interrupted.

    Args:
        project: the folder to show.
        evaluation: opened first, and the only one that can be voted on; None for all.
        host: another address than loopback makes the viewer reachable from other machines.
        port: the first port to try.
        pair: whom `/try` asks, which is then opened first; None: nobody.
        say: prints one line for the user.
        ready: called with the viewer's address, token included, just before serving.

    Raises:
        UsageError: no port is free, or the host cannot be bound.
    """
    import uvicorn

    from brie.web.app import create_app
    from brie.web.try_asking import Asking

    with free_socket(host, port) as listening, ExitStack() as held:
        bound, taken = listening.getsockname()[:2]
        if taken != port:
            say(f"port {port} is in use; using {taken}.")
        access = Access(port=taken, host=by_address(host, bound), voter=voter_token(project, evaluation))
        start = f"/eval/{evaluation}" if evaluation else "/"
        url = access.url("viewer", "/try" if pair else start)
        for line in _told(access, url):
            say(line)
        servers: list[uvicorn.Server] = []
        asking = None
        if pair is not None:  # an answer under way ends with Ctrl-C, which else would wait for it
            asking = Asking(pair, project, lambda: any(server.should_exit for server in servers))
            held.enter_context(closing(asking))
        app = create_app(project, access, evaluation, asking)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        servers.append(uvicorn.Server(config))
        ready(url)
        with suppress(KeyboardInterrupt):
            servers[0].run(sockets=[listening])


def _told(access: Access, url: str) -> Iterator[str]:
    """The addresses, and what has to be known of them."""
    name = reachable(access.host)
    yield f"viewer   {url}"
    yield f"voting   {access.url('voter', '/vote', host=name)}   (this address cannot open the viewer)"
    if not is_local(access.host) and is_local(name):
        yield "This machine has no address on a network now: colleagues cannot reach it."
    elif not is_local(access.host):
        yield (
            "Colleagues on your network can open the voting address. It is plain HTTP: whoever can read "
            "the network's traffic can read the address and the votes. It stays the same as long as the "
            "evaluation is here and the port is free; the viewer's is new at every start, "
            f"and opens on another machine of yours with {in_address(name)} in it."
        )
    yield "stop with Ctrl-C"
