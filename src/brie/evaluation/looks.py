"""What an analysis read, so that looks can be counted: verdict keys, and prompts by their words."""

from __future__ import annotations

from brie.analyse.arrays import present
from brie.analyse.table import StatusCode
from brie.digest import digest, quoted, short, text_digest
from brie.errors import InputError
from brie.evaluation.columns import Rows, chosen
from brie.evaluation.manifest import read_manifest
from brie.evaluation.rows import EvaluationData, headline_judges
from brie.project import Project
from brie.records import Manifest, Prompt
from brie.store import Store
from brie.store.looks import Look


def look_of(data: EvaluationData, *, curve: str = "") -> Look | None:
    """The look that an analysis of these rows is; None where no verdict is usable: nothing was seen.

    Votes and instruments leave the headline alone and are no part of it; a judge sealed for it that may
    not count is, as its numbers are shown. Judges that were added later leave it alone as well, but
    what they said was read: a choice made after it is a later look.

    Args:
        data: the evaluation's rows.
        curve: the training run whose checkpoints are looked at together.
    """
    manifest = data.manifest
    headline = set(headline_judges(manifest))
    added = {seat.judge.id for seat in data.work.added}
    columns = data.columns
    main, sealed = columns.is_of("main"), columns.is_by(headline)
    waiting = columns.is_at(columns.prompt[chosen(main, columns.missing, sealed)])
    usable = (columns.status == StatusCode.OK) & ~columns.identical
    read = main & usable & ~waiting
    behind = chosen(read, sealed)
    if not len(behind):
        return None
    plan = manifest.plan
    prompts = [plan.order[place] for place in present(columns.prompt[behind]).tolist()]
    seen = chosen(read, columns.is_by(headline | added))
    keys = _keys(data, behind)
    return Look(
        suite=plan.suite.digest(),
        evaluation=manifest.id,
        rows=data.digest,
        headline=keys,
        read=keys if len(seen) == len(behind) else _keys(data, seen),
        prompts=tuple(sorted(asked(data.work.prompts[name]) for name in prompts)),
        part=_part(manifest, curve) if curve else "",
        sequential=plan.stopping is not None,
    )


def asked(prompt: Prompt) -> str:
    """A short digest of what a prompt asks: its words, without case and spacing."""
    said = ((m.role, " ".join(m.content.casefold().split())) for m in prompt.messages)
    words = ",".join([f"[{quoted(role)},{quoted(text)}]" for role, text in said])
    return short(text_digest(f"[{words}]"), 16)


def note_earlier_looks(project: Project, store: Store) -> None:
    """Note the prompts of looks that an earlier build recorded without them; done once a store."""
    unknown = store.looks_without_prompts()
    if not unknown:
        return
    of_evaluation = {name: _prompts_of(name, project) for name in set(unknown.values())}
    store.note_prompts({number: of_evaluation[name] for number, name in unknown.items()})


def _prompts_of(evaluation: str, project: Project) -> tuple[str, ...]:
    folder = project.runs / evaluation
    if not (folder / "manifest.json").is_file():
        return ()
    try:
        prompts = read_manifest(folder).plan.suite.prompts
    except InputError:  # a damaged one says so where it is asked for
        return ()
    return tuple(sorted({asked(prompt) for prompt in prompts}))


def _keys(data: EvaluationData, rows: Rows) -> str:
    """Digest of the keys of some rows' verdicts; their canonical JSON is written out, for a million."""
    listed = '","'.join(data.distinct_keys(rows))
    return text_digest(f'["{listed}"]')


def _part(manifest: Manifest, run: str) -> str:
    """All that the evaluations of one curve share; with other judges or samples it is another one."""
    plan = manifest.plan
    judges = [[seat.digest, seat.rubric_digest] for seat in plan.seats]
    asked_of = ["curve", run, plan.suite.digest(), plan.baseline.digest, plan.positions]
    return digest([*asked_of, judges, plan.sampling, plan.samples, plan.seed])
