"""brie: is my fine-tune really better than its base, where, and how sure can I be?

    import brie

    result = brie.evaluate(suite="in_domain", candidate="first:best", judges=["claude-haiku"], yes=True)
    result                                    # the verdict; in a notebook with its scale and checks
    result.to_pandas("verdicts")

    brie.evaluate(pairs=frame, prompt="question", candidate="mine", baseline="gpt4o", judges=["longer"])
    brie.audit(["judgments.jsonl"], claim=0.77)
    brie.plan("in_domain", samples=(1, 3))

Everything here is loaded on first use, so `import brie` is quick and needs no torch.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature

    from brie.api import (
        agreement,
        analyse_evaluation,
        assert_not_worse,
        audit,
        audit_files,
        compare,
        curve,
        data_check,
        data_overlap,
        data_split,
        evaluate,
        judges_list,
        plan,
        plan_table,
        suite_check,
        train,
    )
    from brie.api.results import Audited
    from brie.api.training import Trained
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
    "assert_not_worse": "brie.api",
    "audit_files": "brie.api",
    "compare": "brie.api",
    "curve": "brie.api",
    "data_check": "brie.api",
    "data_overlap": "brie.api",
    "data_split": "brie.api",
    "evaluate": "brie.api",
    "judges_list": "brie.api",
    "plan": "brie.api",
    "plan_table": "brie.api",
    "suite_check": "brie.api",
}
_ROOMS = ("audit", "train")
"""Functions that have the name of a package: the package itself can be called."""

__all__ = [
    "Analysis",
    "BrieError",
    "EvalRequest",
    "Project",
    "Spending",
    "__version__",
    "agreement",
    "analyse_evaluation",
    "assert_not_worse",
    "audit",
    "audit_files",
    "compare",
    "curve",
    "data_check",
    "data_overlap",
    "data_split",
    "evaluate",
    "judges_list",
    "plan",
    "plan_table",
    "suite_check",
    "train",
]
T = TypeVar("T")


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"brie.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'brie' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Callable(ModuleType):
    """A package whose call is the function of the API that has its name."""

    @property
    def __call__(self) -> Callable[..., Audited | Trained]:
        function: Callable[..., Audited | Trained] = getattr(
            import_module("brie.api"), self.__name__.rpartition(".")[2]
        )
        return function

    @property
    def __signature__(self) -> Signature:
        from inspect import signature

        return signature(self.__call__)


class _Package(ModuleType):
    """This package: whichever way its packages are imported, those of `_ROOMS` can be called."""

    def __setattr__(self, name: str, value: T) -> None:
        if name in _ROOMS and isinstance(value, ModuleType):
            room: ModuleType = value
            room.__class__ = _Callable
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
