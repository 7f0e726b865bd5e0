"""Who can answer for a judge.

Adding a provider is one new file here, which opens a judge, and one edited file, the table in
`brie.records.providers`. A provider behind an HTTP interface writes a `ProviderAdapter` (see
`adapter`) and opens a `RemoteJudge` with it; any other implements `Judge` (see
`brie.judge.interface`).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from brie.errors import UsageError
from brie.judge.interface import Judge
from brie.records import PROVIDERS, JudgeSpec, PanelJudge, Rubric

Opener = Callable[[JudgeSpec, Rubric | None], Judge]


def open_judge(panel_judge: PanelJudge) -> Judge:
    """A judge of the panel, ready to be asked.

    Raises:
        UsageError: the provider cannot answer by itself, or its settings are wrong.
    """
    spec = panel_judge.judge
    where = spec.provided.open
    if where is None:
        raise UsageError(
            f"judge {spec.id!r}: provider {spec.provider} is not available here; "
            f"available: {', '.join(name for name, info in PROVIDERS.items() if info.open)}."
        )
    return opener(where)(spec, panel_judge.rubric)


def opener(where: str) -> Opener:
    """The function that opens a provider's judges.

    Args:
        where: "MODULE:FUNCTION", as the table has it.
    """
    module, _, name = where.partition(":")
    open_it: Opener = getattr(import_module(module), name)
    return open_it
