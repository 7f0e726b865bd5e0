"""`brie data prefs`: preference pairs made of evaluations' verdicts, and a card of what they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from pydantic import JsonValue

from brie.checks.families import family_of
from brie.data.near import normal
from brie.data.preferences import asked_digest
from brie.digest import canonical_json, text_digest
from brie.errors import UsageError
from brie.evaluation.folders import find_evaluation
from brie.evaluation.gather import gather
from brie.evaluation.margins import counting_judges, not_counted
from brie.evaluation.people import NOT_BLIND
from brie.evaluation.rows import EvaluationData, VerdictRow
from brie.evaluation.votes import seen_by
from brie.project import Project, write_text
from brie.records import CompletionLite, PanelJudge, Pin, Record, Side
from brie.store import Store
from brie.studies.pairing import (
    Heard,
    Preferred,
    Reason,
    Rule,
    heard,
    longer,
    predicted_by_length,
    preferred,
    unfit,
)
from brie.studies.preference_card import Evaluated, PrefsCard, card_text


@dataclass(frozen=True)
class PrefsRequest:
    """`brie data prefs` as asked for."""

    evaluations: tuple[str, ...]
    out: Path
    min_agreement: float = 1.0
    people_weight: float = 1.0
    drop_length_only: bool = False


class Pair(Record):
    """A pair before it is written."""

    row: dict[str, JsonValue]
    """As the file has it."""
    asked: str
    """The prompt, up to case and spacing."""
    chosen: str
    rejected: str
    side: Side

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two pairs the same."""
        return self.asked, self.chosen, self.rejected


@dataclass(frozen=True)
class Written:
    """What was made: the file, its card, and what the card says."""

    path: Path
    card_path: Path
    card: PrefsCard
    start: str | None
    """The one adapter that was a candidate, to go on from; None: none, or several."""


def write_preferences(request: PrefsRequest, project: Project) -> Written:
    """Make a file of pairs from evaluations of this project.

    Raises:
        UsageError: the file exists, an evaluation is not there, or no pair is left.
        SealBroken, StoreError: an evaluation or its rows are not what they were.
    """
    path, card_path = request.out, request.out.with_suffix(".card.md")
    for target in (path, card_path):
        if target.exists():
            raise UsageError(f"{target} exists; move it away, or name another file with -o.")
    if path.suffix != ".jsonl":
        raise UsageError(f"pairs are JSON lines; call the file {path.with_suffix('.jsonl')}")
    pairs, card = collect(request, project)
    if not pairs:
        raise UsageError(f"no pair is left of {card.comparisons:,} comparisons: {card.reasons()}.")
    text = "".join(json.dumps(pair.row, ensure_ascii=False) + "\n" for pair in pairs)
    card = card.model_copy(update={"file": text_digest(text)})
    write_text(path, text)
    write_text(card_path, card_text(card, path.name))
    return Written(path, card_path, card, _start(request, project))


def _start(request: PrefsRequest, project: Project) -> str | None:
    manifests = [find_evaluation(name, project).manifest for name in request.evaluations]
    adapters = {m.locations["candidate"] for m in manifests if m.plan.candidate.kind == "adapter"}
    return adapters.pop() if len(adapters) == 1 else None


