"""The verdict in one sentence that a layman understands, and what qualifies it.

Pure: an analysis in, plain text out; names stand between backticks, which each writer turns
into its own kind of emphasis.
"""

from __future__ import annotations

from brie.checks.standing import missing_is_small, standing_of, tipping_words
from brie.conventions import ANCHORED, E_PROCESS, MARGIN, WIDER
from brie.number_format import percent, plural, points, span
from brie.records import Manifest
from brie.records.analysis import Analysis, VerdictWord, WinRate
from brie.report.benchmarks import tasks_clause
from brie.report.drift import drift_lines
from brie.report.leaderboard import ranking_sentence, table_of
from brie.report.panel import Panel, panel_of, voters
from brie.report.people import is_anchored, people_lines, people_words

SCOPE = (
    "The interval is for new prompts like these, for this checkpoint (another training seed could "
    "give another answer), these judges and this decoding setting; it does not contain judge bias."
)
METHOD = {
    ANCHORED: "t interval of people's votes, with what judges say of the other prompts (PPI++) and two "
    "imagined prompts",
    "cluster-bootstrap-plus-one": "prompt bootstrap with one imagined win and one imagined loss; it "
    "leans towards 50 % and is not centred on the estimate",
    E_PROCESS: "of the sequential test, which allows for stopping early",
}


def verdict_word(analysis: Analysis) -> str:
    """The verdict as a label, as far as it stands.

    "Better", "Worse, by less than 5 points", "Undecided", "Better? No: all 36 prompts were trained
    on", "Better only if the 43 missing verdicts are like the others (37 of 66 prompts are judged)".
    """
    if analysis.interim:
        return "INTERIM"
    if table_of(analysis) is not None:
        return "Ranked"
    if analysis.verdict is None:
        return "Verdict withheld"
    standing = standing_of(analysis)
    word = _plain_word(analysis, analysis.verdict)
    if standing is not None and standing.reasons:
        first = standing.reasons[0].text.replace("`", "")
        no = "Nothing is shown: " if analysis.verdict == "undecided" else f"{word}? No: "
        withheld = standing.state == "withheld"
        held = f"{word}, and that {first}" if analysis.verdict == "undecided" else f"{word} {first}"
        return f"{no}{first}" if withheld else held
    if analysis.verdict in ("better", "worse") and _inside_margin(analysis.win_rate):
        return f"{word}, by less than {points(MARGIN)} points"
    return word


def _plain_word(analysis: Analysis, verdict: VerdictWord) -> str:
    """The verdict by itself; of two models of which neither is the candidate, who is over whom."""
    names = analysis.candidate.name, analysis.baseline.name
    if analysis.audit is None or analysis.audit.sides_defined or verdict not in ("better", "worse"):
        return verdict.capitalize()
    over, under = names if verdict == "better" else names[::-1]
    return f"{over} over {under}".replace("`", "")


def tone(analysis: Analysis) -> str:
    """What picks colour and mark of a verdict.

    `better`, `worse`, `even` or `open`; `withheld` or `conditional` where it does not stand by itself.
    """
    standing = standing_of(analysis)
    if standing is not None and standing.state != "stands":
        return standing.state
    tones = {"better": "better", "worse": "worse", "equivalent": "even"}
    return "open" if analysis.interim else tones.get(analysis.verdict or "", "open")


