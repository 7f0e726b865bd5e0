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
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": 0x7FFF_FFFF,  # the key's first 31 bits
        "extra_body": {
            "chat_template_kwargs": {"enable_thinking": False},
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "repeat_penalty": 1.0,
        },
    }


def test_what_a_server_refuses_is_not_sent() -> None:
    sent = arguments("m", asked(top_k=5), ("seed", "chat_template_kwargs"))
    assert "seed" not in sent
    assert sent["extra_body"].keys() == {"top_k", "min_p", "repetition_penalty", "repeat_penalty"}
    assert sent["extra_body"]["top_k"] == 5


def test_a_server_that_refuses_minus_one_is_sent_zero_before_the_field_is_left_out() -> None:
    plain = Sampling()
    words = "body.top_k: Input should be greater than or equal to 0"
    first = next_to_leave_out(words, (), plain)
    assert first is not None
    assert arguments("m", asked(), (first,))["extra_body"]["top_k"] == 0
    second = next_to_leave_out(words, (first,), plain)
    assert second is not None
    assert "top_k" not in arguments("m", asked(), (first, second))["extra_body"]


def test_stop_texts_and_penalties_are_sent_where_they_do_something() -> None:
    sent = arguments("m", asked(stop=("###",), min_p=0.1, frequency_penalty=0.5), ())
    assert sent["stop"] == ["###"]
    assert sent["frequency_penalty"] == 0.5
    assert sent["extra_body"]["min_p"] == 0.1


def test_one_of_the_two_names_of_the_repetition_penalty_has_to_stay() -> None:
    needing = Sampling(repetition_penalty=1.2)
    first = next_to_leave_out("unknown field repetition_penalty", (), needing)
    assert first == "repetition_penalty"
    left_out = [first]
    while (name := next_to_leave_out("bad request", left_out, needing)) is not None:
        left_out.append(name)
    assert "repeat_penalty" not in left_out


def test_the_field_a_refusal_names_is_left_out_first_else_they_go_in_order() -> None:
    plain = Sampling()
    assert next_to_leave_out("unknown field: min_p", (), plain) == "min_p"
    left_out: list[str] = []
    while (name := next_to_leave_out("bad request", left_out, plain)) is not None:
        left_out.append(name)
    assert left_out[0] == "chat_template_kwargs"
    assert {"top_k", "seed", "min_p", "repeat_penalty"} <= set(left_out)
    assert len(left_out) == len(set(left_out))


@pytest.mark.parametrize(
    ("field", "sampling"),
    [
        ("top_k", {"top_k": 5}),
        ("min_p", {"min_p": 0.1}),
        ("presence_penalty", {"presence_penalty": 0.4}),
        ("chat_template_kwargs", {"thinking": True}),
    ],
)
def test_a_field_the_sampling_needs_is_never_left_out(field: str, sampling: dict[str, Any]) -> None:
    needing = Sampling.model_validate(sampling)
    assert next_to_leave_out(f"unknown field: {field}", (), needing) != field


def test_what_a_server_keeps_apart_as_thought_is_no_part_of_the_answer() -> None:
    def message(text: str | None, reason: str = "stop", **more: str) -> ChatCompletion:
        choice = {"index": 0, "finish_reason": reason, "message": {"content": text, **more}}
        return ChatCompletion.construct(choices=[choice])

    apart = read_reply(message("Blue.", reasoning_content="The sky?"), 10, "box")
    assert (apart.text, apart.reasoning, apart.finish_reason) == ("Blue.", "The sky?", "stop")
    inside = read_reply(message("<think>The sky?</think>\n\nBlue."), 10, "box")
    assert (inside.text, inside.reasoning) == ("Blue.", "The sky?")
    opened = read_reply(message("The sky?\n</think>\n\nBlue."), 10, "box")
    assert (opened.text, opened.reasoning) == ("Blue.", "The sky?")
    cut = read_reply(message(None, "length", reasoning="The sky, or"), 10, "box")
    assert (cut.text, cut.finish_reason, cut.reasoning) == ("", "thinking", "The sky, or")
    cut = read_reply(message("<think>The sky, or", "length"), 10, "box")
    assert (cut.text, cut.finish_reason) == ("", "thinking")
    spoken_of = read_reply(message("Write <think> and </think> around it."), 10, "box")
    assert spoken_of.text == "Write <think> and </think> around it."


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
