"""What is read in five seconds: the verdict with its rate, one line, and what must be read with it.

    demo:best against brie/tiny, suite demo
    Better: 86 of 100, ties half (80 won, 13 tied, 7 lost)
    likely 79 to 91 · 66 prompts · judged by a rule (`reference`), no model and no person · stands

Pure: page, card, badge, Markdown and viewer print this; the full sentence is in `sentence.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brie.checks.standing import standing_of
from brie.number_format import plural, points, span
from brie.records import Manifest
from brie.records.analysis import Analysis, WinRate
from brie.report.benchmarks import tasks_clause
from brie.report.leaderboard import ranking_parts, table_of, title_of
from brie.report.panel import panel_of, voters
from brie.report.people import is_anchored, people_words
from brie.report.sentence import (
    all_identical,
    claim_sentence,
    further_reasons,
    identical_words,
    identity_sentence,
    interval_of,
    verdict_word,
)


@dataclass(frozen=True)
class Opening:
    """The first lines of everything that shows a result; names stand between backticks."""

    names: str
    """Whose numbers these are, and on what."""
    word: str
    """The verdict as far as it stands; nothing else is printed as large."""
    rate: str
    """The rate as words, with the verdict on one line; "" where the verdict is a sentence of its own."""
    line: str
    """How likely, on how much, judged by whom, and how it stands."""
    remarks: tuple[str, ...]
    """What nobody should miss: a claim, further reasons against it, identical answers."""

    @property
    def title(self) -> str:
        """Verdict and rate on one line, as plain text."""
        return f"{self.word}: {self.rate}" if self.rate else self.word


def opening(analysis: Analysis, manifest: Manifest | None = None) -> Opening:
    """The first lines of an analysis."""
    where = analysis.suite.name if analysis.audit is not None else f"suite {analysis.suite.name}"
    names, table = f"{title_of(analysis)}, {where}", table_of(analysis)
    if table is not None:
        lead, rest = ranking_parts(table)
        return Opening(names, lead, "", rest, ())
    rate, word = analysis.win_rate, verdict_word(analysis)
    if rate is None:
        reason = analysis.notes.get("win_rate") or analysis.notes.get("verdict") or "nothing was judged"
        return Opening(names, "There is no win rate", "", reason.replace("`", ""), ())
    standing = standing_of(analysis)
    alone = standing is not None and bool(standing.reasons) and analysis.verdict is not None
    told, line = rate_words(analysis, rate), _line(analysis, manifest, rate)
    if all_identical(analysis):
        told, line = identical_words(analysis), f"{told} · {line}"
    if alone:
        return Opening(names, word, "", f"{told} · {line}", tuple(_remarks(analysis)))
    return Opening(names, word, told, line, tuple(_remarks(analysis)))


def rate_words(analysis: Analysis, rate: WinRate) -> str:
    """ "86 of 100, ties half (80 won, 13 tied, 7 lost)"."""
    if is_anchored(analysis):
        return f"people would prefer it in {points(rate.value)} of 100"
    shares, so_far = _shares(analysis, rate), "so far " if analysis.interim else ""
    facts = analysis.audit
    if facts is not None and not facts.sides_defined:
        so_far += f"{analysis.candidate.name.replace('`', '')} won "
    return f"{so_far}{points(rate.value)} of 100, ties half{f' ({shares})' if shares else ''}"


def likely(analysis: Analysis, rate: WinRate) -> str:
    """The interval of the verdict in words: "likely 79 to 91"."""
    if analysis.verdict == "equivalent" and rate.interval_90 and not analysis.interim:
        return f"likely {span(*rate.interval_90, ' to ')} (90 %)"
    ends = interval_of(rate)
    return f"likely {span(*ends, ' to ')}" if ends else f"no interval: {_few(rate)}"


def prompts_words(analysis: Analysis, rate: WinRate) -> str:
    """ "66 prompts"; of a partial result "12 of 40 prompts"."""
    whole = analysis.suite.prompts
    if analysis.interim or (rate.prompts < whole and analysis.counts.not_needed):
        return f"{rate.prompts:,} of {plural(whole, 'prompt')}"
    return plural(rate.prompts, "prompt")


def standing_words(analysis: Analysis) -> str:
    """How the verdict stands, and how many checks fail or warn: "stands, 5 warnings"."""
    standing, statuses = standing_of(analysis), [check.status for check in analysis.checks]
    states = {"stands": "stands", "conditional": "conditional", "withheld": "does not stand"}
    claims = standing is not None and (standing.state != "stands" or analysis.verdict != "undecided")
    counts = (("fail", "check fails", "checks fail"), ("warn", "warning", "warnings"))
    parts = [
        states[standing.state] if standing is not None and claims else "",
        *(
            plural(statuses.count(status), word, several)
            for status, word, several in counts
            if status in statuses
        ),
    ]
    return ", ".join(part for part in parts if part)


def _line(analysis: Analysis, manifest: Manifest | None, rate: WinRate) -> str:
    people = voters(analysis)
    by = panel_of(analysis, manifest).by
    by = by.removesuffix(" and no person") if people else by
    beside = f"{plural(len(people), 'person', 'people')} voted beside it" if people else ""
    parts = (
        likely(analysis, rate),
        prompts_words(analysis, rate),
        people_words(analysis) if is_anchored(analysis) else f"judged by {by}",
        "" if is_anchored(analysis) else beside,
        standing_words(analysis),
    )
    return " · ".join(part for part in parts if part)


def _remarks(analysis: Analysis) -> Iterator[str]:
    claim = claim_sentence(analysis)
    if claim:
        yield claim
    if clause := tasks_clause(analysis):
        yield f"On benchmarks: {clause}."
    yield from further_reasons(analysis)
    if analysis.verdict is None and not analysis.interim:
        yield analysis.notes.get("verdict", "no reason is given")
    many = analysis.counts.identical * 2 >= max(1, analysis.counts.comparisons)
    if many and not all_identical(analysis):
        yield f"{identical_words(analysis)}."
    if identity_sentence(analysis):
        yield identity_sentence(analysis)


def _shares(analysis: Analysis, rate: WinRate) -> str:
    """Won, tied and lost of every hundred; as counts where prompts weigh so unevenly that the sum
    would not be the rate."""
    outcomes = analysis.outcomes
    counts = (outcomes.win, outcomes.tie + (outcomes.identical or 0), outcomes.loss)
    total = sum(counts)
    if not total:
        return ""
    exact = [100 * count / total for count in counts]
    if abs(exact[0] + exact[1] / 2 - 100 * rate.value) <= 1:
        counts, unit = _rounded(exact), ""
    else:
        unit = f" of {total:,} verdicts"
    return (
        ", ".join(
            f"{count:,} {word}" for count, word in zip(counts, ("won", "tied", "lost"), strict=True)
        )
        + unit
    )


def _rounded(exact: list[float]) -> tuple[int, int, int]:
    """Whole numbers that still sum to 100: the largest remainders are rounded up."""
    whole = [int(share) for share in exact]
    by_rest = sorted(range(3), key=lambda place: exact[place] - whole[place], reverse=True)
    for place in by_rest[: 100 - sum(whole)]:
        whole[place] += 1
    return whole[0], whole[1], whole[2]


def _few(rate: WinRate) -> str:
    return f"{plural(rate.prompts, 'prompt')} {'is' if rate.prompts == 1 else 'are'} too few"
