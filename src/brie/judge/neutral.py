"""Foreign text made harmless for a judge: it can neither leave its fence nor speak for anybody.

Broken up or shown, never removed: a judge sees that an answer tried. What of it is an attack and what
only a leak is told by `acts_in`, which the `injection` check asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from brie.judge.hidden import SUSPECT, revealed

_TAGS = (
    "bos|eos|pad|unk|mask|sop|eop|think|thinking|thought|start_of_turn|end_of_turn|start_of_image|"
    "tool_call|tool_calls|tool_response|tool_responses|tool_result|function_calls|function_results|"
    r"seed:\w+|reserved_\d+|unused\d+|extra_id_\d+|SPECIAL_\d+|TOKENS_UNUSED_\d+"
)
_FOREIGN = re.compile(
    r"[⟦〚]|[⟧〛]"  # our own brackets, and their look-alikes
    r"|\r\n?|[\u2028\u2029\x0b\x0c]"
    r"|[\ud800-\udfff]"
    r"|<(?=[|｜][^<>\n]{1,80}[|｜]>)"  # <|im_start|> and its kin
    r"|<(?=[|｜]/?\w[\w▁/ -]{0,40}>)|<(?=/?\w[\w▁/-]{0,40}[|｜]>)"  # <|channel>, <turn|>
    rf"|<(?=/?(?:s|{_TAGS}|system|assistant|user)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|gMASK)\])"
    r"|\[(?=\|\w{1,30}\|\])"  # [|user|]
    r"|<(?=</?SYS>>)"
    r"|\[(?=e~\[)|(?<=\])~(?=[!b]\[|b\])"
    r"|◁(?=/?think▷)"
)
_BEGINS = re.compile(f"[⟦〚⟧〛<~\\[◁\\r\\u2028\\u2029\\x0b\\x0c\\ud800-\\udfff{SUSPECT}]")
"""One of these begins everything foreign: most texts have none, and are searched once, quickly."""
_IDLE = bytes(code for code in range(128) if not _BEGINS.match(chr(code)))
"""ASCII that begins nothing foreign."""
_INSTEAD = {
    "⟦": "[", "〚": "[", "⟧": "]", "〛": "]", "<": "< ", "[": "[ ", "~": " ~", "◁": "◁ ",
    **dict.fromkeys(("\r\n", "\r", "\u2028", "\u2029", "\x0b", "\x0c"), "\n"),
}  # fmt: skip
_FENCE = re.compile(
    r"[⟦〚][^⟦⟧〚〛\n]{0,80}\b(?:answer|reference|message|reply|code)\b[^⟦⟧〚〛\n]{0,80}[⟧〛]",
    re.IGNORECASE,
)
_END = (
    r"/?(?:im_end|end\w*|eo[stdm]\w*|return|call|pad\w*|unk|mask|bos|bom|begin_of_text|startoftext|"
    r"begin▁of▁sentence|end▁of▁sentence|turn|s)"
)
_SPEAKER = re.compile(
    rf"<[|｜](?!{_END}[|｜]>)[^<>\n]{{1,80}}[|｜]>"
    r"|<[|｜]/?\w[\w▁/ -]{0,40}>|<(?!turn[|｜]>)/?\w[\w▁/-]{0,40}[|｜]>"
    r"|</?(?:think|thinking|thought|start_of_turn|tool_responses?|tool_result|function_results|seed:\w+)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|TOOL_RESULTS|TOOL_CONTENT|THINK)\]|\[\|(?!end\w*\|)\w{1,30}\|\]"
    r"|<</?SYS>>|\]~[!b]\[|\]~b\]|◁/?think▷",
    re.IGNORECASE,
)
"""Tokens that open a turn or a channel; those that only end one, or fill, leak without meaning to."""


def neutral(text: str, tokens: Iterable[str] = ()) -> str:
    """A foreign text without anything that could act as a fence, a speaker or a hidden message.

    Args:
        text: an answer, a prompt or a reference.
        tokens: further special tokens to break up, for a local model's own tokenizer.
    """
    # Of ASCII without anything foreign this is known faster than a text is found again.
    plain = text if text.isascii() and not _may_act(text) else _harmless(text)
    for token in tokens:
        if len(token) > 1 and token in plain:
            plain = plain.replace(token, f"{token[0]} {token[1:]}")
    return plain


@lru_cache(maxsize=128)
def _harmless(text: str) -> str:
    """The same for every token; all judges of a prompt read its texts, and each in two orders."""
    if not _may_act(text):
        return text
    return _FOREIGN.sub(lambda match: _INSTEAD.get(match[0], "\ufffd"), revealed(text)[0])


def _may_act(text: str) -> bool:
    """Whether anything foreign may begin in a text; of ASCII, this is known without a search."""
    if text.isascii():
        return bool(text.encode().translate(None, _IDLE))
    return _BEGINS.search(text) is not None


def acts_in(text: str) -> list[str]:
    """What in a text would have acted on a judge if `neutral` had left it, in words.

    A bare token that ends a turn is a leak, and a carriage return nothing at all.
    """
    if not _may_act(text):
        return []
    acts = {
        "marks of the judge's request": _FENCE.search(text) is not None,
        "tokens of a chat template": _SPEAKER.search(text) is not None,
        "hidden characters": revealed(text)[1] > 0,
    }
    return [act for act, is_there in acts.items() if is_there]
