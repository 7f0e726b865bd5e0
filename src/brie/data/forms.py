"""Rows as other tools write them, turned into brie's own: `messages`, or `prompt` and `completion`.

    Alpaca      {"instruction": …, "input": …, "output": …, "system": …, "history": [[…, …], …]}
    Dolly       {"instruction": …, "context": …, "response": …}
    ShareGPT    {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}]}
    OpenAI      {"messages": […], "functions": […]} with `function_call`, as it was before `tools`
    Gemini      {"contents": [{"role": "user", "parts": [{"text": …}]}, {"role": "model", …}]}
    columns     {"question": …, "answer": …}, where no other text stands beside them

`brie.data.talks` has the forms of turns.

What the keys of a row do not say is asked for: `--map KEY=PATH` (`brie.data.mapping`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from brie.data.mapping import joined, mapped, parts_of, reached
from brie.data.rendered import turns_of
from brie.data.talks import (
    CHATS,
    Row,
    Used,
    as_function,
    as_list,
    chat_key,
    is_talk,
    is_turn,
    read_talk,
    text_of,
)
from brie.data.turns import kind
from brie.errors import InputError
from brie.number_format import plural
from brie.reading.names import ABOUT, ANSWERS, IDS, MODELS, PROMPTS, role_of

QUESTIONS = tuple(name for name in PROMPTS if name not in CHATS)
"""Keys that hold a question."""
ANSWER_KEYS = tuple(name for name in ANSWERS if name != "text")
"""Keys that hold an answer; `text` may as well be all of a row."""
_PASSAGES = ("input", "context", "passage", "document", "background", "text")
"""Columns that are more likely part of the question than not; read as such only where it is said."""
_BESIDE = {*IDS, *MODELS, *ABOUT, "system_prompt", "label", "labels", "split", "language", "task"}
"""Columns that are plainly about the row."""
_SYSTEMS = ("system_prompt", "system_message", "systemInstruction", "system_instruction")
"""What else a row's system prompt is called."""
_PAIRS = "preference pairs are learned from by --method dpo --prefs FILE; give `messages` here"
_PAIR = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"))
_FOREIGN = {
    "text": "it is no ChatML from end to end, and rendered text hides which tokens are the answer; "
    "give `messages` instead",
    "chosen": _PAIRS,
    "preferred_output": _PAIRS,
}


@dataclass(frozen=True)
class Shaped:
    """A row in brie's own form."""

    row: Row
    key: str = "messages"
    """Where its turns stood, for messages."""
    form: str = ""
    """What it was read as; "" for brie's own form."""
    used: tuple[tuple[str, str], ...] = ()
    """What of the file became what: a key or a speaker's word, and the role."""


@dataclass
class Tally:
    """How the rows of a file were read."""

    counts: dict[str, int] = field(default_factory=dict)
    used: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)

    def add(self, shaped: Shaped) -> None:
        """One row more."""
        if shaped.form:
            self.counts[shaped.form] = self.counts.get(shaped.form, 0) + 1
            self.used.setdefault(shaped.form, {}).update(dict.fromkeys(shaped.used))

    def sentences(self) -> tuple[str, ...]:
        """`Alpaca: instruction + input -> user, output -> assistant; 120 rows`, a line a form."""
        return tuple(
            f"{form}: {_words(self.used[form])}; {plural(count, 'row')}"
            for form, count in self.counts.items()
        )


def _words(used: Iterable[tuple[str, str]]) -> str:
    by_role: dict[str, list[str]] = {}
    for name, role in used:
        by_role.setdefault(role, []).append(name)
    roles = [role for role in ("system", "user", "assistant", "tool") if role in by_role]
    return ", ".join(f"{' + '.join(by_role[role])} -> {role}" for role in roles) or "as it stands"


