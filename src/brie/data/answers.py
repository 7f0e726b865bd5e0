"""Where the answers of a conversation stand, and its tokens with what is learned of them.

An answer is learned as it would be made: behind exactly the prompt an evaluation asks with. So a
sequence is put together from that prompt (`brie.pin.asked`) and what the template writes of the
answer, up to the token that ends it. Several answers share one sequence where each prompt goes on
from the answer before. Where a template writes earlier turns another way once later ones follow
(thoughts cut out, another end token, a system prompt that moves), every answer gets a sequence of its
own: what the model sees when it is asked for that answer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from brie.data.tokenizer import Tokenizer, special_tokens
from brie.errors import InputError
from brie.pin import asked, has_thinking, open_thought, placed, render_chat, thought, turn

Message = Mapping[str, JsonValue]
_PLACEHOLDER = "\ue000 answer \ue000"


@dataclass(frozen=True)
class Marked:
    """A sequence's tokens, before truncation; `learned` is 1 where the loss looks."""

    ids: list[int]
    learned: list[int]
    answer: int
    """Which turn its last answer is."""


@dataclass(frozen=True)
class Written:
    """How one model's template writes conversations."""

    tokenizer: Tokenizer
    template: str
    end: tuple[str, ...]
    """Tokens that end an answer."""
    thinking: bool = False
    tools: Sequence[JsonValue] | None = None

    @property
    def special(self) -> dict[str, str]:
        """Special tokens as the template sees them."""
        return special_tokens(self.tokenizer)

    def prompt(self, turns: Sequence[Message]) -> str:
        """What an evaluation asks with."""
        return asked(self.template, turns, self.special, thinking=self.thinking, tools=self.tools)

    def whole(self, turns: Sequence[Message]) -> str:
        """A conversation from its first turn to its last."""
        return render_chat(
            self.template,
            turns,
            self.special,
            thinking=self.thinking,
            add_generation_prompt=False,
            tools=self.tools,
        )

    def ids(self, text: str) -> list[int]:
        """Tokens of a text."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def mark(
    written: Written, messages: Sequence[Message], learned: Collection[int] | None = None
) -> list[Marked]:
    """Tokens of a conversation and which of them are learned.

    Args:
        written: the model's way of writing it.
        messages: turns with `role` and `content`.
        learned: which turns are; None: every answer of the assistant's.

    Returns:
        One sequence, or several where the template rewrites earlier turns.

    Raises:
        InputError: the template leaves out part of an answer, or writes it unlike any other.
        PinError: the template cannot render the conversation.
    """
    messages = placed(written.template, messages, written.special, fold=False)
    answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    wanted = [i for i in answers if learned is None or i in learned]
    prompts = {at: written.prompt(messages[:at]) for at in wanted}
    for at, prompt in prompts.items():
        _refuse_unshown(written, messages[:at], prompt)
    pieces = [(at, prompt, tail(written, messages, at)) for at, prompt in prompts.items()]
    groups: list[list[tuple[int, str, str]]] = []
    for piece in pieces:
        last = groups[-1][-1] if groups else None
        if last is None or not piece[1].startswith(last[1] + last[2]):
            groups.append([])
        groups[-1].append(piece)
    return [marked for group in groups for marked in _tokens(written, group)]


def whole(written: Written, messages: Sequence[Message]) -> Marked:
    """A conversation with every token learned."""
    ids = written.ids(written.whole(messages))
    return Marked(ids, [1] * len(ids), len(messages) - 1)


def tail(written: Written, messages: Sequence[Message], at: int) -> str:
    """What follows the prompt of one answer: the answer, and the token that ends it.

    Raises:
        InputError: see `mark`.
    """
    prompt = written.prompt(messages[:at])
    through = written.whole(messages[: at + 1])
    if _thought_of(messages[at])[0] and not written.thinking and has_thinking(written.template):
        raise InputError(_UNASKED.format(at + 1))
    shape = turn(written.template, written.special, thinking=written.thinking)
    if through.startswith(prompt):
        rest = through[len(prompt) :]
    else:
        rest = shape.gap[len(shape.lead) :] + _beyond(written, messages, at, through, prompt)
    answer = rest.removesuffix(shape.foot)
    _refuse_lost(answer, messages[at], at)
    return answer + _end(shape.foot, shape.next, written.end)


def _beyond(written: Written, messages: Sequence[Message], at: int, through: str, prompt: str) -> str:
    """An answer as the template writes it, where its finished turn does not go on from the prompt."""
    blank = [*messages[:at], {"role": "assistant", "content": _PLACEHOLDER}]
    head, shown, _ = written.whole(blank).rpartition(_PLACEHOLDER)
    if not shown:
        raise InputError(f"the chat template leaves out the answer in turn {at + 1}")
    closing = open_thought(prompt)
    inside, said = _thought_of(messages[at])
    if inside and closing:
        foot = turn(written.template, written.special, thinking=written.thinking).foot
        return f"{inside}\n{closing}\n\n{said}{foot}"
    if inside or not through.startswith(head):
        raise InputError(_UNASKED.format(at + 1))
    return (f"\n{closing}\n\n" if closing else "") + through[len(head) :]


_UNASKED = (
    "turn {} holds a thought, and the template is asked without thinking; --set thinking=true, or take "
    "the thought out"
)


def _thought_of(message: Message) -> tuple[str, str]:
    """The thought of a turn, and its answer."""
    inside, said = thought(_text(message))
    return inside or str(message.get("reasoning_content") or ""), said


def _end(foot: str, following: str, end: tuple[str, ...]) -> str:
    """The text up to the end of the token that ends an answer."""
    tokens = "".join(end)
    for text in (foot, following):
        if tokens and tokens in text:
            return text[: text.index(tokens) + len(tokens)]
    return tokens


def _refuse_lost(answer: str, message: Message, at: int) -> None:
    """Refuse a turn of which the template drops something: it would be learned without it."""
    calls = map(_function, calls_of(message))
    parts = (*thought(_text(message)), str(message.get("reasoning_content") or ""), *calls)
    for part in parts:
        if part.strip() and part.strip() not in answer:
            shown = " ".join(part.split())[:40]
            raise InputError(
                f"the chat template leaves out part of the answer in turn {at + 1} ({shown!r} …)"
            )


def _refuse_unshown(written: Written, before: Sequence[Message], prompt: str) -> None:
    """Refuse a question, tools, calls and their replies that a template passes over."""
    if before and before[-1]["role"] == "user" and _bare(_text(before[-1])) not in _bare(prompt):
        raise InputError(f"the chat template leaves out the question in turn {len(before)}")
    for tool in written.tools or ():
        if (name := _function(tool)) and name not in prompt:
            raise InputError(f"the chat template shows no tools, and the row has some (`{name}`)")
    for number, message in enumerate(before, start=1):
        for call in calls_of(message):
            if _function(call) not in prompt:
                raise InputError(f"the chat template leaves out the `tool_calls` of turn {number}")
        if message["role"] == "tool" and _text(message).strip() not in prompt:
            raise InputError(f"the chat template leaves out the tool's reply in turn {number}")


def _bare(text: str) -> str:
    """A text without blanks: templates may trim and fold them."""
    return "".join(text.split())


def calls_of(message: Message) -> list[JsonValue]:
    """A turn's calls of tools."""
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def with_objects(messages: Sequence[Message]) -> list[Message]:
    """Turns whose calls have their arguments as objects, where the file has them as text."""
    made: list[Message] = []
    for message in messages:
        calls = [_with_object(call) for call in calls_of(message)]
        made.append({**message, "tool_calls": calls} if calls else message)
    return made


