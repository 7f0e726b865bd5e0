"""Preference pairs in a file: what was asked, the better answer and the worse one, and who said so.

    {"prompt": [{"role": "user", "content": "…"}], "chosen": [{"role": "assistant", "content": "…"}],
     "rejected": [{"role": "assistant", "content": "…"}], "margin": 1.0, "agreement": 1.0,
     "judges": [{"judge": "claude-haiku", "model": "…", "digest": "sha256:…",
                 "chosen_first": "chosen", "chosen_second": "chosen"}],
     "people": {"chosen": 0, "rejected": 0, "tie": 0}, "prompt_digest": "sha256:…",
     "suite": "…", "suite_digest": "sha256:…", "evaluation": "eval-…", "seal": "sha256:…", …}

The names `prompt`, `chosen` and `rejected` are TRL's. Rows of other tools are read as well
(`brie.data.pair_forms`): strings instead of turns, or whole conversations under `chosen` and `rejected`
whose common beginning is the prompt. They say nothing of their judges, and then nothing is known of
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue, ValidationError

from brie.data.load import Problem, stored_rows
from brie.data.near import normal
from brie.data.overlap import texts_to_find
from brie.data.pair_forms import as_pair
from brie.data.rows import to_conversation
from brie.data.turns import Remarks, kind
from brie.digest import digest, text_digest
from brie.errors import InputError
from brie.records import Conversation, Message, Record, Turn

PAIR_KEYS = ("chosen", "rejected")
_PARTS = (*PAIR_KEYS, "prompt", "messages", "completion", "label")
"""Keys of a row that are the pair itself, or say of a single answer what a pair does not have."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Teacher(Record):
    """A judge whose verdicts made pairs."""

    id: str
    """As the evaluation called it."""
    model: str
    """The provider's name of it; of a rule its own."""
    family: str | None = None


@dataclass(frozen=True)
class PairFile:
    """The pairs of a file."""

    chosen: tuple[Conversation, ...]
    """A pair a row: the prompt with the better answer, which alone is learned."""
    rejected: Mapping[int, Conversation]
    """Line -> the same prompt with the worse answer."""
    prompts: tuple[str, ...] = ()
    """Digests of what was asked (`asked_digest`), sorted."""
    teachers: tuple[Teacher, ...] = ()
    suites: tuple[str, ...] = ()
    """Names of the suites the prompts came from."""
    evaluations: tuple[str, ...] = ()
    unsigned: int = 0
    """Pairs that do not say who judged them."""

    def of(self, rows: Sequence[Conversation]) -> tuple[Conversation, ...]:
        """The worse answers to some of the rows, in their order."""
        return tuple(self.rejected[row.line] for row in rows)


def asked_digest(messages: Sequence[Message | Turn]) -> str:
    """Digest of what a conversation asks: its user turns, up to case, spacing and punctuation."""
    return text_digest(normal(texts_to_find(messages)[0]))


def pairs_digest(chosen: Sequence[Conversation], rejected: Sequence[Conversation]) -> str:
    """Digest of what training sees of pairs: turns and labels in order, not their line numbers."""
    rows = [
        [row.model_dump(mode="json", exclude={"line"}) for row in pair]
        for pair in zip(chosen, rejected, strict=True)
    ]
    return digest(rows)


def load_pairs(path: Path) -> PairFile:
    """Every pair of a file.

    Raises:
        InputError: it cannot be read, has no row, or a row is no pair; names the file and the line.
    """
    chosen: list[Conversation] = []
    rejected: dict[int, Conversation] = {}
    origins = _Origins()
    for item in stored_rows(path, {}, Remarks()).rows:
        if isinstance(item, Problem):
            raise InputError(f"{path}:{item.line}: {item.text}.")
        line, value = item
        try:
            better, worse = _pair(value, line)
            origins.add(value if isinstance(value, dict) else {}, better)
        except InputError as error:
            raise InputError(f"{path}:{line}: {error}.") from error
        chosen.append(better)
        rejected[line] = worse
    if not chosen:
        raise InputError(f"{path} holds no pairs; expected one JSON object a line.")
    return origins.complete(PairFile(tuple(chosen), rejected))


