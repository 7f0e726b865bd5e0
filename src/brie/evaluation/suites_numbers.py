"""The table over several suites, from the numbers and verdicts of each; nothing is asked or written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from brie import __version__, versions
from brie.analyse import suites as statistics
from brie.analyse.arrays import Floats, generator
from brie.analyse.multiplicity import holm
from brie.analyse.study import Study
from brie.analyse.suites import Rated
from brie.analyse.win_rate import Settings
from brie.checks.difference import ALPHA, groups_differ
from brie.checks.noninferior import not_worse
from brie.checks.standing import standing_of
from brie.evaluation.columns import chosen
from brie.evaluation.margins import counting_judges
from brie.evaluation.rows import EvaluationData
from brie.evaluation.side_keys import prompt_digest
from brie.evaluation.suites import Suites
from brie.evaluation.table import table
from brie.number_format import quoted
from brie.provenance import now
from brie.records import Plan
from brie.records.analysis import Analysis
from brie.records.suites import (
    Compared,
    DomainGap,
    Kept,
    SuiteLine,
    SuitesDocument,
    Together,
)


@dataclass(frozen=True)
class Judged:
    """One suite as far as it is judged."""

    name: str
    analysis: Analysis
    data: EvaluationData

    @property
    def plan(self) -> Plan:
        """Its sealed plan."""
        return self.data.manifest.plan

    @property
    def done(self) -> bool:
        """Every planned verdict has come, and some can be used."""
        return not self.analysis.interim and self.analysis.win_rate is not None

    @cached_property
    def rates(self) -> dict[str, float]:
        """What a prompt asks (as a digest) -> its mean."""
        named = self.study.table.prompts
        messages = self.data.work.messages
        means = self.study.means
        return {
            prompt_digest(messages[named[code]]): mean
            for code, mean in zip(means.prompt.tolist(), means.mean.tolist(), strict=True)
        }

    @cached_property
    def study(self) -> Study:
        """The headline's verdicts, as its own evaluation has them."""
        main = chosen(self.data.columns.is_of("main"))
        rows = table(self.data, main, counting_judges(self.data))
        return Study(rows.canonical(), Settings(self.plan.level, self.plan.resamples), self.plan.seed)

    @property
    def means(self) -> Floats:
        """Its prompt means."""
        return self.study.means.mean


def suites_document(suites: Suites, judged: Sequence[Judged]) -> SuitesDocument:
    """The table: a line a suite, all together, inside the domain against outside, and what was kept.

    Args:
        suites: what was sealed together.
        judged: its suites, in their order.
    """
    plan = suites.manifest.plan
    settings = Settings(plan.level, judged[0].plan.resamples)
    whole = all(suite.done for suite in judged)
    first = judged[0].analysis
    return SuitesDocument(
        id=suites.manifest.id,
        created=now(),
        version=versions.build(__version__),
        seal=suites.manifest.seal,
        interim=not whole,
        candidate=first.candidate,
        baseline=first.baseline,
        level=plan.level,
        margin=plan.margin,
        suites=_lines(judged, settings, plan.margin),
        together=_together(judged, settings) if whole else None,
        difference=_difference(judged, settings) if whole else None,
        warnings=tuple(_warnings(judged)),
    )


def _lines(judged: Sequence[Judged], settings: Settings, margin: float) -> tuple[SuiteLine, ...]:
    level = 1 - (1 - settings.level) / len(judged)
    done = [suite for suite in judged if suite.done]
    rated = {
        suite.name: statistics.among(suite.means, len(judged), suite.plan.seed, settings)
        for suite in done
    }
    p = np.array([suite.analysis.win_rate.p_value for suite in done if suite.analysis.win_rate])
    # Suites still to come count too: finishing them may not move what is shown of the others.
    padded = np.concatenate([p, np.ones(len(judged) - len(p))])
    adjusted = dict(zip((suite.name for suite in done), holm(padded).tolist(), strict=False))
    return tuple(
        _line(suite, rated[suite.name], adjusted[suite.name], margin, settings, judged)
        if suite.done
        else _unfinished(suite, level)
        for suite in judged
    )


def _unfinished(suite: Judged, level: float) -> SuiteLine:
    rate = suite.analysis.win_rate
    return SuiteLine(
        suite=suite.name,
        evaluation=suite.analysis.id,
        prompts=rate.prompts if rate else 0,
        value=rate.value if rate else None,
        level=level,
    )