def verdict_sentence(analysis: Analysis, manifest: Manifest | None = None) -> str:
    """What was found, in words, with the win rate and its interval.

    The form follows the verdict; a panel of rules is never said to be judges, a partial result
    begins with INTERIM, and a withheld verdict with its reason.
    """
    panel = panel_of(analysis, manifest)
    rate, table = analysis.win_rate, table_of(analysis)
    if table is not None:
        return ranking_sentence(table)
    claim = f"{claim_sentence(analysis)} " if claim_sentence(analysis) else ""
    if rate is None:
        reason = analysis.notes.get("win_rate") or analysis.notes.get("verdict") or "nothing was judged"
        return f"{_interim(analysis)}There is no win rate: {_stop(reason)}"
    same, interval = identical_words(analysis), _interval(analysis, rate)
    if all_identical(analysis):
        return f"{same}. {_doubt(analysis)}{_capital(interval)}.{_rules(analysis, panel)}"
    finding = f"{_finding(analysis, panel, rate)}; {interval}."
    begins = not analysis.interim and (analysis.verdict != "undecided" or bool(_doubt(analysis)))
    told = f"{claim}{_lead(analysis)}{_capital(finding) if begins else finding}"
    mostly = analysis.counts.identical * 2 >= analysis.counts.comparisons
    clause = tasks_clause(analysis)
    told += f" On benchmarks: {clause}." if clause else ""
    parts = [same and f"{same}.", told] if mostly else [told, same and f"{same}."]
    return " ".join(part for part in parts if part) + _rules(analysis, panel)


def identical_words(analysis: Analysis) -> str:
    """How many answers of the two sides are the same, byte for byte; "" where none is."""
    same, every = analysis.counts.identical, analysis.counts.comparisons
    if not same:
        return ""
    pairs = f"{same:,} of {plural(every, 'pair')} of answers"
    told = f"{pairs} {'is' if same == 1 else 'are'} identical"
    if all_identical(analysis):
        return f"{told}: the two models do the same here"
    return f"{told} and {'counts' if same == 1 else 'count'} one half"


def all_identical(analysis: Analysis) -> bool:
    """Whether every answer of one side is that of the other, byte for byte."""
    counts = analysis.counts
    return not analysis.interim and 0 < counts.identical == counts.comparisons


def claim_sentence(analysis: Analysis) -> str:
    """Of an audit: what is claimed, against what the prompts support; "" without a claim."""
    facts = analysis.audit
    return facts.findings[0] if facts is not None and facts.claim is not None and facts.findings else ""


def caveats(analysis: Analysis) -> list[str]:
    """What a reader of the verdict must know besides, most important first; often empty."""
    sentences = [
        *further_reasons(analysis),
        *people_lines(analysis, candidate_term(analysis)),
        _new_sources(analysis),
        *drift_lines(analysis),
        _missing(analysis),
        tipping_words(analysis),
        _stopped(analysis),
        _paired(analysis),
        identity_sentence(analysis),
    ]
    if analysis.verdict_reason and not analysis.interim and analysis.verdict is not None:
        sentences.insert(0, _capital(_stop(analysis.verdict_reason)))
    return [text for text in sentences if text]


def candidate_term(analysis: Analysis) -> str:
    """What the candidate is to a reader: a fine-tune where it was trained, else the candidate.

    Trained: it has a training step, or another digest than the baseline but the same base.
    """
    candidate, baseline = analysis.candidate, analysis.baseline
    if _same_model(analysis):
        return "side one"
    if analysis.audit is not None and candidate.name != "candidate":
        return _code(candidate.name)
    tuned = candidate.step is not None or (
        candidate.base is not None and candidate.base == baseline.base
    )
    return "the fine-tune" if tuned else "the candidate"


def interval_of(rate: WinRate) -> tuple[float, float] | None:
    """The interval to draw and print: the bootstrap's, or the betting one below `FEWEST_PROMPTS`."""
    if rate.low is not None and rate.high is not None:
        return rate.low, rate.high
    return rate.betting_interval


def method_words(rate: WinRate) -> str:
    """How the interval was made, for a caption and for papers; never a bare "bootstrap CI"."""
    if rate.low is None and rate.betting_interval is not None:
        return "betting interval, which holds for any number of prompts"
    return METHOD.get(rate.method, rate.method)


def p_name(rate: WinRate) -> str:
    """What the p-value is called."""
    names = {E_PROCESS: "Anytime-valid p", ANCHORED: "p of people's votes"}
    return names.get(rate.method, "Sign-flip p")


