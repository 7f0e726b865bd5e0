"""Does an evaluation still hold? Seal, assignment, pins, rows and numbers, recomputed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brie.digest import short
from brie.evaluation.assemble import assemble
from brie.evaluation.evidence import Around, around
from brie.evaluation.folders import Evaluation
from brie.evaluation.plan import assignments, work_order
from brie.evaluation.trained import recorded
from brie.pipeline import to_json
from brie.records import Manifest
from brie.resources import Project
from brie.seal import broken_links
from brie.store import Store

TOLERANCE = 1e-9
"""Largest difference between a stored number and the recomputed one."""
VOLATILE = (
    "created",
    "cost",
    "version",
    "generation.baseline.seconds",
    "generation.candidate.seconds",
)
"""Keys of `analysis.json` that may differ between two runs of one plan."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was recomputed."""

    what: str
    holds: bool


def verify(evaluation: Evaluation, project: Project) -> list[Finding]:
    """Recompute everything an evaluation claims.

    Raises:
        StoreError: the store cannot be read.
    """
    manifest = evaluation.manifest
    broken = broken_links(manifest)
    findings = [
        Finding("; ".join(broken) or f"the plan is the sealed one ({manifest.seal})", not broken)
    ]
    findings.append(_assignment(manifest))
    known = around(manifest, project, again=True)
    findings.append(_models(manifest, known))
    findings += _training(evaluation, known)
    return [*findings, *_numbers(evaluation, project, known)]


def _models(manifest: Manifest, known: Around) -> Finding:
    """Whether the models are the pinned ones.

    Those of a bundle are not looked for: a stranger's bundle would choose what is downloaded.
    """
    if known.carried is not None:
        pins = f"candidate {short(manifest.plan.candidate.digest, 12)}"
        pins += f", baseline {short(manifest.plan.baseline.digest, 12)}"
        return Finding(
            "this evaluation came in a bundle: its models were not looked for, and what the checks say "
            f"of them came with it. To compare one that you have: brie pin MODEL ({pins})",
            True,
        )
    problems = (*known.models.differ, *known.models.absent) if known.models else ()
    sides = (manifest.plan.candidate, manifest.plan.baseline)
    served = [pin.base.repo for pin in sides if pin.kind == "served"]
    held = "both models are the pinned ones"
    if served:
        held = f"{' and '.join(served)}: behind a server, so recorded and not pinned"
    return Finding("; ".join(problems) or held, not problems)


def _training(evaluation: Evaluation, known: Around) -> Iterator[Finding]:
    """Whether what was recorded of the training data is what the file says, where it is here."""
    before, found = recorded(evaluation.folder), known.compared
    if before is None or before.training is None or found is None:
        return
    if found.now:
        same = before == found.trained
        words = "is what the file says" if same else "is NOT what the file says"
        yield Finding(f"what training and suite share {words}", same)
    else:
        why = found.trained.reason or "the evaluation came in a bundle"
        yield Finding(f"what training and suite share was not compared again: {why}", True)


def _assignment(manifest: Manifest) -> Finding:
    plan = manifest.plan
    blocks = [(p.id, p.category) for p in plan.suite.prompts]
    expected = assignments(blocks, plan.samples, plan.positions, plan.seats, plan.seed)
    same = expected == plan.assignments and list(plan.order) == work_order(blocks, plan.seed)
    return Finding(
        "orders and letters are " + ("as the seed assigns them" if same else "NOT the seed's"), same
    )


def _numbers(evaluation: Evaluation, project: Project, known: Around) -> Iterator[Finding]:
    try:
        stored = json.loads(evaluation.analysis_file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield Finding(f"{evaluation.analysis_file.name} cannot be read: {error}", False)
        return
    with Store.open(project.store, read_only=True) as store:
        again = json.loads(to_json(assemble(evaluation.manifest, store, known)))
    same = stored.get("rows_digest") == again.get("rows_digest")
    what = "every completion and verdict is the one the numbers used"
    yield Finding(
        what if same else "a completion or a verdict was changed since the numbers were made", same
    )
    differing = list(differences(stored, again))
    shown = ", ".join(differing[:5])
    yield Finding(
        f"numbers differ at: {shown}" if differing else "every number is reproduced (to 1e-9)",
        not differing,
    )


def differences(stored: Any, again: Any, path: str = "") -> Iterator[str]:
    """Paths at which two documents differ; numbers may differ by TOLERANCE."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in sorted({*stored, *again}):
            here = f"{path}.{key}" if path else key
            if here in VOLATILE:
                continue
            if (key in stored) != (key in again):
                yield here
            else:
                yield from differences(stored[key], again[key], here)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for number, (one, two) in enumerate(zip(stored, again, strict=True)):
            yield from differences(one, two, f"{path}[{number}]")
    elif _number(stored) and _number(again):
        if not math.isclose(stored, again, rel_tol=0, abs_tol=TOLERANCE):
            yield path
    elif stored != again:
        yield path


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
