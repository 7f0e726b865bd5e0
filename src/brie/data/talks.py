"""Turns as other tools write them, turned into turns with `role` and `content`.

    ShareGPT    [{"from": "human", "value": …}, {"from": "gpt", "value": …}]
    XTuner      [{"system": …, "input": …, "output": …}, {"input": …, "output": …}]
    Firefly     [{"human": …, "assistant": …}, …]
    OpenAI      [{"role": "assistant", "function_call": {…}}], as it was before `tool_calls`
    columns     {"role": ["user", …], "content": ["…", …]}, a list of objects as some tables keep it

A list may also stand as JSON text, or as Python writes one. Who speaks is never guessed.
"""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Mapping

from pydantic import JsonValue

from brie.data.mapping import ROLE, TURN
from brie.data.turns import ROLES
from brie.errors import InputError
from brie.reading.names import role_of

Row = dict[str, JsonValue]
Used = dict[tuple[str, str], None]
"""What of a file became what: a key or a speaker's word, and the role."""
CHATS = ("messages", "conversations", "conversation", "contents")
"""Keys that hold a list of turns."""
_SPEAKERS = ("speaker", "sender", "author", "who", "name", "user")
_HALVES = {"input": "user", "output": "assistant"}
"""Keys of an object that is a question and its answer, beside the words for speakers."""
_NAMES = {"role", *TURN["role"]}
_TEXTS = {"content", *TURN["content"]}


def chat_key(row: Row) -> str | None:
    """The key of a row's turns; None where it has none."""
    if "messages" in row:
        return "messages"
    return next((key for key in CHATS if isinstance(as_list(row.get(key)), list)), None)


def as_list(value: JsonValue) -> JsonValue:
    """A list; also one that a table holds as text, or an object of columns."""
    if isinstance(value, dict):
        return _of_columns(value)
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        decoded: JsonValue = json.loads(value)
        return decoded
    except (ValueError, RecursionError):
        pass
    try:
        literal = ast.literal_eval(value.strip())
        plain: JsonValue = json.loads(json.dumps(literal))
        return plain if isinstance(plain, list) else value
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return value


def _of_columns(value: Row) -> JsonValue:
    """`{"role": [...], "content": [...]}` as a list of objects; anything else as it is."""
    lengths = {len(column) if isinstance(column, list) else -1 for column in value.values()}
    if not value.keys() & _NAMES or not value.keys() & _TEXTS or len(lengths) > 1 or -1 in lengths:
        return value
    columns = {key: column for key, column in value.items() if isinstance(column, list)}
    return [{key: column[at] for key, column in columns.items()} for at in range(lengths.pop())]


def is_turn(value: JsonValue) -> bool:
    """Whether an object is one turn of a conversation."""
    return isinstance(value, dict) and bool(value.keys() & _NAMES and value.keys() & _TEXTS)


def is_talk(value: JsonValue) -> bool:
    """Whether a value looks like turns, whatever their keys are."""
    turns = as_list(value)
    return isinstance(turns, list) and len(turns) > 1 and all(isinstance(t, dict) for t in turns)


def read_talk(value: JsonValue, key: str, mapping: Mapping[str, str], used: Used) -> list[JsonValue]:
    """Turns with `role` and `content`; what is odd about one is left for the reader of turns.

    Args:
        value: as the row has it.
        key: what the row calls it, for messages.
        mapping: what `--map` said of the keys of a turn and of its speakers.
        used: what became what is added here.

    Raises:
        InputError: it is no list of turns, or does not say who speaks; names the `--map` that would do.
    """
    turns = as_list(value)
    if isinstance(turns, str) and turns.lstrip().startswith("["):
        raise InputError(
            f"`{key}` is text that is no JSON, as a data frame prints a list; save the rows as JSON "
            'lines instead: df.to_json(FILE, orient="records", lines=True)'
        )
    if not isinstance(turns, list) or not turns:
        raise InputError(f"`{key}` must be a list of turns with at least one in it")
    if all(isinstance(turn, str) for turn in turns):
        raise InputError(
            f"`{key}` is a list of texts that does not say who speaks; write every turn as an object "
            "with `role` and `content`"
        )
    made = [
        _turn(part, f"{key}[{at}]", mapping, used)
        for at, turn in enumerate(turns)
        for part in _unfolded(turn, mapping, used)
    ]
    _refuse_strangers(made, key)
    return made


