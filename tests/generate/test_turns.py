"""Any two sides through one engine: adapters of one base, other models in turn, a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brie.digest import digest
from brie.errors import PinError, UsageError
from brie.generate import Request
from brie.generate.local import TransformersEngine
from brie.generate.server import Server
from brie.generate.turns import Local, Served, Source, open_engine
from brie.records import Environment
from tests.fakes.openai_server import FakeServer, Reply
from tests.generate.conftest import Ask
from tests.generate.tinymodel import build_adapter, build_base


def _texts(engine: object, requests: list[Request]) -> dict[str, str]:
    return {c.key: c.text for c in engine.generate(requests)}  # type: ignore[attr-defined]


def _as(pin: str, requests: list[Request]) -> list[Request]:
    return [replace(r, pin=digest(pin), key=digest([pin, r.key]), adapter=None) for r in requests]


@pytest.mark.slow
def test_two_fine_tunes_of_one_base_share_it(
    base: Path, adapter: Path, cpu: Environment, ask: Ask, tmp_path: Path
) -> None:
    other = build_adapter(tmp_path / "other", base, seed=4)
    sources = {digest("a"): Local(base, adapter), digest("b"): Local(base, other)}
    requests = _as("a", ask(5)) + _as("b", ask(5))
    with open_engine(sources, cpu) as engine:
        together = _texts(engine, requests)
    for name, folder in (("a", adapter), ("b", other)):
        with TransformersEngine.load(base, cpu, {"x": folder}) as single:
            mine = [replace(r, adapter="x") for r in _as(name, ask(5))]
            assert _texts(single, mine).items() <= together.items()


@pytest.mark.slow
def test_a_fine_tune_against_another_full_model_loads_them_in_turn(
    base: Path, adapter: Path, cpu: Environment, ask: Ask, tmp_path: Path
) -> None:
    other = build_base(tmp_path / "other", seed=8, hidden_size=32)
    sources = {digest("a"): Local(base, adapter), digest("b"): Local(other), digest("c"): Local(base)}
    mixed = [r for group in zip(*(_as(n, ask(4)) for n in "abc"), strict=True) for r in group]
    with open_engine(sources, cpu) as engine:
        order = [c.pin for c in engine.generate(mixed)]
        assert len(order) == 12
        last_base = max(i for i, pin in enumerate(order) if pin != digest("b"))
        first_other = order.index(digest("b"))
        assert first_other > last_base, "one model at a time"
        together = _texts(engine, mixed)
    with TransformersEngine.load(other, cpu) as single:
        assert _texts(single, _as("b", ask(4))).items() <= together.items()


def test_two_bases_are_watched_one_after_the_other_and_a_server_not_at_all(
    base: Path, adapter: Path, cpu: Environment, ask: Ask, tmp_path: Path
) -> None:
    other = build_base(tmp_path / "other", seed=8, hidden_size=32)
    server = Served(Server("lab", "http://127.0.0.1:9"), "tuned")
    sources: dict[str, Source] = {
        digest("a"): Local(base, adapter), digest("b"): Local(other), digest("c"): server,
    }  # fmt: skip
    with open_engine(sources, cpu) as engine:
        both = _as("a", ask(1)) + _as("b", ask(1))
        keys = [draft.key for draft in engine.watch(both)]
        assert list(dict.fromkeys(keys)) == [request.key for request in both]
        assert keys == sorted(keys, key=keys.index), "one model at a time"
        assert not engine.in_one
        with pytest.raises(UsageError, match="can be watched"):
            list(engine.watch(_as("c", ask(1))))


def test_a_folder_against_a_server(base: Path, cpu: Environment, ask: Ask) -> None:
    with FakeServer() as fake:
        server = Server(label="lab", base_url=fake.base_url)
        sources: dict[str, Source] = {digest("a"): Local(base), digest("b"): Served(server, "tuned")}
        with open_engine(sources, cpu) as engine:
            texts = _texts(engine, _as("a", ask(3)) + _as("b", ask(3)))
            assert len(texts) == 6
            assert sum(text.startswith("tuned says") for text in texts.values()) == 3
            assert engine.fingerprints == {"lab#tuned": {"fp_fake": 3}}
        with open_engine({digest("b"): Served(server, "tuned")}, cpu) as engine:
            assert len(_texts(engine, _as("b", ask(3)))) == 3


def test_what_two_servers_say_and_refuse_is_kept_to_the_end(cpu: Environment, ask: Ask) -> None:
    with FakeServer() as one, FakeServer() as two:
        two.behave = lambda body: Reply.error(400, "no top_k here") if "top_k" in body else None
        sources: dict[str, Source] = {
            digest("a"): Served(Server("one", one.base_url), "base"),
            digest("b"): Served(Server("two", two.base_url), "tuned"),
        }
        with open_engine(sources, cpu) as engine:
            for _ in range(2):
                assert len(_texts(engine, _as("a", ask(3)) + _as("b", ask(3)))) == 6
        assert engine.fingerprints == {"one#base": {"fp_fake": 6}, "two#tuned": {"fp_fake": 6}}
        assert engine.left_out == {"two": ("top_k",)}


def test_a_pin_without_a_source_is_refused(base: Path, cpu: Environment, ask: Ask) -> None:
    engine = open_engine({digest("a"): Local(base)}, cpu)
    with engine, pytest.raises(UsageError, match="no model was given"):
        list(engine.generate(_as("b", ask(1))))


def test_nothing_is_loaded_before_it_is_needed(cpu: Environment, tmp_path: Path) -> None:
    with open_engine({digest("a"): Local(tmp_path / "absent")}, cpu) as engine:
        assert list(engine.generate([])) == []


def test_a_folder_that_is_no_model_is_refused(cpu: Environment, ask: Ask, tmp_path: Path) -> None:
    engine = open_engine({digest("a"): Local(tmp_path / "absent")}, cpu)
    with engine, pytest.raises(PinError, match=r"absent holds no config\.json"):
        list(engine.generate(_as("a", ask(1))))
