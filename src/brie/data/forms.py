"""Rows as other tools write them, turned into brie's own: `messages`, or `prompt` and `completion`.

    Alpaca      {"instruction": …, "input": …, "output": …, "system": …, "history": [[…, …], …]}
    Dolly       {"instruction": …, "context": …, "response": …}
    ShareGPT    {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}]}
    OpenAI      {"messages": […], "functions": […]} with `function_call`, as it was before `tools`
    Gemini      {"contents": [{"role": "user", "parts": [{"text": …}]}, {"role": "model", …}]}
    columns     {"question": …, "answer": …}, where no other text stands beside them

What the keys of a row do not say is asked for: `--map KEY=PATH` (`brie.data.mapping`).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from brie.data.mapping import ROLE, TURN, joined, mapped, parts_of, reached
from brie.data.rendered import turns_of
from brie.data.turns import ROLES, kind
from brie.errors import InputError
from brie.number_format import plural
from brie.reading.names import ABOUT, ANSWERS, IDS, MODELS, PROMPTS, role_of

Row = dict[str, JsonValue]
CHATS = ("messages", "conversations", "conversation", "contents")
"""Keys that hold a list of turns."""
_QUESTIONS = tuple(name for name in PROMPTS if name not in CHATS)
ANSWER_KEYS = tuple(name for name in ANSWERS if name != "text")
"""Keys that hold an answer; `text` may as well be all of a row."""
_PASSAGES = ("input", "context", "passage", "document", "background", "text")
"""Columns that are more likely part of the question than not; read as such only where it is said."""
_BESIDE = {*IDS, *MODELS, *ABOUT, "system_prompt", "label", "labels", "split", "language", "task"}
"""Columns that are plainly about the row."""
_SPEAKERS = ("speaker", "sender", "author", "who", "name", "user")
_PAIRS = "preference pairs are learned from by --method dpo --prefs FILE; give `messages` here"
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
    placed = mapped(row, mapping)
    if {"prompt", "completion"} <= mapping.keys():
        return _as_mapped(placed, mapping)
    if (key := _chat_key(placed)) is not None:
        return _chat(placed, key, mapping)
    if "prompt" in placed and "completion" in placed:
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
    return any(isinstance(value.get(key), str) for key in {*_QUESTIONS, *ANSWER_KEYS, "text", *named})


# --- turns -----------------------------------------------------------------------------------


def _chat_key(row: Row) -> str | None:
    if "messages" in row:
        return "messages"
    return next((key for key in CHATS if isinstance(_list(row.get(key)), list)), None)


def _list(value: JsonValue) -> JsonValue:
    """A list; also one that a table holds as JSON text."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            decoded: JsonValue = json.loads(value)
            return decoded
        except (ValueError, RecursionError):
            return value
    return value


def _chat(row: Row, key: str, mapping: Mapping[str, str]) -> Shaped:
    turns = _list(row[key])
    if not isinstance(turns, list) or not turns:
        raise InputError(f"`{key}` must be a list of turns with at least one in it")
    used: dict[tuple[str, str], None] = {}
    made: list[JsonValue] = [_turn(turn, f"{key}[{i}]", mapping, used) for i, turn in enumerate(turns)]
    _refuse_strangers(made, key)
    rest = {name: value for name, value in row.items() if name != key}
    older = isinstance(rest.get("functions"), list)
    if older:
        listed = rest.pop("functions")
        rest.setdefault("tools", [_function(f) for f in listed] if isinstance(listed, list) else [])
    system = _text_of(rest.pop("systemInstruction", rest.pop("system_instruction", None)))
    if system:
        rest.setdefault("system", system)
    out: Row = {"messages": made, **rest}
    turned = [turn for turn in turns if isinstance(turn, dict)]
    if any("value" in turn and "from" in turn for turn in turned):
        form = "ShareGPT"
    elif key == "contents":
        form = "Gemini"
    elif older or any("function_call" in turn for turn in turned):
        form = "OpenAI with functions"
    else:
        form = "chat" if used or key != "messages" or "messages" in mapping else ""
    return Shaped(out, key, form, tuple(used))


