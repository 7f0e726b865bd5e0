"""How a verdict is given: the schema of its fields, and the words that ask for it.

Reasons come first, then scores, then the winner: a judge that has to name the winner first reasons
for what it has already said.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

OutputForm = Literal["tool", "json_schema", "text", "logprobs"]

TOOL = "give_verdict"
_GRADES: list[JsonValue] = [1, 2, 3, 4, 5]


@functools.cache
def key_of(criterion: str) -> str:
    """A criterion's name as a key every provider's schema accepts."""
    return _known_key(criterion) if len(criterion) <= _USUAL else _key(criterion)


def _key(criterion: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", criterion.lower()).strip("_")[:60]


_USUAL = 100
"""Characters of a name that is remembered; replies hold longer ones, and any number of them."""
_known_key = functools.lru_cache(maxsize=1_000)(_key)


def schema(criteria: Sequence[str]) -> dict[str, JsonValue]:
    """JSON schema of a verdict, in the part of the language that strict modes accept."""
    grade: JsonValue = {"type": "integer", "enum": _GRADES}
    pair = _object({"A": grade, "B": grade})
    scores = {"scores": _object({key_of(name): pair for name in criteria})} if criteria else {}
    return _object(
        {
            "reasons": {"type": "string", "description": "What decides between the two, briefly."},
            **scores,
            "winner": {"type": "string", "enum": ["A", "B", "tie"]},
            "margin": {"type": "string", "enum": ["much", "slightly", "none"]},
            "case": {"type": "string", "description": "The case number at the top of the request."},
        }
    )


def instructions(form: OutputForm, criteria: Sequence[str]) -> str:
    """The words that ask for a verdict in a form."""
    if form == "logprobs":
        return _LETTER
    steps = ["your reasons, in a few sentences"]
    if criteria:
        steps.append(f"a score from 1 to 5 for each answer on {_listed(criteria)}")
    steps.append('the winner: "A", "B", or "tie" where neither is better')
    steps.append('the margin: is the winner "much" or "slightly" better; "none" for a tie')
    order = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    scale = f"\n\n{_SCALE}" if criteria else ""
    return f"## Your verdict\n\nGive, in this order:\n\n{order}{scale}\n\n{_how(form, criteria)}"


_SCALE = """The scores mean:

- 5: could hardly be better
- 4: good, with small flaws
- 3: as much good as bad in it
- 2: serious flaws
- 1: fails at it

Judge each criterion by itself, and use the whole scale. Scores and winner go together: the winner is
the answer whose scores are higher taken together, and answers that tie have about the same."""


def _how(form: OutputForm, criteria: Sequence[str]) -> str:
    if form == "tool":
        return f"Give it by calling the tool `{TOOL}` exactly once. Repeat the case number in `case`."
    if form == "json_schema":
        keys = ["reasons", *(["scores"] if criteria else []), "winner", "margin", "case"]
        listing = ", ".join(f'"{key}"' for key in keys)
        return f"Reply with one JSON object with the keys {listing}; `case` repeats the case number."
    scores = "".join(f"\n{name}: A=<1-5>, B=<1-5>" for name in criteria)
    return (
        "Reply in plain text. After your reasons, end with these lines and nothing after them; put your "
        f"own words where <> stand:\n{scores}\nMargin: <much, slightly or none>\n"
        "Case: <the case number>\nWinner: <A, B or tie>"
    )


_LETTER = (
    "## Your verdict\n\n"
    "Reply with one letter and nothing else: A if answer A is better, B if answer B is."
)


def _listed(names: Sequence[str]) -> str:
    return "; ".join(f"“{name}”" for name in names)


def _object(properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
