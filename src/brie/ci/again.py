"""Do the pinned models give the stored answers? Some are made again and compared."""

from __future__ import annotations

from brie.ci.findings import Finding
from brie.evaluation.again import make_again
from brie.evaluation.folders import Evaluation
from brie.number_format import plural
from brie.project import Project

_NAMED = 3


def made_again(evaluation: Evaluation, count: int, project: Project) -> Finding:
    """Whether some of an evaluation's answers come out as they are stored.

    Args:
        evaluation: which.
        count: how many answers.
        project: where its models are.

    Raises:
        UsageError: a model is not here, or nothing promises the same texts.
    """
    made = make_again(evaluation, count, project)
    if not made.others:
        return Finding(f"{plural(made.same, 'answer')} made again: the same, to the letter", True)
    several = len(made.others)
    what = f"{several:,} of {made.same + several:,} answers made again are not the stored ones: "
    what += ", ".join(made.others[:_NAMED]) + (", …" if several > _NAMED else "")
    if made.versions:
        what += f" (the answers were made with {made.versions})"
    return Finding(what, False)
