"""What a side alone is told: a difference that is meant, and prompts that stand in it with answers."""

from __future__ import annotations

from brie.checks.findings import Figure, Finding
from brie.number_format import plural
from brie.records import Pin, Plan, Side, SidePrompt


def told_words(told: SidePrompt) -> str:
    """What a side is told, by its amount: "a system prompt of 80 characters and 2 examples"."""
    parts = []
    if told.system:
        parts.append(f"a system prompt of {plural(len(told.system), 'character')}")
    if told.examples:
        parts.append(plural(len(told.examples) // 2, "example"))
    return " and ".join(parts)


def meant(plan: Plan) -> str:
    """What the sides are told besides the prompts, and that this was asked for; "" where nothing is."""
    told = _told(plan)
    if not told:
        return ""
    said = " and ".join(f"the {side} is told {told_words(prompt)}" for side, prompt in told.items())
    return f"Besides the prompts {said}: that is meant, as part of what is compared."


def figures(plan: Plan) -> dict[str, Figure]:
    """The evidence on it: characters and examples of each side that is told something."""
    told: dict[str, Figure] = {
        side: {"system_characters": len(prompt.system or ""), "examples": len(prompt.examples) // 2}
        for side, prompt in _told(plan).items()
    }
    return {"told": told} if told else {}


def leaks(plan: Plan) -> list[Finding]:
    """Prompts of the suite that a side was given with their answers."""
    findings = []
    for side, prompt in _told(plan).items():
        shown = {_plain(turn.content) for turn in prompt.examples if turn.role == "user"}
        same = sum(_plain(asked.messages[-1].content) in shown for asked in plan.suite.prompts)
        if same:
            stand = "stands" if same == 1 else "stand"
            findings.append(
                Finding(
                    "warn",
                    f"{plural(same, 'prompt')} of the suite {stand} among the examples that the {side} "
                    "is told, with an answer.",
                    "Take examples that are not in the suite.",
                )
            )
    return findings


def _told(plan: Plan) -> dict[Side, SidePrompt]:
    sides: tuple[tuple[Side, Pin], ...] = (("candidate", plan.candidate), ("baseline", plan.baseline))
    return {side: pin.told for side, pin in sides if pin.told is not None}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
