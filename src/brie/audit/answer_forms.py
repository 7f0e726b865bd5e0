"""Answers in the files that other tools write, form by form: who said what to which prompt.

Each form is recognised by the keys of its rows. A row yields one `Said` a model and prompt, or
`Skipped` where it holds no answer: a request that failed, or no text at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import JsonValue

from brie.audit.keys import text
from brie.reading.names import ANSWERS, IDS, MODELS, role_of
from brie.reading.skipped import Skipped
from brie.reading.stream import decoded
from brie.records import Message

Object = dict[str, JsonValue]
Finish = Literal["stop", "length"]
_CUT = {"length", "max_tokens", "max_output_tokens", "model_length"}
"""What files say of an answer that a limit ended."""


class Said(NamedTuple):
    """What one model said to one prompt."""

    line: int
    model: str
    """"" where the row does not say."""
    id: str
    """The prompt's; "" where the row has none."""
    messages: tuple[Message, ...]
    """Empty where the row has the id alone."""
    texts: tuple[tuple[str, Finish], ...]
    category: str = "all"
    source: str = "unknown"
    reference: str | None = None


Read = Said | Skipped


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of file."""

    name: str
    fits: Callable[[Object], bool]
    read: Callable[[int, Object], Read]


def conversation(value: JsonValue) -> tuple[Message, ...]:
    """A question as messages: a text, or a list of turns; empty where it is neither."""
    if isinstance(value, str):
        return (Message(role="user", content=value),) if value.strip() else ()
    turns = value if isinstance(value, list) else []
    made = []
    for turn in turns:
        role = role_of(text(turn, "role")) if isinstance(turn, dict) else None
        content = _content(turn.get("content")) if isinstance(turn, dict) else None
        if role is None or role == "tool" or content is None:
            return ()
        made.append(Message(role=role, content=content))
    return tuple(made) if made and made[-1].role == "user" else ()


def _content(value: JsonValue) -> str | None:
    """A message's text: a string, or parts that are text; None where it is something else."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if not isinstance(value, list):
        return None
    parts = [part for part in value if isinstance(part, dict)]
    said = [part.get("text") for part in parts if text(part, "type") in ("text", "output_text")]
    return "".join(part for part in said if isinstance(part, str)) if parts or not value else None


def _finish(reason: JsonValue) -> Finish:
    return "length" if isinstance(reason, str) and reason.lower() in _CUT else "stop"


def _inner(value: JsonValue, *keys: str) -> Object:
    """An object inside objects; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _first(value: JsonValue) -> JsonValue:
    return value[0] if isinstance(value, list) and value else None


def _alpaca_eval(line: int, row: Object) -> Read:
    """`model_outputs` of AlpacaEval; what stands in `input` is part of the question."""
    question = "\n\n".join(part for part in (text(row, "instruction"), text(row, "input")) if part)
    said = _content(row["output"])
    if said is None:
        return Skipped(line, "its output is no text")
    return Said(
        line, text(row, "generator"), text(row, "id"), conversation(question), ((said, "stop"),),
        category=text(row, "dataset", default="all"),
    )  # fmt: skip


def _turn(value: JsonValue) -> str | None:
    """A turn of FastChat's, a text; or of arena-hard's, an object with one."""
    inner = value.get("content", value.get("answer")) if isinstance(value, dict) else value
    if isinstance(inner, dict):
        inner = inner.get("answer", inner.get("content"))
    return inner if isinstance(inner, str) else None


def _model_answer(line: int, row: Object) -> Read:
    """`model_answer` of FastChat and of arena-hard's first version: the first turn of each choice."""
    listed = row.get("choices")
    choices = listed if isinstance(listed, list) else []
    turns = [_turn(_first(choice.get("turns"))) for choice in choices if isinstance(choice, dict)]
    said = [turn for turn in turns if turn is not None]
    if not said or len(said) < len(choices):
        return Skipped(line, "a choice has no turn")
    texts: tuple[tuple[str, Finish], ...] = tuple((turn, "stop") for turn in said)
    return Said(line, text(row, "model_id", "model"), text(row, "question_id"), (), texts)


def _arena_hard(line: int, row: Object) -> Read:
    """`model_answer` of arena-hard's second version: the conversation with its answer at the end."""
    listed = row.get("messages")
    turns = listed if isinstance(listed, list) else []
    said = _turn(turns[-1]) if turns and isinstance(turns[-1], dict) else None
    asked = conversation(turns[:-1])
    if said is None or not asked or text(_inner(turns[-1]), "role") != "assistant":
        return Skipped(line, "its messages do not end with a question and an answer")
    return Said(line, text(row, "model"), text(row, "uid"), asked, ((said, "stop"),))


