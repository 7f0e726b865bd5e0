"""Drawing a token by per-sample noise against `torch.multinomial`, interleaved.

    python -m bench.generate_noise [cpu|cuda]

Both start from the same logits (16 rows, vocabulary 151,936, temperature .75) and end with
tokens; `multinomial alone` starts from finished probabilities.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch

from bench.generate_shape import VOCABULARY, keep, median
from brie.generate.draw import draw
from brie.generate.noise import step_seeds
from brie.records import Sampling

ROWS, ROUNDS = 16, 41


def main() -> None:
    torch.set_num_threads(1)
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(ROWS, VOCABULARY, generator=generator).to(device)
    seeds = torch.arange(ROWS, device=device)
    probabilities = (logits / 0.75).softmax(-1)

    def ours(sampling: Sampling) -> Callable[[], torch.Tensor]:
        return lambda: draw(logits, step_seeds(seeds, torch.full_like(seeds, 3)), sampling)

    ways: dict[str, Callable[[], torch.Tensor]] = {
        "torch.multinomial": lambda: torch.multinomial((logits / 0.75).softmax(-1), 1),
        "torch.multinomial alone": lambda: torch.multinomial(probabilities, 1),
        "brie": ours(Sampling()),
        "brie, top_k 50": ours(Sampling(top_k=50)),
        "brie, top_p .9": ours(Sampling(top_p=0.9)),
        "brie, top_k 20, top_p .8": ours(Sampling(top_k=20, top_p=0.8)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            wait()
            start = time.perf_counter()
            way()
            wait()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: median([1000 * s for s in times[1:]]) for name, times in seconds.items()}
    for name, value in medians.items():
        print(f"{name:28} {value:8.2f} ms")
    ratio = medians["brie"] / medians["torch.multinomial"]
    print(f"brie / torch.multinomial = {ratio:.2f}")
    name = "generate_noise" if device == "cpu" else f"generate_noise_{device}"
    keep(name, {"rows": ROWS, "milliseconds": medians, "ratio": round(ratio, 3)})


if __name__ == "__main__":
    main()
