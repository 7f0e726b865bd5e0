"""An evaluation as sessions that trace viewers show: one file a comparison, blind.

The form is the Hub's Session Trace Simple Format: JSON lines, of which the first is

    {"type": "session", "harness": "brie", "id": …, "name": …}

and every other a message, `{"type": "message", "message": {"role": …, "content": …}}`: the prompt, both
answers under letters, then what each judge and voter said. Which side a letter stands for is in no file:
order and letters are dealt anew for each comparison, and verdicts are told in those letters, in an order
that the letters give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import JsonValue

from brie.blinding import Presentation, drawn, first_side, judge_input
from brie.bundle.pack import write_zip
from brie.digest import digest
from brie.errors import UsageError
from brie.evaluation.folders import Evaluation
from brie.evaluation.gather import gather, is_answered
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.project import Project
from brie.report.shown import slug
from brie.store import Store

FOLDER = "traces/"
HARNESS = "brie"
EXCHANGED = "(In these words A and B are exchanged.)"
_LETTER = re.compile(r"\b[AB]\b")
Line = dict[str, JsonValue]


def write_traces(evaluation: Evaluation, project: Project, out: Path) -> int:
    """Write a zip with a session of every comparison; returns how many there are.

    Raises:
        SealBroken: the plan is not the one that was sealed.
        UsageError: nothing is answered yet, or a key or a place of this machine would be in it.
        InputError: `out` cannot be written.
    """
    with Store.open(project.store, read_only=True) as store, store.snapshot():
        sessions = dict(_sessions(gather(evaluation.manifest, store)))
    if not sessions:
        name = evaluation.manifest.id
        raise UsageError(f"{name} has no answers yet; make them: brie generate {name}")
    write_zip(out, sessions, project)
    return len(sessions)


def _sessions(facts: EvaluationData) -> Iterator[tuple[str, bytes]]:
    groups: dict[tuple[str, int], list[VerdictRow]] = {}
    for row in (*facts.of("main"), *facts.of("vote")):
        if is_answered(row.task, facts.completions):
            groups.setdefault((row.task.prompt, row.task.sample), []).append(row)
    for (prompt, sample), rows in groups.items():
        name = slug(prompt, sample)
        lines = [_head(facts, rows[0], name), *_messages(facts, rows)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        yield f"{FOLDER}{name}.jsonl", text.encode()


def _head(facts: EvaluationData, row: VerdictRow, name: str) -> Line:
    """The session's line, with what is known of the prompt and nothing of the sides."""
    prompt, plan = facts.work.prompts[row.task.prompt], facts.manifest.plan
    return {
        "type": "session",
        "harness": HARNESS,
        "id": f"{facts.manifest.id}-{name}",
        "name": f"{prompt.id}, sample {row.task.sample + 1}",
        "evaluation": facts.manifest.id,
        "suite": plan.suite.name,
        "category": prompt.category,
        "source": prompt.source,
        "sample": row.task.sample,
    }


def _messages(facts: EvaluationData, rows: Sequence[VerdictRow]) -> Iterator[Line]:
    """The prompt, both answers as they are dealt here, and what was said of them."""
    task = rows[0].task
    shown = _dealt(facts, rows[0])
    messages = facts.work.messages[task.prompt]
    for turn in messages:
        yield _message(turn.role, turn.content)
    keys = (task.presentation.candidate, task.presentation.baseline)
    texts = {key: facts.completions[key].text for key in keys}
    for letter, text in judge_input(shown, facts.work.prompts[task.prompt], messages, texts).answers:
        yield _message("assistant", f"Answer {letter}:\n\n{text}", model=f"answer {letter}")
    for row in _in_no_order(rows, shown):
        yield _said(row, shown)


def _in_no_order(rows: Sequence[VerdictRow], shown: Presentation) -> list[VerdictRow]:
    """Verdicts judge by judge, that with answer A first before the other.

    As planned, a judge sees the candidate first and then second, and the place would name it.
    """
    judges = list(dict.fromkeys(row.task.judge for row in rows))
    return sorted(rows, key=lambda row: (judges.index(row.task.judge), _first_letter(row, shown)))


def _first_letter(row: VerdictRow, shown: Presentation) -> str:
    """The letter here of the answer that a judge was shown first."""
    return shown.letter_of(first_side(row.task.presentation.order))


def _dealt(facts: EvaluationData, row: VerdictRow) -> Presentation:
    """Order and letters of a comparison here: no judge's, so that none is told apart by them."""
    task = row.task
    lot = digest({"trace": facts.manifest.seal, "prompt": task.prompt, "sample": task.sample})
    pair = task.presentation
    return drawn(lot, prompt=pair.prompt, candidate=pair.candidate, baseline=pair.baseline)


def _said(row: VerdictRow, shown: Presentation) -> Line:
    """A verdict or a vote, in the letters of this trace."""
    asked, verdict = row.task.presentation, row.verdict
    if row.identical:
        return _message(
            "assistant", "The two answers are the same: a tie, unasked.", model=row.task.judge
        )
    if row.winner is None or verdict is None:
        status = "is missing" if verdict is None else f"cannot be used ({verdict.status})"
        return _message("assistant", f"The verdict {status}.", model=row.task.judge)
    choice = shown.letter_of(row.winner)
    lines = ["Neither is better." if row.winner == "tie" else f"Answer {choice} is better."]
    lines.append(f"Shown first: answer {_first_letter(row, shown)}.")
    for criterion, scores in verdict.scores.items():
        by_letter = {shown.letter_of(side): score for side, score in asked.by_side(scores).items()}
        listed = ", ".join(f"{letter} {score:g}" for letter, score in sorted(by_letter.items()))
        lines.append(f"{criterion}: {listed}")
    exchanged = not asked.letters_as(shown) and _LETTER.search(verdict.reason) is not None
    reason = f"{EXCHANGED}\n\n{verdict.reason}" if exchanged else verdict.reason
    return _message("assistant", "\n".join(lines), model=row.task.judge, reasoning=reason)


def _message(role: str, content: str, *, model: str = "", reasoning: str = "") -> Line:
    message: Line = {"role": role, "content": content}
    if reasoning:
        message["reasoningContent"] = reasoning
    if model:
        message["model"] = model
    return {"type": "message", "message": message}
