"""`/try`: type a prompt, and both sides answer side by side, open or blind.

The pages are the viewer's: a voter's address cannot open them. A question is answered as lines of JSON,
one an event, until both answers are whole or the browser has gone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import closing
from typing import TypedDict, get_args

from pydantic import JsonValue
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from brie.blinding import Choice
from brie.digest import short
from brie.errors import BrieError
from brie.records import Side
from brie.report.clean import clip, without_paths
from brie.web.guard import POLICY
from brie.web.pages import Pages
from brie.web.tried import TriedVote, tally
from brie.web.try_asking import LONGEST, Asking, Event
from brie.web.try_pair import SIDES

CHOICES: tuple[Choice, ...] = get_args(Choice)
SHOWN = 200
"""Votes on the page that lists them, newest first."""
_POLICY = {"Content-Security-Policy": f"{POLICY}; connect-src 'self'"}


class SideShown(TypedDict):
    """A side as the page names it."""

    side: Side
    name: str
    pin: str
    """Its digest, short."""
    digest: str
    base: str
    step: int | None


class Trying:
    """Routes of `/try`; without a pair they say how to name one."""

    def __init__(self, pages: Pages, asking: Asking | None) -> None:
        self._pages = pages
        self._asking = asking

    def routes(self) -> list[Route]:
        """Every page and form."""
        return [
            Route("/try", self.page),
            Route("/try/votes", self.votes),
            Route("/try/ask", self.ask, methods=["POST"]),
            Route("/try/vote", self._posted(self._vote), methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        """The form, with the sides named, or without a word of them where it is blind."""
        if self._asking is None:
            return self._pages.render("try_none.html")
        blind, pair = "blind" in request.query_params, self._asking.pair
        answer = self._pages.render(
            "try.html",
            blind=blind,
            sides=() if blind else [_side_shown(self._asking, side) for side in SIDES],
            pair=pair,
            votes=len(self._asking.votes()),
        )
        answer.headers.update(_POLICY)
        return answer

    def votes(self, request: Request) -> Response:
        """What was voted on these two models."""
        asking = self._open()
        votes = asking.votes()
        return self._pages.render(
            "try_votes.html",
            names=asking.pair.names,
            counts=tally(votes),
            total=len(votes),
            votes=[_vote_shown(vote) for vote in votes[:SHOWN]],
        )

    async def ask(self, request: Request) -> Response:
        """Both answers to what was typed, as they come."""
        asking, sent = self._open(), await _sent(request)
        text = sent.get("prompt")
        if not isinstance(text, str) or not text.strip():
            raise HTTPException(400, "Type something first.")
        coming = asking.ask(text, blind=sent.get("blind") is True)
        return StreamingResponse(_lines(coming), media_type="application/x-ndjson")

    def _vote(self, sent: Event) -> Response:
        asking = self._open()
        number, said = sent.get("vote"), sent.get("choice")
        choice = next((word for word in CHOICES if word == said), None)
        if not isinstance(number, str) or choice is None:
            raise HTTPException(400, "A vote names its answers and one of the choices.")
        try:
            vote = asking.vote(number, choice)
        except BrieError as error:
            return JSONResponse({"problem": without_paths(str(error))}, status_code=409)
        in_order = vote.presentation.in_order(candidate=SIDES[0], baseline=SIDES[1])
        sides = [_side_shown(asking, side) for side in in_order]
        told = {"winner": vote.winner, "sides": sides, "votes": len(asking.votes())}
        return JSONResponse(told)

    def _posted(self, act: Callable[[Event], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def handler(request: Request) -> Response:
            return await run_in_threadpool(act, await _sent(request))

        return handler

    def _open(self) -> Asking:
        if self._asking is None:
            raise HTTPException(404)
        return self._asking


def _side_shown(asking: Asking, side: Side) -> SideShown:
    pair = asking.pair
    pin = pair.sides[side].pin
    revision = f"@{pin.base.revision[:7]}" if pin.base.revision else ""
    return {
        "side": side,
        "name": pair.names[side],
        "pin": short(pin.digest, 12),
        "digest": pin.digest,
        "base": without_paths(f"{pin.base.repo}{revision}"),
        "step": pin.step,
    }


class VoteShown(TypedDict):
    """A vote as the page lists it: sides in their usual order."""

    when: str
    prompt: str
    winner: str
    answers: list[tuple[str, str]]


def _vote_shown(vote: TriedVote) -> VoteShown:
    keys = {"candidate": vote.presentation.candidate, "baseline": vote.presentation.baseline}
    return {
        "when": vote.created[:16].replace("T", " "),
        "prompt": clip(vote.messages[-1].content, LONGEST)[0],
        "winner": vote.winner,
        "answers": [(side, clip(vote.answers[keys[side]].text, LONGEST)[0]) for side in SIDES],
    }


async def _sent(request: Request) -> dict[str, JsonValue]:
    """The object a script sent; one that was cut off for its length is none."""
    try:
        sent = json.loads(await request.body())
        json.dumps(sent, ensure_ascii=False).encode()  # half a sign can be answered by no model
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "That is too long, or no question.") from error
    if not isinstance(sent, dict):
        raise HTTPException(400, "That is no question.")
    return sent


async def _lines(events: Generator[Event, None, None]) -> AsyncIterator[bytes]:
    """Events, a line each; where the browser goes, the answers under way end."""
    with closing(events):
        async for event in iterate_in_threadpool(events):
            yield json.dumps(event, ensure_ascii=True).encode() + b"\n"
