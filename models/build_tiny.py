"""Rebuild the embedded default: the tiny base, its training file and its suite.

    python models/build_tiny.py               everything, some minutes on two cores
    python models/build_tiny.py --data-only   the training file and the suite, at once

Everything comes from `models/corpus/` and a seed. The data files are the same bytes on every
machine; the weights are the same on one machine and equal up to rounding elsewhere.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models.demo_data import demo_jsonl, pretraining, suite_toml
from models.tiny_corpus import Corpus, load_corpus

ROOT = Path(__file__).resolve().parents[1]
SEED = 7
TEXTS = 18_000
"""Texts the base is trained on, each with its own random choices."""
EPOCHS = 2


def main() -> None:
    """Write all generated files into the checkout this script lies in."""
    parser = argparse.ArgumentParser(
        description="Rebuild the tiny base, its training file and its suite."
    )
    parser.add_argument("--data-only", action="store_true", help="leave the model as it is")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "tiny", help="the model's folder")
    options = parser.parse_args()
    corpus = load_corpus()
    write_data(corpus, ROOT)
    if not options.data_only:
        import torch

        torch.set_num_threads(1)  # sums in one order: the same weights however many cores are free
        build_model(corpus, options.out)


def write_data(corpus: Corpus, root: Path) -> None:
    """Write `data/demo.jsonl` and `prompt_suites/demo.toml` under `root`."""
    files = {"data/demo.jsonl": demo_jsonl(corpus), "prompt_suites/demo.toml": suite_toml(corpus)}
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {name}")


def build_model(corpus: Corpus, folder: Path, size: int = TEXTS, epochs: int = EPOCHS) -> None:
    """Train the base from nothing on `size` texts and save it."""
    import torch

    from models import tiny_model

    torch.manual_seed(SEED)
    texts = pretraining(corpus, size, Random(SEED))  # noqa: S311 - a reproducible draw, not a secret
    tokenizer = tiny_model.make_tokenizer(tiny_model.plain(texts))
    model = tiny_model.make_model(tokenizer)
    rows = tiny_model.encode(texts, tokenizer)
    print(
        f"{model.num_parameters():,} parameters, {sum(map(len, rows)):,} tokens in {len(rows):,} texts"
    )
    started = time.monotonic()
    for step, loss in tiny_model.train(model, rows, epochs):
        print(f"step {step}: loss {loss:.3f}, {time.monotonic() - started:.0f} s", flush=True)
    tiny_model.save(model, tokenizer, folder)
    print(f"wrote {folder}")


if __name__ == "__main__":
    main()