def _line(
    suite: Judged,
    rated: Rated,
    p_adjusted: float,
    margin: float,
    settings: Settings,
    judged: Sequence[Judged],
) -> SuiteLine:
    rate = suite.analysis.win_rate
    assert rate is not None, "only finished suites have a line of their own"
    outside = suite is not judged[0]
    kept, reason = _kept(suite, len(judged) - 1, margin, settings) if outside else (None, "")
    significant = p_adjusted < 1 - settings.level
    side = int(rated.low > 0.5 + 1e-9) - int(rated.high < 0.5 - 1e-9)
    return SuiteLine(
        suite=suite.name,
        evaluation=suite.analysis.id,
        prompts=rate.prompts,
        value=rate.value,
        low=rated.low,
        high=rated.high,
        level=rated.level,
        method=rated.method,
        own=rate.ends,
        p_value=rate.p_value,
        p_adjusted=p_adjusted,
        word=("undecided", "better", "worse")[side] if significant else "undecided",
        verdict=suite.analysis.verdict,
        standing=standing_of(suite.analysis),
        kept=kept,
        kept_reason=reason,
    )


def _kept(suite: Judged, claims: int, margin: float, settings: Settings) -> tuple[Kept, str]:
    """Whether a suite outside the domain is shown not to be worse: the gate's rule, for several claims.

    A verdict that does not stand by itself shows nothing.
    """
    standing, rate = standing_of(suite.analysis), suite.analysis.win_rate
    assert rate is not None, "asked of finished suites alone"
    if standing is not None and standing.state != "stands":
        reasons = "; ".join(reason.text.rstrip(".") for reason in standing.reasons)
        return "not shown", f"its verdict is {standing.state}: {reasons}"
    bounds = statistics.floor_bounds(suite.means, claims, suite.plan.seed, settings)
    if bounds is not None:
        several = {"interval_90": bounds.interval, "one_sided": bounds.one_sided}
        rate = rate.model_copy(update=several)
    level = bounds.level if bounds else settings.level
    met, why = not_worse(suite.analysis, rate, margin, missing_allowed=False, level=level)
    return {True: "not worse", False: "worse", None: "not shown"}[met], why  # type: ignore[return-value]


def _together(judged: Sequence[Judged], settings: Settings) -> Together:
    means = statistics.once([suite.rates for suite in judged])
    rated = statistics.rated(means, settings.level, judged[0].plan.seed, settings)
    asked = [what for suite in judged for what in suite.rates]
    shared = len({what for what in asked if asked.count(what) > 1})
    return Together(**asdict(rated), shared=shared)


def _difference(judged: Sequence[Judged], settings: Settings) -> DomainGap:
    """The first suite minus all prompts of the others."""
    seed, inside = judged[0].plan.seed, judged[0].means
    outside = statistics.once([suite.rates for suite in judged[1:]])
    low, high = statistics.gap(inside, outside, settings.level)
    code = np.repeat([0, 1], [len(inside), len(outside)])
    dealt = groups_differ(np.concatenate([inside, outside]), code, generator(seed, "suites.difference"))
    p = float(dealt[0])
    side = int(low > 1e-9) - int(high < -1e-9)
    words: tuple[Compared, Compared, Compared] = ("no difference shown", "higher", "lower")
    return DomainGap(
        inside=judged[0].name,
        outside=tuple(suite.name for suite in judged[1:]),
        value=float(inside.mean() - outside.mean()),
        low=low,
        high=high,
        level=settings.level,
        method=statistics.GAP,
        p_value=p,
        word=words[side] if p < ALPHA else words[0],
        prompts_inside=len(inside),
        prompts_outside=len(outside),
    )


def _warnings(judged: Sequence[Judged]) -> Iterable[str]:
    plans = [suite.plan for suite in judged]
    panels = [{(s.digest, s.rubric_digest) for s in p.seats if not s.instrument} for p in plans]
    if any(other != panels[0] for other in panels):
        yield "judges or rubrics differ between the suites, so part of any difference may be theirs"
    if len({p.sampling.model_copy(update={"seed": 0}) for p in plans}) > 1:
        yield "the sampling settings differ between the suites"
    unfinished = [suite.name for suite in judged if not suite.done]
    if unfinished:
        yield f"not judged to the end: {quoted(unfinished)}; nothing is said of all together yet"