def shaped(row: Row, mapping: Mapping[str, str]) -> Shaped:
    """A row in brie's own form, whatever tool wrote it.

    Args:
        row: as the file has it.
        mapping: what `--map` said of it.

    Raises:
        InputError: it is of no form that is known, or several readings are possible; the message
            has the `--map` that decides.
    """
    placed, word = with_system(mapped(row, mapping), mapping)
    made = _read(placed, mapping)
    if word is None or (word == "system" and not made.form):
        return made
    form = made.form or ("chat" if "messages" in made.row else "columns")
    return replace(made, form=form, used=((word, "system"), *made.used))


def _read(placed: Row, mapping: Mapping[str, str]) -> Shaped:
    if {"prompt", "completion"} <= mapping.keys():
        return _as_mapped(placed, mapping)
    _refuse_pairs(placed, mapping)
    if (key := chat_key(placed)) is not None:
        return _chat(placed, key, mapping)
    if "prompt" in placed and "completion" in placed:
        _refuse_passages(placed, mapping)
        return Shaped(placed, form="columns" if mapping.keys() & {"prompt", "completion"} else "",
                      used=_pair_words(mapping, "prompt", "completion"))  # fmt: skip
    if not mapping.keys() & {"prompt", "completion"} and (made := _instructed(placed)) is not None:
        return made
    return _pair(placed, mapping)


def is_row(value: Row, mapping: Mapping[str, str]) -> bool:
    """Whether an object that is all of a file is one row, lists in it or not."""
    if {"prompt", "completion"} <= value.keys():
        return True
    if "messages" in mapping and isinstance(reached(value, mapping["messages"]), list):
        return True
    for turns in value.values():
        first = turns[0] if isinstance(turns, list) and turns else None
        if isinstance(first, dict) and first.keys() & {"role", "from", "content", "value", "parts"}:
            return True
    named = {part for path in mapping.values() for part in parts_of(path)}
    return any(isinstance(value.get(key), str) for key in {*QUESTIONS, *ANSWER_KEYS, "text", *named})


# --- turns -----------------------------------------------------------------------------------


def _chat(row: Row, key: str, mapping: Mapping[str, str]) -> Shaped:
    used: Used = {}
    turns = as_list(row[key])
    made = read_talk(row[key], key, mapping, used)
    rest = {name: value for name, value in row.items() if name != key}
    older = isinstance(rest.get("functions"), list)
    if older:
        listed = rest.pop("functions")
        rest.setdefault("tools", [as_function(f) for f in listed] if isinstance(listed, list) else [])
    turned = [turn for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    if any("value" in turn and "from" in turn for turn in turned):
        form = "ShareGPT"
    elif key == "contents":
        form = "Gemini"
    elif older or any("function_call" in turn for turn in turned):
        form = "OpenAI with functions"
    else:
        form = "chat" if used or key != "messages" or "messages" in mapping else ""
    return Shaped({"messages": made, **rest}, key, form, tuple(used))


# --- instruction and output ------------------------------------------------------------------


def _instructed(row: Row) -> Shaped | None:
    """A row of Alpaca's or Dolly's; None where it is none, or could be several."""
    more = [key for key in ("input", "context") if row.get(key) is not None]
    answers = [key for key in ("output", "response") if key in row]
    if "instruction" not in row or len(answers) != 1 or len(more) > 1:
        return None
    for key in ("instruction", *more, *answers):
        if not isinstance(row[key], str):
            raise InputError(f"`{key}` must be a string, found {kind(row[key])}")
    asked = [key for key in ("instruction", *more) if str(row[key]).strip()]
    question: Row = {"role": "user", "content": joined(row, asked)}
    answer: Row = {"role": "assistant", "content": row[answers[0]]}
    messages: list[JsonValue] = [*_history(row.get("history")), question, answer]
    consumed = {"instruction", "input", "context", "output", "response", "history"}
    rest = {key: value for key, value in row.items() if key not in consumed}
    used = [(key, "user") for key in asked] + [(answers[0], "assistant")]
    if (row.get("history") or []) != []:
        used.insert(0, ("history", "user"))
    name = "Dolly" if "context" in row or "response" in answers else "Alpaca"
    return Shaped({"messages": messages, **rest}, "messages", name, tuple(used))


def _history(value: JsonValue) -> list[JsonValue]:
    """Earlier turns: pairs of a question and its answer."""
    pairs = value if isinstance(value, list) else []
    turns: list[JsonValue] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, str) for p in pair):
            raise InputError("`history` must be a list of pairs, each a question and its answer")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return turns


