"""How long it takes to look for 1,000 prompts in 100,000 training rows, and what is found.

    python bench/contamination.py [ROWS] [PROMPTS]

Writes a seeded training file of chats (about 230 words a row, every prompt of its own: the
hardest case) with leaks planted at five edit distances, looks for the prompts in it as `brie eval`
does, prints the rates and the time, and writes bench/results/contamination.json.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.output import save, table
from brie.data.load import load
from brie.data.near import search
from brie.data.overlap import entries

SEED = 11
PLANTED = 100
"""Leaks at each distance."""
SYLLABLES = "ba co di fu ge ha jo ki lu me no pa ri su to va we xi yo za".split()  # noqa: SIM905
VOCABULARY = 20_000


def word(number: int) -> str:
    """One word of the vocabulary: two to four syllables, the frequent ones short."""
    parts = [SYLLABLES[number % 20]]
    while number >= 20:
        number //= 20
        parts.append(SYLLABLES[(number * 7 + 3) % 20])
    return "".join(parts) + ("s", "r", "n", "")[number % 4]


def words(draw: random.Random, count: int) -> str:
    """Text in which, as in any language, a few words are frequent and most are rare."""
    return " ".join(word(int(VOCABULARY ** draw.random())) for _ in range(count))


def changed(share: int) -> Callable[[str, random.Random], str]:
    """One word in `share` replaced."""

    def edit(text: str, draw: random.Random) -> str:
        parts = text.split()
        for place in draw.sample(range(len(parts)), max(1, round(len(parts) / share))):
            parts[place] = words(draw, 1) + "q"
        return " ".join(parts)

    return edit


def letter(text: str, draw: random.Random) -> str:
    """One letter changed."""
    place = draw.randrange(len(text))
    return text[:place] + "q" + text[place + 1 :]


EDITS: dict[str, Callable[[str, random.Random], str]] = {
    "capitals and commas": lambda text, draw: ", ".join(text.upper().split()),
    "one letter": letter,
    "1 word in 20": changed(20),
    "1 word in 10": changed(10),
    "1 word in 5": changed(5),
    "inside a longer text": lambda text, draw: f"{words(draw, 80)} {text} {words(draw, 80)}",
}


def write(path: Path, rows: int, planted: list[str], draw: random.Random) -> None:
    """A training file with the planted prompts spread over it."""
    asked = planted + [words(draw, draw.randint(10, 60)) for _ in range(rows - len(planted))]
    draw.shuffle(asked)
    with path.open("w", encoding="utf-8") as handle:
        for prompt in asked:
            turns = [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": words(draw, 200)},
            ]
            handle.write(json.dumps({"messages": turns}) + "\n")


def main() -> None:
    """Measure and record."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    prompts = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    draw = random.Random(SEED)
    wanted = {f"p{number}": [words(draw, draw.randint(10, 60))] for number in range(prompts)}
    names = iter(wanted)
    leaked = {name: [next(names) for _ in range(PLANTED)] for name in EDITS}
    planted = [EDITS[edit](wanted[name][0], draw) for edit, own in leaked.items() for name in own]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        write(path, rows, planted, draw)
        megabytes = path.stat().st_size / 1e6
        start, cpu = time.perf_counter(), time.process_time()
        read = load(path)
        loaded = time.perf_counter() - start
        found = search(wanted, entries(read))
        seconds, used = time.perf_counter() - start, time.process_time() - cpu
    rates: list[dict[str, Any]] = [
        {"planted": edit, "found": sum(name in found for name in own) / PLANTED}
        for edit, own in leaked.items()
    ]
    clean = set(wanted).difference(*leaked.values())
    rates.append({"planted": "nothing", "found": sum(n in found for n in clean) / max(1, len(clean))})
    result = {
        "seed": SEED,
        "rows": rows,
        "prompts": prompts,
        "megabytes": round(megabytes),
        "seconds": round(seconds, 1),
        "of which reading": round(loaded, 1),
        "cpu seconds": round(used, 1),
        "peak GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    print("  ".join(f"{name} {value}" for name, value in result.items()))
    print(table(rates))
    save("contamination", {**result, "rates": rates})


if __name__ == "__main__":
    main()
