"""The analysis of imported judgments, with what their design cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from brie import __version__, versions
from brie.analyse.assemble import AnalysisParts, analyse_verdicts
from brie.analyse.table import StatusCode, VerdictTable
from brie.audit.read import Judgments
from brie.audit.rows import Row
from brie.audit.words import sentences
from brie.blinding import constant_letter
from brie.checks import Answer, Evidence, Pair, run_checks, standing_of
from brie.digest import digest, short
from brie.generate.measures import measures
from brie.number_format import percent
from brie.provenance import now
from brie.records import Check
from brie.records.analysis import Analysis, Counts, SideSummary, SuiteSummary
from brie.records.audit import AuditClaim, AuditFacts, Confound, FirstSkipped

_PROMPTS_FOR_MEAN = 2


def assess(judgments: Judgments, *, name: str, claim: float | None = None) -> Analysis:
    """brie's analysis of another tool's judgments.

    Args:
        found: what was read.
        name: what to call the files.
        claim: the win rate somebody claims for them, as a share.
    """
    rows = _ordered(judgments.rows)
    verdicts = table(rows)
    parts = analyse_verdicts(verdicts)
    facts = audit_facts(judgments, rows, parts, claim)
    rows_digest = digest(sorted([r.pair, r.judge, r.line, str(r.score)] for r in rows))
    document = Analysis(
        id=f"audit-{short(rows_digest)}",
        created=now(),
        version=versions.build(__version__),
        methods=versions.methods(),
        seal=None,
        rows_digest=rows_digest,
        interim=False,
        suite=SuiteSummary(
            name=name,
            version="imported",
            digest=digest(sorted({r.prompt for r in rows})),
            prompts=len({r.prompt for r in rows}),
        ),
        candidate=SideSummary(name="candidate", digest=None),
        baseline=SideSummary(name="baseline", digest=None),
        counts=_counts(rows, parts),
        verdict=parts.verdict,
        verdict_reason=parts.verdict_reason,
        verdict_survives_missing=parts.verdict_survives_missing,
        by_judge=parts.by_judge,
        audit=facts,
        notes=dict(parts.notes),
        **parts.said(),
    )
    evidence = Evidence(
        analysis=document,
        table=verdicts,
        pairs=pairs_of(rows, judgments.texts.answers),
        no_training="imported judgments do not say what was trained on",
    )
    checks = tuple(_without_store(check) for check in run_checks(evidence))
    document = document.model_copy(update={"checks": checks})
    return document.model_copy(update={"standing": standing_of(document)})


def _without_store(check: Check) -> Check:
    """Imported rows are not in the store: a remedy that looks there is none."""
    looks_there = check.remedy is not None and "brie view" in check.remedy
    return check.model_copy(update={"remedy": None}) if looks_there else check


def pairs_of(rows: Sequence[Row], answers: Mapping[str, tuple[str, str]]) -> tuple[Pair, ...]:
    """The comparisons of some rows with what is known of their answers.

    Args:
        rows: in the order in which their samples are numbered.
        kept: the answers of some pairs, by their digest.
    """
    pairs: dict[tuple[str, int], Pair] = {}
    names = prompt_names(rows)
    for row, sample in zip(rows, _samples(rows), strict=True):
        key = (names[row.prompt], sample)
        if key not in pairs:
            candidate, baseline = answers.get(row.pair, (None, None))
            pairs[key] = Pair(*key, _answer(candidate, row.cut[0]), _answer(baseline, row.cut[1]))
    return tuple(pairs.values())


def _answer(text: str | None, cut: bool) -> Answer:
    return Answer(text, truncated=cut, measures=measures(text) if text is not None else {})


def _ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (r.judge, r.line, r.position))


def table(rows: Sequence[Row]) -> VerdictTable:
    """The analysis table of imported rows.

    A prompt's rows of one judge are its samples, numbered as they stand, so that the same row of
    two judges' files meets in one comparison.
    """
    names = prompt_names(rows)
    prompts = list(dict.fromkeys(row.prompt for row in rows))
    judges = sorted({row.judge for row in rows})
    prompt_code = {name: code for code, name in enumerate(prompts)}
    judge_code = {name: code for code, name in enumerate(judges)}
    first = {row.prompt: row for row in reversed(rows)}
    return VerdictTable.build(
        prompts=[names[name] for name in prompts],
        judges=judges,
        prompt=[prompt_code[row.prompt] for row in rows],
        judge=[judge_code[row.judge] for row in rows],
        score=[row.score for row in rows],
        both_orders=False,
        category=[first[name].category for name in prompts],
        source=[first[name].source for name in prompts],
        sample=_samples(rows),
        position=[row.position for row in rows],
        label=[row.label for row in rows],
        status=[StatusCode[row.status.name] for row in rows],
        length_difference=_lengths(rows),
    )


def prompt_names(rows: Sequence[Row]) -> dict[str, str]:
    """Prompt digest -> its name: the first line that asks it, numbered where files repeat lines."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.prompt, row.line)
    seen: Counter[int] = Counter()
    names = {}
    for prompt, line in first.items():
        seen[line] += 1
        names[prompt] = f"line {line}" + (f" ({seen[line]})" if seen[line] > 1 else "")
    return names