def with_system(row: Row, mapping: Mapping[str, str]) -> tuple[Row, str | None]:
    """A row whose system prompt is called `system` and is text, and what it was called.

    Args:
        row: as the file has it.
        mapping: what `--map` said of it.
    """
    name = next((key for key in ("system", *_SYSTEMS) if row.get(key)), None)
    if name is None:
        return row, None
    rest = {key: value for key, value in row.items() if key not in (name, "system")}
    told = name if name != "system" or not mapping.get("system") else None  # `--map` is told as it is
    return {**rest, "system": text_of(row[name])}, told


# --- columns ---------------------------------------------------------------------------------


def _as_mapped(row: Row, mapping: Mapping[str, str]) -> Shaped:
    rest = {key: value for key, value in row.items() if key != "messages"}
    return Shaped(rest, form="columns", used=_pair_words(mapping, "prompt", "completion"))


def _pair_words(mapping: Mapping[str, str], prompt: str, completion: str) -> tuple[tuple[str, str], ...]:
    asked = [(part, "user") for part in parts_of(mapping.get("prompt", prompt))]
    said = [(part, "assistant") for part in parts_of(mapping.get("completion", completion))]
    system = [(part, "system") for part in parts_of(mapping["system"])] if "system" in mapping else []
    return tuple(system + asked + said)


def _pair(row: Row, mapping: Mapping[str, str]) -> Shaped:
    """A question and its answer in two columns, where there is no doubt which they are.

    Raises:
        InputError: there is.
    """
    named = {key.lower(): key for key in row if isinstance(row[key], str)}
    asked = ["prompt"] if "prompt" in mapping else [named[k] for k in QUESTIONS if k in named]
    said = ["completion"] if "completion" in mapping else [named[k] for k in ANSWER_KEYS if k in named]
    taken = {*asked, *said}
    others = [key for low, key in named.items() if key not in taken and not _is_beside(low)]
    if len(asked) == len(said) == 1 and not others:
        rest = {key: value for key, value in row.items() if key not in taken}
        words = _pair_words(mapping, asked[0], said[0])
        made: Row = {"prompt": row[asked[0]], "completion": row[said[0]], **rest}
        return Shaped(made, form="columns", used=words)
    if not (asked or said) and (chat := _rendered(row)) is not None:
        return chat
    for key, advice in _FOREIGN.items():
        if key in row and not (asked or said or named.get("label")):
            raise InputError(
                f"has `{key}` but neither `messages` nor `prompt` and `completion`; {advice}"
            )
    raise InputError(_which(row, asked=asked, said=said, others=others, mapping=mapping))


def _rendered(row: Row) -> Shaped | None:
    """A chat that stands as one text; None where the row has none."""
    text = row.get("text")
    turns = turns_of(text) if isinstance(text, str) else None
    if turns is None:
        return None
    messages: list[JsonValue] = [{"role": role, "content": content} for role, content in turns]
    rest = {key: value for key, value in row.items() if key != "text"}
    used = tuple(dict.fromkeys(("text", role) for role, _ in turns))
    return Shaped({"messages": messages, **rest}, "text", "ChatML text", used)