def _lm_eval(line: int, row: Object) -> Read:
    """Samples of lm-evaluation-harness; repeats are samples."""
    listed = _first(row.get("resps"))
    replies = listed if isinstance(listed, list) else [listed]
    said = [reply for reply in replies if isinstance(reply, str)]
    if not said or len(said) < len(replies):
        return Skipped(line, "its resps are no texts: the task scores choices and writes nothing")
    arguments = row.get("arguments")
    asked = _first(_first(arguments))
    if isinstance(arguments, dict):
        asked = _inner(arguments, "gen_args_0").get("arg_0")
    texts: tuple[tuple[str, Finish], ...] = tuple((reply, "stop") for reply in said)
    task = text(row, "task", default="all")
    target = row.get("target")
    return Said(
        line, "", text(row, "doc_id"), conversation(asked), texts, category=task,
        reference=target if isinstance(target, str) and target.strip() else None,
    )  # fmt: skip


def _inspect(line: int, row: Object) -> Read:
    """A sample of inspect's log; epochs are samples."""
    output = _inner(row, "output")
    said = output.get("completion")
    if row.get("error") or not isinstance(said, str):
        return Skipped(line, "the sample failed")
    target = row.get("target")
    choice = _first(output.get("choices"))
    ended = choice.get("stop_reason") if isinstance(choice, dict) else None
    return Said(
        line, text(_inner(row, "eval"), "model"), text(row, "id"), conversation(row.get("input")),
        ((said, _finish(ended)),), category=text(_inner(row, "eval"), "task", default="all"),
        reference=target if isinstance(target, str) and target.strip() else None,
    )  # fmt: skip


def _promptfoo(line: int, row: Object) -> Read:
    """A result of promptfoo; its prompt is the one that was sent."""
    provider, response, prompt = row["provider"], row.get("response"), row.get("prompt")
    said = _inner(response).get("output") if isinstance(response, dict) else None
    if not isinstance(said, str):
        return Skipped(line, "its response is an error, or no text")
    asked = prompt.get("raw") if isinstance(prompt, dict) else prompt
    if isinstance(asked, str) and asked.lstrip().startswith("["):
        asked = _chat(asked)
    name = text(provider, "label", "id") if isinstance(provider, dict) else str(provider)
    ended = _inner(response).get("finishReason")
    return Said(line, name, "", conversation(asked), ((said, _finish(ended)),))


def _chat(written: str) -> JsonValue:
    """Messages that are written as a text, or the text where they are none."""
    try:
        turns = decoded(written)
    except ValueError:
        return written
    return turns if conversation(turns) else written


def _openai_batch(line: int, row: Object) -> Read:
    """A line of OpenAI's batch output, of chat completions or of responses."""
    body = _inner(row, "response", "body")
    listed = body.get("choices")
    texts: list[tuple[str, Finish]] = []
    for choice in listed if isinstance(listed, list) else []:
        said = _content(_inner(choice, "message").get("content"))
        if said is not None:
            texts.append((said, _finish(_inner(choice).get("finish_reason"))))
    if isinstance(body.get("output"), list):
        ended = _inner(body, "incomplete_details").get("reason")
        texts.append((_responses(body["output"]), _finish(ended)))
    if row.get("error") or not texts:
        return Skipped(line, "the request failed")
    return Said(line, text(body, "model"), text(row, "custom_id"), (), tuple(texts))


def _responses(output: JsonValue) -> str:
    parts = output if isinstance(output, list) else []
    messages = [p for p in parts if isinstance(p, dict) and text(p, "type") == "message"]
    return "".join(_content(message.get("content")) or "" for message in messages)


def _anthropic_batch(line: int, row: Object) -> Read:
    """A line of Anthropic's batch results."""
    message = _inner(row, "result", "message")
    said = _content(message.get("content"))
    if text(_inner(row, "result"), "type") != "succeeded" or said is None:
        return Skipped(line, "the request did not succeed")
    ended = _finish(message.get("stop_reason"))
    return Said(line, text(message, "model"), text(row, "custom_id"), (), ((said, ended),))


def _spoken_parts(content: JsonValue) -> str | None:
    """The text of Gemini's parts, without those that are thoughts; None where there is none."""
    parts = content.get("parts") if isinstance(content, dict) else None
    listed = parts if isinstance(parts, list) else []
    said = [text(part, "text") for part in listed if isinstance(part, dict) and not part.get("thought")]
    return "".join(said) if said else None


def _is_of_gemini(row: Object) -> bool:
    """A request or its key, and a response in Gemini's own words."""
    return isinstance(row.get("response"), dict) and (
        isinstance(row.get("request"), dict) or ("key" in row and "custom_id" not in row)
    )


