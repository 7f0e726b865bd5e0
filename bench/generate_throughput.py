"""Both sides of 32 prompts x 64 new tokens: brie's way against one prompt at a time, two models.

    python -m bench.generate_throughput [--rounds 3]
    python -m bench.generate_throughput --device cuda --shape 3b --bandwidth 3350

Interleaved, medians. The plain way answers `--plain` prompts a round, since its pace does not
depend on how many there are; brie answers all of them. A step has to read all weights once, so
memory bandwidth (GB/s, from the device's data sheet) over their size limits the steps a second,
and that times the batch limits tokens a second.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch

from bench.generate_shape import SHAPES, adapter, base, keep, median, requests
from brie.generate import detect_environment
from brie.generate.encode import Encoder
from brie.generate.load import load_adapter, load_model
from brie.generate.local import TransformersEngine


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--plain", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shape", choices=SHAPES, default="0.5b")
    parser.add_argument("--bandwidth", type=float, help="GB/s of the device's memory")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    environment, reason = detect_environment(asked.device, dtype=asked.dtype)
    print(reason, flush=True)
    encoder = Encoder.load(base(asked.shape))
    models = {
        None: load_model(base(asked.shape), environment),
        "tuned": load_adapter(load_model(base(asked.shape), environment), "tuned", adapter(asked.shape)),
    }
    wanted = [r for side in models for r in requests(asked.prompts, side, asked.tokens, environment)]
    plain = [r for side in models for r in requests(asked.plain, side, asked.tokens, environment)]
    paces: dict[str, list[float]] = {"one at a time, two models": [], "brie": []}
    with TransformersEngine.load(
        base(asked.shape), environment, {"tuned": adapter(asked.shape)}
    ) as engine:
        for number in range(asked.rounds):
            paces["one at a time, two models"].append(one_at_a_time(models, encoder, plain))
            paces["brie"].append(batched(engine, wanted))
            print(
                number,
                {name: round(p[-1], 1) for name, p in paces.items()},
                engine.pace.size,
                flush=True,
            )
    medians = {name: median(values) for name, values in paces.items()}
    ratio = medians["brie"] / medians["one at a time, two models"]
    for name, value in medians.items():
        print(f"{name:28} {value:8.1f} tokens/s")
    print(f"ratio {ratio:.2f}")
    limit = None
    if asked.bandwidth is not None:
        size = sum(p.numel() * p.element_size() for p in models[None].parameters())
        limit = round(asked.bandwidth * 1e9 / size * engine.pace.size, 1)
        print(f"limit by memory bandwidth {limit:,.0f} tokens/s ({medians['brie'] / limit:.0%} of it)")
    shape = "" if asked.shape == "0.5b" else f"_{asked.shape}"
    keep(
        f"generate_throughput_{environment.device}_{environment.dtype}{shape}",
        {
            "shape": asked.shape,
            "limit_by_bandwidth": limit,
            "tokens_per_second": medians,
            "rounds": paces,
            "ratio": round(ratio, 3),
            "batch": engine.pace.size,
        },
    )


def batched(engine: TransformersEngine, wanted: list[Any]) -> float:
    """Tokens a second, both sides."""
    start = time.perf_counter()
    tokens = sum(completion.tokens for completion in engine.generate(wanted))
    return tokens / (time.perf_counter() - start)


def one_at_a_time(models: dict[str | None, Any], encoder: Encoder, wanted: list[Any]) -> float:
    """Tokens a second of `model.generate` with a batch of one."""
    start, tokens = time.perf_counter(), 0
    for request in wanted:
        model = models[request.adapter]
        ids = torch.tensor([encoder.encode(request.messages)], device=model.device)
        limit = request.sampling.max_new_tokens
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=request.sampling.temperature,
                top_k=0,
                max_new_tokens=limit,
            )
        tokens += output.shape[1] - ids.shape[1]
    return tokens / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
