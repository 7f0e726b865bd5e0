"""What can be done about judgments that another tool made: none of brie's own runs can change them."""

from __future__ import annotations

from brie.records import Check

REMEDIES: dict[str, str] = {
    "truncation": "Make the answers whole first: raise the limit they were made with, then judge again.",
    "blinding": "Judge again with order and letter crossed, each pair once in either order.",
    "position": "Judge each pair in both orders, with a judge that reads.",
    "length": "Length may be part of being better: read pairs of equal length.",
    "sample_size": "More prompts find smaller differences; more judgments of the same prompts do not.",
    "sampling": "Draw and judge several answers a prompt.",
    "judges": "Have judges of several families judge the same pairs.",
    "controls": "Have the same judges judge pairs whose answer is known: one model against itself, and "
    "answers against damaged copies.",
    "contamination": "Compare the prompts with the training file: `brie data overlap FILE FILE`.",
    "sources": "Name each prompt's source in the file, and add prompts of other sources.",
    "looks": "For a number to publish, judge once on prompts nobody has looked at.",
    "injection": "Read those answers in the file; they were judged as they are.",
}
"""Check -> what its owner can do. A check that is not here has nothing to advise."""


def fitting(check: Check) -> Check:
    """A check of imported judgments, its remedy one that can be followed."""
    if check.remedy is None:
        return check
    return check.model_copy(update={"remedy": REMEDIES.get(check.id)})
