"""Converters of others, most of them run in their own environments, on a merged folder."""

from __future__ import annotations

import json
import shutil
import warnings
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue

from brie.errors import UsageError
from brie.export.options import MLX_BITS, QUANTISED
from brie.forms.merge import copy_beside
from brie.forms.tools import GGUF, LLAMA, MLX, program, run_tool
from brie.pin.few_bits import BITSANDBYTES
from brie.pin.libraries import quiet_transformers
from brie.pin.weights import load_causal_lm, quantized

_RUNNERS = Path(__file__).parent / "runners"
_OUTTYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "q8_0": "q8_0"}
_GPT2_KEYS = {"type", "add_prefix_space", "trim_offsets", "use_regex"}


def to_gguf(merged: Path, file: Path, number_format: str, name: str) -> dict[str, str]:
    """Convert a merged folder to one GGUF file; returns the tools with their versions.

    Args:
        merged: the folder, float32.
        file: written.
        number_format: `float16`, `q8_0`, `q4_k_m`, …
        name: what the file calls its model.

    Raises:
        UsageError: a tool is not installed, or fails; says what it said.
    """
    python = GGUF.required()
    tools = {GGUF.package: GGUF.version(python)}
    quantiser = _quantiser() if number_format in QUANTISED else None
    target = file.with_suffix(".f32.gguf") if quantiser else file
    outtype = _OUTTYPES.get(number_format, "f32")
    run_tool(
        [
            *(str(python), str(_RUNNERS / "convert_gguf.py"), "1" if _is_gpt2(merged) else "0"),
            *(str(merged), "--outtype", outtype, "--outfile", str(target), "--model-name", name),
        ],
        "converting to GGUF",
    )
    if quantiser is not None:
        command, tool = quantiser
        run_tool(
            [part.format(**_quantise(target, file, number_format)) for part in command], "quantising"
        )
        target.unlink()
        tools |= tool
    return tools


def _quantise(source: Path, file: Path, number_format: str) -> dict[str, str]:
    return {
        "source": str(source),
        "file": str(file),
        "name": number_format.upper(),
        "number": str(QUANTISED[number_format]),
    }


def _quantiser() -> tuple[list[str], dict[str, str]]:
    """What quantises a GGUF file here, and its version.

    Raises:
        UsageError: neither llama-quantize nor llama-cpp-python is installed.
    """
    binary = program("llama-quantize")
    if binary is not None:
        return [str(binary), "{source}", "{file}", "{name}"], {"llama-quantize": str(binary)}
    python = LLAMA.python()
    if python is None:
        raise UsageError(
            "a GGUF file in few bits needs llama.cpp's llama-quantize on the path, or llama-cpp-python: "
            f"{LLAMA.install}"
        )
    runner = str(_RUNNERS / "quantise_gguf.py")
    tool = {LLAMA.package: LLAMA.version(python)}
    return [str(python), runner, "{source}", "{file}", "{number}"], tool


def _is_gpt2(merged: Path) -> bool:
    """Whether texts are split as GPT-2 does, by the tokenizer's own file: bytes, by its pattern."""
    path = merged / "tokenizer.json"
    loaded: JsonValue = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if not isinstance(loaded, dict) or loaded.get("normalizer") is not None:
        return False
    split = loaded.get("pre_tokenizer")
    return (
        isinstance(split, dict)
        and set(split) <= _GPT2_KEYS
        and split.get("type") == "ByteLevel"
        and split.get("use_regex") is True
        and split.get("add_prefix_space") is False
    )


def to_mlx(merged: Path, folder: Path, number_format: str, dtype: str) -> dict[str, str]:
    """Convert a merged folder to one of mlx-lm; returns the tool with its version.

    Args:
        merged: the folder, float32; its config names the rope base on top, where mlx-lm looks.
        folder: written anew.
        number_format: a float format, `mlx-4bit` or `mlx-8bit`.
        dtype: of what stays floating-point.

    Raises:
        UsageError: mlx-lm is not installed, or fails.
    """
    python = MLX.required()
    bits = MLX_BITS.get(number_format)
    packed = ["-q", "--q-bits", str(bits), "--q-group-size", "64"] if bits else []
    shutil.rmtree(folder, ignore_errors=True)
    run_tool(
        [str(python), "-m", "mlx_lm", "convert", "--hf-path", str(merged), "--mlx-path", str(folder),
         "--dtype", dtype, *packed],
        "converting to MLX",
    )  # fmt: skip
    return {MLX.package: MLX.version(python)}


def to_bitsandbytes(merged: Path, folder: Path, number_format: str, dtype: str) -> dict[str, str]:
    """Pack a merged folder's linear layers in few bits; returns the tool with its version.

    Args:
        merged: the folder, float32.
        folder: exists, and is empty.
        number_format: `nf4` or `int8`.
        dtype: of what stays floating-point (embedding, norms, output weights) and of products.

    Raises:
        UsageError: bitsandbytes is not installed.
    """
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = load_causal_lm(merged, dtype, **quantized("cpu", dtype, number_format))
        model.save_pretrained(folder)
    copy_beside(merged, folder)
    return {BITSANDBYTES: version(BITSANDBYTES)}
