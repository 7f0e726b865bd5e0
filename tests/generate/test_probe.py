from __future__ import annotations

from pathlib import Path

from brie.cli.doctor import smoke_test
from brie.digest import digest
from brie.generate.local import TransformersEngine
from brie.generate.probe import BatchVariance, batch_variance
from brie.generate.turns import Local, open_engine
from brie.project import Project
from brie.records import Environment
from tests.generate.conftest import Ask


def test_float32_on_a_cpu_shows_no_batch_variance(base: Path, cpu: Environment) -> None:
    with TransformersEngine.load(base, cpu, batch_size=8) as engine:
        found = batch_variance(engine, cpu, prompts=4, tokens=12)
    assert (found.texts, found.changed) == (8, 0)
    assert str(found) == "float32 on cpu: none of 8 texts changed with its batch"


def test_an_engine_for_two_sides_measures_the_model_in_memory(
    base: Path, cpu: Environment, ask: Ask
) -> None:
    half = cpu.model_copy(update={"dtype": "bfloat16"})
    for environment, expected in ((cpu, None), (half, 16)):
        with open_engine({digest(None): Local(base)}, environment) as engine:
            assert engine.batch_variance() is None, "nothing is loaded yet"
            list(engine.generate(ask(1)))
            found = engine.batch_variance()
            assert (found and found.texts) == expected


def test_doctor_answers_and_measures_in_the_dtype_asked_for(tmp_path: Path) -> None:
    found = {f.what: f for f in smoke_test(Project(tmp_path), dtype="bfloat16")}
    assert found["smoke"].good
    assert "bfloat16 on cpu" in found["batches"].seen
    assert "of 16 texts" in found["batches"].seen


def test_what_breaks_is_said_with_its_share(cpu: Environment) -> None:
    half = cpu.model_copy(update={"dtype": "bfloat16"})
    assert "bfloat16 on cpu: the batch changed 3 of 12 texts (25%)" in str(BatchVariance(half, 12, 3))