def collect(request: PrefsRequest, project: Project) -> tuple[tuple[Pair, ...], PrefsCard]:
    """The pairs of some evaluations, in their order, and what became of every comparison.

    Raises:
        UsageError: an evaluation is not there, or none of its judges counts.
    """
    rule = Rule(request.min_agreement, request.people_weight)
    left_out: Counter[Reason] = Counter()
    pairs: list[Pair] = []
    evaluated: list[Evaluated] = []
    comparisons = 0
    with Store.open(project.store, create=False) as store:
        for name in request.evaluations:
            data = gather(find_evaluation(name, project, command="data prefs").manifest, store)
            judges = _judges(data)
            if not judges:
                raise UsageError(
                    f"no judge of {data.manifest.id} counts, so nothing says which of its answers are "
                    f"better; its report says why: brie report {data.manifest.id}"
                )
            evaluated.append(_evaluated(data, judges))
            for made in _pairs(data, judges, rule):
                comparisons += 1
                if isinstance(made, Pair):
                    pairs.append(made)
                else:
                    left_out[made] += 1
    pairs = _distinct(pairs, left_out)
    ratios = [longer(pair.chosen, pair.rejected) for pair in pairs]
    before = _longer_share(ratios)
    if request.drop_length_only:
        dropped = predicted_by_length(ratios)
        left_out["length"] += len(dropped)
        pairs = [pair for at, pair in enumerate(pairs) if at not in dropped]
    card = _card(request, pairs, evaluated, left_out, comparisons=comparisons)
    return tuple(pairs), card.model_copy(update={"longer_chosen_before": before})


def _pairs(
    data: EvaluationData, judges: Mapping[str, PanelJudge], rule: Rule
) -> Iterator[Pair | Reason]:
    """What becomes of every comparison of an evaluation, in the order of work."""
    not_blind = {voter for voter, saw in seen_by(data.manifest).items() if NOT_BLIND.keys() & set(saw)}
    rows: dict[tuple[str, int], list[VerdictRow]] = {}
    votes: dict[tuple[str, int], list[VerdictRow]] = {}
    for row in data.facts:
        key = (row.task.prompt, row.task.sample)
        if row.task.kind == "main" and row.task.judge in judges:
            rows.setdefault(key, []).append(row)
        elif row.task.kind == "vote" and row.task.judge not in not_blind:
            votes.setdefault(key, []).append(row)
    for key, of_judges in rows.items():
        yield _made(data, judges, of_judges, votes.get(key, []), rule)


def _judges(data: EvaluationData) -> dict[str, PanelJudge]:
    """Judges whose verdicts make pairs: those whose mean is the headline."""
    counting = set(counting_judges(data))
    return {p.judge.id: p for p in data.work.panel_judges if p.judge.id in counting}


def _made(
    data: EvaluationData,
    judges: Mapping[str, PanelJudge],
    rows: Sequence[VerdictRow],
    votes: Sequence[VerdictRow],
    rule: Rule,
) -> Pair | Reason:
    shown = rows[0].task.presentation
    candidate = data.completions.get(shown.candidate)
    baseline = data.completions.get(shown.baseline)
    if candidate is None or baseline is None:
        return "half"
    if why := unfit(candidate, baseline):
        return why
    liked = preferred(heard(rows), votes, rule)
    if not isinstance(liked, Preferred):
        return liked
    answers: dict[Side, CompletionLite] = {"candidate": candidate, "baseline": baseline}
    return _pair(data, judges, rows[0].task.prompt, liked, answers)


def _pair(
    data: EvaluationData,
    judges: Mapping[str, PanelJudge],
    prompt: str,
    liked: Preferred,
    answers: Mapping[Side, CompletionLite],
) -> Pair:
    other = _other(liked.side)
    chosen, rejected = answers[liked.side].text, answers[other].text
    messages, asked = data.work.messages[prompt], data.work.prompts[prompt]
    suite, names = data.manifest.plan.suite, data.manifest.names
    turns: list[JsonValue] = [message.model_dump(mode="json") for message in messages]
    row: dict[str, JsonValue] = {
        "prompt": turns,
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "margin": round(liked.margin, 4),
        "agreement": round(liked.agreement, 4),
        "judges": [_judge(judges[name], both, liked.side) for name, both in liked.judges.items()],
        "people": dict(liked.votes),
        "prompt_digest": asked_digest(messages),
        "category": asked.category,
        "source": asked.source,
        "chosen_by": names[liked.side],
        "rejected_by": names[other],
        "suite": suite.name,
        "suite_digest": suite.digest(),
        "evaluation": data.manifest.id,
        "seal": data.manifest.seal,
    }
    text = normal(canonical_json(turns))
    return Pair(row=row, asked=text, chosen=chosen, rejected=rejected, side=liked.side)


