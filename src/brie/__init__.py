"""brie: is my fine-tune really better than its base, where, and how sure can I be?

    import brie

    outcome = brie.evaluate(brie.EvalRequest(suite="in_domain", candidate="first:best"))
    print(outcome.analysis.verdict, outcome.analysis.win_rate)

    audited = brie.audit_files(["judgments.jsonl"], claim=0.77)
    designs = brie.plan_table("in_domain", samples=(1, 3)).rows
    faults = brie.data_check("my.jsonl").problems

Everything here is loaded on first use, so `import brie` is quick and needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brie.api import (
        agreement,
        analyse_evaluation,
        audit_files,
        compare,
        curve,
        data_check,
        data_overlap,
        data_split,
        evaluate,
        judges_list,
        plan_table,
        suite_check,
    )
    from brie.errors import BrieError
    from brie.evaluation.budget import Spending
    from brie.evaluation.request import EvalRequest
    from brie.project import Project
    from brie.records.analysis import Analysis

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "brie.records.analysis",
    "BrieError": "brie.errors",
    "EvalRequest": "brie.evaluation.request",
    "Project": "brie.project",
    "Spending": "brie.evaluation.budget",
    "agreement": "brie.api",
    "analyse_evaluation": "brie.api",
    "audit_files": "brie.api",
    "compare": "brie.api",
    "curve": "brie.api",
    "data_check": "brie.api",
    "data_overlap": "brie.api",
    "data_split": "brie.api",
    "evaluate": "brie.api",
    "judges_list": "brie.api",
    "plan_table": "brie.api",
    "suite_check": "brie.api",
}

__all__ = [
    "Analysis",
    "BrieError",
    "EvalRequest",
    "Project",
    "Spending",
    "__version__",
    "agreement",
    "analyse_evaluation",
    "audit_files",
    "compare",
    "curve",
    "data_check",
    "data_overlap",
    "data_split",
    "evaluate",
    "judges_list",
    "plan_table",
    "suite_check",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'brie' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
