"""Reads token ids with mlx-lm, as `mlx_lm.server` would."""

import json
import sys
from pathlib import Path

import numpy as np


def main(model: str, asked: str, logits: str, tokens: str) -> None:
    """Write logits at the scored positions, and what the texts become."""
    import mlx.core as mx  # type: ignore[import-not-found]
    from mlx_lm import load  # type: ignore[import-not-found]

    rows = json.loads(Path(asked).read_text("utf-8"))["rows"]
    loaded, tokenizer = load(model)[:2]
    array, at, ids = None, 0, []
    total = sum(len(row["ids"]) - row["start"] for row in rows)
    for row in rows:
        output = loaded(mx.array([row["ids"][:-1]]))[0, row["start"] - 1 :]
        numbers = np.array(output.astype(mx.float32))
        if array is None:
            shape = (total, numbers.shape[1])
            array = np.lib.format.open_memmap(logits, mode="w+", dtype=np.float32, shape=shape)
        array[at : at + len(numbers)] = numbers
        at += len(numbers)
        ids.append(tokenizer.encode(row["text"], add_special_tokens=False))
        print(len(ids), flush=True)
    if array is not None:
        array.flush()
    Path(tokens).write_text(json.dumps(ids), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
