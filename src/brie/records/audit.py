"""What an audit adds to an analysis: `audit` of `analysis.json`."""

from __future__ import annotations

from brie.records.base import Record
from brie.records.estimates import Effect, Ends, Estimate


class FirstSkipped(Record):
    """A row that could not be used."""

    line: int
    why: str


class Unread(Record):
    """What stood where a verdict should have been: counted as invalid, in counts and bounds."""

    why: str
    rows: int
    line: int
    """The first of them."""


class Confound(Record):
    """A letter that is always the same side."""

    letter: str
    undone_by: float | None
    """Share of comparisons in which naming it blindly would undo the result."""
    why: str


class AuditClaim(Record):
    """A win rate somebody claims, against the interval."""

    value: float
    inside_interval: bool | None
    interval: Ends | None


class Paired(Record):
    """Two models that were right or wrong on the same prompts."""

    both_right: int
    candidate_only: int
    """Prompts that the candidate alone got right."""
    baseline_only: int
    both_wrong: int
    p_value: float
    test: str
    """`mcnemar-exact` with one sample a prompt, else `sign-flip` on prompt means."""


class ModelRank(Record):
    """One model's place among many."""

    name: str
    rank: int
    rank_low: int
    """Best and worst rank that the intervals of all differences together allow."""
    rank_high: int
    rating: float
    """Log strength; the mean of all models is zero."""
    expected: Estimate
    """Expected win rate against the others, each weighing the same, ties counting half."""
    comparisons: int
    """Prompts times pairs of models that it was in."""
    opponents: int


class ModelGap(Record):
    """Two models that follow each other."""

    ahead: str
    behind: str
    difference: Estimate
    """Of ratings; its interval holds together with those of all pairs."""
    resolved: bool
    resolution: float
    """Prompts there over prompts needed to tell the two apart with 80 % power."""
    prompts_needed: int | None


class ModelTable(Record):
    """Many models, ranked: Davidson's model of paired comparisons, prompts drawn anew."""

    models: tuple[ModelRank, ...]
    neighbours: tuple[ModelGap, ...]
    pairs: int
    unresolved: int
    unresolved_pairs: tuple[tuple[str, str], ...]
    """Pairs of which nothing says who is ahead; the first four hundred."""
    apart: tuple[str, ...]
    """Models that met none of the others, or only each other: they have no place."""
    tie: float
    """Davidson's nu: how ready the judges are to tie."""
    finite: bool
    """No model won or lost everything; otherwise the imagined comparisons decide how far ahead it is."""
    prompts: int
    level: float
    resamples: int
    method: str


class AuditFacts(Record):
    """Where imported judgments come from, and what is odd about them."""

    format: str
    reason: str
    """Why they were read as that."""
    identifies: str
    """What their design can tell."""
    rows: int
    skipped: int
    first_skipped: FirstSkipped | None
    pairs: int
    prompts: int
    row_mean: float | None
    row_standard_error: float | None
    """As if rows were independent: what others print."""
    restated: int
    """Rows with a stored winner and a judge's own text."""
    contradictions: int
    """Of these, those whose text says otherwise."""
    cut_pairs: int
    confound: Confound | None
    claim: AuditClaim | None
    findings: tuple[str, ...] = ()
    """The same in sentences."""
    models: tuple[str, ...] = ()
    """Every model in the files."""
    sides_defined: bool = True
    """The file or the reader says which is the candidate; otherwise it is the first by name."""
    other_rows: int = 0
    """Rows of other pairs of models, left out."""
    table: ModelTable | None = None
    """Of more than two models: no one rate is theirs."""
    both_orders: bool = False
    """Comparisons were meant to be judged in both orders."""
    crowd: bool = False
    """Judges who shared the work; what each left to the others is not missing."""
    unread: tuple[Unread, ...] = ()
    passed_over: tuple[str, ...] = ()
    """Columns that are not used."""
    place_and_letter: Effect | None = None
    """Place and letter together, where neither is identified alone."""
    paired: Paired | None = None
    guessed_endings: bool = False
    """Nothing but their endings says that answers are cut off."""