def _with_object(call: JsonValue) -> JsonValue:
    if not isinstance(call, dict):
        return call
    if isinstance(call.get("function"), dict):
        return {**call, "function": _with_object(call["function"])}
    arguments = call.get("arguments")
    if not isinstance(arguments, str):
        return call
    try:
        return {**call, "arguments": json.loads(arguments)}
    except (ValueError, RecursionError):
        return call


def _function(described: JsonValue) -> str:
    """The name of a tool, or of the tool that a call names."""
    if not isinstance(described, dict):
        return ""
    inner = described.get("function", described)
    return str(inner.get("name", "")) if isinstance(inner, dict) else ""


def _text(message: Message) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""


def _tokens(written: Written, group: Sequence[tuple[int, str, str]]) -> list[Marked]:
    """One sequence for a group of answers; one an answer where tokens cross into a prompt."""
    _, prompt, rest = group[-1]
    out = written.tokenizer(prompt + rest, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = list(out["input_ids"]), out["offset_mapping"]
    learned = [0] * len(ids)
    for _, before, said in group:
        head = written.ids(before)
        if ids[: len(head)] != head:
            return [_joined(written, *piece) for piece in group]
        end = len(before) + len(said)
        for index in range(len(head), len(ids)):
            if offsets[index][0] >= end:
                break
            learned[index] = 1
    after = written.ids(_blank_after(written))
    return [Marked(ids + after, learned + [0] * len(after), group[-1][0])]


def _blank_after(written: Written) -> str:
    """The line break a template sets after the token that ends an answer; read, and not learned."""
    shape = turn(written.template, written.special, thinking=written.thinking)
    _, end, after = shape.foot.partition("".join(written.end))
    return after if end and after.isspace() else ""


def _joined(written: Written, at: int, prompt: str, rest: str) -> Marked:
    """A prompt's tokens as an evaluation reads them, and the answer's behind them."""
    head, said = written.ids(prompt), written.ids(rest)
    if written.tokenizer.decode(said, clean_up_tokenization_spaces=False) != rest:
        # Some tokenizers put a blank before whatever they begin with: let them begin elsewhere.
        fence = "".join(written.end)
        skipped = len(written.ids(fence))
        said = written.ids(fence + rest)[skipped:]
    return Marked(head + said, [0] * len(head) + [1] * len(said), at)
