"""Do several suites still hold? Each as an evaluation, what was sealed together, and the table."""

from __future__ import annotations

import json
from collections.abc import Iterator

from brie import __version__, versions
from brie.ci.documents import compare
from brie.ci.findings import Finding
from brie.ci.verify import verify
from brie.evaluation.suites import Suites, broken, sealed_otherwise
from brie.evaluation.suites_run import numbers_of
from brie.project import Project


def verify_suites(suites: Suites, project: Project) -> list[Finding]:
    """Recompute everything that several suites claim.

    Raises:
        InputError: an evaluation is not here.
        StoreError: the store cannot be read.
    """
    return list(_findings(suites, project))


def _findings(suites: Suites, project: Project) -> Iterator[Finding]:
    manifest, evaluations = suites.manifest, suites.evaluations(project)
    changed = broken(manifest)
    held = f"what was sealed together is as it was ({manifest.seal})"
    yield Finding("what was sealed together was changed" if changed else held, not changed)
    others = sealed_otherwise(suites, [evaluation.manifest for evaluation in evaluations])
    apart = f"not the plan that was sealed together: {', '.join(others)}"
    yield Finding(apart if others else "each suite has the plan that was sealed", not others)
    for part, evaluation in zip(manifest.plan.parts, evaluations, strict=True):
        yield from (
            Finding(f"{part.suite}: {finding.what}", finding.holds)
            for finding in verify(evaluation, project)
        )
    yield from _table(suites, project)


def _table(suites: Suites, project: Project) -> Iterator[Finding]:
    try:
        stored = json.loads(suites.numbers_file.read_text("utf-8"))
        made = str(stored["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Finding(f"{suites.numbers_file.name} cannot be read: {error}", False)
        return
    again = json.loads(numbers_of(suites, project).model_dump_json())
    here = versions.build(__version__)
    compared = compare(stored, again, same_build=made == here)
    shown = ", ".join(compared.differ[:5])
    same = "every number of the table is reproduced (to 1e-9)"
    yield Finding(f"the table differs at: {shown}" if compared.differ else same, not compared.differ)
    if made != here:
        yield from (Finding(words, True) for words in compared.told(made))
