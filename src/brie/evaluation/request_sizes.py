"""How large the requests for missing verdicts are, without putting one together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from brie.blinding import JudgeInput
from brie.evaluation.gather import without_collection
from brie.evaluation.missing import Missing
from brie.evaluation.work import Work
from brie.judge.interface import Task
from brie.judge.quote import blank_answers
from brie.judge.settings import bytes_together, request_bytes, text_bytes


@dataclass(frozen=True, slots=True)
class Sizes:
    """UTF-8 bytes of one judge's missing requests, one entry a request."""

    usual: list[int] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    """The same at most, where answers are not written yet."""

    def plus(self, more: Sizes) -> Sizes:
        """With further requests of the judge."""
        return Sizes([*self.usual, *more.usual], [*self.most, *more.most])


def sizes_of_tasks(tasks: Sequence[Task], shown: Callable[[Task], JudgeInput]) -> dict[str, Sizes]:
    """Judge id -> sizes of its requests.

    Args:
        tasks: what is asked for.
        shown: what the judge of a task sees.
    """
    sizes: dict[str, Sizes] = {}
    for task in tasks:
        size = request_bytes(shown(task))
        of_judge = sizes.setdefault(task.judge, Sizes())
        of_judge.usual.append(size)
        of_judge.most.append(size)
    return sizes


@without_collection()
def sizes_of(missing: Missing, work: Work) -> dict[str, Sizes]:
    """Judge id -> sizes of its missing requests.

    Args:
        missing: what is asked for.
        work: its plan's.
    """
    usual, most = blank_answers(work.plan.sampling.max_new_tokens)
    names = missing.tasks.judges
    sizes = {names[code]: Sizes() for code in dict.fromkeys(missing.tasks.judge.tolist())}
    expected = _of_rows(missing, work, usual)
    largest = expected
    if any(key not in missing.texts for key in missing.tasks.answers()):
        largest = _of_rows(missing, work, most)
    for code, size, at_most in zip(missing.tasks.judge.tolist(), expected, largest, strict=True):
        of_judge = sizes[names[code]]
        of_judge.usual.append(size)
        of_judge.most.append(at_most)
    return sizes


def _of_rows(missing: Missing, work: Work, blank: str) -> list[int]:
    """One entry a request; whatever the order and the letters, it has the same bytes."""
    planned, shown = missing.tasks, missing.tasks.presentations
    of_answer = {key: text_bytes(text) for key, text in missing.texts.items()}
    unwritten = text_bytes(blank)
    of_prompt: dict[int, list[int]] = {}
    of_pair: dict[int, int] = {}
    sizes = []
    for pair, prompt in zip(planned.pair.tolist(), planned.prompt.tolist(), strict=True):
        if pair not in of_pair:
            if prompt not in of_prompt:
                of_prompt[prompt] = _prompt_bytes(work, planned.prompts[prompt])
            answers = (shown.candidates[pair], shown.baselines[pair])
            written = [of_answer.get(key, unwritten) for key in answers]
            of_pair[pair] = bytes_together([*written, *of_prompt[prompt]])
        sizes.append(of_pair[pair])
    return sizes


def _prompt_bytes(work: Work, prompt: str) -> list[int]:
    texts = [work.prompts[prompt].reference or "", *(m.content for m in work.messages[prompt])]
    return [text_bytes(text) for text in texts]