def _judge(panel_judge: PanelJudge, both: Heard, chosen: Side) -> dict[str, JsonValue]:
    """A judge as a pair names it, and what it preferred in each order."""
    spec, rejected = panel_judge.judge, _other(chosen)
    words = {chosen: "chosen", rejected: "rejected", "tie": "tie", None: "unusable"}
    return {
        "judge": spec.id,
        "model": spec.model,
        "family": spec.family or family_of(spec.model),
        "digest": panel_judge.digest,
        "chosen_first": words[both.with_first(chosen)],
        "chosen_second": words[both.with_first(rejected)],
    }


def _other(side: Side) -> Side:
    return "baseline" if side == "candidate" else "candidate"


def _distinct(pairs: Sequence[Pair], left_out: Counter[Reason]) -> list[Pair]:
    """Each pair once; two answers that were preferred both ways are no pair at all."""
    keys = {pair.key for pair in pairs}
    kept: dict[tuple[str, str, str], Pair] = {}
    for pair in pairs:
        if (pair.asked, pair.rejected, pair.chosen) in keys:
            left_out["contradicted"] += 1
        elif pair.key in kept:
            left_out["repeated"] += 1
        else:
            kept[pair.key] = pair
    return list(kept.values())


def _longer_share(ratios: Sequence[float]) -> float | None:
    """Share of the pairs of unequal length in which the longer answer is the better one."""
    unequal = [ratio > 0 for ratio in ratios if ratio]
    return fmean(unequal) if unequal else None


def _evaluated(data: EvaluationData, judges: Mapping[str, PanelJudge]) -> Evaluated:
    plan, names = data.manifest.plan, data.manifest.names
    return Evaluated(
        id=data.manifest.id,
        seal=data.manifest.seal,
        suite=plan.suite.name,
        suite_version=plan.suite.version,
        suite_digest=plan.suite.digest(),
        suite_prompts=len(plan.suite.prompts),
        licence=plan.suite.license,
        candidate=_called(names["candidate"], plan.candidate),
        baseline=_called(names["baseline"], plan.baseline),
        judges={name: judge.judge.model for name, judge in judges.items()},
        not_counted=not_counted(data),
        not_blind=len(seen_by(data.manifest)),
    )


def _called(name: str, pin: Pin) -> str:
    return f"{name} ({pin.digest[7:19]})"


def _card(
    request: PrefsRequest,
    pairs: Sequence[Pair],
    evaluated: Sequence[Evaluated],
    left_out: Mapping[Reason, int],
    *,
    comparisons: int,
) -> PrefsCard:
    sides = Counter(pair.side for pair in pairs)
    judged: Counter[str] = Counter()
    votes: Counter[str] = Counter()
    voted = 0
    for pair in pairs:
        people = pair.row["people"]
        judges = pair.row["judges"]
        if isinstance(people, dict):
            counts = {str(key): int(value) for key, value in people.items() if isinstance(value, int)}
            votes.update(counts)
            voted += any(counts.values())
        for judge in judges if isinstance(judges, list) else ():
            if isinstance(judge, dict) and judge["chosen_first"] == judge["chosen_second"] == "chosen":
                judged[str(judge["judge"])] += 1
    ratios = [longer(pair.chosen, pair.rejected) for pair in pairs]
    margins = [float(m) for pair in pairs if isinstance(m := pair.row["margin"], (int, float))]
    return PrefsCard(
        evaluations=tuple(evaluated),
        comparisons=comparisons,
        pairs=len(pairs),
        prompts=len({str(pair.row["prompt_digest"]) for pair in pairs}),
        left_out={reason: count for reason, count in left_out.items() if count},
        chosen={side: sides[side] for side in ("candidate", "baseline")},
        judges=dict(judged),
        votes=dict(votes),
        voted=voted,
        longer_chosen=_longer_share(ratios),
        margin=fmean(margins) if margins else None,
        min_agreement=request.min_agreement,
        people_weight=request.people_weight,
    )
