"""Who may open what: host, origin and token are checked before any page is made.

Two tokens: the viewer's opens everything, the voter's opens the voting pages only, so that a
voter's browser cannot even ask for a model's name. A token arrives once in the address that
`brie view` prints, moves to a cookie, and leaves the address bar.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brie.web.links import ANYWHERE, in_address, is_local

Role = Literal["viewer", "voter"]
VOTING = "/vote"
LARGEST_BODY = 64_000
"""Bytes of a request; a vote with its comment needs far less."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would turn the Origin of our own forms to null
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Access:
    """What a running viewer accepts."""

    port: int
    host: str = "127.0.0.1"
    viewer: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    voter: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def cookie(self) -> str:
        """Cookies are shared by all ports of a host, so the port is in the name."""
        return f"brie-{self.port}"

    def role(self, token: str | None) -> Role | None:
        """Whose token it is."""
        given = (token or "").encode()
        if hmac.compare_digest(given, self.viewer.encode()):
            return "viewer"
        return "voter" if hmac.compare_digest(given, self.voter.encode()) else None

    def knows(self, host: str | None) -> bool:
        """True for a Host header that names this machine by loopback or address.

        Other names are refused, whatever they resolve to: a web page that has rebound its own
        name to 127.0.0.1 sends that name.
        """
        name, _, port = (host or "").rpartition(":")
        if port != str(self.port):
            return False
        if name in {"127.0.0.1", "localhost", "[::1]", self.host}:
            return True
        return not is_local(self.host) and _is_address(name)

    def url(self, role: Role, path: str = "/", *, host: str = "") -> str:
        """The address to print: it carries the token.

        Args:
            role: whose.
            path: of the page.
            host: under which name; this machine's own by default.
        """
        token = self.viewer if role == "viewer" else self.voter
        name = host or ("127.0.0.1" if self.host in ANYWHERE else self.host)
        return f"http://{in_address(name)}:{self.port}{path}?token={token}"


class Guard:
    """Middleware that lets through only requests that may be answered, and adds the headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request, then hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            answer = self._answer(scope) or self._app
            await answer(scope, _limited(receive), _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        """The refusal or redirection of a request; None where it may pass."""
        headers, path = Headers(scope=scope), scope["path"]
        if not self._access.knows(headers.get("host")):
            return _refused("this address is not the viewer's")
        if scope["method"] not in {"GET", "HEAD"} and not _same_origin(headers):
            return _refused("the request comes from another page")
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        token = dict(query).get("token")
        if token is not None and self._access.role(token):
            held = _cookie(headers, self._access.cookie)
            # Who can open the viewer still can after following the voters' address.
            keeps = self._access.role(held) == "viewer"
            return self._enter(path, query, held if keeps and held else token)
        role = self._access.role(_cookie(headers, self._access.cookie))
        if role is None:
            return _refused("open the address that `brie view` printed; it carries a token")
        if role == "voter" and not _is_voting(path):
            return _refused("this address is for voting only")
        scope["role"] = role
        return None

    def _enter(self, path: str, query: list[tuple[str, str]], token: str) -> Response:
        query_left = urlencode([(name, value) for name, value in query if name != "token"])
        target = "/" + path.lstrip("/\\")  # never another host's address
        answer = RedirectResponse(target + (f"?{query_left}" if query_left else ""), status_code=303)
        answer.set_cookie(self._access.cookie, token, httponly=True, samesite="strict", path="/")
        return answer


def _is_voting(path: str) -> bool:
    return path == VOTING or path.startswith(VOTING + "/")


def _same_origin(headers: Headers) -> bool:
    """Browsers send Origin with every form; a page elsewhere cannot forge it."""
    origin = urlsplit(headers.get("origin", ""))
    return origin.scheme == "http" and origin.netloc == headers.get("host")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str | None:
    return cookie_parser(headers.get("cookie", "")).get(name)


def _refused(why: str) -> Response:
    return PlainTextResponse(f"refused: {why}\n", status_code=403)


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", POLICY)
        await send(message)

    return wrapped


def _limited(receive: Receive) -> Receive:
    """Cuts a body off after `LARGEST_BODY` bytes; what arrives then does not parse as a vote."""
    seen = 0

    async def wrapped() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")
            room = max(0, LARGEST_BODY - seen)
            seen += len(body)
            if len(body) > room:
                return {"type": "http.request", "body": body[:room], "more_body": False}
        return message

    return wrapped
