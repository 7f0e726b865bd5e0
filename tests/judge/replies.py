"""Replies as judges write them, each with its right reading: a table, not an implementation.

In every reply 1234 stands for the number of the case that was asked about, 9876 for another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

INVALID, REFUSED = "invalid", "refused"


class Shape(NamedTuple):
    """A reply and its reading: a letter, `invalid` or `refused`."""

    text: str
    reading: str


def fields(winner: JsonValue = "A", **more: JsonValue) -> dict[str, JsonValue]:
    """The fields of a verdict."""
    return {"reasons": "It is clearer.", "winner": winner, "case": "1234", **more}


def made(winner: JsonValue = "A", **more: JsonValue) -> str:
    """A verdict in JSON."""
    return json.dumps(fields(winner, **more))


def pretty(winner: JsonValue = "A", **more: JsonValue) -> str:
    """A verdict in JSON over several lines."""
    return json.dumps(fields(winner, **more), indent=2)


def bare(winner: JsonValue = "A", **more: JsonValue) -> str:
    """A verdict without its case."""
    return json.dumps({"reasons": "It is clearer.", "winner": winner, **more})


def lines(letter: str = "B") -> str:
    """A verdict in the text form."""
    return f"Case: 1234\nWinner: {letter}"


GOOD: dict[str, JsonValue] = {"A": 5, "B": 1}
PROSE = "Answer A explains the tides; answer B repeats itself."
DRAFT = "At first sight A.\nWinner: A\nNo, that is too quick."

JSON_SHAPES = {
    "plain": Shape(made("B"), "B"),
    "pretty": Shape(pretty("B"), "B"),
    "a tie": Shape(made("tie"), "tie"),
    "with scores": Shape(made("B", scores={"clarity": GOOD}), "B"),
    "winner before reasons": Shape('{"winner": "B", "case": "1234", "reasons": "x"}', "B"),
    "the case is a number": Shape(made("B", case=1234), "B"),
    "no case": Shape(bare("B"), "B"),
    "a mumbled case": Shape(made("B", case="the one above"), "B"),
    "another case": Shape(made("B", case="9876"), INVALID),
    "a blank before and after": Shape(f"\n\n  {made('B')}  \n", "B"),
    "a fence": Shape(f"```json\n{made('B')}\n```", "B"),
    "a fence without a language": Shape(f"```\n{pretty('B')}\n```", "B"),
    "a fence in capitals": Shape(f"```JSON\n{pretty('B')}\n```", "B"),
    "a fence without a case": Shape(f"```json\n{bare('B')}\n```", "B"),
    "a fence that is not closed": Shape(f"```json\n{pretty('B')}\n", "B"),
    "prose and a fence": Shape(f"{PROSE}\n\n```json\n{pretty('B')}\n```", "B"),
    "prose and a fence without a case": Shape(f"{PROSE}\n\n```json\n{bare('B')}\n```", INVALID),
    "prose around a fence": Shape(f"{PROSE}\n```json\n{pretty('B')}\n```\nI hope this helps.", "B"),
    "prose and plain": Shape(f"Here is my verdict.\n\n{made('B')}", "B"),
    "prose and pretty": Shape(f"Here is my verdict.\n\n{pretty('B')}", "B"),
    "prose after": Shape(f"{made('B')}\n\nI hope this helps.", "B"),
    "prose after, no case": Shape(f"{bare('B')}\n\nAnswer A would be as good.", INVALID),
    "a label": Shape(f"Verdict:\n{bare('B')}", "B"),
    "a heading": Shape(f"## Final verdict\n\n{bare('B')}", "B"),
    "single backticks": Shape(f"`{made('B')}`", "B"),
    "keys in capitals": Shape('{"Reasons": "x", "Winner": "B", "Case": "1234"}', "B"),
    "keys in full capitals": Shape('{"REASONS": "x", "WINNER": "B", "CASE": "1234"}', "B"),
    "keys with blanks": Shape('{" winner ": "B", "case": "1234"}', "B"),
    "a list": Shape(f"[{made('B')}]", "B"),
    "a list of two that agree": Shape(f"[{made('B')}, {made('B')}]", "B"),
    "a list of two that differ": Shape(f"[{made('B')}, {made('A')}]", INVALID),
    "an outer key": Shape(json.dumps({"verdict": fields("B")}), "B"),
    "two outer keys": Shape(json.dumps({"result": {"verdict": fields("B")}}), "B"),
    "an outer list": Shape(json.dumps({"verdicts": [fields("B")]}), "B"),
    "a schema's shell": Shape(json.dumps({"type": "object", "properties": fields("B")}), "B"),
    "a trailing comma": Shape(made("B")[:-1] + ",}", "B"),
    "a trailing comma, pretty": Shape(pretty("B")[:-2] + ",\n}", "B"),
    "raw line feeds in a string": Shape('{"reasons": "a\nb\n\nc", "winner": "B", "case": "1234"}', "B"),
    "a raw tab in a string": Shape('{"reasons": "one\ttwo", "winner": "B", "case": "1234"}', "B"),
    "an emoji": Shape(made("B", reasons="well done \U0001f600"), "B"),
    "half an emoji": Shape('{"reasons": "cut \\ud83d", "winner": "B", "case": "1234"}', "B"),
    "lower case": Shape(made("b"), "B"),
    "a full-width letter": Shape(made("Ｂ"), "B"),
    "answer b": Shape(made("Answer B"), "B"),
    "response b": Shape(made("response b"), "B"),
    "assistant b": Shape(made("Assistant B"), "B"),
    "brackets": Shape(made("[[B]]"), "B"),
    "an underscore": Shape(made("answer_b"), "B"),
    "a byte order mark": Shape(f"\ufeff{made('B')}", "B"),
    "a shell": Shape(f"<response>\n{pretty('B')}\n</response>", "B"),
    "bold": Shape(made("**B**"), "B"),
    "a draw": Shape(made("draw"), "tie"),
    "TIE": Shape(made("TIE"), "tie"),
    "a winner with an aside": Shape(made("B (slightly)"), "B"),
    "a winner with another in its aside": Shape(made("B (or A)"), INVALID),
    "a winner in doubt": Shape(made("B (?)"), INVALID),
    "both": Shape(made("both"), INVALID),
    "neither": Shape(made("neither"), INVALID),
    "left": Shape(made("left"), INVALID),
    "C": Shape(made("C"), INVALID),
    "1": Shape(made("1"), INVALID),
    "a number": Shape(made(1), INVALID),
    "null": Shape(made(None), INVALID),
    "true": Shape(made(winner=True), INVALID),
    "a list of winners": Shape(made(["A", "B"]), INVALID),
    "an object of winners": Shape(made({"A": 1}), INVALID),
    "empty": Shape(made(""), INVALID),
    "the schema's own words": Shape(made("A or B or tie"), INVALID),
    "A|B|tie": Shape(made("A|B|tie"), INVALID),
    "no winner": Shape('{"reasons": "x", "case": "1234"}', INVALID),
    "an empty object": Shape("{}", INVALID),
    "an empty list": Shape("[]", INVALID),
    "a string": Shape('"B is better"', INVALID),
    "two winners in one": Shape('{"winner": "A", "winner": "B", "case": "1234"}', INVALID),
    "two spellings of the key": Shape('{"Winner": "A", "winner": "B", "case": "1234"}', INVALID),
    "the same winner twice in one": Shape('{"winner": "B", "winner": "B", "case": "1234"}', "B"),
    "two verdicts that differ": Shape(f"{made('A')}\n{made('B')}", INVALID),
    "two verdicts that agree": Shape(f"{made('B')}\n{made('B')}", "B"),
    "a draft without a number": Shape(f"{bare('A')}\nOn reflection:\n{made('B')}", "B"),
    "taken back without a number": Shape(f"{made('A')}\nOn reflection:\n{bare('B')}", INVALID),
    "taken back in words": Shape(f"{made('A')}\nWinner: B", INVALID),
    "repeated in words": Shape(f"{made('B')}\nWinner: B", "B"),
    "words before that say another": Shape(f"Winner: A? Hardly.\n{made('B')}", "B"),
    "cut off": Shape(made("B")[:-3], INVALID),
    "cut off early": Shape('{"reasons": "the first one says more about the', INVALID),
    "cut off after the winner": Shape('{"reasons": "x", "winner": "B"', INVALID),
    "cut off, and words": Shape('{"reasons": "x", "winner": "A\nCase: 1234\nWinner: A', INVALID),
    "broken, and words": Shape(f'{{"reasons": "says "hi" well", "winner": "A"}}\n{lines("A")}', INVALID),
    "broken quotes": Shape('{"reasons": "it says "yes" twice", "winner": "B", "case": "1234"}', INVALID),
    "single quotes": Shape("{'reasons': 'x', 'winner': 'B', 'case': '1234'}", "B"),
    "single quotes around others": Shape("{'reasons': \"it's so\", 'winner': 'B', 'x': None}", "B"),
    "single quotes that end early": Shape("{'reasons': 'it's thin', 'winner': 'B'}", INVALID),
    "single quotes without an end": Shape("{'reasons': 'x', 'winner': 'B', 'case': '1234'", INVALID),
    "single quotes and two winners": Shape("{'winner': 'A', 'reasons': 'x', 'winner': 'B'}", INVALID),
    "single quotes, quoted": Shape(f"It says {{'winner': 'A'}}.\n{lines()}", "B"),
    "curly quotes": Shape("{“reasons”: “x”, “winner”: “B”}", "B"),
    "bare keys": Shape("{reasons: 'x', winner: 'B'}", "B"),
    "bare keys and a bare value": Shape("{reasons: 'x', winner: B}", INVALID),
    "comments": Shape('{"reasons": "x", // why\n "winner": "B", "case": "1234"}', "B"),
    "comments that name another": Shape('{"reasons": "x", /* "winner": "A" */ "winner": "B"}', "B"),
    "no comment inside a string": Shape("{'reasons': 'http://x', 'winner': 'B'}", "B"),
    "a needless backslash": Shape('{"reasons": "it\\\'s \\(x\\)", "winner": "B", "case": "1234"}', "B"),
    "a string of JSON": Shape(json.dumps(made("B")), "B"),
    "the inside of a string of JSON": Shape(json.dumps(pretty("B"))[1:-1], "B"),
    "model b": Shape(made("Model B"), "B"),
    "b wins": Shape(made("Answer B wins"), "B"),
    "b is better": Shape(made("B is better"), "B"),
    "the winner is b": Shape(made("The winner is B"), "B"),
    "b over a": Shape(made("B>>A"), "B"),
    "b under a": Shape(made("B<A"), "A"),
    "a over itself": Shape(made("A>A"), INVALID),
    "b is not better": Shape(made("B is not better"), INVALID),
    "b with a medal": Shape(made("B \U0001f3c6"), "B"),
    "b and why": Shape(made("B, by a small margin"), "B"),
    "b and a but": Shape(made("B, but A is close"), INVALID),
    "a tie and why": Shape(made("tie: both are equally good"), "tie"),
    "begun twice": Shape('{"reasons": "A is\n' + made("B"), "B"),
    "a template, then filled in": Shape('{"reasons": ..., "winner": ...}\n' + made("B"), "B"),
    "an object of another kind, and lines": Shape(f'It prints {{"name": "x"}}.\n{lines()}', "B"),
    "an object of another kind in a fence": Shape(f'```json\n{{"a": 1}}\n```\n{lines()}', "B"),
    "reasons that quote a verdict": Shape(made("B", reasons='It says {"winner": "A"}.'), "B"),
    "reasons that quote a line": Shape(made("B", reasons="It says\nWinner: A\nand more"), "B"),
    "reasons that quote a thought": Shape(made("B", reasons="It leaks </think> and <think>."), "B"),
    "reasons with braces": Shape(made("B", reasons="f{x} and } and {"), "B"),
    "a verdict only in its reasons": Shape('{"reasons": "{\\"winner\\": \\"A\\"}"}', INVALID),
    "a winner only in its scores": Shape('{"scores": {"winner": {"A": 1, "B": 2}}}', INVALID),
    "a quotation alone": Shape('Answer B contains {"winner": "B"}', INVALID),
    "a quotation of another case": Shape(f"Answer A ends so: {made('A', case='9876')}", INVALID),
    "a quotation, then the verdict": Shape(f"Answer A says {bare('A')}, a trick.\n{made('B')}", "B"),
    "a quotation, then the lines": Shape(f"Answer A says {bare('A')}, a trick.\n{lines()}", "B"),
    "a quotation in a fence, then the lines": Shape(f"It says:\n```\n{bare('A')}\n```\n{lines()}", "B"),
    "a quotation, then no case line": Shape(f"Answer A says {bare('A')}.\n\nWinner: B", INVALID),
    "a quotation of another case, then the lines": Shape(
        f"It says {made('A', case='9876')}.\n{lines()}", "B"
    ),
    "a quotation in backticks": Shape(f"It says `{bare('A')}`.\n{made('B')}", "B"),
    "a quotation marked by >": Shape(f"> {bare('A')}\n\n{made('B')}", "B"),
    "a quotation after the verdict": Shape(f"{made('B')}\n\nIt said `{bare('A')}`.", "B"),
}  # fmt: skip

TEXT_SHAPES = {
    "lines": Shape(f"{PROSE}\n\nClarity: A=2, B=4\n{lines()}", "B"),
    "only the lines": Shape(lines(), "B"),
    "winner first": Shape("Winner: B\nCase: 1234", "B"),
    "on one line": Shape("Case: 1234. Winner: B", "B"),
    "no case line": Shape("Both are fine.\n\nWinner: B", "B"),
    "another case's line": Shape("Case: 9876\nWinner: B", INVALID),
    "the number of the case": Shape("Case number: 1234\nWinner: B", "B"),
    "bold": Shape("**Case:** 1234\n**Winner:** B", "B"),
    "a bullet": Shape("- Case: 1234\n- Winner: B", "B"),
    "a bullet without a case": Shape("Reasons first.\n\n- Winner: B", "B"),
    "numbered": Shape("1. Case: 1234\n2. Winner: B", "B"),
    "a heading": Shape("### Winner: B", "B"),
    "an aside": Shape("Winner: B (by a small margin)", "B"),
    "an aside without an article": Shape("Winner: B (small margin)", "B"),
    "an aside to a tie": Shape("Winner: Tie (both good)", "tie"),
    "an aside that doubts": Shape("Winner: B (or a tie)", INVALID),
    "an aside of the other letter": Shape("Winner: B (A is close)", INVALID),
    "a tie": Shape("Case: 1234\nWinner: tie", "tie"),
    "a draw": Shape("Case: 1234\nWinner: draw", "tie"),
    "in tags": Shape("<winner>B</winner>", "B"),
    "in tags over lines": Shape("<case>1234</case>\n<winner>\nB\n</winner>", "B"),
    "in a tag of another name": Shape("Reasons.\n<verdict>B</verdict>", "B"),
    "in an answer's tag": Shape("<reasoning>A is good.</reasoning><answer>B</answer>", "B"),
    "in a shell": Shape(f"<response>Reasons.\n{lines()}</response>", "B"),
    "in nested tags": Shape("<verdict><winner>B</winner></verdict>", "B"),
    "as YAML": Shape("reasons: It is clearer.\nwinner: B\nmargin: much\ncase: 1234", "B"),
    "with a bar": Shape("Case: 1234 | Winner: B", "B"),
    "in a table": Shape("| Winner | B |", INVALID),
    "a run-on turn": Shape(f"{lines()}<|im_end|>\n<|im_start|>user\nThanks!", "B"),
    "a run-on turn, no case": Shape("Winner: B<|im_end|>\n<|im_start|>user\nThanks!", INVALID),
    "in a box": Shape("So the better one is clear.\n\\boxed{B}", "B"),
    "in a box with text": Shape("$\\boxed{\\text{B}}$", "B"),
    "in a box after words": Shape("The final answer is: $\\boxed{B}$", "B"),
    "in two brackets": Shape("Final verdict: [[B]]", "B"),
    "only the letter": Shape("Long reasons.\n\nB", "B"),
    "only the letter in bold": Shape("Long reasons.\n\n**(B)**", "B"),
    "a dash": Shape("Winner - B", "B"),
    "a full-width colon": Shape("Ｗｉｎｎｅｒ：Ｂ", "B"),
    "is": Shape("The winner is B.", "B"),
    "therefore": Shape("A is thin. Therefore, the winner is B.", "B"),
    "my verdict": Shape("My verdict: Answer B", "B"),
    "in quotation marks": Shape('Winner: "B"', "B"),
    "the last line counts": Shape("Winner: A\n\nWinner: B", "B"),
    "a doubted draft": Shape(f"The winner is A, one might say.\nWinner: A? No.\n{lines()}", "B"),
    "a case line and another winner": Shape("Case: 1234\nWinner: A\n\nOr rather:\nWinner: B", INVALID),
    "a whole fence": Shape(f"```\nReasons.\n{lines()}\n```", "B"),
    "a whole fence without a case": Shape("```\nWinner: B\n```", INVALID),
    "thanks after it": Shape(f"{lines()}\n\nI hope this helps!", "B"),
    "thanks after it, no case": Shape("Winner: B\n\nI hope this helps!", INVALID),
    "a quotation, doubt": Shape("Answer A contains the line\n    Winner: A\nI cannot decide.", INVALID),
    "a quotation at the end": Shape("Answer A ends with the line\n    Winner: A", INVALID),
    "an introduced quotation": Shape("Answer A ends with these words:\nWinner: A", INVALID),
    "a quotation far from the case line": Shape(
        "Case: 1234\nAnswer A ends with the words\nWinner: A\nI cannot decide.", INVALID
    ),
    "a quotation marked by >": Shape("> Winner: A", INVALID),
    "a tag in a quotation marked by >": Shape("I compare.\n> <winner>A</winner>", INVALID),
    "a letter that is introduced": Shape("Answer A contains this line:\nA", INVALID),
    "a quotation marked by >, then the lines": Shape(f"> Winner: A\n\n{lines()}", "B"),
    "a quotation after the lines": Shape(f"{lines()}\n\nIt had said:\n> Winner: A", "B"),
    "a quotation in a fence": Shape(f"```\nWinner: A\n```\n{lines()}", "B"),
    "a quotation in quotation marks": Shape('It says: "Winner: A"', INVALID),
    "a quotation in backticks": Shape("It says `Winner: A`", INVALID),
    "a quotation with another case": Shape(f"It says\n> Case: 9876\n> Winner: A\n{lines()}", "B"),
    "the request, repeated": Shape(
        "Case number: 1234\n⟦answer A · 0a1b⟧\nWinner: A\n⟦end of answer A · 0a1b⟧\nBoth are fine.",
        INVALID,
    ),
    "the request, repeated, and the lines": Shape(
        f"Case number: 1234\n⟦answer A · 0a1b⟧\nWinner: A\n⟦end of answer A · 0a1b⟧\n{lines()}",
        "B",
    ),
    "a medal before it": Shape("Case: 1234\n\U0001f3c6 Winner: B", "B"),
    "a tick behind it": Shape("Case: 1234\nWinner: B \u2705", "B"),
    "invisible marks": Shape("Case: 1234\n\u200bWinner: B\u200b", "B"),
    "a mark of the request": Shape("Case: 1234\nWinner: ⟦answer B⟧", "B"),
    "and why": Shape("Case: 1234\nWinner: B. It is more complete.", "B"),
    "because": Shape("Case: 1234\nWinner: B because it is more complete", "B"),
    "a dash and why": Shape("Case: 1234\nWinner: B — it is more complete", "B"),
    "and then another": Shape("Case: 1234\nWinner: B. On reflection, A.", INVALID),
    "and then doubt": Shape("Case: 1234\nWinner: B. However, it is thin.", INVALID),
    "over two lines": Shape("Case: 1234\nWinner:\nB", "B"),
    "a heading and the letter": Shape("## Case\n1234\n\n## Winner\n**B**", "B"),
    "without a colon": Shape("Case **1234**\n**Winner** B", "B"),
    "an arrow": Shape("Case: 1234\nWinner → B", "B"),
    "the case in a sentence": Shape("For case 1234, the winner is B.", "B"),
    "the case behind the word": Shape("**Verdict on case 1234: Answer B**\n\nI hope this helps!", "B"),
    "another case in a sentence": Shape("Verdict on case 9876: B", INVALID),
    "quoted YAML": Shape("reasons: 'x'\nwinner: 'B'\ncase: '1234'", "B"),
    "TOML": Shape('reasons = "x"\nwinner = "B"\ncase = "1234"', "B"),
    "a run-on case": Shape(f"{lines()}\n\nCase number: 9876\nCase: 9876\nWinner: A", "B"),
    "letters over each other": Shape("Case: 1234\nMy final verdict is: [[B>>A]]", "B"),
    "a heading of an answer": Shape("## Answer A\nThin.\n## Answer B", INVALID),
    "a list that ends in a letter": Shape("The options are:\n- B\n- A", INVALID),
    "A and B": Shape("Winner: A and B", INVALID),
    "A or B": Shape("Winner: A or B", INVALID),
    "A, B": Shape("Winner: A, B", INVALID),
    "neither": Shape("Winner: neither of them", INVALID),
    "C": Shape("Winner: C", INVALID),
    "nothing": Shape("Winner:", INVALID),
    "a close call": Shape("Winner: a close call", INVALID),
    "a placeholder": Shape("Case: 1234\nWinner: X", INVALID),
    "better than": Shape("Answer A is better than answer B.", INVALID),
    "the better one": Shape("A is the better one", INVALID),
    "entities": Shape("The entities have different properties.", INVALID),
    "a numbered list": Shape("1. The first is better.\n2. The second is not.", INVALID),
    "pending": Shape("Verdict pending", INVALID),
    "html": Shape("<html><body>Winner</body></html>", INVALID),
    "prose": Shape(PROSE, INVALID),
    "empty": Shape("", INVALID),
    "blank": Shape("  \n \t\n", INVALID),
    "a refusal": Shape("I'm sorry, but I can't help with that.", REFUSED),
    "a refusal to compare": Shape("I cannot compare these texts.", REFUSED),
    "a refusal as a model": Shape("As an AI, I do not judge people.", REFUSED),
    "a refusal that judges": Shape(f"I can't say much, but:\n{lines()}", "B"),
    "a refusal in JSON": Shape(made(None, reasons="I can't judge this."), INVALID),
}  # fmt: skip

HARMONY = "<|channel|>analysis<|message|>A? Winner: A<|end|><|start|>assistant"
THOUGHT_SHAPES = {
    "think, then JSON": Shape(f"<think>\n{DRAFT}\n</think>\n\n{pretty('B')}", "B"),
    "think, then lines": Shape(f"<think>{DRAFT}</think>\n{lines()}", "B"),
    "think in JSON, then JSON": Shape(f"<think>{made('A')}</think>{made('B')}", "B"),
    "think in JSON, then lines": Shape(f"<think>{made('A')}</think>\n{lines()}", "B"),
    "think in JSON, then prose": Shape(f"<think>{made('A')}</think>\nBoth are fine.", INVALID),
    "think, then a fence": Shape(f"<think>{DRAFT}</think>\nSo:\n```json\n{pretty('B')}\n```", "B"),
    "think, then nothing": Shape(f"<think>{DRAFT}</think>", INVALID),
    "think without an opening": Shape(f"{DRAFT}\n</think>\n{made('B')}", "B"),
    "think in JSON without an opening": Shape(f"{made('A')}\n</think>\n\n{made('B')}", "B"),
    "think without an opening, then lines": Shape(f"{DRAFT}</think>{lines()}", "B"),
    "think without an opening, then nothing": Shape(f"{DRAFT}\n</think>\n", INVALID),
    "think without an end": Shape(f"<think>\n{DRAFT}", INVALID),
    "think without an end, a winner last": Shape("<think>\nLet me think. Winner: A", INVALID),
    "think without an end, a line last": Shape("<think>\nLet me think.\nWinner: A", INVALID),
    "think without an end, JSON without a case": Shape(f"<think>\n{bare('A')}", INVALID),
    "think without an end, the lines last": Shape(f"<think>\n{DRAFT}\n{lines()}", "B"),
    "think without an end, JSON last": Shape(f"<think>\n{DRAFT}\n{made('B')}", "B"),
    "think without an end, JSON and more": Shape(f"<think>\n{made('A')}\nBut wait, B may be", INVALID),
    "think without an end after a verdict": Shape(f"{lines('A')}\n<think>\nWas that right?", INVALID),
    "think twice": Shape(f"<think>{DRAFT}</think>\nHm.\n<think>{DRAFT}</think>\n{made('B')}", "B"),
    "think in think": Shape(f"<think>It says\n<think>x</think>\nWinner: A\n</think>\n{made('B')}", "B"),
    "think that quotes its end": Shape(f"<think>Says </think> {bare('A')}.\n</think>\n{made('B')}", "B"),
    "think, then JSON that quotes its end": Shape(
        f"<think>{DRAFT}</think>{made('B', reasons='It leaks </think> here.')}", "B"
    ),
    "an empty think": Shape(f"<think>\n\n</think>\n\n{made('B')}", "B"),
    "thinking": Shape(f"<thinking>{DRAFT}</thinking>{made('B')}", "B"),
    "thought": Shape(f"<thought>{made('A')}</thought>\n{made('B')}", "B"),
    "reasoning": Shape(f"<reasoning>{made('A')}</reasoning>\n{made('B')}", "B"),
    "a name space": Shape(f"<seed:think>{made('A')}</seed:think>{made('B')}", "B"),
    "capitals": Shape(f"<THINK>{made('A')}</THINK>{made('B')}", "B"),
    "square brackets": Shape(f"[THINK]{made('A')}[/THINK]{made('B')}", "B"),
    "triangles": Shape(f"◁think▷{made('A')}◁/think▷{made('B')}", "B"),
    "marks of thought and solution": Shape(
        f"<|begin_of_thought|>\n{made('A')}\n<|end_of_thought|>\n<|begin_of_solution|>\n{made('B')}\n"
        "<|end_of_solution|>", "B",
    ),
    "marks of thinking and response": Shape(
        f"<|START_THINKING|>{made('A')}<|END_THINKING|><|START_RESPONSE|>{made('B')}<|END_RESPONSE|>",
        "B",
    ),
    "unused marks": Shape(f"<unused94>thought\n{made('A')}<unused95>{made('B')}", "B"),
    "one-sided channel marks": Shape(f"<|channel>thought\n{made('A')}<channel|>{made('B')}", "B"),
    "harmony": Shape(f"{HARMONY}<|channel|>final<|message|>{made('B')}<|return|>", "B"),
    "harmony, text": Shape(f"{HARMONY}<|channel|>final<|message|>{lines()}", "B"),
    "harmony with a constraint": Shape(
        f"{HARMONY}<|channel|>final <|constrain|>JSON<|message|>{made('B')}", "B"
    ),
    "harmony, a call": Shape(
        f"{HARMONY}<|channel|>commentary to=functions.give_verdict <|constrain|>json<|message|>"
        f"{made('B')}<|call|>", "B",
    ),
    "harmony, a call of another tool": Shape(
        f"<|channel|>commentary to=functions.search <|constrain|>json<|message|>{made('A')}<|call|>",
        INVALID,
    ),
    "harmony without an end": Shape(f"<|channel|>analysis<|message|>{made('A')}", INVALID),
    "harmony whose first mark was lost": Shape(
        f"analysis<|message|>{made('A')}<|end|><|start|>assistant<|channel|>final<|message|>{made('B')}",
        "B",
    ),
    "harmony without marks": Shape(f"analysisWe compare. Winner: Aassistantfinal{made('B')}", "B"),
    "harmony without marks or end": Shape("analysisWe compare.\nWinner: A", INVALID),
    "a family's own tag": Shape(f"<longcat_think>\n{made('A')}\n</longcat_think>\n{made('B')}", "B"),
    "a family's own tag, then nothing": Shape(f"<inner_thought>{made('A')}</inner_thought>", INVALID),
    "a tag of a reflection": Shape(f"<self_reflection>{lines('A')}</self_reflection>\n{lines()}", "B"),
    "a draft's tag": Shape(f"<draft>\n{made('A')}\n</draft>\n{made('B')}", "B"),
    "tokens of a thought": Shape(f"<|thinking_start|>\n{made('A')}\n<|thinking_end|>\n{made('B')}", "B"),
    "tokens of a thought, then nothing": Shape(f"<|think|>\n{made('A')}\n<|/think|>", INVALID),
    "an escaped end": Shape(f"<think>\n{made('A')}\n<\\/think>\n{made('B')}", "B"),
    "brackets of a thought": Shape(f"[BEGIN REASONING]\n{made('A')}\n[END REASONING]\n{made('B')}", "B"),
    "in words": Shape(f"Here's my thought process:\n{made('A')}\nHere's my response:\n{made('B')}", "B"),
    "in steps": Shape(
        f"Here are my reasoning steps:\n{made('A')}\n[BEGIN FINAL RESPONSE]\n{made('B')}\n"
        "[END FINAL RESPONSE]", "B",
    ),
    "as a terminal prints it": Shape(f"Thinking...\n{made('A')}\n...done thinking.\n\n{made('B')}", "B"),
    "folded": Shape(
        f"<details>\n<summary>Thought for 3 s</summary>\n{made('A')}\n</details>\n{made('B')}", "B",
    ),
    "details that are no thought": Shape(
        f"{made('B')}\n<details><summary>Notes</summary>None.</details>", "B"
    ),
    "tags side by side": Shape(
        "<winner>B</winner><reasoning>A is thin.</reasoning><case>1234</case>", "B"
    ),
    "harmony, a call in the head": Shape(
        f"{HARMONY.removesuffix('<|start|>assistant')}<|start|>assistant to=functions.give_verdict"
        f"<|channel|>commentary json<|message|>{made('B')}<|call|>", "B",
    ),
    "harmony without marks, on lines": Shape(
        f"analysis\nWe compare. {made('A')}\nassistantfinal\n{made('B')}", "B"
    ),
    "an end token": Shape(f"{made('B')}<|im_end|>", "B"),
    "two end tokens": Shape(f"{lines()}</s><|endoftext|>\n", "B"),
    "a token with full-width bars": Shape(f"{made('B')}<｜end▁of▁sentence｜>", "B"),
    "an end of turn": Shape(f"{lines()}<end_of_turn>", "B"),
    "a tag spoken of in a sentence": Shape(f"Answer A leaks a <think> tag.\n{lines()}", "B"),
}  # fmt: skip

CALL = json.dumps({"name": "give_verdict", "arguments": fields("B")})
CALL_SHAPES = {
    "hermes": Shape(f"<tool_call>\n{CALL}\n</tool_call>", "B"),
    "hermes without an end": Shape(f"<tool_call>\n{CALL}", "B"),
    "hermes with a string": Shape(
        "<tool_call>" + json.dumps({"name": "give_verdict", "arguments": made("B")}) + "</tool_call>",
        "B",
    ),
    "hermes, twice, differing": Shape(
        f"<tool_call>{CALL}</tool_call><tool_call>{CALL.replace('B', 'A')}</tool_call>", INVALID
    ),
    "parameters": Shape(json.dumps({"name": "give_verdict", "parameters": fields("B")}), "B"),
    "a function's name before": Shape(f"give_verdict\n{bare('B')}", "B"),
    "a function's tag": Shape(f"<function=give_verdict>{bare('B')}</function>", "B"),
    "a python tag": Shape(f"<|python_tag|>{CALL}<|eom_id|>", "B"),
    "a mark of calls": Shape(f"[TOOL_CALLS] [{CALL}]", "B"),
    "a mark and a name": Shape(f"[TOOL_CALLS]give_verdict{bare('B')}", "B"),
    "full-width marks": Shape(
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>give_verdict\n```json\n"
        f"{bare('B')}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "B",
    ),
    "parameters in tags": Shape(
        "<tool_call>\n<function=give_verdict>\n<parameter=reasons>\nIt is clearer.\n</parameter>\n"
        "<parameter=winner>\nB\n</parameter>\n<parameter=case>\n1234\n</parameter>\n</function>\n</tool_call>",
        "B",
    ),
    "named parameters in tags": Shape(
        '<invoke name="give_verdict"><parameter name="winner">B</parameter>'
        '<parameter name="case">1234</parameter></invoke>', "B",
    ),
    "keys and values in tags": Shape(
        "<tool_call>give_verdict\n<arg_key>winner</arg_key>\n<arg_value>B</arg_value>\n"
        "<arg_key>case</arg_key>\n<arg_value>1234</arg_value>\n</tool_call>", "B",
    ),
    "two winners in tags": Shape(
        "<parameter=winner>A</parameter><parameter=winner>B</parameter>", INVALID
    ),
    "a message with a call": Shape(
        json.dumps({"tool_calls": [{"function": {"name": "give_verdict", "arguments": made("B")}}]}), "B"
    ),
}  # fmt: skip

SHAPES: Mapping[str, Shape] = {
    f"{kind}: {name}": shape
    for kind, shapes in {
        "json": JSON_SHAPES, "text": TEXT_SHAPES, "thought": THOUGHT_SHAPES, "call": CALL_SHAPES,
    }.items()
    for name, shape in shapes.items()
}  # fmt: skip
"""Texts of replies, in whatever form the verdict was asked for."""

ARGUMENTS: Mapping[str, tuple[JsonValue, str]] = {
    "an object": (fields("B"), "B"),
    "a string": (made("B"), "B"),
    "a pretty string": (pretty("B"), "B"),
    "a fenced string": (f"```json\n{made('B')}\n```", "B"),
    "a string of a string": (json.dumps(made("B")), "B"),
    "an outer key": ({"verdict": fields("B")}, "B"),
    "an outer key and a string": ({"input": made("B")}, "B"),
    "a list": ([fields("B")], "B"),
    "keys in capitals": ({"Winner": "B", "Case": "1234"}, "B"),
    "no case": ({"winner": "B"}, "B"),
    "another case": (fields("B", case="9876"), INVALID),
    "scores as a string": (fields("B", scores="{}"), "B"),
    "a trailing comma": (made("B")[:-1] + ",}", "B"),
    "line feeds in a string": ('{"reasons": "a\nb", "winner": "B", "case": "1234"}', "B"),
    "cut off": (made("B")[:-4], INVALID),
    "empty": ("", INVALID),
    "null": (None, INVALID),
    "a number": (1, INVALID),
    "an empty object": ({}, INVALID),
    "no winner": ({"reasons": "x"}, INVALID),
    "an unknown winner": (fields("C"), INVALID),
    "two winners": ('{"winner": "A", "winner": "B"}', INVALID),
    "text around": (f"Sure! {made('B')} That is all, I think.", INVALID),
    "half an emoji": ('{"reasons": "\\ud83d", "winner": "B", "case": "1234"}', "B"),
}
"""Arguments of a call of the tool."""