def of_sources(rate: WinRate) -> tuple[float, float, float] | None:
    """The mean of source means and its interval, where that is wide enough to stand in the headline."""
    plain, ends, mean = interval_of(rate), rate.by_source_interval, rate.mean_of_sources
    if ends is None or plain is None or mean is None:
        return None
    wide = ends[1] - ends[0] > WIDER * (plain[1] - plain[0])
    return (mean, *ends) if wide else None


def _finding(analysis: Analysis, panel: Panel, rate: WinRate) -> str:
    who, term, value = panel.subject, candidate_term(analysis), points(rate.value)
    if is_anchored(analysis):
        would = f"people would have preferred {term} in {value} of every 100 comparisons"
        return f"{would}, ties counting half ({people_words(analysis)})"
    of_hundred = f"{value} of every 100 comparisons, ties counting half"
    if not analysis.interim and analysis.verdict == "worse":
        other = analysis.baseline.name
        named = analysis.audit is not None and other != "baseline"
        return f"{who} {panel.verb} {_code(other) if named else 'the baseline'}: {term} won {of_hundred}"
    if not analysis.interim and analysis.verdict == "equivalent":
        return f"{who} found no difference as large as 5 points: {term} won {of_hundred}"
    return f"{who} {panel.verb} {term} in {of_hundred}"


def _lead(analysis: Analysis) -> str:
    if analysis.interim:
        return _interim(analysis) + "So far "
    if analysis.verdict is None:
        return f"The verdict is withheld: {_stop(analysis.notes.get('verdict', 'no reason given'))} "
    if _doubt(analysis):
        return _doubt(analysis)
    if analysis.verdict != "undecided":
        return ""
    said = "This evaluation cannot" if analysis.audit is None else "These judgments do not"
    return f"{said} tell which is better: "


def _doubt(analysis: Analysis) -> str:
    """Why the verdict does not stand by itself, before what was found."""
    standing = standing_of(analysis)
    if standing is None or not standing.reasons:
        return ""
    lead = "This does not stand: " if standing.state == "withheld" else "This holds "
    return f"{lead}{_stop(standing.reasons[0].text)} "


def further_reasons(analysis: Analysis) -> list[str]:
    """Every reason after the one that the headline gives."""
    standing = standing_of(analysis)
    rest = standing.reasons[1:] if standing is not None and analysis.verdict is not None else ()
    return [f"Besides: {_stop(reason.text)}" for reason in rest]


def _interim(analysis: Analysis) -> str:
    if not analysis.interim:
        return ""
    done = analysis.win_rate.prompts if analysis.win_rate else 0
    return f"INTERIM, no verdict: {done:,} of {plural(analysis.suite.prompts, 'prompt')} complete. "


def _interval(analysis: Analysis, rate: WinRate) -> str:
    if analysis.verdict == "equivalent" and rate.interval_90 and not analysis.interim:
        return f"90 % interval {span(*rate.interval_90, ' to ')} for new prompts like these"
    ends = interval_of(rate)
    if ends is None:
        few = "is too few" if rate.prompts == 1 else "are too few"
        return f"no interval: {plural(rate.prompts, 'prompt')} {few}"
    return f"{percent(rate.level)} interval {span(*ends, ' to ')} for new prompts like these"


def _rules(analysis: Analysis, panel: Panel) -> str:
    if not panel.only_rules or is_anchored(analysis):
        return ""
    beside = "no model judged; the votes of people stand beside it"
    return f" Rule-based: {beside if voters(analysis) else 'no model and no person judged'}."


def source_words(rate: WinRate | None) -> str:
    """The mean of source means with its interval, a number of its own; "" for one source.

    "The mean of 10 source means is 46 (30 to 62)", "The mean of 2 source means is 71".
    """
    if rate is None or rate.mean_of_sources is None or rate.sources is None:
        return ""
    ends = rate.by_source_interval
    inside = f" ({span(*ends, ' to ')})" if ends else ""
    return f"The mean of {rate.sources} source means is {points(rate.mean_of_sources)}{inside}"


