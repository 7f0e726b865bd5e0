"""The variables that programs of others are started with: what they need to run, no key, no setting.

llama-cpp-python's server would listen where HOST and PORT say and take its settings from CONFIG_FILE,
API_KEY, SEED, …, whatever its command line asks. So what is handed on is named here, and not what is
kept back.
"""

from __future__ import annotations

import os

_NAMES = frozenset(
    ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
     "NVIDIA_VISIBLE_DEVICES")
)  # fmt: skip
_KINDS = (
    "LC_", "XDG_", "DYLD_", "OMP_", "MKL_", "OPENBLAS_", "CUDA_", "HIP_", "ROCR_", "HSA_", "GGML_",
    "VK_",
)  # fmt: skip
"""Where libraries lie, which devices there are, and how many threads compute."""


def environment(**also: str) -> dict[str, str]:
    """Variables for a program of others.

    Args:
        also: further ones.
    """
    handed_on = {
        name: value for name, value in os.environ.items() if name in _NAMES or name.startswith(_KINDS)
    }
    return handed_on | also
