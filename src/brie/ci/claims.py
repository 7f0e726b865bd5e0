"""Numbers in a text that cite an evaluation: do they still say what the store says?

A claim is a comment, which no reader sees, and the number or word that follows it:

    won <!-- brie:win_rate eval-in-domain-1a2b3c4d -->71 % of comparisons
    (95 % interval <!-- brie:win_rate.interval eval-in-domain-1a2b3c4d -->62 to 79 %),
    so it is <!-- brie:verdict eval-in-domain-1a2b3c4d -->better.

After `brie:` stands a path into `analysis.json` (`win_rate`, `win_rate.low`, `counts.prompts`,
`by_category.maths.win_rate`, `checks.length`), then an evaluation: its id, the end of its id, or
its name. A number holds if it is the stored one rounded as it is written. Fenced code and code
spans are examples, and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import JsonValue

from brie.checks.standing import standing_of
from brie.errors import InputError, UsageError
from brie.evaluation.assemble import assemble
from brie.evaluation.folders import Evaluation, find_evaluation
from brie.evaluation.gather import gather
from brie.project import Project
from brie.records.analysis import Analysis
from brie.store import Store

MARKER = "<!-- brie:win_rate EVAL -->71 %"
_MARKER = re.compile(r"<!--\s*brie:(?P<body>.*?)\s*-->")
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
_INLINE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_NUMBER = r"[-+−]?\d[\d,]*(?:\.\d+)?"
_ONE = re.compile(rf"\W*?({_NUMBER})\s*(%|percent\b|per cent\b|points?\b|of every 100\b)?")
_TWO = re.compile(
    rf"\W*?({_NUMBER})\s*(%)?\s*(?:–|—|-|to|,|;|and)\s*({_NUMBER})\s*(%|percent\b|per cent\b)?"
)
_WORD = re.compile(r"\W*?([A-Za-z_]+)")
_INTERVAL = ".interval"
_MAIN = ("value", "effect", "win_rate")
"""Keys that stand for the table they are in."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A marker and what follows it."""

    line: int
    path: str
    evaluation: str
    text: str
    """The rest of the paragraph."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one claim."""

    line: int
    what: str
    holds: bool


def check_claims(file: Path, project: Project) -> list[Answer]:
    """Compare every claim of a file with the store.

    Raises:
        InputError: the file cannot be read.
        UsageError: it makes no claim, so that comparing it proves nothing.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}.") from error
    claims = list(find_claims(text))
    if not claims:
        raise UsageError(f"{file} cites no evaluation. Mark a number like this: {MARKER}")
    documents = lru_cache(maxsize=None)(lambda name: _document(name, project))
    return [_answer(claim, documents) for claim in claims]


def find_claims(text: str) -> Iterator[Claim]:
    """The claims of a Markdown text, in its order; those inside code are examples."""
    prose = _without_code(text)
    for match in _MARKER.finditer(prose):
        path, _, evaluation = match["body"].partition(" ")
        rest = prose[match.end() :].split("\n\n", 1)[0].split("<!--", 1)[0]
        yield Claim(prose[: match.start()].count("\n") + 1, path, evaluation.strip(), rest)


def _without_code(text: str) -> str:
    """The text with code blocks and code spans blanked; lines keep their numbers."""
    lines, fence = [], ""
    for line in text.splitlines():
        opening = _FENCE.match(line)
        if fence:
            fence = "" if opening and opening[1].startswith(fence) else fence
            lines.append("")
        elif opening:
            fence = opening[1]
            lines.append("")
        else:
            lines.append(_INLINE.sub(lambda span: " " * len(span[0]), line))
    return "\n".join(lines)


def _document(name: str, project: Project) -> dict[str, JsonValue]:
    """An evaluation's numbers, from the store; a verdict that does not stand is not quoted bare."""
    if name.startswith("@"):
        raise UsageError(f"{name} is another evaluation after the next one; a claim cites an id.")
    evaluation = find_evaluation(name, project)
    with Store.open(project.store, read_only=True) as store:
        analysis = assemble(gather(evaluation.manifest, store), store)
    if analysis.interim:
        raise UsageError(f"{evaluation.manifest.id} is not finished, so nothing can be quoted from it.")
    document = analysis.written()
    why = _doubt(evaluation)
    if why:
        notes = document.get("notes")
        document["verdict"] = None
        document["notes"] = {**(notes if isinstance(notes, dict) else {}), "verdict": why}
    document["checks"] = {check.id: check.status for check in analysis.checks}
    return document


