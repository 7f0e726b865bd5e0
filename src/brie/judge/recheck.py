"""Does a stored verdict say what its reply says, or its rule? Nothing is asked.

A reply of which only the two ends were kept is not read again, and a rule of an older format is not
computed: of these nothing is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from brie import versions
from brie.blinding import JudgeInput
from brie.judge import parse
from brie.judge.letters import likelier, written
from brie.judge.prompt import case_number
from brie.judge.providers.remote import is_cut
from brie.judge.providers.rules import open_judge
from brie.records import JudgeSpec, PanelJudge, Status, VerdictLite
from brie.records.base import remembered

Answer = Literal["agrees", "differs", "unknown"]
_VOTE = re.compile(r"(?:vote|imported): (A|B|tie|withdrawn)")
_SHARES = re.compile(r"A ([\d.]+)%, B [\d.]+%")
_LINES = re.compile(r"(?:^|\n)Case: \d{4}\nWinner: (?:A|B|tie)\s*$")
_TIE_MARGIN = 0.02
"""Probabilities nearer than this were a tie before what is measured was kept."""
_ROUNDING = 0.0005
"""By which a share written with one digit may differ from what it was."""


def recheck(kept: VerdictLite, judge: PanelJudge, shown: JudgeInput) -> Answer:
    """Whether a stored verdict is what its reply, or its rule, gives today.

    Args:
        kept: the verdict.
        judge: who gave it.
        shown: what it was shown.
    """
    spec = judge.judge
    if spec.provided.kind == "person":
        return _of_vote(kept)
    if spec.provided.kind == "rule":
        return _of_rule(kept, judge, shown)
    if kept.status is Status.ERROR:
        return "agrees" if kept.letter is None else "differs"
    if kept.measured is not None:
        given = (Status.OK, likelier(kept.measured), written(kept.measured))
        return "agrees" if (kept.status, kept.letter, kept.reply) == given else "differs"
    if spec.by_margin and _format_of(judge) == versions.MARGIN_FORMAT:
        return "agrees" if kept.status is not Status.OK and kept.letter is None else "differs"
    if spec.output == "logprobs":
        return _of_shares(kept, spec)
    older = _format_of(judge) != versions.PROMPT_FORMAT
    answer = _of_reply(
        kept, judge.rubric.criteria if judge.rubric else (), None if older else case_number(shown)
    )
    return "unknown" if older and answer == "differs" else answer


@remembered
def _format_of(judge: PanelJudge) -> str | None:
    return judge.judge.prompt_format(judge.digest)


def _of_vote(kept: VerdictLite) -> Answer:
    match = _VOTE.fullmatch(kept.reply)
    if match is None:
        return "differs"
    said = None if match[1] == "withdrawn" else match[1]
    return "agrees" if (kept.letter, kept.status is Status.OK) == (said, said is not None) else "differs"


def _of_rule(kept: VerdictLite, judge: PanelJudge, shown: JudgeInput) -> Answer:
    if _format_of(judge) != versions.PROMPT_FORMAT:
        return "unknown"
    given = open_judge(judge.judge, judge.rubric).given(shown)
    return "agrees" if (kept.status, kept.letter) == (given.status, given.letter) else "differs"


def _of_shares(kept: VerdictLite, spec: JudgeSpec) -> Answer:
    match = _SHARES.fullmatch(kept.reply)
    if kept.status is not Status.OK or match is None:
        return "differs" if kept.status is Status.OK or match else "agrees"
    share, given = float(match[1]) / 100, spec.parameters.get("tie_margin")
    margin = float(given) if isinstance(given, int | float | str) else _TIE_MARGIN
    lead = 2 * share - 1
    if abs(abs(lead) - margin) <= 2 * _ROUNDING:
        return "unknown"
    letter = "tie" if abs(lead) <= margin else "A" if lead > 0 else "B"
    return "agrees" if kept.letter == letter else "differs"


def _of_reply(kept: VerdictLite, criteria: Sequence[str], case: str | None) -> Answer:
    if is_cut(kept.reply):
        return "unknown"
    plain = parse.as_asked(kept.reply, criteria, case) if kept.status is Status.OK else None
    if plain is not None:
        return "agrees" if (kept.letter, kept.scores) == plain else "differs"
    read = _read(kept.reply, criteria, case)
    if kept.status is Status.OK:
        same = read is not None and (kept.letter, kept.scores) == (read.letter, _plain(read.scores))
        return "agrees" if same else "differs"
    if kept.letter is not None:
        return "differs"
    # A reply may state a verdict and be none: to another case, cut off, of a prompt that was cut.
    stated = read is not None and kept.reason in (read.reason, kept.reply.strip())
    if read and kept.reason.startswith("unreadable") and not stated:
        # What is not plain, an earlier reader may well not have read.
        return "differs" if _is_plain(kept.reply) else "unknown"
    return "differs" if stated else "agrees"


def _is_plain(reply: str) -> bool:
    """Whether a reply is a verdict exactly as it was asked for, which every reader has read."""
    if _LINES.search(reply):
        return True
    try:
        fields = json.loads(reply)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and fields.get("winner") in get_args(parse.Letter)


def _read(reply: str, criteria: Sequence[str], case: str | None) -> parse.Parsed | None:
    """A reply's verdict, read as a text or as the arguments of a call; None where it states none."""
    try:
        return parse.read_text(reply, criteria, case)
    except (parse.Unreadable, parse.WrongCase, parse.Refused):
        pass
    try:
        return parse.read_reply("", reply.split("\n"), criteria, case)
    except (parse.Unreadable, parse.WrongCase, parse.Refused):
        return None


def _plain(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {name: dict(by_letter) for name, by_letter in scores.items()}
