"""What the candidate of an evaluation was trained on, compared with the suite's prompts.

The training file is found through the candidate's pin and its run's configuration, and believed
only if it is, byte for byte, the one that was trained on. What was found is kept as
`training.json` in the evaluation's folder: the file may be large, and it may not be there when the
evaluation is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from brie.checks import Training
from brie.data.load import Parsed, parse, rows_digest
from brie.data.near import Entry, search
from brie.data.overlap import entries, texts_to_find
from brie.data.split import prompt_key, share_of
from brie.digest import file_digest
from brie.errors import InputError, UsageError
from brie.evaluation.pairs_data import of_pairs
from brie.number_format import listed, plural
from brie.pin import Resolved
from brie.project import Project, packaged, write_text
from brie.records import Conversation, Document, Suite, schema_field
from brie.report.clean import without_paths
from brie.train.config import CONFIG, DataPart, TrainConfig
from brie.train.sources import drawn

FILE = "training.json"
_AUTHOR_KEYS = ("author", "model", "generator", "teacher", "generated_by", "written_by")
"""Keys under which training files say who wrote a row's answer."""
_NOT_HERE = "the candidate was not trained here"
_MOST_AUTHORS = 20
"""A key with more values than this does not name authors."""


class Trained(Document):
    """`training.json`."""

    schema_: str = schema_field("training")
    training: Training | None
    reason: str = ""
    """Why there is none, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known of the training data, and whether their file was read for it just now."""

    trained: Trained
    now: bool


