"""What can be exported: targets, and the number formats of each."""

from __future__ import annotations

from dataclasses import dataclass

from brie.errors import UsageError, unknown
from brie.pin import Resolved
from brie.pin.few_bits import require_bitsandbytes
from brie.pin.folders import json_or_empty

TARGETS = ("merged", "gguf", "mlx", "ollama")
FLOATS = ("float32", "float16", "bfloat16")
CONVERTED = ("q8_0",)
"""GGUF formats that GGML's converter writes by itself."""
QUANTISED: dict[str, int] = {
    "q4_0": 2, "q4_1": 3, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k_m": 12, "q4_k_s": 14, "q4_k_m": 15,
    "q5_k_m": 17, "q6_k": 18,
}  # fmt: skip
"""GGUF formats that need llama.cpp's quantiser -> its number of them (`llama_ftype`)."""
MLX_BITS = {"mlx-4bit": 4, "mlx-8bit": 8}
PACKED = ("nf4", "int8")
"""Formats of a merged folder that bitsandbytes packs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One export as it was asked for."""

    target: str
    dtype: str
    """Number format of the weights before any quantisation."""
    quantize: str | None

    @property
    def number_format(self) -> str:
        """What the file's numbers are."""
        return self.quantize or self.dtype


def wanted(side: Resolved, target: str, quantize: str | None, dtype: str | None) -> Wanted:
    """Check what was asked for.

    Args:
        side: the checkpoint.
        target: see `TARGETS`.
        quantize: a quantised format, or None.
        dtype: a float format; None: that of the base's own files, with the reason in the manifest.

    Raises:
        UsageError: there is no such target, or it has no such format.
    """
    if target not in TARGETS:
        raise unknown("target", target, TARGETS)
    known = {
        "merged": PACKED,
        "gguf": (*CONVERTED, *QUANTISED),
        "ollama": (*CONVERTED, *QUANTISED),
        "mlx": tuple(MLX_BITS),
    }
    formats = known.get(target, ())
    if quantize is not None and quantize not in formats:
        if target == "merged":
            raise UsageError(
                f"a merged folder is written in {', '.join(FLOATS)} (--dtype), or in "
                f"{' or '.join(PACKED)} (--quantize), not in {quantize}. For other files in few bits: "
                "--to gguf --quantize q4_k_m, or --to mlx --quantize mlx-4bit"
            )
        raise unknown(f"format of {target}", quantize, formats)
    if dtype is not None and dtype not in FLOATS:
        raise unknown("number format", dtype, FLOATS)
    if quantize in PACKED:
        require_bitsandbytes(f"--quantize {quantize}")
    return Wanted(target, dtype or base_dtype(side), quantize)


def sent_form(quantize: str | None) -> str:
    """What is sent to the Hub: a merged folder, or the file of a quantised format."""
    if quantize is None or quantize in PACKED:
        return "merged"
    return "mlx" if quantize in MLX_BITS else "gguf"


def base_dtype(side: Resolved) -> str:
    """The number format of the base's files, which is what merging should give back."""
    config = json_or_empty(side.base_folder / "config.json")
    named = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    return named if named in FLOATS else "float32"
