"""Headers a judge's file adds to its requests; their values come from the environment alone."""

from __future__ import annotations

import os

from brie.errors import UsageError
from brie.judge.settings import header_variables
from brie.records import JudgeSpec


def own_headers(spec: JudgeSpec) -> dict[str, str]:
    """The headers of a judge's file, with the values of their variables.

    Raises:
        UsageError: a variable is not set.
    """
    headers = {}
    for name, variable in header_variables(spec).items():
        value = os.environ.get(variable, "").strip()
        if not value:
            raise UsageError(f"judge {spec.id!r} needs a value for its header {name}: set {variable}.")
        headers[name] = value
    return headers