def _samples(rows: Sequence[Row]) -> list[int]:
    """Number of a row among its judge's rows of the prompt; two games of a line share one."""
    seen: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], int] = {}
    numbers = []
    for row in rows:
        key = (row.judge, row.prompt)
        if last.get(key) != row.line:
            seen[key] += 1
            last[key] = row.line
        numbers.append(seen[key] - 1)
    return numbers


def _lengths(rows: Sequence[Row]) -> list[float] | None:
    lengths = [row.length_difference for row in rows]
    return lengths if any(value == value for value in lengths) else None


def _counts(rows: Sequence[Row], parts: AnalysisParts) -> Counts:
    keys = ("prompts", "comparisons", "identical", "half", "presentations", "verdicts")
    statuses = ("ok", "invalid", "refused", "error", "missing")
    return Counts(**{k: parts.counts[k] for k in (*keys, *statuses)}, not_needed=0)


def audit_facts(
    judgments: Judgments, rows: Sequence[Row], parts: AnalysisParts, claim: float | None
) -> AuditFacts:
    """What an audit adds to an analysis: where the rows come from and what is odd about them."""
    usable = [row.score for row in rows if row.score == row.score]
    pairs = {row.pair: row for row in rows}
    restated = [row for row in rows if row.in_text is not None and row.stored is not None]
    first = judgments.skipped[0] if judgments.skipped else None
    facts = AuditFacts(
        format=judgments.format,
        reason=judgments.reason,
        identifies=judgments.identifies,
        rows=len(rows),
        skipped=len(judgments.skipped),
        first_skipped=FirstSkipped(line=first.line, why=first.why) if first else None,
        pairs=len(pairs),
        prompts=len({row.prompt for row in rows}),
        row_mean=sum(usable) / len(usable) if usable else None,
        row_standard_error=_standard_error(usable),
        restated=len(restated),
        contradictions=sum(row.in_text != row.stored for row in restated),
        cut_pairs=sum(any(row.cut) for row in pairs.values()),
        confound=_confound(rows, parts),
        claim=_claim(claim, parts),
    )
    return facts.model_copy(update={"findings": tuple(sentences(facts))})


def _standard_error(values: Sequence[float]) -> float | None:
    """Standard error of a mean of rows, as if they were independent: what others print."""
    n = len(values)
    if n < _PROMPTS_FOR_MEAN:
        return None
    mean = sum(values) / n
    variance: float = sum((v - mean) ** 2 for v in values) / (n - 1)
    return float((variance / n) ** 0.5)


def _confound(rows: Sequence[Row], parts: AnalysisParts) -> Confound | None:
    """A letter that is always the same side: its effect cannot be told from the model's.

    If a judge named the candidate's letter in a share x of comparisons whatever it read, and was
    even otherwise, the rate would be (1 + x) / 2. The result is undone where that reaches the
    interval's end nearest to one half.
    """
    labels = {row.label for row in rows}
    rate = parts.win_rate
    if len(labels) != 1 or labels == {0}:
        return None
    letter = constant_letter(candidate_is_a=labels == {1})
    share = None
    if rate is not None and rate.low is not None and rate.high is not None:
        share = max(0.0, 2 * rate.low - 1, 1 - 2 * rate.high)
    why = (
        f"the candidate is always {letter}, so a liking for that letter cannot be told from a liking "
        "for the model"
    )
    if share:
        why += (
            f"; a judge that named {letter} blindly in {percent(share)} of comparisons would undo the "
            "result"
        )
    return Confound(letter=letter, undone_by=share, why=why)


def _claim(claim: float | None, parts: AnalysisParts) -> AuditClaim | None:
    if claim is None:
        return None
    rate = parts.win_rate
    if rate is None or rate.low is None or rate.high is None:
        return AuditClaim(value=claim, inside_interval=None, interval=None)
    inside = rate.low <= claim <= rate.high
    return AuditClaim(value=claim, inside_interval=inside, interval=(rate.low, rate.high))
