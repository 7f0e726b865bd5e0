"""A ballot as one page to be sent: it works offline and on a phone, and knows nothing of the sides.

The page holds texts and letters as data, one style sheet and one script, and a policy that lets nothing
else be applied, run or asked for. What is chosen stays in the browser until its voter saves it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from pydantic import JsonValue

from brie.evaluation.ballot_file import BallotPair, SentBallot
from brie.report.clean import clip
from brie.report.html import content_policy, environment

_ROOM = Path(__file__).parent
_STATIC = _ROOM / "static" / "vote"
LONGEST = 50_000
"""Characters of one answer; a longer one says that it was cut."""


def ballot_page(ballot: SentBallot) -> str:
    """The page as HTML text; the same ballot gives the same bytes."""
    css, code = (_static(name) for name in ("vote.css", "ballot.js"))
    data: JsonValue = {"ballot": ballot.code, "pairs": [_pair(pair) for pair in ballot.pairs]}
    return (
        environment(_ROOM / "templates")
        .get_template("ballot.html")
        .render(
            pairs=len(ballot.pairs),
            data=htmlsafe_json_dumps(data),
            css=Markup(css),  # noqa: S704 (our own file)
            code=Markup(code),  # noqa: S704 (our own file)
            csp=content_policy(css, code),
        )
    )


def _pair(pair: BallotPair) -> JsonValue:
    """What the voter sees of a pair, texts cleaned and cut where they are absurdly long."""
    shown = pair.shown
    prompt, remark = clip(shown.messages[-1].content, LONGEST)
    return {
        "id": pair.id,
        "prompt": prompt + (f"\n[{remark}]" if remark else ""),
        "earlier": [
            {"role": message.role, "text": clip(message.content, LONGEST)[0]}
            for message in shown.messages[:-1]
        ],
        "answers": [
            {"letter": letter, "text": text, "remark": cut}
            for letter, (text, cut) in ((letter, clip(text, LONGEST)) for letter, text in shown.answers)
        ],
    }


@cache
def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
