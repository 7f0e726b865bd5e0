"""The chat completions protocol: what is sent, what is left out, and what a reply must hold."""

from __future__ import annotations

from typing import Any

import pytest
from openai import APIError
from openai.types.chat import ChatCompletion

from brie.errors import UsageError
from brie.generate.engine import Request
from brie.generate.protocol import NoAnswerError, arguments, next_to_leave_out, read_reply, said
from brie.records import Message, Sampling

KEY = f"sha256:{'ff' * 32}"


def asked(**sampling: Any) -> Request:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content="Why?"))
    return Request(KEY, KEY, None, messages, KEY, 0, Sampling.model_validate(sampling))


def reply(text: str | None = "Because.", reason: str | None = "stop", **more: Any) -> ChatCompletion:
    """What the SDK makes of a reply, unchecked as the SDK leaves it."""
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    built = {"id": "1", "created": 0, "object": "chat.completion", "choices": [choice], **more}
    return ChatCompletion.construct(**built)


def test_every_setting_is_sent_those_that_are_off_too() -> None:
    sent = arguments("m", asked(temperature=0.5, top_p=0.9, max_new_tokens=7), ())
    assert sent == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why?"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": 0x7FFF_FFFF,  # the key's first 31 bits
        "extra_body": {
            "chat_template_kwargs": {"enable_thinking": False},
            "top_k": -1,
            "repetition_penalty": 1.0,
        },
    }


def test_what_a_server_refuses_is_not_sent() -> None:
    sent = arguments("m", asked(top_k=5), ("seed", "chat_template_kwargs"))
    assert "seed" not in sent
    assert sent["extra_body"] == {"top_k": 5, "repetition_penalty": 1.0}


def test_the_field_a_refusal_names_is_left_out_first_else_they_go_in_order() -> None:
    plain = Sampling()
    assert next_to_leave_out("unknown field: top_k", (), plain) == "top_k"
    left_out: list[str] = []
    while (name := next_to_leave_out("bad request", left_out, plain)) is not None:
        left_out.append(name)
    assert left_out == ["chat_template_kwargs", "repetition_penalty", "top_k", "seed"]


@pytest.mark.parametrize(
    ("field", "sampling"),
    [
        ("top_k", {"top_k": 5}),
        ("repetition_penalty", {"repetition_penalty": 1.1}),
        ("chat_template_kwargs", {"thinking": True}),
    ],
)
def test_a_field_the_sampling_needs_is_never_left_out(field: str, sampling: dict[str, Any]) -> None:
    needing = Sampling.model_validate(sampling)
    assert next_to_leave_out(f"unknown field: {field}", (), needing) != field


def test_an_answer_is_its_text_and_how_it_ended() -> None:
    usage = {"completion_tokens": 3, "prompt_tokens": 1, "total_tokens": 4}
    answer = read_reply(reply(reason="length", usage=usage, model="m-1"), 3, "box")
    assert (answer.text, answer.finish_reason, answer.tokens) == ("Because.", "length", 3)
    assert answer.fingerprint == "m-1"


def test_a_server_that_does_not_count_is_counted_for() -> None:
    answer = read_reply(reply("12345678é"), 10, "box")
    assert answer.tokens == 3  # ten bytes, four a token
    assert answer.fingerprint == "none reported"


@pytest.mark.parametrize(
    "broken",
    [reply(None), reply(reason="content_filter"), ChatCompletion.construct(choices=[]), "<html>"],
)
def test_a_reply_without_an_answer_is_refused(broken: Any) -> None:
    with pytest.raises(NoAnswerError):
        read_reply(broken, 10, "box")


@pytest.mark.parametrize(("counted", "keeps"), [(18, True), (19, False)])
def test_a_server_may_miscount_the_end_and_no_more(counted: int, keeps: bool) -> None:
    usage = {"completion_tokens": counted, "prompt_tokens": 1, "total_tokens": counted + 1}
    if keeps:
        assert read_reply(reply(usage=usage), 10, "box").tokens == counted
    else:
        with pytest.raises(UsageError, match="box keeps no limit: 10 tokens were asked for and 19 came"):
            read_reply(reply(usage=usage), 10, "box")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "no such\n  model"}, "no such model"),
        ({"detail": "busy"}, '{"detail": "busy"}'),
        (None, "it failed"),
    ],
)
def test_a_servers_own_words_stand_on_one_line(body: dict[str, str] | None, words: str) -> None:
    error = APIError.__new__(APIError, "it failed")  # no request belongs to it
    error.body = body
    assert said(error) == words
