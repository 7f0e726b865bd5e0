"""JudgeBench's judged pairs: one answer is right, and the judge is asked which, in both orders.

    {"pair_id": "…", "question": "…", "response_A": "…", "response_B": "…", "label": "A>B",
     "judge_name": "…", "judgments": [{"decision": "A>B"}, {"decision": "B>A"}]}

The candidate is the right answer: its win rate is how often the judge is right, one half by chance.
The second judgment shows the answers exchanged, and its decision is about what it was shown.
"""

from __future__ import annotations

from pydantic import JsonValue

from brie.audit.keys import judge, lacks, text
from brie.audit.rows import Item, Row, texts
from brie.audit.vocabulary import FIRST, SECOND, TIE, place, plain
from brie.reading.skipped import Skipped
from brie.records import Status

KEYS = {"question", "response_A", "response_B", "label", "judgments"}
IDENTIFIES = "order and letter only together: A is always shown first"
_MODELS = "the right answer", "the wrong answer"
_SCORES = {FIRST: 1.0, TIE: 0.5, SECOND: 0.0}


def fits(value: dict[str, JsonValue]) -> bool:
    """Whether a row looks like this format."""
    return value.keys() >= KEYS


def read(line: int, value: dict[str, JsonValue]) -> list[Item]:
    """Both judgments of a pair; one that is missing or unread costs itself."""
    if not fits(value):
        return [Skipped(line, lacks(value, KEYS))]
    label, judgments = place(plain(value["label"])), value["judgments"]
    if label not in (FIRST, SECOND) or not isinstance(judgments, list):
        return [Skipped(line, f"the label is {value['label']!r}, or judgments are no list")]
    return [
        _judgment(line, value, judgment, right_first=(label == FIRST) == (index == 0))
        for index, judgment in enumerate(judgments[:2])
    ]


def _judgment(line: int, value: dict[str, JsonValue], judgment: JsonValue, *, right_first: bool) -> Row:
    said = judgment.get("decision") if isinstance(judgment, dict) else None
    where = place(plain(said))
    answers = text(value, "response_A"), text(value, "response_B")
    right, wrong = answers if place(plain(value["label"])) == FIRST else answers[::-1]
    score = _SCORES[where] if where else float("nan")
    side = 1 if right_first else -1
    return Row(
        line=line,
        models=_MODELS,
        both=True,
        judge=judge(value, "judge_name", "judge_model"),
        category=text(value, "source", default="all"),
        status=Status.OK if where else Status.INVALID,
        score=score if right_first else 1 - score,
        position=side,
        label=side,
        why="" if where or said is None else f"the decision {said!r} is unknown",
        **texts(prompt=text(value, "question"), first=right, second=wrong),
    )
