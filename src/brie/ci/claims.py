"""Numbers in a text that cite an evaluation: do they still say what the store says?

A claim is a comment, which no reader sees, and the number or words that follow it:

    won <!-- brie:win_rate eval-in-domain-1a2b3c4d -->71 % of comparisons
    (95 % interval <!-- brie:win_rate.interval eval-in-domain-1a2b3c4d -->62 to 79 %),
    so it is <!-- brie:verdict eval-in-domain-1a2b3c4d -->better.

After `brie:` stands a path into `analysis.json` (`win_rate`, `win_rate.low`, `counts.prompts`,
`by_category.maths.win_rate`, `checks.length`), then an evaluation: its id, the end of its id, or
its name. What else can be cited is in `claim_sources`: a training run, suites, an export. Places in a
list are numbers (`evaluations.0.loss`), and what a marker cannot hold is written as in an address
(`seen%20sources`). A number holds if it is the stored one rounded as it is written; words hold if they
are the stored ones. In the metadata of a model card the marker follows: `value: 0.71 # brie:win_rate
EVAL`. Fenced code and code spans are examples, and are not read, but for the words of a claim.

A text with `<!-- brie:every-number -->`, as a model card has it, claims that no number of it stands
without a claim: one that does fails as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pydantic import JsonValue

from brie.ci.claim_sources import Cited, cited_document
from brie.ci.claim_texts import Claim, find_claims, numbers_without_claim, says_every_number
from brie.digest import PREFIX
from brie.errors import InputError, UsageError
from brie.project import Project
from brie.report.clean import one_line
from brie.report.markdown import code_span, escape, prose

__all__ = ["MARKER", "Answer", "Claim", "check_claims", "find_claims"]

MARKER = "<!-- brie:win_rate EVAL -->71 %"
_NUMBER = r"[-+−–]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LEAD = r"[^\w&<>≤≥≠−–+-]*"
"""What may stand between a marker and its number: no sign, no bound and no entity, which change it."""
_GOES_ON = r"(?![.,^]?\d|\s*[‰×·]|\s?(?:[kKMBGT]|bn|million|billion|thousand|hundred)\b)"
"""After a number: nothing that makes another one of it."""
_ONE = re.compile(
    rf"{_LEAD}({_NUMBER}){_GOES_ON}\s*(%|percent\b|per cent\b|points?\b|of (?:every )?100\b)?"
)
_TWO = re.compile(
    rf"{_LEAD}({_NUMBER})\s*(%)?\s*(?:–|—|-|to|,|;|and)\s*({_NUMBER}){_GOES_ON}\s*"
    r"(%|percent\b|per cent\b)?"
)
_WORD = re.compile(r"\W*?([A-Za-z_]+)")
_PLAIN_WORD = re.compile(r"[A-Za-z_]+")
_FINGERPRINT = re.compile(r"`(?:sha256:)?([0-9a-f]{12,64})`")
_INTERVAL = ".interval"
_MAIN = ("value", "effect", "win_rate")
"""Keys that stand for the table they are in."""
_SHOWN = 60
"""Signs shown of words that are not the stored ones."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one claim."""

    line: int
    what: str
    holds: bool


@dataclass(frozen=True, slots=True)
class _Compared:
    """Whether a text says what is stored, in words, and how many signs of it say so."""

    holds: bool
    what: str
    length: int


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
    return check_text(text, project, file)


def check_text(text: str, project: Project, file: Path) -> list[Answer]:
    """Compare every claim of a text with the store; see `check_claims`.

    Args:
        text: the text.
        project: where what it cites is.
        file: where the text lies or will lie: what it cites of an export lies beside it.
    """
    text = text.replace("\r\n", "\n")
    claims = list(find_claims(text))
    every = says_every_number(text)
    if not claims and not every:
        raise UsageError(f"{file} cites no evaluation. Mark a number like this: {MARKER}")
    documents = _Documents(project, file.parent)
    answers, claimed = [], []
    for claim in claims:
        answer, length = _answer(claim, documents)
        answers.append(answer)
        claimed.append((claim.start, claim.start + length))
    if every:
        bare = "stands without a claim: nothing confirms it"
        left = numbers_without_claim(text, claimed)
        answers += [Answer(line, f"{number} {bare}", False) for line, number in left]
    return answers


class _Documents:
    """What a text cites, each read once, be it there or not."""

    def __init__(self, project: Project, folder: Path) -> None:
        self._project, self._folder = project, folder
        self._read: dict[str, Cited | UsageError] = {}

    def __call__(self, name: str) -> Cited:
        """A cited document.

        Raises:
            UsageError: nothing can be quoted from it.
        """
        if name not in self._read:
            try:
                self._read[name] = cited_document(name, self._project, self._folder)
            except UsageError as error:
                self._read[name] = error
        document = self._read[name]
        if isinstance(document, UsageError):
            raise document
        return document


