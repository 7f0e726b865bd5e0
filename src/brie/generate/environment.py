"""Which device and dtype generation uses, and why."""

from __future__ import annotations

from brie import versions
from brie.errors import UsageError, unknown
from brie.generate.vllm_engine import VLLM, by_vllm
from brie.records import Environment

TRANSFORMERS = "transformers"
_DTYPES = ("float32", "bfloat16", "float16")
SERVED = Environment(
    engine="openai-compatible", dtype="served", device="served", sampler=versions.SAMPLER
)
"""Of completions made by a server, which keeps its dtype and device to itself."""


def detect_environment(
    device: str | None = None, *, dtype: str | None = None, engine: str = TRANSFORMERS
) -> tuple[Environment, str]:
    """The environment for this machine, with the reason that is printed.

    Args:
        device: `cpu`, `cuda` or `mps`; None: the fastest that is there.
        dtype: `float32`, `bfloat16` or `float16`; None: what suits the device.
        engine: `transformers` or `vllm`.

    Raises:
        UsageError: the device or the engine is not there, or the dtype is unknown.
    """
    present = _devices()
    device = device or present[0]
    if device not in present:
        raise UsageError(
            f"there is no device {device!r} on this machine; there is {' and '.join(present)}."
        )
    if dtype is None:
        dtype, reason = _dtype(device)
    elif dtype in _DTYPES:
        reason = f"{dtype} on {device}: asked for"
    else:
        raise unknown("dtype", dtype, _DTYPES)
    environment = Environment(dtype=dtype, device=device, sampler=versions.SAMPLER)
    return by_vllm(environment) if engine == VLLM else (environment, reason)


def environment_elsewhere(
    device: str, *, native_bfloat16: bool | None, dtype: str | None = None
) -> Environment:
    """The environment of another machine, as that machine would decide it.

    Args:
        device: what it computes on.
        native_bfloat16: whether its GPU computes in bfloat16; None: it has none, or that is not known.
        dtype: `float32`, `bfloat16` or `float16`; None: what suits the device.

    Raises:
        UsageError: the dtype is unknown, or has to be named.
    """
    if dtype is not None and dtype not in _DTYPES:
        raise unknown("dtype", dtype, _DTYPES)
    if dtype is None and device == "cuda" and native_bfloat16 is None:
        raise UsageError(
            "whether that GPU computes in bfloat16 is not known; name one: --dtype bfloat16"
        )
    dtype = dtype or ("bfloat16" if device == "cuda" and native_bfloat16 else "float32")
    return Environment(dtype=dtype, device=device, sampler=versions.SAMPLER)


def _dtype(device: str) -> tuple[str, str]:
    import torch

    if device == "cpu":
        return "float32", "float32: on cpu it keeps a text independent of its batch"
    if device == "mps":
        return "float32", "float32: bfloat16 on mps is emulated by some chips and gains nothing there"
    major, minor = torch.cuda.get_device_capability()
    if major >= 8:
        return "bfloat16", f"bfloat16: cuda sm_{major}{minor} computes in it natively"
    return "float32", f"float32: cuda sm_{major}{minor} has no native bfloat16"


def _devices() -> list[str]:
    """What this machine has, fastest first."""
    import torch

    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return [name for name, there in available.items() if there]
