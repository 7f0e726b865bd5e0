"""The voting pages: a name, one pair after another, and the result when the voter has finished.

Nothing a voter's browser receives names a model, a side or a path: pages speak of answers A and
B, addresses carry the evaluation's id (suite and fingerprint), forms a number.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import TypedDict
from urllib.parse import parse_qsl, quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from brie.errors import UsageError
from brie.evaluation.votes import voter_name
from brie.records import Letter, Message
from brie.report.clean import clip
from brie.report.sentence import verdict_sentence
from brie.web.pages import Pages
from brie.web.project_cache import ProjectCache
from brie.web.reveal import close, closed_file, reveal
from brie.web.voting_session import Item, VotingSession

LONGEST = 50_000
"""Characters of one answer on the ballot; a longer one says that it was cut."""
_COMMENT = 4_000
_DIGITS = 10
"""More name no pair."""
_SCORES = ("1", "2", "3", "4", "5")

Form = Mapping[str, str]


class Voting:
    """Routes of the voting pages; keeps one session a voter and evaluation."""

    def __init__(self, cache: ProjectCache, pages: Pages, evaluation: str | None) -> None:
        self._cache = cache
        self._pages = pages
        self._only = evaluation
        self._sessions: dict[tuple[str, str], VotingSession] = {}
        self._lock = threading.Lock()

    def routes(self) -> list[Route]:
        """Every page of voting."""
        return [
            Route("/vote", self.choose),
            Route("/vote/{evaluation}", self.ballot),
            Route("/vote/{evaluation}/result", self.result),
            Route("/vote/{evaluation}/name", self._posted(self._name), methods=["POST"]),
            Route("/vote/{evaluation}/cast", self._posted(self._cast), methods=["POST"]),
            Route("/vote/{evaluation}/undo", self._posted(self._undo), methods=["POST"]),
            Route("/vote/{evaluation}/finish", self._posted(self._finish), methods=["POST"]),
            Route("/vote/{evaluation}/leave", self._posted(self._leave), methods=["POST"]),
        ]

    def choose(self, request: Request) -> Response:
        """The evaluations that can be voted on; straight to the ballot where there is one."""
        names = [self._only] if self._only else self._cache.ids()
        if len(names) == 1:
            return _to(names[0])
        suites = []
        for name in names:
            try:
                suites.append((name, self._cache.open(name).manifest.plan.suite))
            except UsageError:
                continue  # a broken evaluation is shown as such in the viewer, not to voters
        return self._pages.render("vote_choose.html", suites=suites)

    def ballot(self, request: Request) -> Response:
        """The pair to vote on, or the form that asks for a name, or the end of the ballot."""
        evaluation, name = self._evaluation(request), self._voter(request)
        if name is None:
            return self._pages.render("vote_name.html", evaluation=evaluation, problem="")
        if closed_file(self._cache.folder(evaluation), name).is_file():
            return _to(evaluation, "/result")
        session = self._session(evaluation=evaluation, name=name)
        item = session.current()
        done, total = session.progress
        if item is None:
            self._forget(evaluation=evaluation, name=name)
        shown = _shown(item) if item else None
        return self._pages.render(
            "vote.html",
            evaluation=evaluation,
            name=name,
            item=item,
            shown=shown,
            criteria=session.criteria,
            done=done,
            total=total,
            can_undo=session.can_undo,
        )

    def result(self, request: Request) -> Response:
        """What the voter preferred; only for a voter who has finished."""
        evaluation, name = self._evaluation(request), self._voter(request)
        if name is None or not closed_file(self._cache.folder(evaluation), name).is_file():
            return _to(evaluation)
        session = self._session(evaluation=evaluation, name=name)
        with self._cache.store() as store:
            revealed = reveal(session, store)
        analysis = self._cache.analysis(evaluation)
        return self._pages.render(
            "vote_result.html",
            evaluation=evaluation,
            name=name,
            revealed=revealed,
            names=session.manifest.names,
            sentence=verdict_sentence(analysis, session.manifest) if analysis else "",
        )

    # --- forms ---------------------------------------------------------------------------

    def _posted(
        self, act: Callable[[Request, Form], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler that reads a form, then acts in a thread."""

        async def handler(request: Request) -> Response:
            body = (await request.body()).decode("utf-8", "replace")
            form = dict(parse_qsl(body, keep_blank_values=True))
            return await run_in_threadpool(act, request, form)

        return handler

    def _name(self, request: Request, form: Form) -> Response:
        evaluation = self._evaluation(request)
        try:
            name = voter_name(form.get("name", ""))
        except UsageError as error:
            return self._pages.render(
                "vote_name.html", code=400, evaluation=evaluation, problem=str(error)
            )
        answer = _to(evaluation)
        cookie = self._cookie(request)
        answer.set_cookie(cookie, quote(name), httponly=True, samesite="strict", path="/vote")
        return answer

    def _cast(self, request: Request, form: Form) -> Response:
        session = self._open_session(request)
        number, choice = form.get("number", ""), form.get("choice", "")
        if not (number.isascii() and number.isdigit() and len(number) < _DIGITS):
            raise HTTPException(400, "the vote names no pair")
        if choice == "skip":
            session.skip(int(number))
        elif choice in ("A", "B", "tie"):
            comment = form.get("comment", "").strip()[:_COMMENT]
            session.vote(int(number), choice, comment, _scores(session, form))  # type: ignore[arg-type]
        else:
            raise HTTPException(400, "a vote is A, B, tie or skip")
        return _to(session.evaluation)

    def _undo(self, request: Request, form: Form) -> Response:
        session = self._open_session(request)
        session.undo()
        return _to(session.evaluation)

    def _finish(self, request: Request, form: Form) -> Response:
        session = self._open_session(request)
        if session.progress[0]:
            close(self._cache.folder(session.evaluation), session.name, session.progress[0])
        return _to(session.evaluation)

    def _leave(self, request: Request, form: Form) -> Response:
        answer = _to(self._evaluation(request))
        answer.delete_cookie(self._cookie(request), path="/vote")
        return answer

    # --- who votes on what -----------------------------------------------------------------

    def _evaluation(self, request: Request) -> str:
        name = str(request.path_params["evaluation"])
        if name not in ([self._only] if self._only else self._cache.ids()):
            raise HTTPException(404)
        return name

    def _voter(self, request: Request) -> str | None:
        try:
            return voter_name(unquote(request.cookies.get(self._cookie(request), "")))
        except UsageError:
            return None

    def _cookie(self, request: Request) -> str:
        return f"voter-{request.url.port}"

    def _open_session(self, request: Request) -> VotingSession:
        """The session of a voter who may still vote."""
        evaluation, name = self._evaluation(request), self._voter(request)
        if name is None:
            raise HTTPException(403, "say your name first")
        if closed_file(self._cache.folder(evaluation), name).is_file():
            raise HTTPException(403, "you have seen the result, so a further vote would not be blind")
        return self._session(evaluation=evaluation, name=name)

    def _session(self, *, evaluation: str, name: str) -> VotingSession:
        with self._lock:
            if (evaluation, name) not in self._sessions:
                self._sessions[evaluation, name] = VotingSession(
                    self._cache, evaluation=evaluation, name=name
                )
            return self._sessions[evaluation, name]

    def _forget(self, *, evaluation: str, name: str) -> None:
        """At the end of a ballot: the next visit looks for new answers."""
        with self._lock:
            self._sessions.pop((evaluation, name), None)


def _to(evaluation: str | None, page: str = "") -> RedirectResponse:
    return RedirectResponse(f"/vote/{evaluation}{page}", status_code=303)


class Ballot(TypedDict):
    """A pair as the voting page prints it."""

    prompt: tuple[str, str]
    """With a remark where it was cut."""
    context: tuple[Message, ...]
    answers: list[tuple[Letter, str, str]]
    """Letter, text, remark, in the order shown."""


def _shown(item: Item) -> Ballot:
    """The texts of a pair, cut where they are absurdly long, in the order shown."""
    pair = item.shown
    return {
        "prompt": clip(pair.messages[-1].content, LONGEST),
        "context": pair.messages[:-1],
        "answers": [(letter, *clip(text, LONGEST)) for letter, text in pair.answers],
    }


def _scores(session: VotingSession, form: Form) -> dict[str, dict[str, float]]:
    """Criterion -> letter -> score, of those that were given."""
    scores: dict[str, dict[str, float]] = {}
    for number, criterion in enumerate(session.criteria):
        for letter in ("A", "B"):
            value = form.get(f"score-{number}-{letter}", "")
            if value in _SCORES:
                scores.setdefault(criterion, {})[letter] = float(value)
    return scores
