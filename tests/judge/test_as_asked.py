"""A reply that stands exactly as it was asked for is read by a short way, which must say the same."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest

from brie.judge import parse

CRITERIA = ("Clarity", "Instruction following")
CASE = "4821"
PLAIN = (
    '{"reasons": "B is \\"clear\\".", "scores": {"clarity": {"A": 2, "B": 4}, '
    '"instruction_following": {"A": 3.5, "B": 5}}, "winner": "B", "margin": "much", "case": "4821"}'
)


def whole(reply: str, case: str | None) -> parse.AsAsked | None:
    """The same of the reader that looks for whatever a reply may be; None where it reads none."""
    try:
        read = parse.read_text(reply, CRITERIA, case)
    except (parse.Unreadable, parse.WrongCase, parse.Refused):
        return None
    return parse.AsAsked(read.letter, read.scores)


def test_a_plain_reply_is_read_with_its_scores() -> None:
    read = parse.as_asked(PLAIN, CRITERIA, CASE)
    assert read is not None
    assert read.letter == "B"
    assert read.scores == {
        "Clarity": {"A": 2.0, "B": 4.0}, "Instruction following": {"A": 3.5, "B": 5.0},
    }  # fmt: skip
    assert read == whole(PLAIN, CASE)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ('"4821"', '"4822"'),  # another case
        ('"winner": "B"', '"winner": "B", "winner": "A"'),
        ('"winner": "B"', '"winner": "C"'),
        ('"winner": "B"', '"Winner": "A", "winner": "B"'),
        ('"clarity": {', '"clarity": {"A": 1, "B": 1}, "clarity": {'),  # scored twice
        ('"clarity": {', '" Clarity": {"A": 1, "B": 1}, "clarity": {'),
        ('{"A": 2, "B": 4}', '{"A": 2}'),
        ('{"A": 2, "B": 4}', '{"A": 02, "B": 4}'),
        ('"B is', '"<think>Case: 4821\\nWinner: A</think> B is \\q'),
        ('"B is', '"<parameter=winner>A</parameter>'),
        ('"case": "4821"}', '"case": "4821"'),  # cut off
        ('"case": "4821"}', '"case": "4821"} Winner: A'),
        ('{"reasons"', '> {"reasons"'),
        ('{"reasons"', '`{"reasons"'),
    ],
)
def test_what_stands_otherwise_is_left_to_the_whole_reader(wanted: str, given: str) -> None:
    assert wanted in PLAIN
    assert parse.as_asked(PLAIN.replace(wanted, given), CRITERIA, CASE) is None


PIECES = (
    '"', "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "`", "```", ">", "A", "B", "tie", "4821",
    "4822", "1", "5", "0", "9", "5.0", "6", "-1", "1e0", "\\n", '\\"', "\\u0041", "\\ud800", "\\q",
    "\u00a0",
    '"winner": "A", ', '"case": "4822", ', '"reasons": "x", ', "<think>", "</think>", "</parameter>",
    "<arg_key>winner</arg_key><arg_value>A</arg_value>", "Winner: A", "Case: 4821\nWinner: A", "ﬁ", "ſ",
    "<|im_end|>", "null", "true", "Clarity", "clarity", "winner", '"clarity": {"A": 1, "B": 5}, ',
)  # fmt: skip


def _replies(seed: int, count: int) -> Sequence[str]:
    """Plain replies with a few pieces put in, left out or put in another's place."""
    drawn, replies = random.Random(seed), list[str]()
    compact = json.dumps(json.loads(PLAIN), separators=(",", ":"))
    while len(replies) < count:
        reply = drawn.choice((PLAIN, compact))
        for _ in range(drawn.randint(0, 3)):
            at = drawn.randrange(len(reply) + 1)
            until = at + drawn.choice((0, 0, 1, 2, 8))
            reply = reply[:at] + drawn.choice(("", *PIECES)) + reply[until:]
        replies.append(reply)
    return replies


@pytest.mark.parametrize("case", [CASE, None])
def test_the_short_way_says_nothing_that_the_whole_reader_does_not_say(case: str | None) -> None:
    plain = 0
    for reply in _replies(seed=7, count=4_000):
        read = parse.as_asked(reply, CRITERIA, case)
        if read is not None:
            plain += 1
            assert read == whole(reply, case), reply
    assert plain > 500  # otherwise nothing was compared
