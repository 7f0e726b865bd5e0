"""How many sampled texts are equal whatever the batch: 0.5B shape, random weights.

    python -m bench.generate_equal [--texts 512] [--tokens 16] [--device cpu|cuda] [--dtype DTYPE]

Random weights are the hard case: the distribution is nearly flat over 151,936 tokens, so that
rounding has the most boundaries to cross. Besides whole texts, single draws are compared by the
two ways of drawing: brie's, and an inverse CDF over the vocabulary.
"""

from __future__ import annotations

import argparse
import random
import time
from typing import Any

import torch
from transformers import DynamicCache

from bench.generate_shape import VOCABULARY, base, keep, requests
from brie.generate import detect_environment
from brie.generate.batch import Batch
from brie.generate.draw import draw
from brie.generate.local import TransformersEngine
from brie.generate.noise import step_seeds
from brie.records import Sampling

DRAWS, SAMPLES = 2000, 8
LARGE, SMALL, ALONE = 64, 15, 24


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    environment, _ = detect_environment(asked.device, dtype=asked.dtype)
    wanted = requests(asked.texts // SAMPLES, None, asked.tokens, environment, samples=SAMPLES)
    found: dict[str, Any] = {"tokens": asked.tokens, "device": environment.device}
    found["dtype"] = environment.dtype
    with TransformersEngine.load(base(), environment) as engine:
        if environment.device == "cpu":
            found["single_draws"] = single_draws(engine, wanted[:: len(wanted) // 16][:16])
            print("single draws that rounding changed:", found["single_draws"], flush=True)
        large = texts(engine, wanted, LARGE)
        mixed = list(wanted)
        random.Random(1).shuffle(mixed)
        for name, size, some in (("alone", 1, mixed[:ALONE]), ("small", SMALL, mixed)):
            found[name] = compared(large, texts(engine, some, size), size)
            keep(f"generate_equal_{environment.device}_{environment.dtype}", found)  # as it goes


def compared(one: dict[str, str], two: dict[str, str], size: int) -> dict[str, Any]:
    """How many of the second's texts are the first's."""
    equal = sum(one[key] == text for key, text in two.items())
    print(f"batch {LARGE} against batch {size}, shuffled: {equal} of {len(two)} equal", flush=True)
    return {"batches": [LARGE, size], "texts": len(two), "equal": equal, "share": equal / len(two)}


def texts(engine: TransformersEngine, wanted: list[Any], size: int) -> dict[str, str]:
    """Key -> text, in batches of one size."""
    from brie.generate.pace import Pace

    start = time.perf_counter()
    engine.pace = Pace.start(engine._model.device.type, size)
    found = {c.key: c.text for c in engine.generate(wanted)}
    print(f"batch {size}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


def single_draws(engine: TransformersEngine, wanted: list[Any]) -> dict[str, Any]:
    """Draws from logits computed alone and in a batch, with the same noise."""
    ids = [engine.encoder().encode(request.messages) for request in wanted]
    together = logits(engine, ids)
    alone = torch.cat([logits(engine, [row]) for row in ids])
    steps = torch.zeros(len(wanted), dtype=torch.int64)
    changed = {"brie": 0, "inverse CDF": 0}
    cdf = [(x / 0.75).double().softmax(-1).cumsum(-1) for x in (together, alone)]
    for n in range(DRAWS):
        seeds = step_seeds(torch.arange(len(wanted)) + n * 1000, steps)
        ours = [draw(x, seeds, Sampling()) for x in (together, alone)]
        uniform = torch.rand(len(wanted), 1, dtype=torch.float64)
        plain = [torch.searchsorted(c, uniform * c[:, -1:])[:, 0] for c in cdf]
        changed["brie"] += int((ours[0] != ours[1]).sum())
        changed["inverse CDF"] += int((plain[0] != plain[1]).sum())
    error = (together - alone).abs().max().item()
    return {"draws": DRAWS * len(wanted), "changed": changed, "largest_logit_error": error}


def logits(engine: TransformersEngine, ids: list[list[int]]) -> torch.Tensor:
    """Logits after the last token of each sequence: prompt read left-padded, last token by itself."""
    batch = Batch(engine._model, frozenset(), VOCABULARY, str, joinable=True)
    cache = DynamicCache()
    with torch.inference_mode():
        batch._read([row[:-1] for row in ids], max(map(len, ids)) - 1, cache)
        return batch._read(ids, 1, cache)


if __name__ == "__main__":
    main()
