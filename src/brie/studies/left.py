"""What a suite leaves for a model: its prompts without those in or near what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

from brie.checks import Training
from brie.errors import UsageError
from brie.evaluation.training_data import of_run
from brie.number_format import listed, plural
from brie.pin import resolve
from brie.project import Project
from brie.records import Suite


@dataclass(frozen=True)
class Left:
    """The prompts of a suite that a model can be measured on."""

    candidate: str
    suite: Suite
    """With the prompts that are left."""
    prompts: int
    """Of the whole suite."""
    files: tuple[str, ...]
    """What was looked through."""
    taught_by: tuple[str, ...]
    """Judges whose verdicts the model learned from."""
    unknown: str
    """What is not known of its training, as the end of a sentence; "" where all is."""

    def words(self) -> str:
        """What is left, and where the rest went, in a sentence."""
        gone = self.prompts - len(self.suite.prompts)
        if not self.files:
            return f"{self.candidate}: what is left is not known, {self.unknown}"
        where = f"in or near what {self.candidate} was trained on ({listed(list(self.files))})"
        rest = f"; {self.unknown}" if self.unknown else ""
        if not gone:
            return f"none of {plural(self.prompts, 'prompt')} is {where}{rest}"
        verb = "is" if gone == 1 else "are"
        return (
            f"{gone:,} of {plural(self.prompts, 'prompt')} {verb} {where}: "
            f"{len(self.suite.prompts):,} left, and the table is of those{rest}"
        )


def left_for(candidate: str, suite: Suite, project: Project) -> Left:
    """What a suite leaves for a model.

    Raises:
        UsageError, PinError: there is no such model, or nothing is left for it.
    """
    model = resolve(candidate, project)
    known = of_run(suite, model.pin.run, project)
    chain = known.chain if isinstance(known, Training) else ()
    nearest = known.all_nearest if isinstance(known, Training) else {}
    prompts = tuple(prompt for prompt in suite.prompts if prompt.id not in nearest)
    files = tuple(dict.fromkeys(part.file for part in chain))
    if not prompts:
        raise UsageError(
            f"every prompt of {suite.name} is in or near what {candidate} was trained on "
            f"({listed(list(files))}); name another suite, or make one of a file that was kept apart: "
            "brie suite from FILE"
        )
    teachers = [teacher.id for part in chain if part.taught for teacher in part.taught.teachers]
    unknown = [known] if isinstance(known, str) else [p.earlier_unknown for p in chain]
    return Left(
        candidate=model.name,
        suite=suite.model_copy(update={"prompts": prompts}),
        prompts=len(suite.prompts),
        files=files,
        taught_by=tuple(dict.fromkeys(teachers)),
        unknown="; ".join(filter(None, unknown)),
    )
