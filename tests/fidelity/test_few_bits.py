"""How far a file in few bits may lie: stated limits, and what its numbers explain by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.fidelity.explained import Explained, noise_alone
from brie.fidelity.verdict import LEAST_SAME, MOST_KL, beyond, is_beyond, stated_few_bits, widened
from brie.forms.unpack import unpack_gguf
from brie.progress import Silent
from brie.records.shipping import Figures
from tests.fidelity import planted
from tests.fidelity.gguf_file import write_gguf


def figures(kl: float, same: float) -> Figures:
    return Figures(
        engine="an engine", positions=100, max_logit_difference=1.0, kl=kl, same_argmax=same,
        identical=1, answers=8, same_ids=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fewer", "more"),
    [("q4_k", "q5_k"), ("nf4", "int8"), ("mlx-4bit", "mlx-8bit"), ("q6_k", "q8_0"), ("tq1_0", "iq4_xs")],
)
def test_more_bits_have_to_come_nearer(fewer: str, more: str) -> None:
    few, many = stated_few_bits(fewer), stated_few_bits(more)
    assert few.kl is not None
    assert many.kl is not None
    assert few.kl > many.kl
    assert is_beyond(figures(few.kl, 0.95), many)
    assert not is_beyond(figures(few.kl, 0.95), few)


def test_a_format_of_no_known_width_is_held_to_4_bits() -> None:
    assert stated_few_bits("gptq") == stated_few_bits("q4_0")


def test_what_the_numbers_explain_is_allowed_and_no_more() -> None:
    stated = stated_few_bits("mlx-4bit")
    wide = widened(stated, Explained(kl=0.25, same_argmax=0.7))
    assert is_beyond(figures(0.3, 0.68), stated)
    assert not is_beyond(figures(0.3, 0.68), wide)
    (fault,) = beyond([figures(0.9, 0.68)], wide, "mlx-4bit")
    assert (fault.kind, fault.where) == ("quantisation", "an engine")
    assert "divergence 0.90 nats" in fault.sentence


def test_an_engine_that_reads_good_numbers_wrongly_is_caught() -> None:
    """As with another rope base, which the numbers of a file in 8 bits do not explain."""
    wide = widened(stated_few_bits("q8_0"), Explained(kl=0.0005, same_argmax=0.987))
    assert is_beyond(figures(0.045, 0.926), wide)
    assert not is_beyond(figures(0.0072, 0.963), wide)


def test_a_file_that_has_lost_everything_is_refused_whatever_explains_it() -> None:
    wide = widened(stated_few_bits("q2_k"), Explained(kl=5.0, same_argmax=0.1))
    assert (wide.kl, wide.same_argmax) == (MOST_KL, LEAST_SAME)


def test_chance_of_the_same_size_explains_a_sound_packing(tmp_path: Path) -> None:
    tiny = planted.checkpoint(tmp_path / "checkpoint", ("float32",))
    file = write_gguf(tiny.sound["float32"], tmp_path / "x.gguf", "Q4_0")
    unpack_gguf(file, tmp_path / "open")
    noise = noise_alone(tiny.reference, tmp_path / "open", tmp_path, Silent())
    found = tiny.check(file, tmp_path / "work")
    kl = found.figures[0].kl
    assert kl is not None
    assert 0.4 < kl / noise.kl < 2.5
    assert found.faults == ()
