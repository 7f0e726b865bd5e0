"""Programs that read sides which transformers does not read by itself, and their versions."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from brie.errors import UsageError
from brie.forms.llama_server import required_llama_server
from brie.generate.started import LLAMA_CPP
from brie.generate.vllm_engine import VLLM, vllm_version
from brie.pin.few_bits import BITSANDBYTES, require_bitsandbytes


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """Versions of the programs that sides are read by.

    Args:
        names: what their pins say.

    Raises:
        UsageError: one is not installed.
    """
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str:
    if name == LLAMA_CPP:
        return required_llama_server().version
    if name == VLLM:
        return vllm_version()
    if name != BITSANDBYTES:
        raise UsageError(f"this brie does not know {name!r}, which reads a side of that plan.")
    require_bitsandbytes("a side in few bits")
    return version(name)
