"""Keep the libraries from talking: brie says what matters itself. No telemetry either."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from brie.pin.few_bits import import_if_there
from brie.pin.libraries import quiet_transformers


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers, datasets, trl, peft and accelerate while the block runs."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import_if_there()
    levels = {name: logging.getLogger(name).level for name in ("accelerate", "trl", "peft")}
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
