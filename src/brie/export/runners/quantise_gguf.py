"""Quantise a GGUF file with llama.cpp, through the package llama-cpp-python."""

import ctypes
import sys


def main(source: str, target: str, kind: str) -> None:
    """Write `target` in the format of that number."""
    import llama_cpp  # type: ignore[import-not-found]

    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = int(kind)
    params.nthread = 0
    failed = llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params))
    if failed:
        sys.exit(f"llama.cpp could not quantise {source} (code {failed})")


if __name__ == "__main__":
    main(*sys.argv[1:])