def _gemini_batch(line: int, row: Object) -> Read:
    """A line of Vertex AI's batch predictions, or of Gemini's batches."""
    response = _inner(row, "response")
    choice = _first(response.get("candidates"))
    said = _spoken_parts(_inner(choice, "content"))
    if said is None:
        return Skipped(line, "the request failed, or its answer has no text")
    contents = _inner(row, "request").get("contents")
    turns: list[JsonValue] = [
        {"role": text(turn, "role", default="user"), "content": _spoken_parts(turn) or ""}
        for turn in (contents if isinstance(contents, list) else [])
        if isinstance(turn, dict)
    ]
    ended = _finish(_inner(choice).get("finishReason"))
    name = text(response, "modelVersion")
    return Said(line, name, text(row, "key"), conversation(turns), ((said, ended),))


def _bedrock_batch(line: int, row: Object) -> Read:
    """A line of Bedrock's batch inference with a model of Anthropic's."""
    output = _inner(row, "modelOutput")
    said = _content(output.get("content"))
    if row.get("error") or "content" not in output or said is None:
        return Skipped(line, "the request failed, or its answer has no text")
    asked = conversation(_inner(row, "modelInput").get("messages"))
    ended = _finish(output.get("stop_reason"))
    return Said(line, text(output, "model"), text(row, "recordId"), asked, ((said, ended),))


_TALKS = ("messages", "conversations", "conversation")


def _turns(row: Object) -> list[JsonValue]:
    """The turns of a conversation, however they are called: `from` and `value` are role and content."""
    listed = next((row[key] for key in _TALKS if isinstance(row.get(key), list)), None)
    return [
        {"role": turn.get("role", turn.get("from")), "content": turn.get("content", turn.get("value"))}
        for turn in (listed if isinstance(listed, list) else [])
        if isinstance(turn, dict)
    ]


def _is_talk(row: Object) -> bool:
    """A conversation that ends with an answer, and no other answer beside it."""
    turns = _turns(row)
    last = role_of(text(_inner(turns[-1]), "role")) if turns else None
    return last == "assistant" and not {*ANSWERS} & row.keys()


def _talk(line: int, row: Object) -> Read:
    """A logged conversation: its last turn is the answer to what stands before."""
    turns = _turns(row)
    asked, said = conversation(turns[:-1]), _content(_inner(turns[-1]).get("content"))
    if not asked or said is None:
        return Skipped(line, "its messages do not end with a question and an answer")
    return Said(line, text(row, *MODELS), text(row, *IDS), asked, ((said, "stop"),),
                category=text(row, "category", default="all"))  # fmt: skip


def _with(*keys: str) -> Callable[[Object], bool]:
    wanted = set(keys)
    return lambda row: row.keys() >= wanted


FORMS: Sequence[Form] = (
    Form("OpenAI's batch output", _with("custom_id", "response"), _openai_batch),
    Form("Anthropic's batch results", _with("custom_id", "result"), _anthropic_batch),
    Form("Gemini's batch output", _is_of_gemini, _gemini_batch),
    Form("Bedrock's batch output", _with("modelInput", "recordId"), _bedrock_batch),
    Form("AlpacaEval's model_outputs", _with("instruction", "output", "generator"), _alpaca_eval),
    Form("model_answer of FastChat or arena-hard", _with("question_id", "choices"), _model_answer),
    Form("arena-hard's model_answer", _with("uid", "model", "messages"), _arena_hard),
    Form("samples of lm-eval", _with("doc_id", "resps"), _lm_eval),
    Form(
        "a log of inspect", lambda row: isinstance(row.get("eval"), dict) and "output" in row, _inspect
    ),
    Form("results of promptfoo", _with("provider", "vars", "response"), _promptfoo),
    Form("conversations that end with an answer", _is_talk, _talk),
)
"""Forms in the order in which they are tried; every other file is a table of columns."""


def form_of(rows: Sequence[Object]) -> Form | None:
    """The form that all of some rows have; None: they are a table's."""
    return next((form for form in FORMS if rows and all(map(form.fits, rows))), None)


def questions(rows: Iterator[Object]) -> Iterator[Said]:
    """Questions of FastChat and arena-hard (`question.jsonl`), by id; nothing is answered in them."""
    for number, row in enumerate(rows, 1):
        asked = _turn(_first(row.get("turns")))
        if asked is not None:
            yield Said(
                number, "", text(row, "question_id", "uid"), conversation(asked), (),
                category=text(row, "category", default="all"),
            )  # fmt: skip
