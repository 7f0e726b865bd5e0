"""One task on one side: a result for every document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from typing import TYPE_CHECKING

from pydantic import JsonValue, TypeAdapter

from brie.benchmarks.harness import at_work
from brie.benchmarks.loading import Loaded
from brie.digest import PREFIX, text_digest
from brie.errors import UsageError
from brie.generate.encode import Encoder
from brie.pin.libraries import is_out_of_memory

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_BATCH = 16
_LONGEST = 2_000
"""Characters of an answer that are kept."""
_SEED = 1234


@dataclass(frozen=True)
class Scored:
    """What a side did with one document."""

    index: int
    text: str
    """What it wrote, or the choice it took; "" where the task has neither."""
    measures: dict[str, float]
    """`METRIC,FILTER` -> its value."""


_LIKELIHOODS = TypeAdapter(list[tuple[float, bool]])
"""Of every choice: its log-likelihood, and whether the model would have written it."""
_ASKED = TypeAdapter(list[tuple[str, str]])
"""Of every choice: what stands before it, and the choice."""
Sample = Mapping[str, JsonValue]
"""A document's result as lm-eval logs it."""


def score(
    loaded: Loaded,
    model: PreTrainedModel | PeftModel,
    encoder: Encoder,
    *,
    places: Sequence[int],
    thinking: bool,
    advance: Callable[[int], None],
) -> list[Scored]:
    """Run a task's documents through a model, in the order of the documents.

    Args:
        loaded: the task.
        model: the side's, with its adapter on or off.
        encoder: of the same side.
        places: which of its documents, ascending.
        thinking: thinking mode of its template.
        advance: called with how many more documents are done.

    Raises:
        UsageError: memory is not enough for one request, or a document cannot be asked.
    """
    batch = _BATCH
    while True:
        try:
            done = _Progress(loaded, len(places), advance)
            samples = _run(loaded, model, encoder, batch, places, thinking, done)
            return _scored(samples, loaded)
        except UsageError:
            raise
        except Exception as error:  # a task's definition is a program: it may fail in any way
            if not is_out_of_memory(error) or batch == 1:
                raise _explained(loaded, error) from error
            batch //= 2


def _explained(loaded: Loaded, error: Exception) -> UsageError:
    """A task's failure as one sentence."""
    name = loaded.spec.name
    if is_out_of_memory(error):
        return UsageError(f"memory is not enough for one document of {name} at a time.")
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return UsageError(f"lm-eval cannot run {name}: {reason}.")


class _Progress:
    """Documents done, from requests done: a document may be several."""

    def __init__(self, loaded: Loaded, several: int, advance: Callable[[int], None]) -> None:
        self._loaded, self._several, self._advance = loaded, several, advance
        self._requests = self._documents = 0

    def __call__(self) -> None:
        """One more request is done."""
        self._requests += 1
        every = sum(instance.repeats for instance in self._loaded.task.instances)
        documents = self._requests * self._several // max(1, every)
        if documents > self._documents:
            self._advance(documents - self._documents)
            self._documents = documents


def _run(
    loaded: Loaded,
    model: PreTrainedModel | PeftModel,
    encoder: Encoder,
    batch: int,
    places: Sequence[int],
    thinking: bool,
    done: _Progress,
) -> Sequence[Sample]:
    """lm-eval's own evaluation of one task, without what it says of the machine."""
    import torch

    from brie.benchmarks.side_model import SideModel

    every = loaded.spec.of or loaded.spec.documents
    torch.manual_seed(_SEED)
    loaded.task.set_fewshot_seed(_SEED)
    with (
        at_work(sandboxed=loaded.sandboxed),
        torch.inference_mode(),
        _examples(loaded),
    ):
        side = SideModel(
            model, encoder, batch_size=batch, chat=loaded.spec.chat, thinking=thinking, done=done
        )
        evaluated = import_module("lm_eval.evaluator").evaluate(
            side,
            {"tasks": {loaded.spec.name: loaded.task}},
            samples={loaded.spec.name: list(places)} if len(places) < every else None,
            bootstrap_iters=0,
            apply_chat_template=loaded.spec.chat,
            fewshot_as_multiturn=loaded.spec.chat,
            confirm_run_unsafe_code=not loaded.sandboxed,
        )
    samples: Sequence[Sample] = evaluated["samples"][loaded.spec.name]
    return samples


@contextmanager
def _examples(loaded: Loaded) -> Iterator[None]:
    """Inside, examples are drawn for every document by itself where the task asks for that."""
    task, spec = loaded.task, loaded.spec
    if not spec.examples_by_document:
        yield
        return
    as_it_is = task.fewshot_context

    def drawn_anew(doc: Mapping[str, JsonValue], *settings: object, **named: object) -> JsonValue:
        seed = text_digest(f"{spec.digest} {json.dumps(doc, sort_keys=True, default=str)}")
        task.set_fewshot_seed(int(seed.removeprefix(PREFIX)[:8], 16))
        context: JsonValue = as_it_is(doc, *settings, **named)
        return context

    task.fewshot_context = drawn_anew
    try:
        yield
    finally:
        del task.fewshot_context


def _scored(samples: Sequence[Sample], loaded: Loaded) -> list[Scored]:
    """A document's results under all filters, together."""
    texts: dict[int, str] = {}
    measures: dict[int, dict[str, float]] = {}
    for sample in samples:
        index = int(str(sample["doc_id"]))
        texts.setdefault(index, _said(sample, loaded.spec.output))
        values = measures.setdefault(index, {})
        for metric in sample["metrics"] if isinstance(sample["metrics"], list) else []:
            value = _number(sample[str(metric)])
            if value is not None:
                values[f"{metric},{sample['filter']}"] = value
    return [Scored(index, texts[index], measures[index]) for index in sorted(texts)]


def _number(value: JsonValue) -> float | None:
    """A metric's value of one document; None for one that only all documents together have."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def _said(sample: Sample, output: str) -> str:
    """What a side wrote, or the choice it took."""
    if output == "multiple_choice":
        likely = _LIKELIHOODS.validate_python(sample["filtered_resps"])
        asked = _ASKED.validate_python(sample["arguments"])
        best = max(range(len(likely)), key=lambda at: likely[at][0])
        return asked[best][1].strip()[:_LONGEST]
    answers = sample["filtered_resps"]
    first = answers[0] if isinstance(answers, list) and answers else ""
    return first[:_LONGEST] if isinstance(first, str) else ""
