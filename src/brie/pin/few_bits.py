"""Weights in few bits that transformers runs through bitsandbytes: which folders hold them, and how.

Everything else in few bits (GPTQ, AWQ, FP8, …) needs a program of its own and is refused.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from brie.errors import UsageError
from brie.pin.folders import json_or_empty, refuse_quantised

if TYPE_CHECKING:
    import torch

BITSANDBYTES = "bitsandbytes"
FORMATS = ("nf4", "fp4", "int8")
"""Number formats of bitsandbytes: normal floats and floats of 4 bits, whole numbers of 8."""
_REPACKS = "support_avx512bf16_for_cpu"
"""What bitsandbytes calls it, of a layer."""
_INSTALL = "pip install 'brie-eval[bitsandbytes]'"


def packed_format(folder: Path) -> str | None:
    """The number format of a folder's weights by its config, where bitsandbytes packed them; else None.

    Raises:
        PinError: the config is damaged.
    """
    packed = json_or_empty(folder / "config.json").get("quantization_config")
    return _format(packed) if isinstance(packed, dict) else None


def _format(packed: dict[str, JsonValue]) -> str | None:
    if packed.get("quant_method", BITSANDBYTES) != BITSANDBYTES:
        return None
    if packed.get("load_in_8bit") is True:
        return "int8"
    kind = packed.get("bnb_4bit_quant_type", "fp4")
    return str(kind) if packed.get("load_in_4bit") is True and kind in FORMATS[:2] else None


def refuse_unrunnable(folder: Path) -> None:
    """Refuse weights in few bits that transformers does not run by itself or with bitsandbytes.

    Raises:
        PinError: the folder's model is one; says by which method, and what to do.
    """
    if packed_format(folder) is None:
        refuse_quantised(folder)


def read_by(folder: Path) -> str | None:
    """What reads a folder's weights besides transformers: `bitsandbytes`, or nothing."""
    return BITSANDBYTES if packed_format(folder) is not None else None


def require_bitsandbytes(what: str) -> None:
    """Refuse where the package is missing.

    Args:
        what: what needs it, for the message.

    Raises:
        UsageError: it is not installed; says how to install it.
    """
    if importlib.util.find_spec(BITSANDBYTES) is None:
        raise UsageError(f"{what} needs bitsandbytes, which is not installed: {_INSTALL}")


def import_bitsandbytes(what: str) -> None:
    """Import bitsandbytes; see `import_if_there`.

    Args:
        what: what needs it, for the message.

    Raises:
        UsageError: it is not installed; says how to install it.
    """
    require_bitsandbytes(what)
    import_if_there()


def import_if_there() -> None:
    """Import bitsandbytes, where it is installed, before PEFT does: quietly, and as it is installed.

    On some processors it asks the package `kernels` for more of its code from the Hub while it is
    imported; brie runs what was installed, and nothing else. Its notices come with every product.
    """
    if BITSANDBYTES in sys.modules or importlib.util.find_spec(BITSANDBYTES) is None:
        return
    logging.getLogger(BITSANDBYTES).setLevel(logging.ERROR)
    kernels = sys.modules.get("kernels")
    sys.modules["kernels"] = None  # type: ignore[assignment]
    try:
        importlib.import_module(BITSANDBYTES)
    finally:
        del sys.modules["kernels"]
        if kernels is not None:
            sys.modules["kernels"] = kernels


def stay_learnable(model: torch.nn.Module) -> None:
    """Keep a model in 4 bits on a processor such that gradients pass through it.

    On processors with AVX-512 BF16 bitsandbytes repacks weights the first time they are only read, such
    as by a validation, into a form that nothing can be learned through any more.
    """
    for layer in model.modules():
        if hasattr(layer, _REPACKS):
            setattr(layer, _REPACKS, False)