def _refuse_pairs(row: Row, mapping: Mapping[str, str]) -> None:
    """Rows of two answers, a better and a worse one, and no answer beside them.

    Raises:
        InputError: it is one.
    """
    pair = next((keys for keys in _PAIR if all(row.get(key) for key in keys)), None)
    key = chat_key(row)
    turns = as_list(row[key]) if key else None
    last = turns[-1] if isinstance(turns, list) and turns else None
    answered = is_turn(last) and isinstance(last, dict) and role_of(str(last.get("role"))) == "assistant"
    if pair is None or answered or "completion" in row or mapping.keys() & {"completion", "messages"}:
        return
    raise InputError(
        f"has `{pair[0]}` and `{pair[1]}` but neither `messages` nor `prompt` and `completion`; {_PAIRS}"
    )


def _refuse_passages(row: Row, mapping: Mapping[str, str]) -> None:
    """A text beside a question that is likely part of it: whether it is, is asked.

    Raises:
        InputError: there is one; has both `--map` that would do.
    """
    asked, said = row["prompt"], row["completion"]
    if "prompt" in mapping or not isinstance(asked, str) or not isinstance(said, str):
        return
    for key in row:
        text = row[key]
        if key.lower() not in _PASSAGES or not isinstance(text, str) or not text.strip():
            continue
        if text.strip() not in asked and asked.strip() not in text:
            raise InputError(
                f"has `{key}` beside `prompt` and `completion`; say whether it is part of the question: "
                f"--map prompt=prompt+{key}, or not: --map prompt=prompt"
            )


def _is_beside(name: str) -> bool:
    """Whether a column, in small letters, is plainly about the row; pandas calls its numbers so."""
    return name in _BESIDE or re.fullmatch(r"unnamed: \d+", name) is not None


def _is_texts(value: JsonValue) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(text, str) for text in value)


def _talks(row: Row) -> list[str]:
    """Where in a row turns may stand: its keys, and those of objects in it."""
    inner = [f"{k}.{name}" for k, v in row.items() if isinstance(v, dict) for name in v]
    return [path for path in (*row, *inner) if is_talk(reached(row, path))]


def _which(
    row: Row, *, asked: list[str], said: list[str], others: list[str], mapping: Mapping[str, str]
) -> str:
    """The question that only the person who has the file can answer, with a command that would do."""
    keys = [key for key in row if key not in ("prompt", "completion") or key not in mapping]
    if not (asked or said) and (path := next(iter(_talks(row)), None)):
        return (
            "has neither `messages` nor `prompt` and `completion`; if a list of turns is meant, say "
            f"which: --map messages={path}"
        )
    texts = next((key for key in keys if _is_texts(row[key])), None)
    if texts and not (asked or said):
        return f"`{texts}` is a list of texts that does not say who speaks; write `messages` instead"
    if is_turn(row):
        return (
            "is a turn, not a row: a row holds the turns of a whole conversation, "
            '{"messages": [{"role": …, "content": …}, …]}'
        )
    beside = [key for key in (*asked, *others) if key.lower() in _PASSAGES]
    free = [key for key in keys if isinstance(row[key], str) and key not in said]
    free = [key for key in free if not _is_beside(key.lower())]
    plain = [key for key in asked if key not in beside]
    question = next(iter([*plain, *beside, *free]), "KEY")
    prompt = "+".join(dict.fromkeys([question, *beside]))
    label = [key for key in row if key.lower() in ("label", "labels")]
    left = [key for key in free if key not in prompt.split("+")]
    answer = next(iter([*said, *label, *left]), "KEY")
    said_of = {"prompt": mapping.get("prompt", prompt), "completion": mapping.get("completion", answer)}
    example = " ".join(f"--map {key}={path}" for key, path in said_of.items() if key != path)
    unread = [key for key in (*said, *left) if key != answer]
    rest = f" (which leaves out {', '.join(f'`{key}`' for key in unread)})" if unread else ""
    return (
        "has neither `messages` nor `prompt` and `completion`; say which of its keys "
        f"({', '.join(keys)}) are the question and the answer, for example {example}{rest}"
    )
