"""The analysis of imported judgments, with what their design cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brie import __version__, versions
from brie.analyse.assemble import AnalysisParts, analyse_verdicts
from brie.analyse.table import VerdictTable
from brie.audit.checked import said_of_files
from brie.audit.facts import common_facts, pair_facts
from brie.audit.matching import Matched, matched
from brie.audit.placing import Placing, placing, without_alone
from brie.audit.ranking import Counted, ranked
from brie.audit.read import Judgments
from brie.audit.rows import Row, Texts
from brie.audit.sides import Chosen, choose, models_of, turned
from brie.audit.words import sentences
from brie.checks import Answer, Evidence, Pair, run_checks, standing_of
from brie.digest import digest, short
from brie.generate.measures import measures
from brie.provenance import now
from brie.records.analysis import Analysis, Counts, Outcomes, SideSummary, SuiteSummary
from brie.records.audit import AuditFacts


def assess(
    judgments: Judgments,
    *,
    name: str,
    claim: float | None = None,
    candidate: str | None = None,
    baseline: str | None = None,
    everyone: bool = False,
) -> Analysis:
    """brie's analysis of another tool's judgments.

    Two models give a win rate; more are ranked, unless a pair of them is chosen.

    Args:
        judgments: what was read.
        name: what to call the files.
        claim: the win rate somebody claims for them, as a share.
        candidate: the side whose win rate is wanted.
        baseline: the other, where there are more than two.
        everyone: rank the models, however few.

    Raises:
        UsageError: no such model, or a claim without saying whose.
        InputError: the rows compare nothing.
    """
    chosen = None
    if not everyone:
        chosen = choose(judgments.rows, candidate=candidate, baseline=baseline, claim=claim is not None)
    if chosen is None:
        return _many(judgments, name)
    return _pair(judgments, chosen, name, claim)


def _pair(judgments: Judgments, chosen: Chosen, name: str, claim: float | None) -> Analysis:
    rows = chosen.rows
    match = matched(rows)
    parts = analyse_verdicts(match.table)
    place = placing(match.table, parts)
    facts = pair_facts(judgments, chosen, match, parts, claim, place.joint)
    document = Analysis(
        **_head(rows, name),
        candidate=SideSummary(name=chosen.candidate, digest=None),
        baseline=SideSummary(name=chosen.baseline, digest=None),
        counts=_counts(rows, parts),
        verdict=parts.verdict,
        verdict_reason=parts.verdict_reason,
        verdict_survives_missing=parts.verdict_survives_missing,
        by_judge=parts.by_judge,
        audit=facts,
        notes=dict(parts.notes),
        **parts.said(),
    )
    pairs = pairs_of(match.rows, match, judgments.texts, guessed=facts.guessed_endings)
    document = _checked(document, match.table, pairs, place)
    document = document.model_copy(update={"standing": standing_of(document)})
    facts = facts.model_copy(update={"findings": tuple(sentences(facts, document))})
    return document.model_copy(update={"audit": facts})


def _checked(
    document: Analysis, table: VerdictTable, pairs: tuple[Pair, ...], place: Placing
) -> Analysis:
    """The document with its checks, and its effects of place and letter as far as they are known."""
    evidence = Evidence(
        analysis=place.told(document),
        table=table,
        pairs=pairs,
        no_training="imported judgments do not say what was trained on",
    )
    checks = tuple(said_of_files(check, document, joint=place.joint) for check in run_checks(evidence))
    return without_alone(document, place).model_copy(update={"checks": checks})


def _many(judgments: Judgments, name: str) -> Analysis:
    """The document of more than two models: a table, and no win rate."""
    rows, models = judgments.rows, models_of(judgments.rows)
    table, counted = ranked(rows)
    facts = common_facts(judgments, models).model_copy(
        update={"table": table, "sides_defined": False, "both_orders": counted.both_orders}
    )
    why = f"{len(models)} models are not one rate: --candidate NAME --baseline NAME audits two of them"
    document = Analysis(
        **_head(rows, name, "models"),
        candidate=SideSummary(name=f"{len(models)} models", digest=None),
        baseline=SideSummary(name="each other", digest=None),
        counts=_counts_of_many(counted, facts),
        verdict=None,
        verdict_survives_missing=None,
        win_rate=None,
        outcomes=Outcomes(win=0, tie=0, loss=0),
        audit=facts,
        notes={"win_rate": why, "verdict": why},
    )
    facts = facts.model_copy(update={"findings": tuple(sentences(facts, document))})
    return document.model_copy(update={"audit": facts})


class _Head(dict[str, object]):
    """What every document begins with."""


def _head(rows: Sequence[Row], name: str, kind: str = "pair") -> Mapping[str, object]:
    rows_digest = digest(sorted(_said(row) for row in rows))
    prompts = sorted({r.prompt for r in rows})
    return _Head(
        id=f"audit-{short(rows_digest)}" if kind == "pair" else f"audit-{short(rows_digest)}-{kind}",
        created=now(),
        version=versions.build(__version__),
        methods=versions.methods(),
        seal=None,
        rows_digest=rows_digest,
        interim=False,
        suite=SuiteSummary(name=name, version="imported", digest=digest(prompts), prompts=len(prompts)),
    )


def _said(row: Row) -> list[str]:
    """A row as text, the same whichever of its models stands first."""
    first, second = sorted(row.models)
    row = row if row.models == (first, second) else turned(row)
    return [
        row.prompt, row.pair, row.sample, first, second, row.judge, row.status, str(row.score),
        str(row.position), str(row.label),
    ]  # fmt: skip


def pairs_of(
    rows: Sequence[Row], match: Matched, texts: Texts, *, guessed: bool = True
) -> tuple[Pair, ...]:
    """The comparisons of some rows with what is known of their answers.

    Args:
        rows: as they were matched.
        match: their prompts' names and samples.
        texts: the answers of a sample of them.
        guessed: endings count as signs of cut answers.
    """
    pairs: dict[tuple[str, int], Pair] = {}
    for row, sample in zip(rows, match.samples, strict=True):
        key = (match.names[row.prompt], sample)
        if key not in pairs and row.pair:
            candidate, baseline = texts.of(row)
            cut = row.cut if guessed else (False, False)
            pairs[key] = Pair(*key, _answer(candidate, cut[0]), _answer(baseline, cut[1]))
    return tuple(pairs.values())


def _answer(text: str | None, cut: bool) -> Answer:
    return Answer(text, truncated=cut, measures=measures(text) if text is not None else {})


def _counts(rows: Sequence[Row], parts: AnalysisParts) -> Counts:
    keys = ("prompts", "comparisons", "identical", "half", "presentations", "verdicts")
    statuses = ("ok", "invalid", "refused", "error", "missing")
    return Counts(**{k: parts.counts[k] for k in (*keys, *statuses)}, not_needed=0)


def _counts_of_many(counted: Counted, facts: AuditFacts) -> Counts:
    compared = len(counted.comparisons.prompt)
    return Counts(
        prompts=counted.comparisons.prompts, comparisons=compared, identical=0, half=counted.half,
        presentations=counted.cells, verdicts=facts.rows, missing=0, not_needed=0, **counted.statuses,
    )  # fmt: skip
