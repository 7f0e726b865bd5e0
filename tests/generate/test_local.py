"""The engine on a real (random) Qwen2 model: texts are functions of their keys alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from brie.errors import PinError, UsageError
from brie.generate import Request
from brie.generate.encode import Encoder
from brie.generate.local import TransformersEngine
from brie.pin.thread_pace import ThreadPace
from brie.project import packaged
from brie.records import Completion, Environment
from tests.generate.conftest import Ask

Texts = dict[str, tuple[str, str, int]]


def _texts(completions: Iterable[Completion]) -> Texts:
    return {c.key: (c.text, c.finish_reason, c.tokens) for c in completions}


@pytest.fixture(scope="module")
def engine(base: Path, adapter: Path, cpu: Environment) -> Iterator[TransformersEngine]:
    with TransformersEngine.load(base, cpu, {"tuned": adapter}, batch_size=16) as engine:
        yield engine


def _mixed(ask: Ask) -> list[Request]:
    """Two sides; sampled, restricted and greedy."""
    return [
        request
        for side in (None, "tuned")
        for settings in ({}, {"top_k": 20, "top_p": 0.9}, {"temperature": 0.0})
        for request in ask(8, side, **settings)
    ]


@pytest.fixture(scope="module")
def reference(engine: TransformersEngine, ask: Ask) -> Texts:
    return _texts(engine.generate(_mixed(ask)))


@pytest.mark.parametrize("size", [1, 2, 7])
def test_texts_do_not_depend_on_the_batch_size(
    base: Path, adapter: Path, cpu: Environment, ask: Ask, reference: Texts, size: int
) -> None:
    with TransformersEngine.load(base, cpu, {"tuned": adapter}, batch_size=size) as other:
        assert _texts(other.generate(_mixed(ask))) == reference


@pytest.mark.slow
def test_the_packaged_base_gives_the_same_texts_for_every_batch_size(cpu: Environment, ask: Ask) -> None:
    requests = ask(6, limit=16) + ask(6, limit=16, temperature=0.0)
    found = []
    for size in (16, 7, 2, 1):
        with TransformersEngine.load(packaged("models", "tiny"), cpu, batch_size=size) as engine:
            found.append(_texts(engine.generate(requests)))
    assert len(found[0]) == 12
    assert all(texts == found[0] for texts in found)


def test_texts_do_not_depend_on_order_company_or_threads(
    engine: TransformersEngine, ask: Ask, reference: Texts
) -> None:
    shuffled = _mixed(ask)
    random.Random(4).shuffle(shuffled)
    assert _texts(engine.generate(shuffled)) == reference
    alone = _texts(c for request in shuffled[8:12] for c in engine.generate([request]))
    assert alone == {key: reference[key] for key in alone}
    assert engine.threads.count == 1, "a small model computes with one thread"
    try:
        engine.threads = ThreadPace(2, fixed=True)
        assert _texts(engine.generate(shuffled[:3])).items() <= reference.items()
    finally:
        engine.threads = ThreadPace(1)


def test_the_reference_is_worth_comparing(reference: Texts) -> None:
    texts = list(reference.values())
    assert len(texts) == 48
    assert len(set(texts)) > 40
    assert {finish for _, finish, _ in texts} == {"stop", "length"}


def test_samples_differ_and_greedy_agrees_with_transformers(
    engine: TransformersEngine, base: Path, ask: Ask
) -> None:
    from transformers import Qwen2ForCausalLM

    first, second = (_texts(engine.generate(ask(5, sample=k))) for k in (0, 1))
    assert not {t for t, _, _ in first.values()} & {t for t, _, _ in second.values()}
    model = Qwen2ForCausalLM.from_pretrained(base).eval()
    encoder = Encoder.load(base)
    for completion, request in _paired(engine, ask(6, temperature=0.0)):
        ids = torch.tensor([encoder.encode(request.messages)])
        output = model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
        assert completion.text == encoder.decode(output.tolist())


@pytest.mark.parametrize("penalty", [1.3, 0.8])
def test_the_repetition_penalty_is_that_of_transformers(
    engine: TransformersEngine, base: Path, ask: Ask, penalty: float
) -> None:
    from transformers import Qwen2ForCausalLM

    model, encoder = Qwen2ForCausalLM.from_pretrained(base).eval(), Encoder.load(base)
    plain = {c.prompt: c.text for c in engine.generate(ask(5, temperature=0.0))}
    requests = ask(5, temperature=0.0, repetition_penalty=penalty)
    changed = 0
    for completion, request in _paired(engine, requests):
        ids = torch.tensor([encoder.encode(request.messages)])
        output = model.generate(ids, max_new_tokens=12, do_sample=False, repetition_penalty=penalty)
        assert completion.text == encoder.decode(output[0, ids.shape[1] :].tolist())
        changed += completion.text != plain[completion.prompt]
    assert changed > 0


def test_padded_rows_of_the_vocabulary_are_never_drawn(
    cpu: Environment, ask: Ask, tmp_path: Path
) -> None:
    """Qwen2.5 has 151,936 embeddings and 151,665 tokens: the rest have no text."""
    from tests.generate.tinymodel import build_base

    padded = build_base(tmp_path / "padded", vocab_size=2000)
    with TransformersEngine.load(padded, cpu) as engine:
        for completion in engine.generate(ask(6, temperature=3.0)):
            ids = engine.encoder().tokenizer(completion.text, add_special_tokens=False)["input_ids"]
            assert len(ids) >= completion.tokens - completion.measures["special_tokens"]


def _paired(engine: TransformersEngine, requests: list[Request]) -> Iterator[tuple[Completion, Request]]:
    by_key = {request.key: request for request in requests}
    return ((c, by_key[c.key]) for c in engine.generate(requests))


def test_with_its_adapters_off_the_engine_is_the_pure_base(
    engine: TransformersEngine, base: Path, cpu: Environment, ask: Ask
) -> None:
    with TransformersEngine.load(base, cpu, batch_size=16) as pure:
        expected = _texts(pure.generate(ask(8)))
    assert _texts(engine.generate(ask(8))) == expected


def test_an_adapter_changes_the_answers_and_two_can_be_loaded(
    base: Path, adapter: Path, cpu: Environment, ask: Ask, reference: Texts, tmp_path: Path
) -> None:
    from tests.generate.tinymodel import build_adapter

    other = build_adapter(tmp_path / "other", base, seed=9)
    with TransformersEngine.load(base, cpu, {"tuned": adapter, "other": other}) as both:
        sides = [_texts(both.generate(ask(8, side))) for side in ("tuned", None, "other", "tuned")]
    assert sides[0] == sides[3]
    assert sides[0].items() <= reference.items()
    assert sides[1].items() <= reference.items()
    words = [sorted(text for text, _, _ in side.values()) for side in sides[:3]]
    assert words[0] != words[1] != words[2] != words[0]


def test_progress_sees_every_completion_before_it_is_yielded(
    engine: TransformersEngine, ask: Ask
) -> None:
    seen: list[str] = []
    for completion in engine.generate(ask(9), lambda c: seen.append(c.key)):
        assert completion.key in seen
    assert sorted(seen) == sorted(r.key for r in ask(9))


def test_a_consumer_that_stops_early_leaves_the_engine_usable(
    engine: TransformersEngine, ask: Ask, reference: Texts
) -> None:
    stream = engine.generate(ask(8, "tuned"))
    first = next(iter(stream))
    assert _texts(engine.generate(ask(8))).items() <= reference.items()
    rest = _texts([first, *stream])
    assert rest.items() <= reference.items()
    assert len(rest) == 8


def test_watched_answers_grow_side_by_side_into_those_that_are_generated(
    engine: TransformersEngine, ask: Ask
) -> None:
    both = [ask(3, side)[2] for side in (None, "tuned")]
    drafts = list(engine.watch(both))
    assert [draft.key for draft in drafts[:4]] == [both[0].key, both[1].key] * 2, "in turn"
    for request in both:
        mine = [draft for draft in drafts if draft.key == request.key]
        assert all(after.text.startswith(before.text) for before, after in pairwise(mine[:-1]))
        assert [draft.completion is not None for draft in mine] == [False] * (len(mine) - 1) + [True]
    whole = [draft.completion for draft in drafts if draft.completion is not None]
    assert _texts(whole) == _texts(engine.generate(both))


def test_answers_end_at_the_limit_or_at_the_contexts_end(
    engine: TransformersEngine, ask: Ask, base: Path
) -> None:
    for completion in engine.generate(ask(6, limit=3)):
        assert completion.tokens <= 3
        assert completion.finish_reason == ("length" if completion.tokens == 3 else "stop")
    encoder = Encoder.load(base)
    for completion, request in _paired(engine, ask(4, limit=1000, temperature=5.0)):
        assert completion.tokens + len(encoder.encode(request.messages)) <= 256
        assert completion.seconds > 0


def test_a_prompt_without_room_is_refused_before_any_work(engine: TransformersEngine, ask: Ask) -> None:
    from dataclasses import replace

    from brie.records import Message

    requests = ask(4)
    requests[3] = replace(
        requests[3], messages=(Message(role="user", content="z" * 300),), prompt="sha256:" + "0" * 64
    )
    done: list[Completion] = []
    with pytest.raises(UsageError, match="leaves no room"):
        done.extend(engine.generate(requests))
    assert done == []


class ShortOfMemory:
    """A model on a device where more than `most` rows, or `columns` cells, do not fit."""

    def __init__(self, model: Any, most: int, cells: int = 10**9) -> None:
        self.model, self.config, self.device = model, model.config, model.device
        self.parameters = model.parameters
        self.most, self.cells, self.refusals = most, cells, 0

    def __call__(self, **inputs: Any) -> Any:
        rows, columns = inputs["attention_mask"].shape
        if rows > self.most or rows * columns > self.cells:
            self.refusals += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.model(**inputs)


@pytest.mark.parametrize(("most", "cells"), [(3, 10**9), (16, 400), (1, 10**9)])
def test_running_out_of_memory_loses_nothing_and_changes_nothing(
    base: Path, cpu: Environment, ask: Ask, reference: Texts, most: int, cells: int
) -> None:
    from transformers import Qwen2ForCausalLM

    model = ShortOfMemory(Qwen2ForCausalLM.from_pretrained(base).eval(), most, cells)
    engine = TransformersEngine(model, {None: Encoder.load(base)}, cpu, batch_size=16)
    texts = _texts(engine.generate(ask(8)))
    assert model.refusals > 0
    assert engine.pace.size < 16
    assert len(texts) == 8
    assert texts.items() <= reference.items()


def test_one_answer_that_does_not_fit_is_explained(base: Path, cpu: Environment, ask: Ask) -> None:
    from transformers import Qwen2ForCausalLM

    model = ShortOfMemory(Qwen2ForCausalLM.from_pretrained(base).eval(), 0)
    engine = TransformersEngine(model, {None: Encoder.load(base)}, cpu)
    with pytest.raises(UsageError, match="memory is not enough"):
        list(engine.generate(ask(3)))


def test_only_safetensors_are_loaded(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    import shutil

    unsafe = tmp_path / "unsafe"
    shutil.copytree(base, unsafe)
    (unsafe / "model.safetensors").rename(unsafe / "pytorch_model.bin")
    with pytest.raises(PinError, match="safetensors"):
        TransformersEngine.load(unsafe, cpu)
    with pytest.raises(PinError, match=r"adapter_model\.safetensors"):
        TransformersEngine.load(base, cpu, {"x": base})


def test_an_adapter_of_another_shape_is_refused(adapter: Path, cpu: Environment, tmp_path: Path) -> None:
    from tests.generate.tinymodel import build_base

    wider = build_base(tmp_path / "wider", hidden_size=96)
    with pytest.raises(PinError, match="does not fit this base"):
        TransformersEngine.load(wider, cpu, {"x": adapter})
    deeper = build_base(tmp_path / "deeper", num_hidden_layers=5)
    with pytest.raises(PinError, match="does not fit this base"):
        TransformersEngine.load(deeper, cpu, {"x": adapter})


def test_an_unknown_adapter_is_refused(engine: TransformersEngine, ask: Ask) -> None:
    with pytest.raises(UsageError, match="no adapter 'nobody'"):
        list(engine.generate(ask(1, "nobody")))


def test_a_stop_text_ends_an_answer_and_is_no_part_of_it(engine: TransformersEngine, ask: Ask) -> None:
    whole = {c.prompt: c for c in engine.generate(ask(6, limit=40))}
    text = max((c.text for c in whole.values()), key=len)
    stop = text[len(text) // 2 :][:3]
    cut = list(engine.generate(ask(6, limit=40, stop=(stop,))))
    assert any(c.finish_reason == "stop" for c in cut)
    assert all(stop not in c.text for c in cut)
    drawn_alike = [c for c in cut if c.finish_reason == "stop" and c.tokens < 40]
    assert drawn_alike


def test_penalties_change_what_is_drawn(engine: TransformersEngine, ask: Ask) -> None:
    def texts(**sampling: float) -> list[str]:
        done = {c.prompt: c.text for c in engine.generate(ask(4, limit=40, temperature=0.0, **sampling))}
        return [done[key] for key in sorted(done)]

    plain = texts()
    assert texts(frequency_penalty=5.0) != plain
    assert texts(presence_penalty=5.0) != plain
    assert texts(frequency_penalty=0.0) == plain
