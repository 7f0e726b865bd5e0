"""What a claim may cite: an evaluation, several suites, a training run, or the export beside the text.

Each is a JSON document whose paths claims name. An evaluation's numbers are computed from the store;
what its checks say is read from the numbers of record where they were made from the same rows.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from pydantic import BaseModel, JsonValue

from brie.checks.standing import standing_of
from brie.errors import InputError, UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.settled import stored_analysis
from brie.evaluation.suites import find_suites
from brie.evaluation.suites_run import numbers_of
from brie.export.run import MANIFEST as EXPORT
from brie.export.run import read_manifest as read_export
from brie.pin import read_pin
from brie.project import Project
from brie.records import Check, Manifest
from brie.records.analysis import Analysis
from brie.store import Store
from brie.train.config import PINS
from brie.train.runs import read_manifest as read_run

Cited = dict[str, JsonValue]


def cited_document(name: str, project: Project, beside: Path) -> Cited:
    """The document that a claim cites.

    Args:
        name: an evaluation's id, its end or its name; the id of suites or of a training run; or
            `brie-export.json`, which lies beside the text.
        project: where they are.
        beside: the folder of the text.

    Raises:
        UsageError: there is no such thing, or nothing can be quoted from it.
        InputError: it is damaged.
    """
    if name.startswith("@"):
        raise UsageError(f"{name} is another evaluation after the next one; a claim cites an id.")
    if name == EXPORT:
        return _export(beside)
    if name.startswith("train-"):
        return cited_run(name, project)
    if name.startswith("suites-") and (suites := find_suites(name, project)) is not None:
        return _plain(numbers_of(suites, project))
    return cited_evaluation(name, project)


def cited_run(name: str, project: Project) -> Cited:
    """A training run: its manifest, and under `pinned` what its pins say of the adapters' files.

    Raises:
        UsageError: it is not here, or its configuration is another than the one it was begun with.
    """
    folder = project.runs / Path(name).name
    if not folder.is_dir():
        raise UsageError(f"the training run {name} is not here; brie ls shows those that are.")
    manifest = read_run(folder)
    if manifest.config.identity() != manifest.identity:
        raise UsageError(f"the configuration of {name} was changed, so nothing is quoted from it.")
    pins: dict[str, JsonValue] = {
        path.stem: _plain(read_pin(path)) for path in sorted((folder / PINS).glob("*.json"))
    }
    return {**_plain(manifest), "pinned": pins}


def cited_evaluation(name: str, project: Project) -> Cited:
    """An evaluation's numbers, from the store; a verdict that does not stand is not quoted bare.

    Besides the keys of `analysis.json`: `checks` and `check_words` (a check's id -> its status, what it
    says), `check_counts`, `conditional_verdict`, `plan`, what was sealed without its prompts, `sealed`,
    when, and `versions`.

    Raises:
        UsageError: there is none of that name, or it is not finished.
    """
    evaluation = find_evaluation(name, project)
    with Store.open(project.store, read_only=True) as store:
        data = gather(evaluation.manifest, store)
        analysis = assemble(data, store)
    if analysis.interim:
        raise UsageError(f"{evaluation.manifest.id} is not finished, so nothing can be quoted from it.")
    stored = stored_analysis(evaluation)
    if stored is not None and stored.rows_digest == data.digest:
        kept = ("checks", "by_training", "standing", "accuracy")
        analysis = analysis.model_copy(
            update={key: getattr(stored, key) for key in kept if key in stored.model_fields_set}
            | {"created": stored.created}
        )
    document = analysis.written()
    if analysis.standing is not None and analysis.standing.state == "conditional":
        document["conditional_verdict"] = analysis.verdict
    if why := _doubt(stored):
        notes = document.get("notes")
        document["verdict"] = None
        document["notes"] = {**(notes if isinstance(notes, dict) else {}), "verdict": why}
    manifest = evaluation.manifest
    sealed: Cited = {
        "plan": _plan(manifest),
        "sealed": manifest.created,
        "versions": {**manifest.versions},
    }
    return document | _checks(analysis.checks) | sealed


def _checks(checks: tuple[Check, ...]) -> Cited:
    counts = Counter(check.status for check in checks)
    return {
        "checks": {check.id: check.status for check in checks},
        "check_words": {check.id: check.summary for check in checks},
        "check_counts": {status: counts[status] for status in ("pass", "warn", "fail", "not_run")},
    }


def _plan(manifest: Manifest) -> Cited:
    """The sealed plan without its prompts and what was dealt to them."""
    plan = _plain(manifest.plan)
    return {key: plan[key] for key in plan if key not in ("suite", "order", "assignments", "controls")}


def _doubt(stored: Analysis | None) -> str:
    """Why the verdict of the numbers beside the manifest does not stand by itself; "" where it does."""
    standing = standing_of(stored) if stored is not None else None
    if standing is None or standing.state == "stands":
        return ""
    return f"it is {standing.state}: {'; '.join(reason.text for reason in standing.reasons)}"


def _export(beside: Path) -> Cited:
    if not (beside / EXPORT).is_file():
        raise UsageError(f"there is no {EXPORT} beside it.")
    return _plain(read_export(beside))


def _plain(document: BaseModel) -> Cited:
    plain: JsonValue = json.loads(document.model_dump_json())
    if not isinstance(plain, dict):
        raise InputError("a document that is no JSON object cannot be cited.")
    return plain