def _unfolded(turn: JsonValue, mapping: Mapping[str, str], used: Used) -> list[JsonValue]:
    """The turns of an object whose keys are the speakers; a turn by itself as it is."""
    if not isinstance(turn, dict) or turn.keys() & {*_NAMES, *_TEXTS, *mapping.values()}:
        return [turn]
    said = {
        key: _HALVES.get(key.lower()) or role_of(key) for key, v in turn.items() if isinstance(v, str)
    }
    roles = [role for role in said.values() if role is not None]
    if len(roles) < len(said) or len(set(roles)) < len(roles) or not {"user", "assistant"} <= set(roles):
        return [turn]
    rest = {key: value for key, value in turn.items() if key not in said and value is not None}
    made: list[JsonValue] = []
    for key, role in sorted(said.items(), key=lambda pair: ROLES.index(pair[1] or "tool")):
        if role == "system" and not turn[key]:
            continue
        used[key, str(role)] = None
        made.append({"role": role, "content": turn[key], **(rest if role == "assistant" else {})})
    return made


def _turn(turn: JsonValue, where: str, mapping: Mapping[str, str], used: Used) -> JsonValue:
    if not isinstance(turn, dict):
        return turn
    made = dict(turn)
    for key, aliases in TURN.items():
        aliases = (mapping[key],) if key in mapping else aliases if key not in made else ()
        if alias := next((name for name in aliases if name in made), None):
            made[key] = made.pop(alias)
    _refuse_unnamed(made, where)
    word = made.get("role")
    named = {said: key.removeprefix(ROLE) for key, said in mapping.items() if key.startswith(ROLE)}
    if isinstance(word, str) and (role := named.get(word) or role_of(word)):
        if word != role:
            used[word, role] = None
        made["role"] = role
        if word.lower() == "function_call":
            made |= {"content": None, "tool_calls": _calls(made.get("content"), where)}
    if (call := made.pop("function_call", None)) is not None:
        made.setdefault("tool_calls", _calls(call, where))
    return made


def _refuse_unnamed(turn: Row, where: str) -> None:
    """A turn whose keys are other words: the shorter of two texts is likely the speaker.

    Raises:
        InputError: it has no role or no content; names the `--map` that would do.
    """
    if "content" in turn or turn.get("tool_calls") or turn.get("function_call"):
        return
    texts = sorted((k for k, v in turn.items() if isinstance(v, str)), key=lambda k: len(str(turn[k])))
    if "role" in turn and len(texts) == 2:
        said = next(key for key in texts if key != "role")
        raise InputError(f"{where} has no `content`; if it is `{said}`, say so: --map content={said}")
    if "role" not in turn and len(texts) >= 2:
        speaker = next((key for key in texts if key.lower() in _SPEAKERS), texts[0])
        said = next(key for key in reversed(texts) if key != speaker)
        raise InputError(
            f"{where} has neither `role` nor `content`; its keys are {', '.join(turn)}: say which is "
            f"which, for example --map role={speaker} --map content={said}"
        )


def _refuse_strangers(turns: list[JsonValue], key: str) -> None:
    """Speakers whose words no role is known for: the last one's is likely the assistant's.

    Raises:
        InputError: there are; names the `--map` that would do.
    """
    words = [str(turn.get("role")) if isinstance(turn, dict) else "" for turn in turns]
    strange = [i for i, word in enumerate(words) if word not in ("", "None") and role_of(word) is None]
    if strange:
        named = {words[i]: "assistant" if words[i] == words[-1] else "user" for i in strange}
        example = " ".join(f"--map {ROLE}{role}={shlex.quote(word)}" for word, role in named.items())
        raise InputError(
            f"{key}[{strange[0]}]: role {words[strange[0]]!r} is none of {', '.join(ROLES)}; say whose "
            f"turns these are, for example {example}"
        )


def _calls(value: JsonValue, where: str) -> list[JsonValue]:
    """Calls of tools out of what older files keep: one call or several, as objects or JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: the call is text that is not JSON") from error
    calls = value if isinstance(value, list) else [value]
    return [as_function(call) for call in calls]


def as_function(described: JsonValue) -> JsonValue:
    """A function's description or call, in the object that later forms put around it."""
    known = isinstance(described, dict) and "function" in described
    return described if known else {"type": "function", "function": described}


def text_of(value: JsonValue) -> JsonValue:
    """The text of a system prompt in parts, as Gemini, Bedrock and Anthropic have it."""
    parts = value.get("parts") if isinstance(value, dict) else value
    listed = parts if isinstance(parts, list) else [parts]
    texts = [part.get("text") if isinstance(part, dict) else part for part in listed]
    return "".join(map(str, texts)) if texts and all(isinstance(t, str) for t in texts) else value
