"""Where the numbers come from: models, plan, judges, seeds, counts, versions."""

from __future__ import annotations

from dataclasses import dataclass, field

from brie.digest import short
from brie.number_format import number, percent, plural
from brie.records import AnswerFile, Manifest, PanelJudge, Pin
from brie.records.analysis import Analysis, Counts
from brie.report.clean import without_paths

Pairs = list[tuple[str, str]]

COUNT_WORDS: tuple[tuple[str, str], ...] = (
    ("prompts", "prompts"),
    ("comparisons", "comparisons"),
    ("identical", "of them identical answers (one half each, without a call)"),
    ("half", "of them judged in one order only (outside the win rate)"),
    ("presentations", "shown pairs"),
    ("verdicts", "verdicts planned"),
    ("ok", "usable"),
    ("invalid", "invalid (no verdict could be read)"),
    ("refused", "refused"),
    ("error", "errors"),
    ("missing", "missing"),
    ("not_needed", "not needed (stopped early)"),
)


@dataclass(frozen=True)
class Provenance:
    """Tables of name and value, each under a title."""

    tables: tuple[tuple[str, Pairs], ...]
    counts: Pairs
    command: str = ""
    seats: tuple[Pairs, ...] = ()
    amendments: tuple[str, ...] = ()
    files: Pairs = field(default_factory=list)


def provenance(analysis: Analysis, manifest: Manifest | None) -> Provenance:
    """Everything needed to find, check and repeat the evaluation."""
    counts = count_rows(analysis.counts)
    if manifest is None:
        return Provenance(tables=_bare(analysis), counts=counts)
    plan = manifest.plan
    sides = (("Candidate", "candidate", plan.candidate), ("Baseline", "baseline", plan.baseline))
    tables = [
        (title, [*_pin(pin, manifest.names.get(side, "")), *_file(manifest.given.get(side))])  # type: ignore[call-overload]
        for title, side, pin in sides
    ]
    return Provenance(
        tables=(*tables, ("Plan", _plan(analysis, manifest)), ("Sampling", _sampling(manifest))),
        counts=counts,
        command=without_paths(manifest.command),
        seats=tuple(_seat(seat) for seat in plan.seats),
        amendments=tuple(_amendment(a.kind, a.verdicts_before, a.digest) for a in manifest.amendments),
        files=[
            (f"{title.lower()}: {name}", digest)
            for title, _, pin in sides
            for name, digest in sorted(pin.files.items())
        ],
    )


def count_rows(counts: Counts) -> Pairs:
    """Every status with its number; zeros too, because a zero is a statement."""
    return [(words, f"{getattr(counts, name):,}") for name, words in COUNT_WORDS]


def _bare(analysis: Analysis) -> tuple[tuple[str, Pairs], ...]:
    if analysis.audit is not None:
        return _imported(analysis)
    plan = [
        ("Evaluation", analysis.id),
        ("Analysed", analysis.created),
        ("Suite", f"{analysis.suite.name} {analysis.suite.version}"),
        ("Suite digest", analysis.suite.digest),
        ("Fingerprint of the plan", analysis.seal or "none: the verdicts were imported"),
        ("Rows digest", analysis.rows_digest or ""),
    ]
    sides = (("Candidate", analysis.candidate), ("Baseline", analysis.baseline))
    tables: list[tuple[str, Pairs]] = [
        (
            title,
            _kept([("Name", s.name), ("Digest", s.digest or "not pinned"), ("Base", s.base or "")]),
        )
        for title, s in sides
    ]
    return (*tables, ("Plan", _kept(plan)))


def _imported(analysis: Analysis) -> tuple[tuple[str, Pairs], ...]:
    """An audit: files and how they were read; nothing was planned or pinned."""
    facts = analysis.audit
    rows = [
        ("Audit", analysis.id),
        ("Analysed", analysis.created),
        ("Files", analysis.suite.name),
        ("Read as", facts.format if facts else ""),
        ("Models", ", ".join(facts.models[:50]) if facts else ""),
        ("Rows digest", analysis.rows_digest or ""),
    ]
    return (("Import", _kept(rows)),)


def _pin(pin: Pin, name: str) -> Pairs:
    lora = pin.lora
    rows = [
        ("Name", name or pin.name),
        (
            "Kind",
            {
                "adapter": "LoRA adapter",
                "base": "base model",
                "model": "full model",
                "served": "served model: cannot be pinned",
                "answers": "answers of a file: nothing says what made them",
            }[pin.kind],
        ),
        ("Digest", pin.digest),
        ("Base", str(pin.base)),
        ("Training run", pin.run or ""),
        ("Step", _step(pin)),
        ("Epoch", number(pin.epoch) if pin.epoch is not None else ""),
        ("Validation loss", f"{pin.eval_loss:.4f}" if pin.eval_loss is not None else ""),
        ("LoRA", f"{lora.words()}, dropout {lora.dropout:g}" if lora else ""),
        ("LoRA modules", ", ".join(lora.target_modules) if lora else ""),
        ("Trained parameters", f"{lora.parameters:,}" if lora else ""),
        ("Template digest", pin.template_digest),
        *_told(pin),
    ]
    return _kept(rows)