def _answer(claim: Claim, documents: _Documents) -> tuple[Answer, int]:
    """What became of a claim, and how many signs of the text are its own."""
    try:
        if not claim.evaluation:
            raise UsageError(f"names no evaluation; write it like this: {MARKER}")
        compared = _compare(claim, documents(claim.evaluation))
    except UsageError as error:
        return Answer(claim.line, f"{claim.path}: {error}", False), _length_of_number(claim.text)
    what = f"{claim.path} of {claim.evaluation}: {compared.what}"
    return Answer(claim.line, what, compared.holds), compared.length


def _length_of_number(text: str) -> int:
    match = _ONE.match(text)
    return match.end() if match else 0


def _compare(claim: Claim, document: Cited) -> _Compared:
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
        what = f"the text quotes a value, but there is none: {reason}"
        return _Compared(False, what, _length_of_number(claim.text))
    return _words(claim, value) if isinstance(value, str) else _number(claim.text, float(value))


def _words(claim: Claim, value: str) -> _Compared:
    """Words as they are stored: one, a text as Markdown shows it, or the start of a fingerprint."""
    if _PLAIN_WORD.fullmatch(value) and not claim.written.startswith("`"):
        word = _WORD.match(claim.text)
        written = word[1].lower() if word else ""
        what = f"the text says {written or 'nothing'}, the store {value}"
        return _Compared(written == value.lower(), what, word.end() if word else 0)
    hexadecimal = _FINGERPRINT.match(claim.written)
    if value.startswith(PREFIX) and hexadecimal:
        holds = value.removeprefix(PREFIX).startswith(hexadecimal[1])
        what = f"the text says {hexadecimal[0]}, the store {value}"
        return _Compared(holds, what, hexadecimal.end())
    code = code_span(value)
    bars = (code.replace("¦", "|"), code.replace("¦", "\\|"))
    forms = (escape(value), prose(value), code, *bars, one_line(value, 2_000), value)
    form = next((form for form in forms if form and _begins(claim.written, form)), None)
    if form is not None:
        return _Compared(True, f"the text says {one_line(value, _SHOWN)}, as the store", len(form))
    written, stored = (one_line(text, _SHOWN) for text in (claim.written, value))
    return _Compared(False, f"the text says {written or 'nothing'}, the store {stored}", 0)


def _begins(written: str, form: str) -> bool:
    """Whether a text begins with these words, and they end there."""
    return written.startswith(form) and not written[len(form) : len(form) + 1].isalnum()


def _number(text: str, value: float) -> _Compared:
    match = _ONE.match(text)
    if match is None:
        raise UsageError("no number follows the marker")
    what = f"the text says {match[0].strip()}, the store {_shown(value)}"
    return _Compared(same_number(match[1], match[2], value), what, match.end())


def _interval(text: str, low: float, high: float) -> _Compared:
    match = _TWO.match(text)
    if match is None:
        raise UsageError("no two numbers follow the marker")
    unit = match[4] or match[2]
    holds = same_number(match[1], unit, low) and same_number(match[3], unit, high)
    what = f"the text says {match[0].strip()}, the store {_shown(low)} to {_shown(high)}"
    return _Compared(holds, what, match.end())


def same_number(written: str, unit: str | None, value: float) -> bool:
    """Whether a written number is the value, rounded to as many digits as are written.

    With a unit, and where a share is written above 1, hundredths are meant.
    """
    plain = written.replace(",", "").translate({ord("−"): "-", ord("–"): "-"})
    digits, _, power = plain.lower().partition("e")
    number, exponent = float(plain), int(power or 0) - len(digits.partition(".")[2])
    hundredths = unit is not None or (abs(value) <= 1 < abs(number))
    stored = 100 * value if hundredths else value
    return abs(number - stored) <= 0.5 * 10.0**exponent * (1 + 1e-9) + 1e-9 * min(1, abs(stored))


def _look_up(document: Mapping[str, JsonValue], path: str) -> JsonValue:
    """The value at a dotted path; keys may hold dots themselves.

    Raises:
        UsageError: no such path; what there is, is listed.
    """
    for way in dict.fromkeys((path, unquote(path))):
        for value in _values(document, way):
            return value
    raise UsageError(f"no {path!r} there; known: {', '.join(list(document)[:24])}")


def _values(value: JsonValue | Mapping[str, JsonValue], path: str) -> Iterator[JsonValue]:
    """What stands at a path, by every way of reading its dots."""
    keys: Mapping[str, JsonValue] = (
        {str(place): item for place, item in enumerate(value)} if isinstance(value, list)
        else value if isinstance(value, Mapping) else {}
    )  # fmt: skip
    if path in keys:
        yield keys[path]
    for key, inner in keys.items():
        if path.startswith(f"{key}."):
            yield from _values(inner, path[len(key) + 1 :])


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
