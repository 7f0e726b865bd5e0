"""Reads token ids with llama.cpp, through the package llama-cpp-python."""

import json
import sys
from pathlib import Path

import numpy as np


def main(model: str, asked: str, logits: str, tokens: str) -> None:
    """Write logits at the scored positions, and what the texts become."""
    from llama_cpp import GGML_TYPE_F32, Llama  # type: ignore[import-not-found]

    rows = json.loads(Path(asked).read_text("utf-8"))["rows"]
    longest = max(len(row["ids"]) for row in rows)
    # The cache in float32: it is the file that is judged, not what a cache is rounded to.
    llama = Llama(
        model,
        n_ctx=longest + 8,
        n_batch=longest + 8,
        logits_all=True,
        verbose=False,
        n_gpu_layers=0,
        type_k=GGML_TYPE_F32,
        type_v=GGML_TYPE_F32,
    )
    total = sum(len(row["ids"]) - row["start"] for row in rows)
    array = np.lib.format.open_memmap(
        logits, mode="w+", dtype=np.float32, shape=(total, llama.n_vocab())
    )
    at, ids = 0, []
    for row in rows:
        llama.reset()
        llama.eval(row["ids"][:-1])
        scored = len(row["ids"]) - row["start"]
        array[at : at + scored] = llama.scores[row["start"] - 1 : len(row["ids"]) - 1]
        at += scored
        ids.append(llama.tokenize(row["text"].encode("utf-8"), add_bos=False, special=row["answer"]))
        print(len(ids), flush=True)
    array.flush()
    Path(tokens).write_text(json.dumps(ids), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
