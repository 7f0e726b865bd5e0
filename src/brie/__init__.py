"""brie: is my fine-tune really better than its base, where, and how sure can I be?

    import brie

    outcome = brie.evaluate(brie.EvalRequest(suite="in_domain", candidate="first:best"))
    print(outcome.analysis.verdict, outcome.analysis.win_rate)

    audited = brie.audit_files(["judgments.jsonl"], claim=0.77)

Everything here is loaded on first use, so `import brie` is quick and needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brie.api import analyse, audit_files, evaluate
    from brie.errors import BrieError
    from brie.evaluation.request import EvalRequest
    from brie.project import Project
    from brie.records.analysis import Analysis

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "brie.records.analysis",
    "BrieError": "brie.errors",
    "Project": "brie.project",
    "EvalRequest": "brie.evaluation.request",
    "analyse": "brie.api",
    "audit_files": "brie.api",
    "evaluate": "brie.api",
}

__all__ = [
    "Analysis",
    "BrieError",
    "EvalRequest",
    "Project",
    "__version__",
    "analyse",
    "audit_files",
    "evaluate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'brie' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