def _new_sources(analysis: Analysis) -> str:
    """What the mean of source means says of prompts from new sources."""
    rate = analysis.win_rate
    mean = source_words(rate)
    if rate is None or not (mean or rate.by_source_interval):
        return ""
    if rate.by_source_interval is None:
        return f"{mean}; {rate.sources} sources: nothing can be said of new ones."
    low, high = rate.by_source_interval
    mean = mean or f"The interval of the mean of source means is {span(low, high, ' to ')}"
    claim = analysis.verdict in ("better", "worse") and not analysis.interim
    unshown = ", where none is shown to be better" if claim and low <= 0.5 <= high else ""
    return f"{mean}: it is for prompts from new sources{unshown}."


def _missing(analysis: Analysis) -> str:
    """How many verdicts there should be and are not, and whether they could change the finding."""
    counts, people = analysis.counts, analysis.human_anchored
    judges = people.judges if people is not None and is_anchored(analysis) else None
    rate, whose = judges or analysis.win_rate, "the judges' own" if judges else "the"
    kinds = {"invalid": counts.invalid, "refused": counts.refused, "errors": counts.error}
    if not analysis.interim:
        kinds["missing"] = counts.missing
    lost = sum(kinds.values())
    if rate is None or (not lost and analysis.verdict_survives_missing is not False):
        return ""
    if not lost:
        head = "Verdicts are missing"
    else:
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
        head = (
            f"{lost:,} of {plural(counts.ok + lost, 'verdict')} could not be used ({listed}) and count "
            "neither way"
        )
    changes = analysis.verdict_survives_missing is False and not analysis.interim
    small = ", which is less than a tenth of half the interval" if missing_is_small(analysis) else ""
    ends = span(*rate.bounds, " or ")
    return (
        f"{head}: all lost or all won, {whose} win rate is {ends}"
        f"{', another verdict' + small if changes else ''}."
    )


def _stopped(analysis: Analysis) -> str:
    if not analysis.counts.not_needed or analysis.interim or analysis.win_rate is None:
        return ""
    done = f"{analysis.win_rate.prompts:,} of {plural(analysis.suite.prompts, 'prompt')}"
    return (
        f"Stopped early after {done}, by the rule sealed beforehand: the verdict is sound, but at the "
        "moment of stopping the win rate tends to stand 3 to 6 points too far from 50."
    )


def _paired(analysis: Analysis) -> str:
    """How alike two sides answer that met the same draws, and what that does not show."""
    noise = analysis.paired_noise
    if noise is None or analysis.win_rate is None:
        return ""
    differ = noise.comparisons - noise.identical
    told = f"Both sides met the same draws: {percent(noise.share)} of the answers are identical"
    if noise.differing is not None:
        ends = interval_of(noise.differing)
        held = f" ({span(*ends, ' to ')})" if ends else ""
        told += (
            f"; among the {differ:,} that differ the win rate is {points(noise.differing.value)}{held}, "
            f"over all of them {points(analysis.win_rate.value)}"
        )
    return (
        f"{told}. Past the first token that differs two answers are draws of their own, and nothing is "
        "gained there."
    )


def identity_sentence(analysis: Analysis) -> str:
    """That both sides are one model; "" where they are not."""
    if not _same_model(analysis):
        return ""
    return "Both sides are the same model (an A/A run): every difference from 50 is chance."


def _same_model(analysis: Analysis) -> bool:
    return analysis.candidate.digest is not None and (
        analysis.candidate.digest == analysis.baseline.digest
    )


def _inside_margin(rate: WinRate | None) -> bool:
    ends = (rate.interval_90 or interval_of(rate)) if rate else None
    return ends is not None and ends[0] >= 0.5 - MARGIN and ends[1] <= 0.5 + MARGIN


def _code(name: str) -> str:
    return f"`{name.replace('`', '')}`"


def _stop(text: str) -> str:
    stripped = text.strip()
    return stripped if stripped.endswith((".", "!", "?")) else stripped + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
