"""The engine `transformers`: one base in memory, adapters toggled on it, batches that never wait.

    with TransformersEngine.load(base, environment, {"candidate": adapter}) as engine:
        for completion in engine.generate(requests):
            store.add_completions([completion])

Rows are sorted by length, read left-padded, leave the batch when they end, and are replaced by
waiting ones. None of this shows in the texts: a row's noise is its own (see `draw`), and in
float32 on a CPU the logits of a row differ by rounding alone from those it has by itself.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from brie.errors import PinError, UsageError
from brie.generate.batch import Batch, Row, is_joinable
from brie.generate.encode import Encoder
from brie.generate.engine import Closing, Draft, OnDone, Request
from brie.generate.load import load_adapter, load_model, thread_pace
from brie.generate.pace import Pace
from brie.generate.tokens import completion_of, prompt_of
from brie.pin import has_template, rewriting
from brie.pin.libraries import is_out_of_memory, threads
from brie.records import Completion, Environment, Message

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_PROBES = ("Hello", "Name three rivers.", "Why is the sky blue?")
_WINDOW = 4096
"""Requests looked at together: enough to sort by length, few enough to hold for a long list."""


class TransformersEngine(Closing):
    """Makes completions with one loaded base and any number of adapters on it."""

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        encoders: Mapping[str | None, Encoder],
        environment: Environment,
        *,
        batch_size: int | None = None,
    ) -> None:
        """An engine from parts in memory; `load` makes them from folders.

        Args:
            model: a causal language model, or a PeftModel around it.
            encoders: adapter name (None: the base) -> how its conversations are encoded.
            environment: where the model is and in which dtype.
            batch_size: most rows at a time; None: found by trying.
        """
        self._model = model
        self._encoders = dict(encoders)
        self._joinable = is_joinable(model.config.get_text_config())
        self._off = ExitStack()
        self._on: str | None = ""
        self.threads = thread_pace(model, environment)
        self.idle = self._without_effect()
        """Adapters that change nothing: a few prompts have the same logits with them and without."""
        self.pace = Pace.start(environment.device, batch_size)

    @classmethod
    def load(
        cls,
        base: Path,
        environment: Environment,
        adapters: Mapping[str, Path] | None = None,
        *,
        template: Path | None = None,
        batch_size: int | None = None,
    ) -> TransformersEngine:
        """Load a base and put its adapters beside it, off.

        Args:
            base: its folder.
            environment: device and dtype.
            adapters: name -> folder.
            template: folder of the chat template the base is asked with, where that is not its own.
            batch_size: most rows at a time; None: found by trying.

        Raises:
            PinError: a folder is not what it should be, or an adapter does not fit.
            UsageError: the device is not there.
        """
        encoders: dict[str | None, Encoder] = {}
        if not adapters or has_template(template or base):  # else only its adapters are asked
            encoders[None] = Encoder.load(base, template=template)
        encoders |= {
            name: Encoder.load(base, adapter=folder) for name, folder in (adapters or {}).items()
        }
        folders = dict(adapters or {})
        alone = len(folders) == 1 and all(map(rewriting, folders.values()))
        model = load_model(base, environment)
        for name, folder in folders.items():
            model = load_adapter(model, name, folder, alone=alone)
        if alone:  # its base is another one now, and answers nothing
            del encoders[None]
        return cls(model, encoders, environment, batch_size=batch_size)

    def encoder(self, adapter: str | None = None) -> Encoder:
        """How an adapter's (or the base's) conversations are encoded.

        Raises:
            UsageError: no adapter of that name is loaded.
        """
        if adapter not in self._encoders:
            raise UsageError(f"no adapter {adapter!r} is loaded in this engine.")
        return self._encoders[adapter]

    @contextmanager
    def lent(self, adapter: str | None = None) -> Iterator[tuple[PreTrainedModel | PeftModel, Encoder]]:
        """The model with one adapter on, or none, for others to ask; and how it is asked.

        Raises:
            UsageError: no adapter of that name is loaded.
        """
        encoder = self.encoder(adapter)
        with threads(self.threads.count):
            self._switch(adapter)
            yield self._model, encoder

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions as they finish; see `Engine`."""
        waiting = iter(requests)
        while window := list(islice(waiting, _WINDOW)):
            rows = [self._row(request) for request in window]
            rows.sort(key=_group)
            for _, group in groupby(rows, key=_group):
                for row in self._run(sorted(group, key=_length, reverse=True)):
                    completion = self._completion(row)
                    if on_done is not None:
                        on_done(completion)
                    yield completion

    def watch(self, requests: Sequence[Request]) -> Generator[Draft, None, None]:
        """Yield what each answer holds so far, a token at a time, the requests in turn.

        The last draft of an answer has its completion: the one that `generate` gives. Adapters are
        turned on and off between the tokens, so that two sides are read as they come, side by side.

        Raises:
            UsageError: a prompt leaves no room for an answer, or memory is not enough.
        """
        under_way = [(self._batch(request.adapter), self._row(request)) for request in requests]
        while under_way:
            for batch, row in under_way:
                yield self._advance(batch, row)
            under_way = [(batch, row) for batch, row in under_way if row.finish is None]

    def _without_effect(self) -> tuple[str, ...]:
        """Adapters with which three prompts have, bit for bit, the logits they have without."""
        if None not in self._encoders:
            return ()
        adapters = [name for name in self._encoders if name is not None]
        without = self._probed(None) if adapters else []
        return tuple(
            name for name in adapters if without and all(map(torch.equal, without, self._probed(name)))
        )

    def _probed(self, adapter: str | None) -> list[torch.Tensor]:
        """Logits of the first token of an answer, for each probe that the template takes."""
        rows = []
        for text in _PROBES:
            with suppress(PinError):
                asked = self._encoders[None].encode((Message(role="user", content=text),))
                rows.append(asked)
        with torch.inference_mode(), threads(self.threads.count):
            self._switch(adapter)
            device = self._model.device
            outputs = (
                self._model(input_ids=torch.tensor([ids], device=device), logits_to_keep=1)
                for ids in rows
            )
            return [output.logits[:, -1] for output in outputs]

    def close(self) -> None:
        """Free the model's memory."""
        self._off.close()
        self._model = None
        gc.collect()
        _empty_cache()

    def _row(self, request: Request) -> Row:
        prompt, room = prompt_of(request, self.encoder(request.adapter))
        return Row(request, prompt, room)

    def _run(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Rows of one adapter and one sampling, longest first: memory ends early or not at all."""
        batch = self._batch(rows[0].request.adapter)
        waiting = deque(rows)
        while waiting or batch.rows:
            flying = list(batch.rows)
            try:
                with torch.inference_mode(), threads(self.threads.count):
                    self._switch(rows[0].request.adapter)
                    if self._should_admit(batch, waiting):
                        entering = [waiting.popleft() for _ in range(self._free(batch, waiting))]
                        flying += entering
                        done = batch.admit(entering)
                    else:
                        done = self._timed_step(batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or not self.pace.shrink():
                    raise self._explain(error) from error
                done = self._recover(batch, waiting, flying)
            yield from done
        if self._model.device.type == "mps":
            # Memory once used for rows of one length is not found again for others.
            torch.mps.empty_cache()

    def _batch(self, adapter: str | None) -> Batch:
        encoder = self.encoder(adapter)
        return Batch(
            self._model, encoder.stop, encoder.vocabulary, encoder.decode, joinable=self._joinable
        )

    def _advance(self, batch: Batch, row: Row) -> Draft:
        """One more token for the only row of a batch; the first one where it has not begun."""
        with torch.inference_mode(), threads(self.threads.count):
            self._switch(row.request.adapter)
            try:
                if batch.rows:
                    batch.step()
                else:
                    batch.admit([row])
            except (RuntimeError, MemoryError) as error:
                raise self._explain(error) from error
        if row.finish is not None:
            whole = self._completion(row)
            return Draft(whole.key, whole.text, whole.finish_reason == "thinking", whole)
        apart = self.encoder(row.request.adapter).answered(row.prompt, row.new)
        # A character's bytes may come in several tokens.
        return Draft(row.request.key, apart.answer.rstrip("\ufffd"), apart.unfinished, None)

    def _should_admit(self, batch: Batch, waiting: deque[Row]) -> bool:
        """Joining copies the cache, so it waits until a quarter of the batch is free."""
        free = self._free(batch, waiting)
        enough = not batch.rows or free >= max(1, self.pace.size // 4)
        return free > 0 and enough and batch.can_admit

    def _free(self, batch: Batch, waiting: deque[Row]) -> int:
        return min(self.pace.size - len(batch.rows), len(waiting))

    def _timed_step(self, batch: Batch) -> list[Row]:
        start, rows = time.perf_counter(), len(batch.rows)
        done = batch.step()
        seconds = time.perf_counter() - start
        if rows == self.pace.size:  # others are no measure: a batch that empties slows by itself
            self.threads.record(rows, seconds)
        self.pace.record(rows, seconds)
        return done

    def _recover(self, batch: Batch, waiting: deque[Row], flying: Sequence[Row]) -> list[Row]:
        """After memory ran out: no row and no token is lost, only the cache is."""
        batch.disband()
        _empty_cache()
        waiting.extendleft(row for row in reversed(flying) if not row.finish)
        return [row for row in flying if row.finish]

    def _switch(self, adapter: str | None) -> None:
        """Turn one adapter on, or all of them off; costs nothing where that is so already."""
        if adapter == self._on:
            return
        self._off.close()
        if adapter is not None:
            self._model.set_adapter(adapter, inference_mode=True)
        elif hasattr(self._model, "disable_adapter"):
            self._off.enter_context(self._model.disable_adapter())
        self._on = adapter

    def _explain(self, error: BaseException) -> BaseException:
        if is_out_of_memory(error):
            return UsageError(
                "memory is not enough for one answer at a time; close other programs, take a smaller "
                "model, or lower max_new_tokens."
            )
        return error

    def _completion(self, row: Row) -> Completion:
        assert row.finish is not None
        return completion_of(
            row.request,
            self.encoder(row.request.adapter),
            prompt=row.prompt,
            new=row.new,
            finish=row.finish,
            seconds=row.seconds,
        )


def _group(row: Row) -> tuple[str, str]:
    """Rows that may share a batch; the base's come first."""
    return row.request.adapter or "", row.request.sampling.model_dump_json()


def _length(row: Row) -> tuple[int, str]:
    """Rows of one prompt stand together, so that it is read once."""
    return len(row.prompt), row.request.prompt


def _empty_cache() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
