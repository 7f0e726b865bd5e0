"""Loading models: safe from several threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from transformers import PreTrainedModel

from brie.pin.weights import load_causal_lm
from brie.project import packaged

TINY = packaged("models", "tiny")


def test_models_loaded_side_by_side_are_whole_and_leave_nothing_switched_off() -> None:
    """Without a lock transformers leaves weight tying off for every later model of the process."""
    tie = PreTrainedModel.tie_weights
    start = Barrier(4)

    def load() -> bool:
        start.wait()
        models = [load_causal_lm(TINY, "float32") for _ in range(3)]
        return all(not weight.is_meta for model in models for weight in model.parameters())

    with ThreadPoolExecutor(4) as threads:
        whole = list(threads.map(lambda _: load(), range(4)))
    assert whole == [True] * 4
    assert PreTrainedModel.tie_weights is tie
