"""The viewer as an application: routes, templates, error pages."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from brie.errors import BrieError
from brie.project import Project
from brie.report.clean import without_paths
from brie.web.guard import VOTING, Access, Guard
from brie.web.pages import Pages, styles
from brie.web.project_cache import ProjectCache
from brie.web.try_asking import Asking
from brie.web.trying import Trying
from brie.web.viewer import Viewer
from brie.web.voting import Voting

STATIC = Path(__file__).parent / "static"


def create_app(
    project: Project, access: Access, evaluation: str | None = None, asking: Asking | None = None
) -> Starlette:
    """The viewer of a project.

    Args:
        project: the folder whose runs and store are shown.
        access: the tokens and the address it answers to.
        evaluation: what `/vote` votes on; None lets the voter choose.
        asking: whom `/try` asks; None: nobody.
    """
    cache, pages = ProjectCache(project), Pages()
    viewer, voting = Viewer(cache, pages), Voting(cache, pages, evaluation)

    def problem(request: Request, error: Exception) -> Response:
        status, text = _explain(error)
        template = "vote_problem.html" if request.url.path.startswith(VOTING) else "problem.html"
        return pages.render(template, status=status, code=status, text=text)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=cache.warm, args=(evaluation,), daemon=True).start()
        yield

    return Starlette(
        lifespan=lifespan,
        routes=[
            *viewer.routes(),
            *voting.routes(),
            *Trying(pages, asking).routes(),
            Route("/static/style.css", styles),
            Mount("/vote/static", StaticFiles(directory=STATIC / "vote")),
            Mount("/static", StaticFiles(directory=STATIC / "viewer")),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={BrieError: problem, HTTPException: problem},
    )


def _explain(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error; no folder of the machine is named."""
    if isinstance(error, HTTPException):
        words = {404: "There is no such page.", 405: "This page is not asked that way."}
        return error.status_code, words.get(error.status_code, error.detail)
    return 409, without_paths(str(error))
