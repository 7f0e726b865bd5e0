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
from brie.evaluation.votes import Saw, voter_name
from brie.records import Letter, Message
from brie.report.clean import clip
from brie.report.sentence import verdict_sentence
from brie.web.pages import Pages
from brie.web.project_cache import ProjectCache
from brie.web.reveal import Reveals, close, closed_file
from brie.web.voter_names import belongs, new_code, typed_code
from brie.web.voting_session import Item, VotingSession

LONGEST = 50_000
"""Characters of one answer on the ballot; a longer one says that it was cut."""
_COMMENT = 4_000
_DIGITS = 10
"""More name no pair."""
_SCORES = ("1", "2", "3", "4", "5")
_YEARS = 2 * 365 * 24 * 3600
"""Seconds a browser remembers who it is, and what it was shown."""

Form = Mapping[str, str]


class Voting:
    """Routes of the voting pages; keeps one session a voter and evaluation."""

    def __init__(self, cache: ProjectCache, pages: Pages, evaluation: str | None) -> None:
        self._cache = cache
        self._pages = pages
        self._only = evaluation
        self._sessions: dict[tuple[str, str], VotingSession] = {}
        self._reveals = Reveals()
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
                suites.append((name, self._cache.suite(name)))
            except UsageError:
                continue  # a broken evaluation is shown as such in the viewer, not to voters
        return self._pages.render("vote_choose.html", suites=suites)

    def ballot(self, request: Request) -> Response:
        """The pair to vote on, or the form that asks for a name, or the end of the ballot."""
        evaluation = self._evaluation(request)
        name = self._voter(request, evaluation)
        if name is None:
            return self._ask_name(evaluation)
        if closed_file(self._cache.folder(evaluation), name).is_file():
            return _to(evaluation, "/result")
        session = self._session(evaluation=evaluation, name=name)
        if session.outdated():
            self._forget(evaluation=evaluation, name=name)
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
            secret=self._named(request)[1],
            elsewhere=request.query_params.get("note") == "elsewhere",
        )

    def result(self, request: Request) -> Response:
        """What the voter preferred; only for a voter who has finished."""
        evaluation = self._evaluation(request)
        name = self._voter(request, evaluation)
        if name is None or not closed_file(self._cache.folder(evaluation), name).is_file():
            return _to(evaluation)
        session = self._session(evaluation=evaluation, name=name)
        with self._cache.store() as store:
            revealed = self._reveals.of(session, store)
        analysis = self._cache.analysis(evaluation)
        answer = self._pages.render(
            "vote_result.html",
            evaluation=evaluation,
            name=name,
            revealed=revealed,
            names=session.manifest.names,
            sentence=verdict_sentence(analysis, session.manifest) if analysis else "",
        )
        answer.set_cookie(
            self._seen(request, evaluation), "1", max_age=_YEARS, httponly=True, samesite="strict",
            path="/vote",
        )  # fmt: skip
        return answer

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
            return self._ask_name(evaluation, 400, problem=str(error))
        given = form.get("code", "")
        code = typed_code(given) if given else self._named(request)[1] or new_code()
        if not belongs(self._cache.folder(evaluation), name, code):
            why = "that is not its code" if given else "somebody votes under this name"
            return self._ask_name(evaluation, 403, problem=why, taken=name)
        answer = _to(evaluation)
        cookie = self._cookie(request)
        answer.set_cookie(
            cookie, f"{code}.{quote(name)}", max_age=_YEARS, httponly=True, samesite="strict",
            path="/vote",
        )  # fmt: skip
        return answer

    def _cast(self, request: Request, form: Form) -> Response:
        session = self._open_session(request)
        number, choice = form.get("number", ""), form.get("choice", "")
        if not (number.isascii() and number.isdigit() and len(number) < _DIGITS):
            raise HTTPException(400, "the vote names no pair")
        saw = self._saw(request, session.evaluation)
        if choice == "skip":
            done = session.skip(int(number), saw)
        elif choice in ("A", "B", "tie"):
            comment = form.get("comment", "").strip()[:_COMMENT]
            scores = _scores(session, form)
            done = session.vote(int(number), choice, comment, scores, saw)  # type: ignore[arg-type]
        else:
            raise HTTPException(400, "a vote is A, B, tie or skip")
        return _to(session.evaluation, "" if done else "?note=elsewhere")

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

    def _ask_name(
        self, evaluation: str, status: int = 200, *, problem: str = "", taken: str = ""
    ) -> Response:
        """The form that asks for a name, and for the code of one that is taken."""
        return self._pages.render(
            "vote_name.html", code=status, evaluation=evaluation, problem=problem, taken=taken
        )

    # --- who votes on what -----------------------------------------------------------------

    def _evaluation(self, request: Request) -> str:
        name = str(request.path_params["evaluation"])
        if name not in ([self._only] if self._only else self._cache.ids()):
            raise HTTPException(404)
        return name

    def _voter(self, request: Request, evaluation: str) -> str | None:
        """The voter whose name and code the browser has; a name that is free is theirs from now on."""
        name, code = self._named(request)
        return name if name and belongs(self._cache.folder(evaluation), name, code) else None

    def _named(self, request: Request) -> tuple[str, str]:
        """The name and the code that a browser brings; empty where it brings none."""
        code, _, name = request.cookies.get(self._cookie(request), "").partition(".")
        try:
            return voter_name(unquote(name)), typed_code(code)
        except UsageError:
            return "", ""

    def _saw(self, request: Request, evaluation: str) -> list[Saw]:
        """What keeps this browser's votes from being blind."""
        saw: list[Saw] = []
        if self._seen(request, evaluation) in request.cookies:
            saw.append("result")
        if request.scope.get("role") == "viewer":
            saw.append("viewer")
        return saw

    def _seen(self, request: Request, evaluation: str) -> str:
        """The cookie of a browser that was shown this evaluation's result."""
        return f"seen-{request.url.port}-{evaluation}"

    def _cookie(self, request: Request) -> str:
        return f"voter-{request.url.port}"

    def _open_session(self, request: Request) -> VotingSession:
        """The session of a voter who may still vote."""
        evaluation = self._evaluation(request)
        name = self._voter(request, evaluation)
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