def _doubt(evaluation: Evaluation) -> str:
    """Why the verdict of the numbers beside the manifest does not stand by itself; "" where it does."""
    try:
        stored = Analysis.read(evaluation.analysis_file.read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    standing = standing_of(stored)
    if standing is None or standing.state == "stands":
        return ""
    return f"it is {standing.state}: {'; '.join(reason.text for reason in standing.reasons)}"


def _answer(claim: Claim, documents: Callable[[str], Mapping[str, JsonValue]]) -> Answer:
    try:
        if not claim.evaluation:
            raise UsageError(f"names no evaluation; write it like this: {MARKER}")
        compared = _compare(claim, documents(claim.evaluation))
    except UsageError as error:
        return Answer(claim.line, f"{claim.path}: {error}", False)
    return Answer(claim.line, f"{claim.path} of {claim.evaluation}: {compared[1]}", compared[0])


def _compare(claim: Claim, document: Mapping[str, JsonValue]) -> tuple[bool, str]:
    """Whether the text says what the store says, and both in words."""
    if claim.path.endswith(_INTERVAL):
        table = _look_up(document, claim.path.removesuffix(_INTERVAL))
        low, high = (table.get(end) if isinstance(table, dict) else None for end in ("low", "high"))
        if not isinstance(low, float) or not isinstance(high, float):
            raise UsageError("there is no interval")
        return _interval(claim.text, low, high)
    value = _main(_look_up(document, claim.path))
    if value is None:
        notes = document.get("notes")
        reason = notes.get(claim.path) if isinstance(notes, dict) else None
        reason = reason or "the store gives no value"
        return False, f"the text quotes a value, but there is none: {reason}"
    if isinstance(value, str):
        word = _WORD.match(claim.text)
        written = word[1].lower() if word else ""
        return written == value.lower(), f"the text says {written or 'nothing'}, the store {value}"
    return _number(claim.text, float(value))


def _number(text: str, value: float) -> tuple[bool, str]:
    match = _ONE.match(text)
    if match is None:
        raise UsageError("no number follows the marker")
    return _same(
        match[1], match[2], value
    ), f"the text says {match[0].strip()}, the store {_shown(value)}"


def _interval(text: str, low: float, high: float) -> tuple[bool, str]:
    match = _TWO.match(text)
    if match is None:
        raise UsageError("no two numbers follow the marker")
    unit = match[4] or match[2]
    holds = _same(match[1], unit, low) and _same(match[3], unit, high)
    return holds, f"the text says {match[0].strip()}, the store {_shown(low)} to {_shown(high)}"


def _same(written: str, unit: str | None, value: float) -> bool:
    """Whether a written number is the value, rounded to as many digits as are written.

    With a unit, and where a share is written above 1, hundredths are meant.
    """
    plain = written.replace(",", "").replace("−", "-")
    number, digits = float(plain), len(plain.partition(".")[2])
    hundredths = unit is not None or (abs(value) <= 1 < abs(number))
    stored = 100 * value if hundredths else value
    return abs(number - stored) <= 0.5 * 10.0**-digits + 1e-9


def _look_up(document: Mapping[str, JsonValue], path: str) -> JsonValue:
    """The value at a dotted path; keys may hold dots themselves.

    Raises:
        UsageError: no such path; what there is, is listed.
    """
    if path in document:
        return document[path]
    for key, inner in document.items():
        if path.startswith(f"{key}.") and isinstance(inner, dict):
            return _look_up(inner, path[len(key) + 1 :])
    raise UsageError(f"no {path!r} there; known: {', '.join(list(document)[:24])}")


def _main(value: JsonValue) -> float | str | None:
    """The one figure a value stands for.

    Raises:
        UsageError: it stands for several, or for none.
    """
    if isinstance(value, dict):
        key = next((key for key in _MAIN if key in value), None)
        if key is None:
            raise UsageError(f"that holds several figures; add one of: {', '.join(value)}")
        return _main(value[key])
    if isinstance(value, list):
        raise UsageError("that is a list, not a figure")
    return str(value).lower() if isinstance(value, bool) else value


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4g}"