def _pair(value: JsonValue, line: int) -> tuple[Conversation, Conversation]:
    """One row as two conversations of one prompt.

    Raises:
        InputError: something is missing, empty, or the same on both sides.
    """
    if not isinstance(value, dict):
        raise InputError(f"expected a JSON object, found {kind(value)}")
    value = as_pair(value)
    missing = [key for key in PAIR_KEYS if value.get(key) is None]
    if missing:
        named = " and ".join(f"`{key}`" for key in missing)
        raise InputError(
            f"has no {named}; a pair has `prompt`, `chosen` and `rejected` (brie data prefs writes them)"
        )
    better, worse = (_conversation(value, key, line) for key in PAIR_KEYS)
    if better.messages[:-1] != worse.messages[:-1]:
        raise InputError("`chosen` and `rejected` answer different prompts")
    if better.messages[-1].content == worse.messages[-1].content:
        raise InputError("`chosen` and `rejected` are the same text, which prefers nothing")
    return better, worse


def _conversation(row: Mapping[str, JsonValue], key: str, line: int) -> Conversation:
    """The prompt with one of its answers, of which only that answer is learned.

    Raises:
        InputError: a part of it is missing or wrong, or a whole conversation does not ask the prompt.
    """
    answer, prompt = row[key], row.get("prompt")
    about = {name: value for name, value in row.items() if value and name not in _PARTS}
    if _is_whole(answer):
        made = to_conversation({"messages": answer, **about}, line, key=key)
        if prompt is not None and not _asks(made, prompt):
            raise InputError(f"the conversation in `{key}` does not ask the `prompt`")
    elif prompt is None:
        raise InputError(f"has no `prompt`, and `{key}` holds no conversation")
    else:
        made = to_conversation({"prompt": prompt, "completion": answer, **about}, line, key=key)
    last = len(made.messages) - 1
    turns = [
        turn.model_copy(update={"learned": turn.role != "assistant" or at == last})
        for at, turn in enumerate(made.messages)
    ]
    return made.model_copy(update={"messages": tuple(turns)})


def _is_whole(answer: JsonValue) -> bool:
    """Whether an answer is a conversation with its prompt, not what comes after one."""
    first = answer[0] if isinstance(answer, list) and len(answer) > 1 else None
    return isinstance(first, dict) and first.get("role") != "assistant"


def _asks(conversation: Conversation, prompt: JsonValue) -> bool:
    """Whether a prompt, as text or turns, is what a conversation asks; one as text may be all of it."""
    last = prompt[-1] if isinstance(prompt, list) and prompt else prompt
    text = last.get("content") if isinstance(last, dict) else last
    if not isinstance(text, str):
        return False
    asked = [normal(turn.content) for turn in conversation.messages if turn.role == "user"]
    return any(one in normal(text) or normal(text) in one for one in asked)


class _Origins:
    """What rows say of where they came from, added up."""

    def __init__(self) -> None:
        self._prompts: set[str] = set()
        self._teachers: dict[str, Teacher] = {}
        self._suites: set[str] = set()
        self._evaluations: set[str] = set()
        self._unsigned = 0

    def add(self, row: Mapping[str, JsonValue], better: Conversation) -> None:
        """One row more; a prompt that was edited since stands under both digests.

        Raises:
            InputError: a judge of it is none.
        """
        self._prompts.add(asked_digest(better.messages))
        given = row.get("prompt_digest")
        if isinstance(given, str) and _DIGEST.fullmatch(given):  # another tool's may be anything
            self._prompts.add(given)
        for key, names in (("suite", self._suites), ("evaluation", self._evaluations)):
            if isinstance(name := row.get(key), str):
                names.add(name)
        judges = row.get("judges")
        if not isinstance(judges, list) or not judges:
            self._unsigned += 1
            return
        for judge in judges:
            teacher = _teacher(judge)
            self._teachers.setdefault(f"{teacher.id} {teacher.model}", teacher)

    def complete(self, pairs: PairFile) -> PairFile:
        """The pairs with what their rows say."""
        return replace(
            pairs,
            prompts=tuple(sorted(self._prompts)),
            teachers=tuple(self._teachers[key] for key in sorted(self._teachers)),
            suites=tuple(sorted(self._suites)),
            evaluations=tuple(sorted(self._evaluations)),
            unsigned=self._unsigned,
        )


def _teacher(judge: JsonValue) -> Teacher:
    if isinstance(judge, str):
        return Teacher(id=judge, model=judge)
    if not isinstance(judge, dict):
        raise InputError(f"`judges` must be a list of judges, found {kind(judge)} in it")
    try:
        return Teacher.model_validate(
            {"id": judge.get("judge"), "model": judge.get("model") or judge.get("judge"),
             "family": judge.get("family")}
        )  # fmt: skip
    except ValidationError as error:
        raise InputError("a judge of `judges` has no `judge`, its name") from error
