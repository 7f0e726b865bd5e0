"""Where to compute and in which number format, each with the reason that is printed."""

from __future__ import annotations

import functools
import platform
import time
from typing import TYPE_CHECKING, Literal

from brie.errors import UsageError, unknown
from brie.train.config import Decided, DeviceInfo

if TYPE_CHECKING:
    import torch

DeviceType = Literal["cuda", "mps", "cpu"]
DEVICES: tuple[DeviceType, ...] = ("cuda", "mps", "cpu")

SMALL_BASE = 25_000_000
"""Parameters under which a CPU computes in float32, and as TRL does, without asking what is faster."""
_PAYS = 1.3
"""How many times as fast bfloat16 must be to give up float32's digits for it."""


def choose_device(wanted: str = "auto") -> tuple[DeviceInfo, str]:
    """The device and why.

    Args:
        wanted: `auto`, `cuda`, `mps` or `cpu`.

    Raises:
        UsageError: the device asked for is not here.
    """
    import torch

    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted != "auto" and wanted not in here:
        raise unknown("device", wanted, ["auto", *DEVICES])
    if wanted != "auto" and not here[wanted]:
        usable = ", ".join(name for name in DEVICES if here[name])
        raise UsageError(f"this machine (or this build of torch) has no {wanted}; usable: {usable}.")
    kind = next(name for name in DEVICES if here[name]) if wanted == "auto" else wanted
    reason = "asked for" if wanted != "auto" else f"first usable of {', '.join(DEVICES)}"
    return _describe(kind), reason


def _describe(kind: str) -> DeviceInfo:
    import torch

    if kind == "cuda":
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        return DeviceInfo(type="cuda", name=properties.name, memory_bytes=properties.total_memory)
    if kind == "mps":
        limit = torch.mps.recommended_max_memory()
        return DeviceInfo(type="mps", name=platform.processor() or "Apple GPU", memory_bytes=limit)
    return DeviceInfo(type="cpu", name=_cpu_name(), memory_bytes=total_memory())


def _cpu_name() -> str:
    from pathlib import Path

    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def total_memory() -> int | None:
    """Bytes of main memory, None where the system does not say."""
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def choose_dtype(wanted: str, device: DeviceInfo, *, parameters: int = 0) -> Decided:
    """The number format of the frozen base; adapter and optimizer stay in float32.

    Args:
        wanted: `auto` or a format.
        device: where it computes.
        parameters: how many the base has; a small one stays exact on a CPU.

    Raises:
        UsageError: the format asked for does not train on this device.
    """
    if device.type == "cuda":
        return _cuda_dtype(wanted)
    if device.type == "mps":
        return _mps_dtype(wanted)
    if wanted == "float16":
        raise UsageError("float16 does not train on a CPU; use --set dtype=float32 or bfloat16.")
    if wanted != "auto":
        return Decided(value=wanted, reason="asked for")
    if parameters < SMALL_BASE:
        return Decided(value="float32", reason="cpu: exact")
    return _cpu_dtype()


@functools.cache
def _cpu_dtype() -> Decided:
    """bfloat16 where this CPU multiplies in it, and a product that was timed here is faster."""
    import torch

    if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return Decided(value="float32", reason="cpu without bfloat16 products")
    single, half = _product_seconds(torch.float32), _product_seconds(torch.bfloat16)
    times = f"a bfloat16 product takes {half / single:.2f} of a float32 one's time here"
    if half * _PAYS > single:
        return Decided(value="float32", reason=f"cpu probe: {times}")
    return Decided(value="bfloat16", reason=f"cpu probe: {times}")


def _product_seconds(dtype: torch.dtype) -> float:
    """The shortest of a few timed products of about a layer's size."""
    import torch

    left, right = torch.ones(256, 1024, dtype=dtype), torch.ones(1024, 4096, dtype=dtype)

    def once() -> float:
        began = time.perf_counter()
        torch.mm(left, right)
        return time.perf_counter() - began

    return min(once() for _ in range(5))


def _cuda_dtype(wanted: str) -> Decided:
    import torch

    if not torch.cuda.is_available():  # explained for another machine
        if wanted != "auto":
            return Decided(value=wanted, reason="asked for")
        return Decided(value="bfloat16", reason="as GPUs from compute capability 8.0 compute")
    major, minor = torch.cuda.get_device_capability()
    modern = major >= 8
    if wanted == "bfloat16" and not modern:
        raise UsageError(
            f"bfloat16 needs compute capability 8.0, this GPU has {major}.{minor}; "
            "use --set dtype=float16."
        )
    if wanted != "auto":
        return Decided(value=wanted, reason="asked for")
    if modern:
        return Decided(value="bfloat16", reason=f"cuda sm_{major}{minor} computes in bfloat16")
    return Decided(value="float16", reason=f"cuda sm_{major}{minor} has no bfloat16; loss is scaled")


def _mps_dtype(wanted: str) -> Decided:
    if wanted == "float16":
        raise UsageError("float16 underflows in training on MPS; use --set dtype=bfloat16 or float32.")
    works, reason = _probe_bfloat16_on_mps()
    if wanted == "bfloat16" and not works:
        raise UsageError(f"bfloat16 does not work on this Mac ({reason}); use --set dtype=float32.")
    if wanted != "auto":
        return Decided(value=wanted, reason="asked for")
    return Decided(value="bfloat16" if works else "float32", reason=f"mps probe: {reason}")


def _probe_bfloat16_on_mps() -> tuple[bool, str]:
    """A small product under autocast with its gradient, against the CPU."""
    import torch

    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(64, 64, generator=generator) for _ in range(2))
    expected = left @ right
    try:
        weight = right.to("mps", torch.bfloat16).requires_grad_()
        with torch.autocast("mps", dtype=torch.bfloat16):
            product = left.to("mps") @ weight
        product.float().sum().backward()
        off = (product.float().cpu() - expected).abs().max().item()
        finite = weight.grad is not None and bool(torch.isfinite(weight.grad).all())
    except (RuntimeError, TypeError) as error:
        return False, f"bfloat16 refused: {str(error).splitlines()[0]}"
    if not finite or off > 1.0:
        return False, f"bfloat16 computes wrongly (off by {off:.2g})"
    return True, "bfloat16 product and gradient agree with the CPU"


def peak_memory(device: str) -> int:
    """Bytes: the most this process held so far (on MPS: holds now, which is what it reports)."""
    import torch

    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    if device == "mps":
        return int(torch.mps.driver_allocated_memory())
    return _peak_of_process()


def _peak_of_process() -> int:
    """The kernel's high-water mark of main memory.

    On Linux from /proc: `ru_maxrss` is handed on from the process that started this one, so a
    small run begun by a large program would show that program's peak.
    """
    import resource
    import sys
    from pathlib import Path

    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
