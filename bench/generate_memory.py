"""Peak memory of generating both sides from one base, against one side and against two models.

    python -m bench.generate_memory [cpu|cuda]

Each way runs in a process of its own: on a CPU its peak resident memory, on a GPU the peak that
torch allocated there.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys

from bench.generate_shape import adapter, base, keep, requests

WAYS = ("one side", "both sides", "two models")
PROMPTS, TOKENS = 8, 8


def main() -> None:
    device, way = (*sys.argv[1:], *("cpu", "")[len(sys.argv) - 1 :])
    if way:
        print(json.dumps(run(way, device)))
        return
    base(), adapter()
    peaks = {way: peak(way, device) for way in WAYS}
    for way, value in peaks.items():
        print(f"{way:12} {value:6.2f} GiB")
    ratio = peaks["both sides"] / peaks["one side"]
    print(f"both sides / one side = {ratio:.3f}")
    name = "generate_memory" if device == "cpu" else f"generate_memory_{device}"
    keep(name, {"peak_gib": peaks, "ratio": round(ratio, 4)})


def peak(way: str, device: str) -> float:
    """GiB, measured in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.generate_memory", device, way],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def run(way: str, device: str) -> float:
    """Generate one way; returns the peak memory in GiB."""
    import torch

    from brie.generate import detect_environment
    from brie.generate.local import TransformersEngine

    torch.set_num_threads(1)
    environment, _ = detect_environment(device)
    sides = (None,) if way == "one side" else (None, "tuned")
    wanted = {side: requests(PROMPTS, side, TOKENS, environment) for side in sides}
    if way == "two models":
        engines = [
            TransformersEngine.load(base(), environment, adapters, batch_size=PROMPTS)
            for adapters in ({}, {"tuned": adapter()})
        ]
        for engine, side in zip(engines, sides, strict=True):
            list(engine.generate(wanted[side]))
    else:
        adapters = {} if way == "one side" else {"tuned": adapter()}
        with TransformersEngine.load(base(), environment, adapters, batch_size=PROMPTS) as engine:
            for side in sides:
                list(engine.generate(wanted[side]))
    if device == "cuda":
        return round(torch.cuda.max_memory_allocated() / 2**30, 3)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30, 3)


if __name__ == "__main__":
    main()
