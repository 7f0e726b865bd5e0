"""Where an address leads: this machine, a network nearby, a vendor's own host, or somebody else's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

_HERE = "localhost"
_NEAR = (".localhost", ".local")
_AZURE_VERSION = "api-version="


def host_of(address: str | None) -> str:
    """The host of an address in small letters; "" where it has none."""
    parts = _split(address or "")
    return (parts.hostname or "").rstrip(".") if parts else ""


def is_loopback(address: str | None) -> bool:
    """Whether nothing sent there leaves this machine: `localhost`, or a loopback address.

    Every other name may lead anywhere, those that end in `.local` or `.localhost` too.
    """
    host = host_of(address)
    return host == _HERE or ((ip := _ip(host)) is not None and ip.is_loopback)


def is_near(address: str | None) -> bool:
    """Whether a host is on this machine or in its own network, where nobody charges for a server."""
    host = host_of(address)
    if host == _HERE or host.endswith(_NEAR):
        return True
    ip = _ip(host)
    return ip is not None and ip.is_private


def is_at(address: str | None, hosts: Iterable[str]) -> bool:
    """Whether an address is at one of these hosts, or below one of them."""
    host = host_of(address)
    return any(host == name or host.endswith(f".{name}") for name in hosts)


def is_readable_on_the_way(address: str | None) -> bool:
    """Whether what is sent there, the key too, can be read by whoever carries it: http, elsewhere."""
    parts = _split(address or "")
    return parts is not None and parts.scheme == "http" and not is_loopback(address)


def fault_of(address: str) -> str:
    """What is wrong with an address that a file names, in words that do not repeat it; "" if nothing."""
    parts = _split(address)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no http or https address: http://HOST:PORT/v1 is expected"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or a password, and what stands in a file is read by others"
    if parts.fragment or (parts.query and not parts.query.startswith(_AZURE_VERSION)):
        return "holds more than an address (what follows the ? or the #)"
    return ""


def shown(address: str | None) -> str:
    """An address for people: scheme, host and port, without what else may stand in it."""
    parts = _split(address or "")
    if parts is None or not parts.hostname:
        return "the address"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address.strip())
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    return parts


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(ip, "ipv4_mapped", None)
    return mapped or ip
