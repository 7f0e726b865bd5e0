"""The Python API: the same calls the command line makes.

Each function says which command it is. They return documents and records instead of printing them,
ask nobody that the command would not ask, and raise `BrieError` with the sentence it would say.
Where `project` is left out, it is the one of the current folder.
"""

from brie.api.evaluations import analyse_evaluation, assert_not_worse, curve, evaluate
from brie.api.planning import (
    data_check,
    data_overlap,
    data_split,
    judges_list,
    plan,
    plan_table,
    suite_check,
)
from brie.api.reading import agreement, audit, audit_files, compare
from brie.api.training import train

__all__ = [
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
