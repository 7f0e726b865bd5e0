"""The engine `vllm`: the same tokens in, the same ends, adapters and base from one copy.

By the real vLLM where it is installed, else by a stand-in (`tests/fakes/vllm_stand_in.py`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.evaluation.asked_sampling import engine_of
from brie.evaluation.generating import refuse_another
from brie.evaluation.request import EvalRequest
from brie.forms.programs import versions_of
from brie.generate import completion_key, detect_environment
from brie.generate.local import TransformersEngine
from brie.generate.turns import Local, open_engine
from brie.generate.vllm_engine import VllmEngine
from brie.pin import ADAPTER_CONFIG
from brie.project import Project, packaged
from brie.records import Completion, Environment, Sampling
from tests.fakes.vllm_stand_in import install
from tests.generate.conftest import Ask
from tests.generate.tinymodel import build_adapter

REAL = importlib.util.find_spec("vllm") is not None
VARIABLES = ("VLLM_BATCH_INVARIANT", "VLLM_ENABLE_V1_MULTIPROCESSING", "VLLM_LOGGING_LEVEL")


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """vLLM, or what stands in for it."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VLLM_BATCH_INVARIANT", raising=False)
        if REAL:
            patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        else:
            patch.syspath_prepend(str(install(tmp_path_factory.mktemp("package"))))
        yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    if not REAL:
        for name in [name for name in sys.modules if name.partition(".")[0] == "vllm"]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def tiny() -> Path:
    return packaged("models", "tiny")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    return build_adapter(tmp_path_factory.mktemp("tuned"), tiny)


@pytest.fixture(scope="module")
def here() -> Environment:
    return detect_environment("cpu", engine="vllm")[0]


@pytest.fixture(scope="module")
def engine(tiny: Path, tuned: Path, here: Environment) -> Iterator[VllmEngine]:
    with VllmEngine.load(tiny, here, {"tuned": tuned}) as engine:
        yield engine


def texts(completions: Iterator[Completion]) -> dict[str, tuple[str, str, int]]:
    return {c.key: (c.text, c.finish_reason, c.tokens) for c in completions}


def test_greedy_answers_of_base_and_adapter_are_those_of_transformers(
    engine: VllmEngine, tiny: Path, tuned: Path, cpu: Environment, ask: Ask
) -> None:
    requests = [*ask(3, temperature=0.0, limit=12), *ask(3, "tuned", temperature=0.0, limit=12)]
    requests += ask(1, temperature=0.0, limit=100)  # it ends by itself
    with TransformersEngine.load(tiny, cpu, {"tuned": tuned}) as other:
        expected = texts(other.generate(requests))
    made = texts(engine.generate(requests))
    assert made.keys() == expected.keys()
    assert {finish for _, finish, _ in expected.values()} == {"length", "stop"}
    # Another order of sums may choose another word, and everything after it is another.
    equal = sum(made[key] == expected[key] for key in expected)
    assert equal == len(expected) if not REAL else equal >= len(expected) - 2


@pytest.mark.slow
def test_a_request_is_answered_alike_whatever_is_asked_beside_it(engine: VllmEngine, ask: Ask) -> None:
    requests = [*ask(4), *ask(4, "tuned")]
    together = texts(engine.generate(requests))
    alone = texts(engine.generate(requests[5:6]))
    assert len(set(together.values())) > 4
    assert together[requests[5].key] == alone[requests[5].key]


@pytest.mark.slow
def test_another_sample_is_another_answer(engine: VllmEngine, ask: Ask) -> None:
    first, second = (list(engine.generate(ask(4, sample=n))) for n in (0, 1))
    assert [c.text for c in first] != [c.text for c in second]


def test_an_environment_says_which_vllm_and_how_it_adds_up(
    cpu: Environment, here: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (here.engine, here.dtype, here.device) == ("vllm", "float32", "cpu")
    assert here.programs == versions_of(["vllm"])
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")
    invariant, reason = detect_environment("cpu", engine="vllm")
    assert "VLLM_BATCH_INVARIANT=1 is set" in reason
    assert invariant.sampler == "vllm's, batch-invariant"
    newer = here.model_copy(update={"programs": {"vllm": "99"}})
    keys = {
        completion_key(
            pin_digest="p",
            template_digest="t",
            messages=(),
            sampling=Sampling(),
            sample=0,
            environment=environment,
        )
        for environment in (cpu, here, invariant, newer)
    }
    assert len(keys) == 4


def test_a_sealed_plan_is_answered_by_the_vllm_it_names(here: Environment) -> None:
    refuse_another(here)
    with pytest.raises(UsageError, match=r"programs is .* here and .*99.* in the plan"):
        refuse_another(here.model_copy(update={"programs": {"vllm": "99"}}))


def test_both_sides_of_an_evaluation_come_from_one_loaded_base(
    tiny: Path, tuned: Path, here: Environment, ask: Ask
) -> None:
    base, adapted = ask(1)[0], ask(1, "tuned")[0]
    sources = {base.pin: Local(tiny), adapted.pin: Local(tiny, tuned)}
    with open_engine(sources, here) as engine:
        assert engine.in_one
        made = list(engine.generate([base, adapted]))
    assert [c.pin for c in made] == [base.pin, adapted.pin]


@pytest.mark.slow
def test_whether_texts_change_with_their_batch_is_measured(
    tiny: Path, here: Environment, ask: Ask
) -> None:
    (request,) = ask(1)
    with open_engine({request.pin: Local(tiny)}, here) as engine:
        assert list(engine.generate([request]))
        tried = engine.batch_variance()
    assert tried is not None
    assert tried.texts == 16


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "bias"),
        ({"r": 1000}, "rank 1000"),
    ],
)
def test_an_adapter_that_vllm_does_not_read_is_refused(
    tiny: Path,
    tuned: Path,
    here: Environment,
    tmp_path: Path,
    change: dict[str, bool | str | int | list[str]],
    named: str,
) -> None:
    folder = shutil.copytree(tuned, tmp_path / "adapter")
    config = json.loads((folder / ADAPTER_CONFIG).read_text("utf-8"))
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config | change), encoding="utf-8")
    with pytest.raises(UsageError, match=f"{named}.*--to merged"):
        VllmEngine.load(tiny, here, {"tuned": folder})


def test_no_side_here_is_nothing_for_vllm(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no side is one"):
        engine_of(EvalRequest(engine="vllm"), [], Project(tmp_path))


def test_a_project_may_prefer_an_engine(tmp_path: Path) -> None:
    (tmp_path / "brie.toml").write_text('engine = "vllm"\n', encoding="utf-8")
    assert engine_of(EvalRequest(), [], Project(tmp_path)) == "vllm"
    assert engine_of(EvalRequest(engine="transformers"), [], Project(tmp_path)) == "transformers"


@pytest.mark.skipif(REAL, reason="vLLM is installed")
def test_without_vllm_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "vllm").is_dir()])
    for name in [name for name in sys.modules if name.partition(".")[0] == "vllm"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UsageError, match=r"pip install vllm .*--engine transformers"):
        detect_environment("cpu", engine="vllm")
