"""What two files share: a suite's prompts in a training file, or one training file in another.

    report = compare_files(Path("in_domain.toml"), Path("train.jsonl"))
    report.exact, report.near, report.contained, report.examples

A prompt is looked for as a whole among what the rows ask, and inside everything they say (see
`brie.data.near`). A reader of either file never has to be told which kind it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from brie.catalog import read_suite
from brie.data.load import load
from brie.data.near import CONTAINED, FEWEST_WORDS, NEAR, Entry, Match, normal, search
from brie.records import Conversation, Message, Record, Turn

__all__ = [
    "CONTAINED",
    "NEAR",
    "Entry",
    "Match",
    "OverlapReport",
    "asked",
    "compare_files",
    "entries",
    "entries_of",
    "normal",
    "overlaps",
    "search",
    "texts_to_find",
]

_LISTED = 20


class Example(Record):
    """One text of the first file that stands in the second."""

    left: str
    """Prompt id, or `line N`."""
    right: str
    way: str
    similarity: float


class OverlapReport(Record):
    """What `brie data overlap A B` says: how much of A stands in B."""

    left: str
    right: str
    prompts: int
    """Texts of the first file that were looked for."""
    rows: int
    """Rows of the second file."""
    exact: int
    contained: int
    near: int
    examples: tuple[Example, ...]
    """The closest first, at most 20."""

    @property
    def shared(self) -> int:
        """Texts found in any way."""
        return self.exact + self.contained + self.near


def overlaps(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[Match, ...]:
    """Every text of `left` that also stands in `right`, exactly, inside another text, or nearly.

    Args:
        left: texts by key.
        right: texts by key.

    Returns:
        At most one match a left text, the closest one, in the order of `left`.
    """
    wanted = {key: [text] for key, text in left.items()}
    return tuple(search(wanted, (Entry(key, [text], []) for key, text in right.items())).values())


def compare_files(left: Path, right: Path) -> OverlapReport:
    """How much of one file stands in another; suites and training files in any combination.

    Raises:
        InputError: a file cannot be read, or is neither; names the file and line or key.
    """
    wanted, where = _wanted(left), entries_of(right)
    matches = search(wanted, where)
    ordered = sorted(matches.values(), key=lambda m: (-m.similarity, m.left))
    ways = [match.way for match in matches.values()]
    return OverlapReport(
        left=str(left),
        right=str(right),
        prompts=len(wanted),
        rows=len(where),
        exact=ways.count("exact"),
        contained=ways.count("contained"),
        near=ways.count("near"),
        examples=tuple(
            Example(left=m.left, right=m.right, way=m.way, similarity=round(m.similarity, 3))
            for m in ordered[:_LISTED]
        ),
    )


def texts_to_find(messages: Sequence[Message | Turn]) -> list[str]:
    """What of a prompt must not have been trained on: its user turns together, and each long one.

    A short follow-up ("Make it shorter.") says nothing by itself.
    """
    turns = [m.content for m in messages if m.role == "user"]
    alone = [turn for turn in turns if len(turn.split()) >= FEWEST_WORDS]
    return list(dict.fromkeys(["\n".join(turns), *(alone if len(turns) > 1 else [])]))


def entries(rows: Iterable[Conversation]) -> list[Entry]:
    """Training rows as they are looked through; the key is `line N`."""
    return [Entry(f"line {row.line}", asked(row), _answers(row)) for row in rows]


def asked(row: Conversation) -> list[str]:
    """What a row asks: its user turns together, and one by one."""
    turns = [m.content for m in row.messages if m.role == "user"]
    return turns if len(turns) == 1 else ["\n".join(turns), *turns]


def _answers(row: Conversation) -> list[str]:
    return [m.content for m in row.messages if m.role != "user"]


def _wanted(path: Path) -> dict[str, list[str]]:
    if _is_suite(path):
        return {p.id: texts_to_find(p.messages) for p in read_suite(path).prompts}
    return {f"line {row.line}": texts_to_find(row.messages) for row in load(path)}


def entries_of(path: Path, mapping: Mapping[str, str] | None = None) -> list[Entry]:
    """A suite's or training file's texts as they are looked through.

    Raises:
        InputError: it is neither; names the line.
    """
    if not _is_suite(path):
        return entries(load(path, mapping))
    return [
        Entry(p.id, texts_to_find(p.messages), [m.content for m in p.messages if m.role != "user"])
        for p in read_suite(path).prompts
    ]


def _is_suite(path: Path) -> bool:
    """TOML is a suite; of JSON lines, those whose first row has an id and no answer."""
    if path.suffix == ".toml":
        return True
    return _first_row_is_prompt(path)


def _first_row_is_prompt(path: Path) -> bool:
    import json

    if path.exists() and not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8-sig") as handle:
            row = json.loads(next((line for line in handle if line.strip()), "null"))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(row, dict) or "id" not in row or "completion" in row:
        return False
    turns = row.get("messages")
    ends = turns[-1] if isinstance(turns, list) and turns else {}
    return not (isinstance(ends, dict) and ends.get("role") == "assistant")
