"""GGUF files held against their checkpoint, read by transformers' own loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fidelity import planted
from tests.fidelity.gguf_file import write_gguf
from tests.fidelity.planted import Checkpoint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return planted.checkpoint(tmp_path_factory.mktemp("checkpoint"), ("float32",))


def test_a_float_file_gives_every_answer_of_its_checkpoint(tiny: Checkpoint, tmp_path: Path) -> None:
    found = tiny.check(write_gguf(tiny.sound["float32"], tmp_path / "x.gguf"), tmp_path / "work")
    assert (found.verdict, found.faults) == ("sound", ())
    (figures,) = found.figures
    assert "GGUF loader" in figures.engine
    assert figures.identical == figures.answers == 24
    assert figures.max_logit_difference is not None
    assert figures.max_logit_difference <= 1e-3
    assert figures.same_ids is None
    assert "same_ids" in figures.notes


def test_a_file_in_eight_bits_is_no_fault_and_says_what_it_changed(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    found = tiny.check(write_gguf(tiny.sound["float32"], tmp_path / "x.gguf", "Q8_0"), tmp_path / "work")
    assert found.faults == ()
    assert found.file.number_format == "q8_0"
    assert found.verdict in ("open", "sound")
    assert found.figures[0].kl is not None
    assert 0 < found.figures[0].kl < 0.01


def _to_signs(name: str, tensor: np.ndarray) -> np.ndarray:
    return np.sign(tensor) * np.abs(tensor).mean() if tensor.ndim == 2 else tensor


def _without_one_layer(name: str, tensor: np.ndarray) -> np.ndarray:
    return np.zeros_like(tensor) if name == "blk.2.ffn_up.weight" else tensor


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"without": ["chat_template"]}, "template"),
        ({"end": 0}, "end token"),
        ({"rope_base": 1e6}, "config"),
        ({"change": _without_one_layer}, "layer zeroed"),
        ({"change": _to_signs}, "quantisation"),
    ],
)
def test_a_fault_in_a_quantised_file_is_caught_by_its_name(
    how: dict[str, object], kind: str, tiny: Checkpoint, tmp_path: Path
) -> None:
    file = write_gguf(tiny.sound["float32"], tmp_path / "x.gguf", "Q8_0", **how)  # type: ignore[arg-type]
    found = tiny.check(file, tmp_path / "work")
    assert found.verdict == "fault"
    assert found.faults[0].kind == kind


def test_the_base_shipped_instead_of_the_fine_tune_is_seen_through_eight_bits(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    folder = planted.copied(tiny.sound["float32"], tmp_path / "base")
    planted.add_adapter(folder, tiny, -1.0)
    found = tiny.check(write_gguf(folder, tmp_path / "x.gguf", "Q4_0"), tmp_path / "work")
    assert found.faults[0].kind == "adapter not merged"
