"""What a shipped file or folder is, by its content; nothing is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from brie.errors import PinError, UsageError
from brie.forms.header import MAGIC, GgufHeader, read_header
from brie.pin import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from brie.pin.adapters import MLX_WEIGHTS
from brie.pin.few_bits import FORMATS, packed_format
from brie.pin.folders import json_or_empty
from brie.pin.tensors import tensors
from brie.records.shipping import Form

_MOST_HEADER = 100_000_000
_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A shipped model on this machine."""

    path: Path
    form: Form
    number_format: str
    """That of most of its numbers."""
    header: GgufHeader | None = None
    """Of a GGUF file."""

    @property
    def is_packed(self) -> bool:
        """Whether it is a folder whose weights bitsandbytes packed."""
        return self.form == "merged" and self.number_format in FORMATS

    @property
    def is_float(self) -> bool:
        """Whether its weights are floating-point numbers, which can agree within rounding."""
        return self.number_format in ("float32", "float16", "bfloat16")


def is_shipped_form(path: Path) -> bool:
    """Whether a path is a form that `pin.resolve` does not read by itself: GGUF, or of mlx-lm."""
    if path.is_file():
        return path.suffix == ".gguf" or _begins_as_gguf(path)
    return path.is_dir() and (_is_mlx_adapter(path) or _is_mlx(path))


def detect(path: Path) -> OnDisk:
    """Say what a path holds.

    Raises:
        UsageError: nothing that is shipped, or several files of which one is to be named.
        PinError: it is one and damaged.
    """
    if path.is_file():
        if path.suffix != ".gguf" and not _begins_as_gguf(path):
            raise UsageError(
                f"{path} is no GGUF file; brie check reads a GGUF file, an adapter, a merged or MLX "
                "folder, RUN:best, hf:REPO@SHA or server:LABEL#MODEL."
            )
        header = read_header(path)
        return OnDisk(path, "gguf", header.number_format, header)
    if not path.is_dir():
        raise UsageError(f"there is no {path}; see what there is: brie ls")
    if _is_mlx_adapter(path):
        return OnDisk(path, "mlx-adapter", _folder_format(path))
    if (path / ADAPTER_WEIGHTS).is_file():
        return OnDisk(path, "adapter", _folder_format(path))
    if not (path / "config.json").is_file():
        return detect(_only_gguf(path))
    return OnDisk(path, "mlx" if _is_mlx(path) else "merged", _folder_format(path))


def _begins_as_gguf(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(4) == MAGIC


def _only_gguf(folder: Path) -> Path:
    """The GGUF file of a folder of them.

    Raises:
        UsageError: there is none, or a choice.
    """
    files = sorted(folder.glob("*.gguf"))
    if len(files) == 1:
        return files[0]
    if files:
        listing = "\n".join(f"  brie check {file}" for file in files)
        raise UsageError(f"{folder} holds {len(files)} GGUF files; say which:\n{listing}")
    raise UsageError(
        f"{folder} holds no model: no config.json, no {ADAPTER_WEIGHTS}, no *.gguf. "
        "See: brie check --help"
    )


def _is_mlx_adapter(folder: Path) -> bool:
    if (folder / ADAPTER_WEIGHTS).is_file():
        return False
    if (folder / MLX_WEIGHTS).is_file():
        return True
    settings = json_or_empty(folder / ADAPTER_CONFIG)
    return "lora_parameters" in settings or "fine_tune_type" in settings


def _is_mlx(folder: Path) -> bool:
    """mlx-lm writes `format: mlx` into its weights, and `quantization` into a packed model's config."""
    config = json_or_empty(folder / "config.json")
    if isinstance(packed := config.get("quantization"), dict) and "group_size" in packed:
        return True
    weights = sorted(folder.glob("model*.safetensors"))
    return bool(weights) and _metadata(weights[0]).get("format") == "mlx"


def _metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself."""
    with path.open("rb") as handle:
        size = int.from_bytes(handle.read(8), "little")
        raw = handle.read(min(size, _MOST_HEADER))
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _folder_format(folder: Path) -> str:
    """The number format of most of a folder's numbers; packed ones by how many bits they have."""
    config = json_or_empty(folder / "config.json")
    packed = config.get("quantization")
    if isinstance(packed, dict):
        return f"mlx-{packed.get('bits')}bit"
    if isinstance(other := config.get("quantization_config"), dict):
        return packed_format(folder) or str(other.get("quant_method") or "quantised")
    counts: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for tensor in tensors(path).values():
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.size
    if not counts:
        raise PinError(f"{folder} holds no *.safetensors weights; brie loads nothing else.")
    most = max(counts, key=lambda name: counts[name])
    return _NAMES.get(most, most.lower())