def recorded(folder: Path) -> Trained | None:
    """What an evaluation's `training.json` says; None where there is none that can be read."""
    try:
        return Trained.model_validate_json((folder / FILE).read_text("utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def record(folder: Path, trained: Trained) -> None:
    """Keep what was found, in an evaluation's folder."""
    write_text(folder / FILE, trained.model_dump_json(indent=1) + "\n")


def compare(
    suite: Suite,
    folder: Path,
    candidate: Resolved | None,
    project: Project,
    *,
    again: bool = False,
    served: bool = False,
) -> Compared:
    """Compare the suite with what the candidate was trained on, or take what was found before.

    Args:
        suite: the evaluation's.
        folder: the evaluation's.
        candidate: the candidate, where it could be resolved here.
        project: where runs and training files are.
        served: it answers behind a server, which is not asked for this.
        again: read the file again although something was recorded, to see whether it still holds.
    """
    earlier = recorded(folder)
    if earlier is not None and ((earlier.training is None) == again):
        # A file that was missing may have come since; whether it was missing then is no question.
        return Compared(earlier, now=False)
    before = earlier.training if earlier else None
    training = _NOT_HERE if served else _look(suite, candidate, project, before, again=again)
    if isinstance(training, Training):
        return Compared(Trained(training=training), now=True)
    reason = without_paths(training)
    if earlier is not None and earlier.training is not None:
        return Compared(earlier.model_copy(update={"reason": reason}), now=False)
    return Compared(Trained(training=None, reason=reason), now=False)


def _look(
    suite: Suite, candidate: Resolved | None, project: Project, before: Training | None, *, again: bool
) -> Training | str:
    """Read the training file of the candidate's run; a string says why that is not possible.

    What was compared before with a whole file, or by digests alone, is compared so again.
    """
    if candidate is None:
        return "the candidate is not on this machine"
    if candidate.pin.kind == "base":
        return "the candidate is a base model"
    return of_run(suite, candidate.pin.run, project, before, again=again)


def of_run(
    suite: Suite,
    name: str | None,
    project: Project,
    before: Training | None = None,
    *,
    again: bool = False,
) -> Training | str:
    """What a run was trained on, and the checkpoint it began with, compared with a suite.

    Args:
        suite: whose prompts are looked for.
        name: the run's id; None: the model was trained elsewhere.
        project: where runs and training files are.
        before: what was found before.
        again: it is asked whether that still holds: what is not here any more is no answer.

    Returns:
        The comparison, or why there is none, as the end of a sentence.
    """
    if name is None:
        return _NOT_HERE
    run = project.runs / name
    config = _configuration(run)
    if not isinstance(config, TrainConfig):
        return config
    path = _data_file(config.train, project)
    if config.pairs is not None:
        return _of_pairs(suite, run.name, config, path, project, before, again=again)
    if isinstance(path, str):
        return path
    half = before is None or before.half
    try:
        parsed = parse(path, config.train.mapping)
        rows = trained_half(config, parsed.conversations) if half else None
        shared = _shared(config, parsed, project)
        return _training(suite, run.name, config, parsed, shared, rows)
    except InputError as error:
        return f"its training data cannot be read ({error})"


def spent_words(suite: Suite, candidate: Resolved, judges: Sequence[str], project: Project) -> str:
    """What a candidate that learned from pairs makes of an evaluation, before it costs anything.

    Args:
        suite: what it would be asked.
        candidate: the model.
        judges: models of the judges that count.
        project: where its run is.

    Returns:
        A sentence; "" where nothing is wrong, or it did not learn from pairs here.
    """
    pairs = list(_pairs_before(suite, candidate.pin.run, project))
    spent = {name for part in pairs for name in part.nearest}
    teachers = {teacher.model for part in pairs if part.taught for teacher in part.taught.teachers}
    wrong = []
    if spent:
        number = f"{len(spent):,} of {plural(len(suite.prompts), 'prompt')}"
        wrong.append(
            f"{number} {'is' if len(spent) == 1 else 'are'} in or near the pairs that {candidate.name} "
            f"learned from ({listed([part.file for part in pairs])})"
        )
    if judges and teachers.issuperset(judges):
        alone = sorted(set(judges))
        verb = "judges" if len(alone) == 1 else "judge"
        wrong.append(f"{candidate.name} was taught by {listed(alone)}, which alone {verb} it")
    if not wrong:
        return ""
    return f"the verdict will be withheld: {'; '.join(wrong)}. Other prompts, or another judge, hold it."


def _pairs_before(suite: Suite, name: str | None, project: Project) -> Iterator[Training]:
    """The pairs of a run, and of those it goes back to; files of answers are not read for it."""
    while name is not None:
        config = _configuration(project.runs / name)
        if not isinstance(config, TrainConfig):
            return
        if config.pairs is not None:
            yield of_pairs(suite, name, config, _data_file(config.train, project))
        name = config.start.run if config.start else None


def _configuration(run: Path) -> TrainConfig | str:
    """A run's configuration, or why there is none."""
    try:
        return TrainConfig.model_validate_json((run / CONFIG).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return f"the training run {run.name} is not here"
    except ValidationError:
        return f"the configuration of the training run {run.name} cannot be read"


def _of_pairs(
    suite: Suite,
    run: str,
    config: TrainConfig,
    path: Path | str,
    project: Project,
    before: Training | None,
    *,
    again: bool,
) -> Training | str:
    """Pairs, and what the checkpoint was trained on that their training began with."""
    taught = before.taught if before else None
    if again and isinstance(path, str) and not (taught and taught.by_digest):
        return path
    training = of_pairs(suite, run, config, path, by_digest=bool(again and taught and taught.by_digest))
    if config.start is None:
        return training
    known = before.earlier if before else None
    earlier = of_run(suite, config.start.run, project, known, again=again)
    if isinstance(earlier, Training):
        return training.model_copy(update={"earlier": earlier})
    if again and known is not None:
        return earlier
    return training.model_copy(update={"earlier_unknown": without_paths(earlier)})


def _data_file(part: DataPart, project: Project) -> Path | str:
    """The very file a run was trained on."""
    name = Path(part.path)
    beside = [folder / name.name for folder in project.files("data")]
    here = [path for path in (project.root / name, *beside, packaged(part.path)) if path.is_file()]
    if part.file is None:
        return f"the training data are {part.path}"
    if not here:
        return f"the training file {part.path} is not here"
    same = next((path for path in here if file_digest(path) == part.file), None)
    return same or f"the training file {part.path} was changed since the run"


def trained_half(config: TrainConfig, rows: Sequence[Conversation]) -> tuple[Conversation, ...] | None:
    """The rows of a file that a run trained on, where it left others of them out.

    None where it set none aside, or where the draw cannot be repeated.
    """
    recipe = config.recipe
    if config.split is None and recipe.data_share == 1:
        return None
    try:
        half = drawn(rows, config.split).train if config.split else rows
    except UsageError:
        return None
    trained = share_of(half, recipe.data_share, recipe.seed)
    return trained if rows_digest(trained) == config.train.rows_digest else None


def _training(
    suite: Suite,
    run: str,
    config: TrainConfig,
    parsed: Parsed,
    shared: tuple[int, int],
    half: tuple[Conversation, ...] | None,
) -> Training:
    rows = parsed.conversations if half is None else half
    prompts = {p.id: texts_to_find(p.messages) for p in suite.prompts}
    references = {p.id: [p.reference] for p in suite.prompts if p.reference}
    return Training(
        run=run,
        file=without_paths(config.train.path),
        file_digest=config.train.file or file_digest(parsed.path),
        rows=len(rows),
        nearest=search(prompts, entries(rows)),
        references=search(references, (_answered(row) for row in rows)),
        sources=tuple(sorted({row.source for row in rows} - {"unknown"})),
        authors=_authors(parsed),
        shared=shared[0],
        validation_rows=shared[1],
        held_out=config.split.held_out if config.split and half is not None else (),
        half=half is not None,
    )


def _answered(row: Conversation) -> Entry:
    return Entry(f"line {row.line}", [m.content for m in row.messages if m.role == "assistant"], [])


def _authors(parsed: Parsed) -> tuple[str, ...]:
    for key in _AUTHOR_KEYS:
        authors = {by for row in parsed.extras.values() if isinstance(by := row.get(key), str)}
        if 0 < len(authors) <= _MOST_AUTHORS:
            return tuple(sorted(authors))
    return ()


def _shared(config: TrainConfig, parsed: Parsed, project: Project) -> tuple[int, int]:
    """Validation rows that ask what training rows ask, and how many there are.

    A half drawn by prompt from the same file shares none by construction.
    """
    if config.val.path == config.train.path:
        return 0, config.val.rows
    path = _data_file(config.val, project)
    if isinstance(path, str):
        return 0, config.val.rows
    trained = {prompt_key(row) for row in parsed.conversations}
    rows = parse(path, config.val.mapping).conversations
    return sum(prompt_key(row) in trained for row in rows), len(rows)
