"""Two `analysis.json` documents, compared key by key: what one build made and what another makes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from brie import versions

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
DECIDED = ("verdict", "seal", "rows_digest", "id", "candidate.digest", "baseline.digest", "suite.digest")
"""Words that no build may choose otherwise."""
EQUIVALENCE = {"equivalent", "undecided"}
"""Verdicts that another method of "equivalent" may exchange."""
_REMEDY = re.compile(r"checks\..+\.remedy")
"""Words that a check may have, or not."""
TAKEN_AWAY = ("verdict", "verdict_survives_missing")
"""Keys that are null where a build without `standing` withheld the verdict: it kept no word of it."""


@dataclass(slots=True)
class Compared:
    """Where two documents differ, as paths such as `by_category.maths.win_rate.value`."""

    differ: list[str] = field(default_factory=list)
    """Numbers, and the verdict; of one build also words, and keys that one of them lacks."""
    new: list[str] = field(default_factory=list)
    """Keys that this build has and the stored document has not."""
    gone: list[str] = field(default_factory=list)
    """Keys of the stored document that this build does not have."""
    words: list[str] = field(default_factory=list)
    """Words that another build chose otherwise, such as the status of a check."""
    methods: dict[str, list[str]] = field(default_factory=dict)
    """Quantity -> where the documents differ because each has its own method."""

    def told(self, made: str) -> Iterator[str]:
        """What was not compared with a document of another build."""
        who = f"made by brie {made or 'of unknown version'}"
        if self.new:
            yield f"{who}: {_counted(self.new)} it did not have ({_shown(self.new)})"
        if self.gone:
            yield f"{who}: {_counted(self.gone)} this one does not have ({_shown(self.gone)})"
        if self.words:
            yield f"{who}: other words at {_shown(self.words)}"
        for name, paths in self.methods.items():
            yield f"{who}: {name} by another method, so not compared: {_shown(paths)}"
        if not (self.new or self.gone or self.words or self.methods):
            yield f"{who}: it had the same keys"


def _counted(paths: Sequence[str]) -> str:
    return f"{len(paths)} key{'s' if len(paths) > 1 else ''}"


def _shown(paths: Sequence[str]) -> str:
    outermost = sorted(paths, key=lambda path: (path.count(".") > 1, path))
    return ", ".join(outermost[:8]) + (", …" if len(paths) > 8 else "")


def compare(stored: JsonValue, again: JsonValue, *, same_build: bool = True) -> Compared:
    """Where two documents differ; numbers may differ by TOLERANCE.

    A document of the same build must have the same keys and words. Of another build, with other
    keys, checks and words, what both have is compared: every number whose method is the same
    (`versions.METHODS`), and the verdict.

    Args:
        stored: the document of record.
        again: the same, computed now.
        same_build: whether the same code made both.
    """
    compared = Compared()
    _compare(stored, again, "", compared)
    if not same_build:
        _set_apart(compared, stored, again)
    if not same_build and _was_taken_away(stored, again):
        compared.words += [path for path in compared.differ if path in TAKEN_AWAY]
        compared.differ = [path for path in compared.differ if path not in TAKEN_AWAY]
    if same_build:
        compared.differ = sorted([*compared.differ, *compared.new, *compared.gone, *compared.words])
        compared.new, compared.gone, compared.words = [], [], []
    return compared


def _set_apart(compared: Compared, stored: JsonValue, again: JsonValue) -> None:
    """Take what differs because its method is another one out of the differences."""
    versions_of = [_methods(document) for document in (stored, again)]
    for name, method in versions.METHODS.items():
        before, now = (known.get(name, 1) for known in versions_of)
        if before == now:
            continue
        patterns = [re.escape(path).replace(r"\*", ".*") for path in method.paths]
        pattern = re.compile("|".join(patterns) or "(?!)")
        apart = [path for path in compared.differ if pattern.fullmatch(path)]
        if name == "equivalence" and {_verdict(stored), _verdict(again)} == EQUIVALENCE:
            apart += [path for path in compared.differ if path in TAKEN_AWAY]
        if apart:
            compared.methods[name] = apart
            compared.differ = [path for path in compared.differ if path not in apart]
    compared.differ = [path for path in compared.differ if not path.startswith("methods.")]


def _methods(document: JsonValue) -> dict[str, int]:
    """The versions a document names; one of an earlier build names none."""
    named = document.get("methods") if isinstance(document, dict) else None
    return {n: v for n, v in named.items() if isinstance(v, int)} if isinstance(named, dict) else {}


def _verdict(document: JsonValue) -> JsonValue:
    return document.get("verdict") if isinstance(document, dict) else None


def _was_taken_away(stored: JsonValue, again: JsonValue) -> bool:
    """A build without `standing` took a withheld verdict away; it must be withheld today as well."""
    if not isinstance(stored, dict) or not isinstance(again, dict):
        return False
    standing, notes = again.get("standing"), stored.get("notes")
    noted = str(notes.get("verdict", "")) if isinstance(notes, dict) else ""
    return (
        "standing" not in stored
        and stored.get("verdict", "") is None
        and noted.startswith("withheld: ")
        and isinstance(standing, dict)
        and standing.get("state") == "withheld"
    )


def differences(stored: JsonValue, again: JsonValue) -> list[str]:
    """Paths at which two documents of one build differ."""
    return compare(stored, again).differ


def _compare(stored: JsonValue, again: JsonValue, path: str, compared: Compared) -> None:
    if path in VOLATILE:
        return
    if path == "checks":
        stored, again = _by_id(stored), _by_id(again)
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in sorted({*stored, *again}):
            here = f"{path}.{key}" if path else key
            if here in VOLATILE:
                continue
            if key not in stored:
                compared.new.append(here)
            elif key not in again:
                compared.gone.append(here)
            else:
                _compare(stored[key], again[key], here, compared)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for number, (left, right) in enumerate(zip(stored, again, strict=True)):
            _compare(left, right, f"{path}[{number}]", compared)
    elif not _alike(stored, again):
        text = isinstance(stored, str) and isinstance(again, str)
        text = text or _REMEDY.fullmatch(path) is not None
        (compared.words if text and path not in DECIDED else compared.differ).append(path)


def _by_id(checks: JsonValue) -> JsonValue:
    """The checks by their ids: another build may have more of them, in another order."""
    if not isinstance(checks, list):
        return checks
    return {str(check["id"]): check for check in checks if isinstance(check, dict) and "id" in check}


def _alike(stored: JsonValue, again: JsonValue) -> bool:
    if isinstance(stored, bool) or isinstance(again, bool):
        return stored is again
    if isinstance(stored, (int, float)) and isinstance(again, (int, float)):
        return math.isclose(stored, again, rel_tol=0, abs_tol=TOLERANCE)
    return stored == again
