"""Device and number format, each with its reason; wrong arithmetic is refused."""

from __future__ import annotations

import copy
import re

import pytest

from brie.errors import UsageError
from brie.train.config import DeviceInfo
from brie.train.device import choose_device, choose_dtype
from brie.train.smoke import Step, compare_with_cpu, disagreement, one_step

CPU = DeviceInfo(type="cpu", name="c", memory_bytes=None)
MPS = DeviceInfo(type="mps", name="m", memory_bytes=None)


def test_the_cpu_can_always_be_asked_for() -> None:
    device, reason = choose_device("cpu")
    assert device.type == "cpu"
    assert device.name
    assert reason == "asked for"


def test_an_unknown_device_names_the_near_match() -> None:
    with pytest.raises(UsageError, match="did you mean 'cuda'"):
        choose_device("cude")


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_one_sentence(kind: str) -> None:
    import torch

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if here[kind]:
        assert choose_device(kind)[0].type == kind
        return
    with pytest.raises(UsageError, match=f"has no {kind}; usable: .*cpu"):
        choose_device(kind)


def test_a_cpu_computes_in_float32_unless_asked_and_never_in_float16() -> None:
    assert choose_dtype("auto", CPU).value == "float32"
    assert choose_dtype("bfloat16", CPU).value == "bfloat16"
    with pytest.raises(UsageError, match="float16 does not train on a CPU"):
        choose_dtype("float16", CPU)
    with pytest.raises(UsageError, match="underflows"):
        choose_dtype("float16", MPS)


def test_a_large_base_is_held_in_bfloat16_where_a_timed_product_pays() -> None:
    """Decided by this CPU's own products, and the reason says how they compared."""
    import torch

    chosen = choose_dtype("auto", CPU, parameters=500_000_000)
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        (share,) = re.findall(r"takes (\d+\.\d\d) of a float32 one's time here", chosen.reason)
        if float(share) > 0.79:
            assert chosen.value == "float32"
        elif float(share) < 0.75:
            assert chosen.value == "bfloat16"
    else:
        assert chosen.value == "float32"
        assert "without bfloat16" in chosen.reason
    assert choose_dtype("auto", CPU, parameters=1_000_000).value == "float32"
    assert choose_dtype("float32", CPU, parameters=500_000_000).value == "float32"


def test_a_device_that_agrees_with_the_cpu_passes() -> None:
    assert "agrees" in compare_with_cpu("cpu", dtype="float32")
    assert "agrees" in compare_with_cpu("cpu", dtype="bfloat16")


def test_a_wrong_loss_and_a_weight_that_does_not_move_are_found() -> None:
    """What broken kernels did: another loss, or an optimizer whose update never arrives."""
    from brie.train.smoke import _model

    model = _model()
    right = one_step(model, "cpu", dtype="float32")
    assert disagreement(right, right, 0.01) is None
    assert "loss" in str(disagreement(right, Step(right.loss * 1.1, right.changes), 0.01))
    assert "loss" in str(disagreement(right, Step(float("nan"), right.changes), 0.01))
    name = next(iter(right.changes))
    stuck = copy.copy(right.changes) | {name: right.changes[name] * 0}
    assert name in str(disagreement(right, Step(right.loss, stuck), 0.01))


def test_the_comparison_leaves_its_model_as_it_was() -> None:
    from brie.train.smoke import _model

    model = _model()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    one_step(model, "cpu", dtype="float32")
    assert all((p == before[n]).all() for n, p in model.named_parameters())
