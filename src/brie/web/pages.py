"""Rendering: the report's templates and filters, and the viewer's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from brie.report.html import environment, stylesheet

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"


class Pages:
    """Templates, compiled once."""

    def __init__(self) -> None:
        self._environment = environment(TEMPLATES)

    def render(self, template: str, *, code: int = 200, **context: Any) -> Response:
        """A page; everything printed is cleaned and escaped."""
        text = self._environment.get_template(template).render(**context)
        return HTMLResponse(text, status_code=code)


@cache
def _css() -> bytes:
    viewer_styles = (STATIC / "viewer" / "viewer.css").read_text(encoding="utf-8")
    return (stylesheet() + viewer_styles).encode()


def styles(request: Request) -> Response:
    """The report's style sheet with the viewer's additions."""
    return Response(_css(), media_type="text/css")