def _turn(
    turn: JsonValue, where: str, mapping: Mapping[str, str], used: dict[tuple[str, str], None]
) -> JsonValue:
    """A turn with `role` and `content`; what is odd about it is left for the reader of turns."""
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
        InputError: it has neither role nor content; names the `--map` that would do.
    """
    if "role" in turn or "content" in turn or turn.get("tool_calls"):
        return
    texts = sorted((k for k, v in turn.items() if isinstance(v, str)), key=lambda k: len(str(turn[k])))
    if len(texts) >= 2:
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
    return [_function(call) for call in calls]


def _function(described: JsonValue) -> JsonValue:
    known = isinstance(described, dict) and "function" in described
    return described if known else {"type": "function", "function": described}


def _text_of(value: JsonValue) -> str:
    """Gemini's system instruction: parts with texts."""
    parts = value.get("parts") if isinstance(value, dict) else None
    listed = parts if isinstance(parts, list) else [parts]
    return "".join(str(part["text"]) for part in listed if isinstance(part, dict) and "text" in part)


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
    made = Shaped(_system({"messages": messages, **rest}), "messages", name)
    return _with_system_word(made, row, used)


def _history(value: JsonValue) -> list[JsonValue]:
    """Earlier turns: pairs of a question and its answer."""
    pairs = value if isinstance(value, list) else []
    turns: list[JsonValue] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, str) for p in pair):
            raise InputError("`history` must be a list of pairs, each a question and its answer")
        turns += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return turns


def _system(row: Row) -> Row:
    """A row whose `system_prompt` is called `system`."""
    if "system_prompt" not in row or row.get("system"):
        return row
    rest = {key: value for key, value in row.items() if key != "system_prompt"}
    return {**rest, "system": row["system_prompt"]}


def _with_system_word(made: Shaped, row: Row, used: list[tuple[str, str]]) -> Shaped:
    name = next((key for key in ("system", "system_prompt") if row.get(key)), None)
    words = ([(name, "system")] if name else []) + used
    return Shaped(made.row, made.key, made.form, tuple(words))


# --- columns ---------------------------------------------------------------------------------


def _as_mapped(row: Row, mapping: Mapping[str, str]) -> Shaped:
    rest = {key: value for key, value in row.items() if key != "messages"}
    return Shaped(_system(rest), form="columns", used=_pair_words(mapping, "prompt", "completion"))


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
    asked = ["prompt"] if "prompt" in mapping else [named[k] for k in _QUESTIONS if k in named]
    said = ["completion"] if "completion" in mapping else [named[k] for k in ANSWER_KEYS if k in named]
    taken = {*asked, *said}
    others = [key for low, key in named.items() if key not in taken and low not in _BESIDE]
    if len(asked) == len(said) == 1 and not others:
        rest = {key: value for key, value in row.items() if key not in taken}
        words = _pair_words(mapping, asked[0], said[0])
        made = Shaped(_system({"prompt": row[asked[0]], "completion": row[said[0]], **rest}))
        return _with_system_word(Shaped(made.row, form="columns"), row, list(words))
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


def _is_talk(value: JsonValue) -> bool:
    turns = _list(value)
    return isinstance(turns, list) and len(turns) > 1 and all(isinstance(t, dict) for t in turns)


def _which(
    row: Row, *, asked: list[str], said: list[str], others: list[str], mapping: Mapping[str, str]
) -> str:
    """The question that only the person who has the file can answer, with a command that would do."""
    keys = [key for key in row if key not in ("prompt", "completion") or key not in mapping]
    talks = [key for key in keys if _is_talk(row[key])]
    if talks and not (asked or said):
        return (
            "has neither `messages` nor `prompt` and `completion`; if a list of turns is meant, say "
            f"which: --map messages={talks[0]}"
        )
    beside = [key for key in (*asked, *others) if key.lower() in _PASSAGES]
    free = [key for key in keys if isinstance(row[key], str) and key not in said]
    plain = [key for key in asked if key not in beside]
    question = next(iter([*plain, *beside, *free]), "KEY")
    prompt = "+".join(dict.fromkeys([question, *beside]))
    label = [key for key in row if key.lower() in ("label", "labels")]
    left = [key for key in free if key not in prompt.split("+") and key.lower() not in _BESIDE]
    answer = next(iter([*said, *label, *left]), "KEY")
    said_of = {"prompt": mapping.get("prompt", prompt), "completion": mapping.get("completion", answer)}
    example = " ".join(f"--map {key}={path}" for key, path in said_of.items() if key != path)
    return (
        "has neither `messages` nor `prompt` and `completion`; say which of its keys "
        f"({', '.join(keys)}) are the question and the answer, for example {example}"
    )
