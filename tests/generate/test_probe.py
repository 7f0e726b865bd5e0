from __future__ import annotations

from pathlib import Path

from brie.generate.local import TransformersEngine
from brie.generate.probe import BatchVariance, batch_variance
from brie.records import Environment


def test_float32_on_a_cpu_shows_no_batch_variance(base: Path, cpu: Environment) -> None:
    with TransformersEngine.load(base, cpu, batch_size=8) as engine:
        found = batch_variance(engine, cpu, prompts=4, tokens=12)
    assert (found.texts, found.changed) == (8, 0)
    assert str(found) == "float32 on cpu: a text does not depend on its batch (8 of 8 equal)."


def test_what_breaks_is_said_with_its_share(cpu: Environment) -> None:
    half = cpu.model_copy(update={"dtype": "bfloat16"})
    assert "bfloat16 on cpu: the batch changed 3 of 12 texts (25%)" in str(BatchVariance(half, 12, 3))