def _told(pin: Pin) -> Pairs:
    """What the side alone is told, in full: it is part of what was compared."""
    if pin.told is None:
        return []
    turns = [(f"Told as {m.role}", m.content) for m in pin.told.examples]
    return [("System prompt of its own", pin.told.system or ""), *turns]


def _step(pin: Pin) -> str:
    if pin.step is None:
        return ""
    return f"{pin.step} of {pin.planned_steps} planned" if pin.planned_steps else str(pin.step)


def _plan(analysis: Analysis, manifest: Manifest) -> Pairs:
    plan = manifest.plan
    suite = plan.suite
    rows = [
        ("Evaluation", manifest.id),
        ("Sealed", manifest.created),
        ("Fingerprint of the plan", manifest.seal),
        ("Rows digest", analysis.rows_digest or ""),
        ("Suite", f"{suite.name} {suite.version}, {plural(len(suite.prompts), 'prompt')}"),
        ("Suite digest", analysis.suite.digest),
        ("Suite licence", suite.license),
        ("Samples a prompt", str(plan.samples)),
        ("Orders", "both orders" if plan.positions == "both" else "one order each, balanced"),
        ("Orders of the criteria", str(plan.criteria_orders) if plan.criteria_orders > 1 else ""),
        ("Panel", plan.panel),
        ("Judges left out", ", ".join(plan.left_out)),
        ("Seed", str(plan.seed)),
        ("Level", percent(plan.level)),
        ("Resamples", "exact" if _exact(analysis) else f"{plan.resamples:,}"),
        ("Stopping rule", _stopping(manifest)),
        ("Control prompts", str(len(plan.controls.prompts)) if plan.controls.prompts else ""),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items()))
    return _kept([*rows, ("Versions", versions)])


def _file(given: AnswerFile | None) -> Pairs:
    """Where a side's answers were read from."""
    if given is None:
        return []
    empty = f", {given.empty} of them empty" if given.empty else ""
    return [
        ("File", f"{given.file}, last changed {given.date}"),
        ("Read as", given.form),
        ("Answers", f"{given.answers:,} to {plural(given.prompts, 'prompt')}{empty}"),
    ]


def _sampling(manifest: Manifest) -> Pairs:
    if len(manifest.given) == len(manifest.names):
        return [("Sampling", "not known: both sides are files of answers")]
    return _settings(manifest)


def _settings(manifest: Manifest) -> Pairs:
    sampling, environment = manifest.plan.sampling, manifest.plan.environment
    return [
        ("Temperature", f"{sampling.temperature:g}"),
        ("Top-p", f"{sampling.top_p:g}"),
        ("Top-k", str(sampling.top_k) if sampling.top_k else "off"),
        ("Token limit", f"{sampling.max_new_tokens:,}"),
        ("Repetition penalty", f"{sampling.repetition_penalty:g}"),
        ("Min-p", f"{sampling.min_p:g}" if sampling.min_p else ""),
        ("Presence penalty", f"{sampling.presence_penalty:g}" if sampling.presence_penalty else ""),
        ("Frequency penalty", f"{sampling.frequency_penalty:g}" if sampling.frequency_penalty else ""),
        ("Stop texts", ", ".join(map(repr, sampling.stop))),
        *([("Noise", "paired: the same draws for both sides")] if sampling.paired_noise else []),
        ("Thinking mode", "on" if sampling.thinking else "off"),
        *([("System turns", "written into the first question")] if sampling.system == "fold" else []),
        ("Seed", str(sampling.seed)),
        (
            "Engine",
            f"{environment.engine}, {environment.dtype} on {environment.device}, "
            f"sampler {environment.sampler}"
            + "".join(f", {name} {release}" for name, release in environment.programs.items()),
        ),
    ]


def _seat(seat: PanelJudge) -> Pairs:
    judge = seat.judge
    rows = [
        ("Judge", judge.id + (" (an instrument, outside the headline)" if seat.instrument else "")),
        ("Provider", judge.provider.value + (" (rule-based)" if judge.provided.kind == "rule" else "")),
        ("Model", judge.model),
        ("Endpoint", judge.endpoint or ""),
        ("Temperature", f"{judge.temperature:g}" if judge.temperature is not None else ""),
        ("Parameters", ", ".join(f"{k}={v}" for k, v in sorted(judge.parameters.items()))),
        ("Digest", seat.digest),
        ("Rubric", f"{seat.rubric.name}, {short(seat.rubric_digest, 12)}" if seat.rubric else ""),
    ]
    return _kept(rows)


def _stopping(manifest: Manifest) -> str:
    rule = manifest.plan.stopping
    if rule is None:
        return ""
    return (
        f"safe early stopping ({rule.rule}, alpha {rule.alpha:g}), "
        f"a look every {rule.block} prompts, at most {rule.max_prompts}"
    )


def _amendment(kind: str, before: int, digest: str) -> str:
    return f"{kind} added when {plural(before, 'verdict')} existed ({short(digest, 12)})"


def _exact(analysis: Analysis) -> bool:
    return analysis.win_rate is not None and analysis.win_rate.resamples == "exact"


def _kept(rows: Pairs) -> Pairs:
    return [(name, value) for name, value in rows if value]
